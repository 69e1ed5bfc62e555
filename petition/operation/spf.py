"""Reads the SPF record of a domain as a mail server does (RFC 7208), as far as it does not depend on one mail.

A record is followed through its includes, with the limits of section 4.6.4: at most ten terms that need the DNS, so a
loop ends there. Macros depend on the mail; terms with macros are counted and not followed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Final

from petition.operation.dns import Address, Dns

MOST_LOOKUPS: Final = 10
MOST_VOID: Final = 2
LONGEST: Final = 4_000
"""Characters of a record. Receivers need not read more than fits into one packet of UDP."""
TERM: Final = re.compile(
    r"(?P<sign>[+?~-]?)(?P<name>all|include|ip4|ip6|exists|a|mx|ptr)(?:(?P<mark>[:/])(?P<value>.*))?", re.IGNORECASE
)
MODIFIER: Final = re.compile(r"(?P<name>[a-z][a-z0-9_.-]*)=(?P<value>.*)", re.IGNORECASE)
PREFIXES: Final = re.compile(r"(?P<host>[^/]*)(?:/(?P<four>[0-9]{1,2}))?(?://(?P<six>[0-9]{1,3}))?")
IPV4_BITS: Final = 32
IPV6_BITS: Final = 128
EVERYBODY: Final = (ip_network("0.0.0.0/0"), ip_network("::/0"))
ASKS: Final = frozenset({"include", "a", "mx", "ptr", "exists"})


class SpfBroken(Exception):
    """Receivers treat the record as an error, so that it protects nothing. The message is a sentence."""


@dataclass(slots=True)
class Spf:
    """What a domain's record says: the networks that may send, how it ends, and what it costs to read."""

    networks: list[IPv4Network | IPv6Network] = field(default_factory=list)
    ends: str = ""
    lookups: int = 0
    void: int = 0
    depends: bool = False

    @property
    def lets_everybody(self) -> bool:
        """Returns whether anybody may send: by `+all`, or by a network that is half of the internet."""
        return self.ends == "+all" or any(each.prefixlen <= 1 for each in self.networks)

    def names(self, address: Address) -> bool:
        """Returns whether the record lets this address send."""
        return any(address.version == each.version and address in each for each in self.networks)


def is_spf(text: str) -> bool:
    """Returns whether a TXT record is one of SPF, version 1."""
    return text.lower() == "v=spf1" or text.lower().startswith("v=spf1 ")


def read(dns: Dns, domain: str) -> Spf:
    """Returns what the record of a domain says. Raises SpfBroken, DnsSilent."""
    found = Spf()
    _follow(dns, domain, domain, found, allowed=True, top=True)
    return found


def _follow(dns: Dns, domain: str, asked: str, found: Spf, *, allowed: bool, top: bool) -> None:
    """Reads one record into `found`. `allowed`: what it lets pass may send, which an include with a sign turns off."""
    redirect = ""
    for term in _terms(dns, domain, asked):
        mechanism, modifier = TERM.fullmatch(term), MODIFIER.fullmatch(term)
        if mechanism is not None and mechanism["name"].lower() == "all":
            _end(found, mechanism["sign"] or "+", allowed=allowed, top=top)
            return  # what stands behind it is not read, a redirect neither
        if mechanism is not None:
            _apply(dns, domain, asked, found, mechanism, allowed=allowed)
        elif modifier is None:
            raise SpfBroken(f"The SPF record of {domain} has a term that is none: {term!r}. Correct it.")
        elif modifier["name"].lower() == "redirect":
            redirect = modifier["value"]
    if redirect:
        _count(found, asked)
        if "%" in redirect:
            found.depends = True
        else:
            _follow(dns, redirect, asked, found, allowed=allowed, top=top)


def _end(found: Spf, sign: str, *, allowed: bool, top: bool) -> None:
    """Notes the `all` of a record. In one that is included it lets pass or does nothing (RFC 7208 §5.2)."""
    if top:
        found.ends = f"{sign}all"
    elif allowed and sign == "+":
        found.networks += EVERYBODY


def _terms(dns: Dns, domain: str, asked: str) -> Iterator[str]:
    records = [each for each in dns.texts(domain) if is_spf(each)]
    if len(records) > 1:
        raise SpfBroken(f"{domain} has {len(records)} SPF records, which receivers treat as an error: leave one.")
    if not records and domain == asked:
        raise SpfBroken(
            f"{domain} has no SPF record, so receivers distrust its mail: publish a TXT record, such as v=spf1 include:… -all."
        )
    if not records:
        raise SpfBroken(f"The SPF record of {asked} includes {domain}, which has none: take it out or correct it.")
    if len(records[0]) > LONGEST:
        raise SpfBroken(
            f"The SPF record of {domain} has {len(records[0])} characters, more than receivers read: shorten it."
        )
    yield from records[0].split()[1:]


def _apply(dns: Dns, domain: str, asked: str, found: Spf, term: re.Match[str], *, allowed: bool) -> None:
    name, value = term["name"].lower(), term["value"] or ""
    passes = allowed and term["sign"] in {"", "+"}
    if name in ASKS:
        _count(found, asked)
    if name in {"ip4", "ip6"}:
        network = _network(domain, value)
        found.networks += [network] if passes else []
    elif name in {"ptr", "exists"} or "%" in value:
        found.depends = True
    elif name == "include":
        _follow(dns, value, asked, found, allowed=passes, top=False)
    elif name in {"a", "mx"}:
        networks = list(_hosts(dns, domain, found, term))
        found.networks += networks if passes else []


def _count(found: Spf, asked: str) -> None:
    found.lookups += 1
    if found.lookups > MOST_LOOKUPS:
        raise SpfBroken(
            f"The SPF record of {asked} needs more than {MOST_LOOKUPS} look-ups in the DNS, or includes itself: receivers "
            "stop there and treat it as an error. Take out includes."
        )


def _network(domain: str, value: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(value, strict=False)
    except ValueError:
        raise SpfBroken(f"The SPF record of {domain} holds {value!r}, which is no network: correct it.") from None


def _hosts(dns: Dns, domain: str, found: Spf, term: re.Match[str]) -> Iterator[IPv4Network | IPv6Network]:
    """Yields the networks of an `a` or `mx` term: its hosts, each with the length of its prefix."""
    text = term["value"] or "" if term["mark"] == ":" else f"/{term['value']}" if term["mark"] else ""
    parts = PREFIXES.fullmatch(text)
    if parts is None or int(parts["four"] or 0) > IPV4_BITS or int(parts["six"] or 0) > IPV6_BITS:
        raise SpfBroken(f"The SPF record of {domain} holds {text!r}, which is no host: correct it.")
    host = parts["host"] or domain
    hosts = [host] if term["name"].lower() == "a" else [each.name for each in dns.mail_hosts(host)[:MOST_LOOKUPS]]
    addresses = [address for each in hosts if each for address in dns.addresses(each)]
    found.void += not addresses
    for address in addresses:
        length = parts["four"] if address.version == 4 else parts["six"]
        yield _network(domain, f"{address}/{length}" if length else str(address))
