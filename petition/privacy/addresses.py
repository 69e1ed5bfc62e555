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
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

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

# These names come from RFC 2142 and from common use in English, French and German, written without separators.
ROLE_NAMES: Final = """
    abuse accounting accounts accueil admin administration administrator alert alerts all allcompany allekollegen
    allemitarbeiter allemployees allemployes allhands allmembers allsalaries allstaff allteam allusers allworkers
    announce announcements belegschaft billing board bounce bounces careers comms communication communications company
    compliance compta comptabilite contact customercare customerservice daemon devnull direction distribution dl
    donotreply drh employees employes enquiries equipe ethics events everybody everyone facilities feedback finance
    frontdesk ftp group groupe gruppe hello help helpdesk hostmaster hr humanresources info information informatique
    inquiries internalcomms investors it jobs juridique legal list liste listserv mail mailer mailerdaemon mailinglist
    majordomo marketing media members mitarbeiter nepasrepondre newsletter newsroom nobody noc noreply nospam
    notification notifications office operations ops orders owner payroll people peopleops personnel postmaster pr
    presse press privacy procurement purchasing reception recruiting recruitment recrutement redaction request rh root
    salaries sales secretariat security service serviceclient spam staff subscribe support syndicat system team tech
    test touslesemployes touslessalaries tous toutlemonde undisclosedrecipients unsubscribe usenet users uucp verteiler
    webmaster wholecompany workers workforce www
"""
ROLE_BOXES: Final = frozenset(ROLE_NAMES.split())
# Lists and functions with a name of their own, such as all-paris, dl-engineering, it.support, sales-team. Beginnings and
# ends that are also people's names or initials (List, Staff, D. L.) count only with a hyphen, and at the end only if no
# dot comes before: anna.meyer-list is a person.
ROLE_SHAPE = re.compile(
    r"""
    owner-.+
    | .+-(?:request|owner|bounces?|admin|(?:un)?subscribe)
    | [^.]+[-_](?:list|staff)
    | .+[-_](?:all|dl|employees|everyone|groupe?|team|users)
    | .+\.(?:employees|everyone|groupe?|team|users)
    | (?:all|department|dept|distribution|employees|equipe|everybody|everyone|groupe?|gruppe|grp|it|svc|team|users
        |verteiler|workers)[-._].+
    | (?:admin|alerts?|contact|dl|donotreply|helpdesk|hr|info|liste?|mailing|no-?reply|notifications?|rh|staff
        |support)[-_].+
    """,
    re.ASCII | re.VERBOSE,
)
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
    AddressFault.role_box: _(
        "This looks like a shared mailbox or a list, so no code is sent there. Use the work address that is yours alone."
    ),
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
    mailbox has many identities. `dots`: dots before the @ are ignored. `hosts`: hosts below the domain whose mailboxes
    are the same as those of the domain. Each is listed by name, because somebody who controls any other host below the
    domain could be anybody. `shared`: local parts that several people read, in lower case; one that ends in "*" stands
    for all that begin like it. Domains and hosts are in the form that `canonical_domain` returns.
    """

    domain: str
    plus: bool = True
    dots: bool = False
    hosts: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()

    @classmethod
    def read(cls, domain: str, rule: Mapping[str, Any]) -> DomainPolicy:
        """Returns the policy for what the database holds about a domain."""
        flags = {name: bool(rule[name]) for name in ("plus", "dots") if name in rule}
        return cls(domain, **flags, hosts=tuple(rule.get("hosts", ())), shared=tuple(rule.get("shared", ())))

    def is_shared(self, mailbox: str) -> bool:
        """Returns whether the organisers listed a local part as one that several people read."""
        read = mailbox.replace(".", "") if self.dots else mailbox
        listed = (each.replace(".", "") if self.dots else each for each in self.shared)
        return any(read.startswith(each[:-1]) if each.endswith("*") else read == each for each in listed)


@dataclass(frozen=True, slots=True)
class WorkAddress:
    """An accepted address: `canonical` identifies the person, `deliverable` is the RCPT, `domain` the listed domain."""

    canonical: str
    deliverable: str
    domain: str


def canonical_address(text: str, policies: Sequence[DomainPolicy]) -> WorkAddress:
    """Parse a typed address. It ignores plain spaces around the address. Raises AddressRefused.

    A listed host is replaced by its domain (a@eu.corp.example and a@corp.example are one person). Most mail
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
    if is_role_box(mailbox) or policy.is_shared(mailbox):
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


def readings(policies: Sequence[DomainPolicy]) -> dict[str, list[Any]]:
    """Returns for each accepted host how its addresses are read: the domain that identifies the person, `plus`, `dots`.

    Two readings of one host give one mailbox two identities, and so two passes.
    """
    hosts = {host for policy in policies for host in (policy.domain, *policy.hosts)}
    read = {host: _policy_of(host, policies) for host in hosts}
    return {host: [policy.domain, policy.plus, policy.dots] for host, policy in sorted(read.items())}


def is_work_domain(host: str, policies: Sequence[DomainPolicy]) -> bool:
    """Returns whether a host belongs to the organisation, even if it is not accepted for verification."""
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
    return letters in ROLE_BOXES or ROLE_SHAPE.fullmatch(local) is not None


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
    above = [policy for policy in policies if host in policy.hosts]
    # If several domains list a host, the longest is the one that its organiser meant.
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
