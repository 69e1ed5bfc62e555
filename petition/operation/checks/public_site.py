"""Checks of the site as somebody outside sees it: address, certificate, HSTS, the way from http, and the proxy's headers."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from petition.operation import certificates, outside, probe
from petition.operation.context import Context
from petition.operation.findings import Finding, fault, ok, warning
from petition.operation.outside import OutsideError, Reply, TlsBroken, Unreachable
from petition.operation.probe import ProbeRefused, Seen

ALIVE: Final = "/healthz"
A_YEAR: Final = 31_536_000
MAX_AGE: Final = re.compile(r"(?:^|;)\s*max-age\s*=\s*\"?([0-9]{1,12})", re.IGNORECASE)
FORGED: Final = "192.0.2.77"
"""An address of nobody (RFC 5737), sent as X-Forwarded-For to see whether it is believed."""
REDIRECTS: Final = frozenset({301, 302, 307, 308})
NOT_PUBLIC: Final = (
    "PETITION_BASE_URL is a name of this machine for itself, so nobody else reaches the site: set the public address."
)


def address(context: Context, _about: str) -> Finding:
    """Looks whether the host of PETITION_BASE_URL is in the DNS and a site answers there."""
    if not context.is_public:
        return warning(NOT_PUBLIC)
    try:
        reply = outside.get(context, context.config.base_url + ALIVE)
    except TlsBroken:
        return warning("The site cannot be asked over TLS: see the line “certificate”.")
    except Unreachable as unreachable:
        return warning(str(unreachable)) if unreachable.silent else fault(str(unreachable))
    except OutsideError as error:
        return fault(str(error))
    if (reply.status, reply.body.strip()) != (200, b"ok"):
        return fault(f"The site does not say ok at {ALIVE} ({reply.status}): look at the proxy and at `web`.")
    return ok(f"{context.host} answers.")


def certificate(context: Context, _about: str) -> Finding:
    """Looks whether browsers accept the certificate, and how long it lasts."""
    if not context.config.base_url.startswith("https://"):
        return warning(
            "PETITION_BASE_URL is not https, so everybody on the way reads what people type: put TLS before it."
        )
    try:
        reply = outside.get(context, context.config.base_url + ALIVE)
    except TlsBroken as broken:
        return fault(str(broken))
    except OutsideError:
        return warning("The certificate could not be seen: see the line “address”.")
    return certificates.life(reply.certificate, context.clock(), context.host, "Browsers accept it")


def strict_transport(context: Context, _about: str) -> Finding:
    """Looks whether the site tells browsers to come over https only (HSTS), and does so once."""
    if not context.config.base_url.startswith("https://"):
        return warning("Without https there is no HSTS: see the line “certificate”.")
    try:
        values = outside.get(context, context.config.base_url + ALIVE).values("strict-transport-security")
    except OutsideError:
        return warning("The headers could not be seen: see the lines “address” and “certificate”.")
    if not values:
        return fault(
            "The site’s Strict-Transport-Security header does not arrive: have the proxy leave the headers as they are."
        )
    age = MAX_AGE.search(values[0])
    if age is None or int(age[1]) < A_YEAR:
        return warning(
            "Strict-Transport-Security lasts less than a year: have the proxy leave the header as the site sends it."
        )
    if len(values) > 1:
        return warning(
            "Strict-Transport-Security is sent twice, by the site and by the proxy: take it out of the proxy."
        )
    return ok("Browsers are told to come over https only.")


def from_http(context: Context, _about: str) -> Finding:
    """Looks whether somebody who comes over http is led to https."""
    if not context.config.base_url.startswith("https://"):
        return warning("Without https there is nothing to lead to: see the line “certificate”.")
    try:
        reply = outside.get(context, f"http://{context.host}/")
    except Unreachable:
        return warning(
            "Nothing answers over http, so who types the address without https may not arrive: have the proxy redirect."
        )
    except OutsideError as error:
        return warning(str(error))
    if reply.status in REDIRECTS and _leads_to(context.host, (reply.values("location") or [""])[0]):
        return ok("Who comes over http is led to https.")
    return fault(
        "Over http the site answers without leading to https, so others on the way can read it: have the proxy redirect."
    )


def _leads_to(host: str, location: str) -> bool:
    """Returns whether an address is one of that host over https."""
    try:
        target = urlsplit(location)
    except ValueError:
        return False
    return target.scheme == "https" and target.hostname == host


def proxy(context: Context, _about: str) -> Finding:
    """Asks the web server through the public address which network it sees, and whether a forged header is believed."""
    try:
        honest = _seen(context)
        if isinstance(honest, Finding):
            return honest
        forged = _seen(context, FORGED)
    except TlsBroken:
        return warning("The proxy could not be asked: see the line “certificate”.")
    except OutsideError as error:
        return warning(f"The proxy could not be asked: {error}")
    return forged if isinstance(forged, Finding) else judge(context, honest, forged)


def _seen(context: Context, forwarded: str = "") -> Seen | Finding:
    keys = context.config.secret_keys
    token = probe.ask(keys, context.clock())
    headers = {probe.HEADER: token} | ({"X-Forwarded-For": forwarded} if forwarded else {})
    reply = outside.get(context, context.config.base_url + probe.PATH, headers)
    try:
        return probe.read_answer(keys, token, reply.body.decode("utf-8", "replace").strip())
    except ProbeRefused:
        return _no_answer(reply)


def _no_answer(reply: Reply) -> Finding:
    if reply.status == 503:
        return warning("The web server cannot answer without Redis: see the line “redis”.")
    return fault(
        f"At PETITION_BASE_URL answers something else than this installation ({reply.status}): another installation, an earlier "
        "version, one with another PETITION_SECRET_KEY, or a proxy that takes headers away."
    )


def judge(context: Context, honest: Seen, forged: Seen) -> Finding:
    """Returns what two answers mean: one to a request without X-Forwarded-For, one to a request that forged it."""
    proxies, trusted = len(honest.forwarded), honest.trusted
    if proxies == 0 and context.config.base_url.startswith("https://"):
        return fault(
            "The proxy adds no X-Forwarded-For, so everybody shares one limit on codes: have it add the header, and set "
            "PETITION_TRUSTED_PROXIES=1."
        )
    if proxies != trusted:
        return fault(
            f"{_adds(proxies)} X-Forwarded-For, and PETITION_TRUSTED_PROXIES is {trusted}, so networks are mixed up or can be "
            f"forged: set PETITION_TRUSTED_PROXIES={proxies}."
        )
    if not honest.client:
        return fault(
            "X-Forwarded-For holds no address that can be read, so everybody shares one limit on codes: have the proxy write one."
        )
    return _compare(context, honest, forged)


def _compare(context: Context, honest: Seen, forged: Seen) -> Finding:
    """Returns what the clients of both answers mean, where the number of proxies is right."""
    proxies = len(honest.forwarded)
    if forged.client in {FORGED, ""}:
        return fault(
            "The proxy keeps an X-Forwarded-For that the client sends, so anybody chooses the network that is counted: have it "
            "replace the header, or add to it."
        )
    if forged.client != honest.client:
        return warning(
            f"Two requests of this machine were seen at {honest.client} and {forged.client}. If its network has several addresses, "
            "that is right; else the proxy mixes them up."
        )
    if proxies and not ip_address(honest.client).is_global and context.is_public:
        return warning(
            f"{_adds(proxies)} X-Forwarded-For, and this machine is seen at {honest.client}, a private address. If that is how it "
            "reaches its own site, it is right; if others are seen so, too, they all share one limit on codes."
        )
    return ok(f"{_adds(proxies)} X-Forwarded-For, as PETITION_TRUSTED_PROXIES says, and a forged one is not believed.")


def _adds(proxies: int) -> str:
    return {0: "Nobody adds an", 1: "One proxy adds one address to"}.get(proxies, f"{proxies} addresses are added to")
