"""Requests to public addresses, as somebody outside makes them: the DNS is asked for the host, and TLS is verified.

A request has one deadline, whatever the server does, and reads a limited number of bytes. Redirects are not followed.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from threading import Event, Timer
from typing import Any, Final
from urllib.parse import urlsplit

from petition.operation import certificates
from petition.operation.context import WAIT, Context

DEADLINE: Final = 9.0
MOST_BYTES: Final = 65_536
MOST_ADDRESSES: Final = 4
NO_END: Final = "{host} answers with something that is not HTTP, hangs up, or does not end: look at the proxy."
NO_HEADERS: Final[Mapping[str, str]] = {}


class OutsideError(Exception):
    """A public address gave no usable answer. The message is a sentence."""


class NoAddress(OutsideError):
    """The host has no address in the DNS."""


class Unreachable(OutsideError):
    """Nothing answers. `silent`: nothing refused the connection either, which may be a fault of this machine alone."""

    def __init__(self, sentence: str, *, silent: bool) -> None:
        super().__init__(sentence)
        self.silent = silent


class TlsBroken(OutsideError):
    """The certificate is not one that a browser accepts."""


class NotHttp(OutsideError):
    """Something answers that is no web server, or hangs up, or does not come to an end."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A response: status, headers in lower case (each value by itself), the first 64 kB, certificate, and when it came."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    certificate: Mapping[str, Any] | None
    sent: float
    received: float

    def values(self, name: str) -> list[str]:
        """Returns the values of a header."""
        return [value for key, value in self.headers if key == name]


def get(context: Context, url: str, headers: Mapping[str, str] = NO_HEADERS) -> Reply:
    """Returns the answer to a GET. Raises OutsideError, DnsSilent."""
    parts = urlsplit(url)
    host, secure = parts.hostname or "", parts.scheme == "https"
    port = parts.port or (context.https_port if secure else context.http_port)
    raw = _connected(context, host, port)
    over = Event()
    cut = Timer(DEADLINE, _cut, (raw, over))
    cut.daemon = True
    cut.start()
    try:
        line = _secured(raw, host) if secure else raw
        reply = _exchanged(line, parts.netloc, parts.path or "/", headers)
    finally:
        cut.cancel()
        raw.close()
    if over.is_set():  # what came until then looks like a whole answer
        raise NotHttp(NO_END.format(host=host))
    return reply


def _connected(context: Context, host: str, port: int) -> socket.socket:
    addresses = context.dns.addresses(host)
    if not addresses:
        raise NoAddress(f"{host} has no address in the DNS: add an A or AAAA record.")
    failed: OSError | None = None
    for address in addresses[:MOST_ADDRESSES]:
        try:
            return socket.create_connection(
                (str(address), port), timeout=min(WAIT, DEADLINE / len(addresses[:MOST_ADDRESSES]))
            )
        except OSError as error:
            failed = error
    if isinstance(failed, ConnectionRefusedError):
        raise Unreachable(
            f"Nothing answers at port {port} of {host}: start the proxy, or correct the address.", silent=False
        )
    raise Unreachable(
        f"{host} is silent at port {port}: look at the firewall and the proxy. If others reach it and only this machine does "
        "not, the router does not lead back to it.",
        silent=True,
    )


def _cut(line: socket.socket, over: Event) -> None:
    over.set()
    with suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)


def _secured(raw: socket.socket, host: str) -> ssl.SSLSocket:
    try:
        return ssl.create_default_context().wrap_socket(raw, server_hostname=host)
    except ssl.SSLError as error:
        raise TlsBroken(f"Browsers refuse {host}: its certificate {certificates.reason(error)}.") from None
    except OSError:
        raise NotHttp(f"{host} hangs up before TLS is agreed on: look at the proxy.") from None


def _exchanged(line: socket.socket, host: str, path: str, headers: Mapping[str, str]) -> Reply:
    talking = http.client.HTTPConnection(host)
    talking.sock = line
    certificate = line.getpeercert() if isinstance(line, ssl.SSLSocket) else None
    try:
        sent = time.time()
        talking.request(
            "GET", path, headers={"Host": host, "User-Agent": "undersigned doctor", "Connection": "close", **headers}
        )
        response = talking.getresponse()
        received = time.time()
        body = response.read(MOST_BYTES)
    except (http.client.HTTPException, OSError, ValueError):
        raise NotHttp(NO_END.format(host=host)) from None
    found = tuple((name.lower(), value) for name, value in response.getheaders())
    return Reply(response.status, found, body, certificate, sent, received)
