"""From which addresses mail leaves, as far as it can be known: the records of SPF and PTR are about these."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address

from petition.mail.smtp import parse_smtp_url
from petition.operation.context import LOCAL, Context, own_addresses
from petition.operation.dns import Address


@dataclass(frozen=True, slots=True)
class SendingAddresses:
    """Addresses from which mail probably leaves. `ours`: their names are for the operator to set."""

    addresses: tuple[Address, ...]
    ours: bool


def find(context: Context) -> SendingAddresses:
    """Returns those of the mail server, or of this machine if the mail server is on it. Raises DnsSilent.

    A private address says nothing: behind NAT others see a different one.
    """
    server = parse_smtp_url(context.config.smtp_url or "smtp://localhost")
    if server.host in LOCAL or "." not in server.host:
        found, ours = [ip_address(each) for each in own_addresses()], True
    else:
        found = context.dns.addresses(server.host)
        domains = (*context.sender_domains(), context.host)
        ours = any(server.host == domain or server.host.endswith(f".{domain}") for domain in domains)
    return SendingAddresses(tuple(each for each in found if each.is_global), ours)
