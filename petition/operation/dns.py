"""Questions to the DNS, with short time limits (dnspython).

An answer that does not exist is an empty list. A server that is silent or answers garbage raises DnsSilent, so that
"there is no such record" is never said without an answer.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Final, NamedTuple

import dns.exception
import dns.rdatatype
import dns.resolver
import dns.reversename
from dns.rdtypes.ANY.MX import MX
from dns.rdtypes.ANY.PTR import PTR
from dns.rdtypes.ANY.TXT import TXT

Address = IPv4Address | IPv6Address

ONE_SERVER: Final = 2.0
ALL_SERVERS: Final = 5.0
DNS_PORT: Final = 53


class DnsSilent(Exception):
    """The DNS gave no usable answer: offline, a server that is down, or garbage."""

    def __init__(self, question: str) -> None:
        super().__init__(
            f"The DNS gave no usable answer about {question}, so this could not be checked: look whether this machine is "
            "offline and its resolver works, or name another one with --resolver."
        )


class ResolverWrong(ValueError):
    """The resolver that was named is no address."""

    def __init__(self) -> None:
        super().__init__(
            "--resolver must be an address, with a port behind it or not, such as 9.9.9.9 or 127.0.0.1:5353."
        )


class MailHost(NamedTuple):
    """A host that takes mail for a domain. An empty name means that the domain takes none (RFC 7505)."""

    preference: int
    name: str


class Dns:
    """Asks the system's resolver, or the one of an ADDRESS:PORT. It can be shared between threads. Raises ResolverWrong.

    `seconds`: the time for one question, with all its repetitions.
    """

    def __init__(self, resolver: str = "", seconds: float = ALL_SERVERS) -> None:
        self._resolver: dns.resolver.Resolver | None = None
        if resolver:
            address, port = _address_and_port(resolver)
            self._resolver = dns.resolver.Resolver(configure=False)
            self._resolver.nameservers, self._resolver.port = [str(address)], port
        else:
            try:
                self._resolver = dns.resolver.Resolver()
            except (dns.exception.DNSException, OSError):
                return
        self._resolver.timeout, self._resolver.lifetime = min(ONE_SERVER, seconds), seconds

    def texts(self, name: str) -> list[str]:
        """Returns the TXT records of a name, each as one text. Raises DnsSilent."""
        found = (each for each in self._ask(name, "TXT") if isinstance(each, TXT))
        return [b"".join(each.strings).decode("utf-8", "replace") for each in found]

    def mail_hosts(self, name: str) -> list[MailHost]:
        """Returns the MX records of a domain, the most preferred ones first. Raises DnsSilent."""
        found = (each for each in self._ask(name, "MX") if isinstance(each, MX))
        return sorted(
            MailHost(each.preference, each.exchange.to_text(omit_final_dot=True).strip(".")) for each in found
        )

    def addresses(self, host: str) -> list[Address]:
        """Returns the addresses of a host, those of IPv4 first. An address is its own. Raises DnsSilent."""
        given = _read(host)
        if given is not None:
            return [given]
        if host == "localhost":
            return [IPv4Address("127.0.0.1")]
        return [ip_address(each.to_text()) for kind in ("A", "AAAA") for each in self._ask(host, kind)]

    def names(self, address: Address) -> list[str]:
        """Returns the names that an address has (PTR). Raises DnsSilent."""
        question = dns.reversename.from_address(str(address)).to_text()
        found = (each for each in self._ask(question, "PTR") if isinstance(each, PTR))
        return [each.target.to_text(omit_final_dot=True).lower() for each in found]

    def _ask(self, name: str, kind: str) -> list[dns.rdata.Rdata]:
        if self._resolver is None:
            raise DnsSilent(name)
        try:
            # A name with a final dot is complete: no domain of this machine is tried behind it.
            answer = self._resolver.resolve(f"{name.rstrip('.')}.", kind, search=False, raise_on_no_answer=False)
        except dns.resolver.NXDOMAIN:
            return []
        except (dns.exception.DNSException, OSError, ValueError):
            raise DnsSilent(f"{kind} of {name}") from None
        wanted = dns.rdatatype.from_text(kind)
        return [each for each in answer.rrset or () if each.rdtype == wanted]


def _address_and_port(text: str) -> tuple[Address, int]:
    alone = _read(text.strip("[]"))
    if alone is not None:
        return alone, DNS_PORT
    host, _, port = text.rpartition(":")
    address = _read(host.strip("[]"))
    if address is None or not port.isascii() or not port.isdecimal() or not 0 < int(port[:6]) < 65_536:
        raise ResolverWrong
    return address, int(port)


def _read(text: str) -> Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None
