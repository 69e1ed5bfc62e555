"""Converts a work address to its canonical form, so that one person has one address, and rejects unsafe addresses.

There are two dangers. An address may smuggle a second recipient, a header or a foreign host into the mail system. And
one mailbox may have many spellings, each of which would get a pass. The accepted alphabet is therefore small, smaller
than RFC 5321 allows, and all accepted spellings of a mailbox have one canonical form.

Compatibility forms are rejected, not converted: full-width letters, ligatures and the Kelvin sign become plain letters
when normalized (NFKC), and an address that belongs to the organisation only after normalization was typed to deceive.
An accepted address equals its own NFKC form.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import idna
from email_validator import EmailSyntaxError, validate_email

from petition.core.errors import ExpectedError
from petition.core.i18n import marked as _
from petition.core.normalization import TooManyMarks, nfc

ADDRESS_MAX: Final = 254
LOCAL_MAX: Final = 64
DOMAIN_MAX: Final = 253

# These are the characters of RFC 5322's atext that people's names consist of. The characters % ! / | ` = are excluded,
# because gateways interpret them as routes.
LOCAL = re.compile(r"[a-z0-9][a-z0-9_'-]*(?:\.[a-z0-9_'-]+)*(?:\+[a-z0-9_'+.-]*)?", re.ASCII)
LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
SEPARATORS = re.compile(r"[._'-]")

# These names come from RFC 2142 and from common use in English and French, written without separators.
ROLE_NAMES: Final = """
    abuse accounting accounts accueil admin administration administrator all allemployees allhands allstaff
    announce billing board bounce bounces careers comms communication communications compliance compta
    comptabilite contact customercare customerservice daemon devnull direction donotreply drh employees
    enquiries ethics events everybody everyone facilities feedback finance frontdesk ftp hello help helpdesk
    hostmaster hr humanresources info information informatique inquiries internalcomms investors it jobs
    juridique legal list listserv mail mailer mailerdaemon majordomo marketing media nepasrepondre newsletter
    newsroom nobody noc noreply nospam office operations ops orders owner payroll people peopleops postmaster
    pr presse press privacy procurement purchasing reception recruiting recruitment recrutement redaction
    request rh root sales secretariat security service serviceclient spam staff subscribe support syndicat
    system team tech test tous undisclosedrecipients unsubscribe usenet uucp webmaster www
"""
ROLE_BOXES: Final = frozenset(ROLE_NAMES.split())
ROLE_AFFIXES = re.compile(r"owner-.+|.+-(?:request|owner|bounces?|admin|list|(?:un)?subscribe)", re.ASCII)
# "p.r@" may be a person's initials, while "no.reply@" belongs to nobody. In names shorter than this, separators count.
ROLE_LETTERS_MIN: Final = 5


class AddressFault(StrEnum):
    """The reasons for which an address is rejected."""

    malformed = "malformed"
    not_plain = "not_plain"
    too_long = "too_long"
    foreign_domain = "foreign_domain"
    role_box = "role_box"


SENTENCES: Final[dict[AddressFault, str]] = {
    AddressFault.malformed: _("This is not a complete e-mail address. Write it like name@company.example."),
    AddressFault.not_plain: _("Use only plain letters, digits, dots and hyphens in the address."),
    AddressFault.too_long: _("This address is too long: at most 64 characters before the @ and 254 in all."),
    AddressFault.foreign_domain: _("This is not an address of the organisation. Use your work address."),
    AddressFault.role_box: _("This is a shared mailbox. Use the work address that is yours alone."),
}


class AddressRefused(ExpectedError, ValueError):
    """The text is not one person's address at a listed domain. The error holds the reason and never the address."""

    status = 422

    def __init__(self, reason: AddressFault) -> None:
        super().__init__(SENTENCES[reason])
        self.reason = reason


@dataclass(frozen=True, slots=True)
class DomainPolicy:
    """A domain whose mailboxes belong to the workforce, and how its mail server interprets local parts.

    `plus`: "name+tag" is the mailbox "name". Set it to False only where the server has no tags, because otherwise one
    mailbox has many identities. `dots`: dots before the @ are ignored. `subdomains`: hosts below the domain belong to
    the organisation, too. Domains are in the form that `canonical_domain` returns.
    """

    domain: str
    plus: bool = True
    dots: bool = False
    subdomains: bool = False


@dataclass(frozen=True, slots=True)
class WorkAddress:
    """An accepted address: `canonical` identifies the person, `deliverable` is the RCPT, `domain` the listed domain."""

    canonical: str
    deliverable: str
    domain: str


def canonical_address(text: str, policies: Sequence[DomainPolicy]) -> WorkAddress:
    """Parse a typed address. It ignores plain spaces around the address. Raises AddressRefused.

    A subdomain is replaced by the listed domain (a@eu.corp.example and a@corp.example are one person). Most mail
    systems give one mailbox both names, and two passes for one person harm the count more than a rejection harms two
    people of the same name, who can use the other methods. The mail goes to the host as typed, because the other one
    may not exist.

    A "+tag" is dropped from the RCPT, too: the code must reach the mailbox that the tag belongs to, and nobody may
    write words about the campaign into the employer's mail log. Dots stay in the RCPT as typed, for servers that
    distinguish them.
    """
    local, host = _halves(text.strip(" "))
    policy = _policy_of(host, policies)
    mailbox = _mailbox(local, policy)
    if is_role_box(mailbox):
        raise AddressRefused(AddressFault.role_box)
    person = mailbox.replace(".", "") if policy.dots else mailbox
    return WorkAddress(f"{person}@{policy.domain}", f"{mailbox}@{host}", policy.domain)


@dataclass(frozen=True, slots=True)
class Mailbox:
    """An accepted personal address: `canonical` identifies it, `deliverable` is the RCPT."""

    canonical: str
    deliverable: str
    domain: str


def personal_address(text: str) -> Mailbox:
    """Parse a personal address at any domain. Its tags and dots are kept. Raises AddressRefused."""
    local, host = _halves(text.strip(" "))
    _checked(local, host)
    return Mailbox(f"{local}@{host}", f"{local}@{host}", host)


def is_work_domain(host: str, policies: Sequence[DomainPolicy]) -> bool:
    """Returns whether a host belongs to the organisation, even if its subdomains are not accepted for verification."""
    return any(host == policy.domain or host.endswith(f".{policy.domain}") for policy in policies)


def canonical_domain(text: str) -> str:
    """Returns a host name in lower-case ASCII (A-labels, RFC 5891).

    IP addresses are rejected. Raises AddressRefused.
    """
    if len(text) > DOMAIN_MAX:  # the length as typed, before any label is normalized
        raise AddressRefused(AddressFault.too_long)
    labels = [_label(label) for label in text.split(".")]
    domain = ".".join(labels)
    if len(labels) == 1 or labels[-1].isdigit():
        raise AddressRefused(AddressFault.malformed)
    if len(domain) > DOMAIN_MAX:
        raise AddressRefused(AddressFault.too_long)
    return domain


def is_role_box(local: str) -> bool:
    """Returns whether a lower-case local part names a function or a list instead of a person."""
    letters = SEPARATORS.sub("", local)
    if len(letters) < ROLE_LETTERS_MIN:
        letters = local
    return letters in ROLE_BOXES or ROLE_AFFIXES.fullmatch(local) is not None


def _halves(text: str) -> tuple[str, str]:
    if len(text) > ADDRESS_MAX:
        raise AddressRefused(AddressFault.too_long)
    local, at, host = text.partition("@")
    if not at or not local or "@" in host:
        raise AddressRefused(AddressFault.malformed)
    return _local(local), canonical_domain(host)


def _local(text: str) -> str:
    if not text.isascii():
        raise AddressRefused(AddressFault.not_plain)
    local = text.lower()
    if len(local) > LOCAL_MAX:
        raise AddressRefused(AddressFault.too_long)
    if LOCAL.fullmatch(local) is None:
        raise AddressRefused(AddressFault.malformed)
    return local


def _label(text: str) -> str:
    label = text.lower() if text.isascii() else _a_label(text)
    if LABEL.fullmatch(label) is None:
        raise AddressRefused(AddressFault.malformed)
    if label.startswith("xn--"):
        _check_a_label(label)
    return label


def _a_label(text: str) -> str:
    if any(unicodedata.normalize("NFKC", c) != c for c in text if not c.isascii()):
        raise AddressRefused(AddressFault.not_plain)
    try:
        return idna.alabel(nfc(text).lower()).decode("ascii")
    except (idna.IDNAError, TooManyMarks):
        raise AddressRefused(AddressFault.not_plain) from None


def _check_a_label(label: str) -> None:
    try:
        if idna.alabel(idna.ulabel(label)).decode("ascii") == label:
            return
    except idna.IDNAError:
        pass
    raise AddressRefused(AddressFault.malformed)


def _policy_of(host: str, policies: Sequence[DomainPolicy]) -> DomainPolicy:
    exact = [policy for policy in policies if policy.domain == host]
    above = [policy for policy in policies if policy.subdomains and host.endswith(f".{policy.domain}")]
    # If several listed domains contain a host, the longest is the one that its organiser meant.
    for policy in [*exact, *sorted(above, key=lambda policy: -len(policy.domain))]:
        return policy
    raise AddressRefused(AddressFault.foreign_domain)


def _mailbox(local: str, policy: DomainPolicy) -> str:
    return _checked(local.partition("+")[0] if policy.plus else local, policy.domain)


def _checked(mailbox: str, domain: str) -> str:
    try:
        validate_email(
            f"{mailbox}@{domain}",
            check_deliverability=False,
            allow_smtputf8=False,
            strict=True,
            test_environment=True,
        )
    except EmailSyntaxError:
        raise AddressRefused(AddressFault.malformed) from None
    return mailbox
