"""Hashes the network that a request comes from. The hash is used for the limits on code mails and for nothing else.

No IP address leaves this module, but to an operator who asks for their own (`seen`), and no client can choose its network. With n trusted proxies, the n-th entry from the
right of X-Forwarded-For was written by our own outermost proxy. Everything to the left of it may be forged and is not
read. X-Forwarded-Host and X-Forwarded-Proto are ignored: links use the configured base URL.

Some proxies write the client's port behind its address (RFC 7239, section 6). Without an address that can be read,
everybody behind the proxy would share one budget, so each process says once that this is so.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

import structlog
from flask import request

from petition.core.process import ProcessValue
from petition.operation.probe import Seen
from petition.web.services import services

IPV6_PREFIX = 56
NOBODY = IPv6Address(0)
HASH = 16
LONGEST_NODE = 64
MOST_NODES = 20
log = structlog.get_logger(__name__)
_warned = ProcessValue("warning about X-Forwarded-For", value=False)


def network() -> bytes:
    """Returns the network of this request as 16 bytes that mean nothing after the hour. Raises RedisUnavailable."""
    here = services()
    packed = prefix(client_address(request.environ, here.config.trusted_proxies))
    return hmac.digest(here.redis_store.network_key(), packed, "sha256")[:HASH]


def client_address(environ: Mapping[str, Any], trusted_proxies: int) -> IPv4Address | IPv6Address:
    """Returns the address that the outermost trusted proxy saw.

    If the header is shorter than that or unreadable, it returns the address of the peer.
    """
    peer = _peer(environ)
    if trusted_proxies == 0:
        return peer
    client = _forwarded(environ, trusted_proxies)
    if client is None:
        _warn_once()
    return client or peer


def seen(environ: Mapping[str, Any], trusted_proxies: int) -> Seen:
    """Returns what is read of a request for its limits, for an operator who asks (`petition.web.probe`)."""
    entries = [each.strip()[:LONGEST_NODE] for each in _entries(environ)][-MOST_NODES:]
    client = _forwarded(environ, trusted_proxies) if trusted_proxies else _peer(environ)
    return Seen(str(_peer(environ)), tuple(each for each in entries if each), str(client or ""), trusted_proxies)


def _peer(environ: Mapping[str, Any]) -> IPv4Address | IPv6Address:
    return _read(str(environ.get("REMOTE_ADDR", ""))) or NOBODY


def _entries(environ: Mapping[str, Any]) -> list[str]:
    return str(environ.get("HTTP_X_FORWARDED_FOR", "")).split(",")


def _forwarded(environ: Mapping[str, Any], trusted_proxies: int) -> IPv4Address | IPv6Address | None:
    entries = _entries(environ)
    return _read_node(entries[-trusted_proxies]) if trusted_proxies <= len(entries) else None


def prefix(address: IPv4Address | IPv6Address) -> bytes:
    """Returns the part of an address that one subscriber holds: a whole IPv4 address, or the /56 of an IPv6 address."""
    if isinstance(address, IPv4Address):
        return address.packed
    return address.packed[: IPV6_PREFIX // 8]


def _read_node(node: str) -> IPv4Address | IPv6Address | None:
    """Read an entry of X-Forwarded-For: an address, with or without brackets, quotation marks and a port behind it."""
    node = node.strip().strip('"')
    host, _, port = node.rpartition(":")
    return _read(node) or (_read(host) if port.isdecimal() else None)


def _read(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text[1:-1] if text.startswith("[") and text.endswith("]") else text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _warn_once() -> None:
    if not _warned.get():
        _warned.set(value=True)
        log.warning("no client address in X-Forwarded-For: everybody behind the proxy shares one limit")
