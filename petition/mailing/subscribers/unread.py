"""Delivery reports that could not be read: kept for a week, sealed, for an operator to look at.

A report names people, so a row holds it encrypted under the master key, and nothing but its day in clear. All rows have
the same length: only the beginning of a report is kept. The text is left out where it may be about a mail with a code,
because no work address is to lie in the database, and where a hundred texts are kept already. Such reports only count.
Only the command `bounces unread` decrypts.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, timedelta
from email import message_from_bytes
from email.policy import compat32
from email.utils import parseaddr
from typing import Final

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from petition.mailing.subscribers import failure_notices
from petition.mailing.subscribers.tables import UnreadReport
from petition.privacy import DomainPolicy, keyring
from petition.privacy.addresses import AddressRefused, canonical_domain, is_work_domain
from petition.privacy.vault import SealBroken

KEPT_BYTES: Final = 16 * 1024
MOST_KEPT: Final = 100
LIFE: Final = timedelta(days=7)
LEFT_OUT: Final = b""
# What stands behind an @, or behind one of the signs that stand for it.
DOMAIN: Final = re.compile(r"(?:@|%40|=40|[=!])([^\s@<>()\[\]\"',;:=!]{1,255})")
# Fields that name servers: that of an employer writes of no other mail than codes.
SERVER_FIELDS: Final = re.compile(
    r"^(?:received|reporting-mta|remote-mta|received-from-mta|dsn-gateway|message-id):(.*(?:\n[ \t].*)*)", re.MULTILINE
)
HOST: Final = re.compile(r"(?<![\w-])[\w-]{1,63}(?:\.[\w-]{1,63})+")


@dataclass(frozen=True, slots=True)
class Opened:
    """A report that was kept: its day, and its beginning as it came, None if the text was not kept."""

    day: date
    text: bytes | None = field(repr=False)


def keep(session: Session, raw: bytes, work: Sequence[DomainPolicy], code_sender: str, day: date) -> None:
    """Keep a report that could not be read. `work`: the work domains of all campaigns; `code_sender` mails the codes."""
    kept = select(func.count()).select_from(UnreadReport).where(UnreadReport.sealed != LEFT_OUT)
    full = int(session.scalar(kept) or 0) >= MOST_KEPT
    left_out = full or _may_be_about_a_code(raw, work, parseaddr(code_sender)[1])
    sealed = LEFT_OUT if left_out else keyring.seal(raw[:KEPT_BYTES].ljust(KEPT_BYTES, b"\0"))
    session.add(UnreadReport(id=secrets.token_bytes(16), day=day, sealed=sealed))


def _may_be_about_a_code(raw: bytes, work: Sequence[DomainPolicy], code_sender: str) -> bool:
    """Returns whether a report names a work address, an employer's mail server or the sender of the codes.

    A report that cannot be taken apart could hide one.
    """
    try:
        texts = [each.decode("utf-8", "replace").lower() for each in _parts(raw[:KEPT_BYTES])]
    except failure_notices.PARSER_ERRORS:
        return True
    if any(code_sender.lower() in text for text in texts):
        return True
    return any(is_work_domain(each, work) for text in texts for each in _domains(text))


def _parts(raw: bytes) -> Iterator[bytes]:
    """Returns a report as it came, and each of its parts, decoded."""
    yield raw
    for part in failure_notices.walk(message_from_bytes(raw, policy=compat32)):
        body = part.get_payload(decode=True)
        if isinstance(body, bytes):
            yield body


def _domains(text: str) -> Iterator[str]:
    """Returns the domains of the addresses in a text, and the hosts in the fields that name servers."""
    hosts = (host for field in SERVER_FIELDS.findall(text) for host in HOST.findall(field))
    for found in {*DOMAIN.findall(text), *hosts}:
        with suppress(AddressRefused):
            yield canonical_domain(found.rstrip("."))


def opened(session: Session) -> list[Opened]:
    """Returns the reports that are kept, oldest first, decrypted. One that no master key opens has no text."""
    rows = session.scalars(select(UnreadReport).order_by(UnreadReport.day, UnreadReport.id))
    return [Opened(row.day, _unsealed(row.sealed)) for row in rows]


def _unsealed(sealed: bytes) -> bytes | None:
    try:
        return keyring.unsealed(sealed).rstrip(b"\0") if sealed != LEFT_OUT else None
    except SealBroken:
        return None


def count(session: Session) -> int:
    """Returns how many reports of the last week could not be read. The number is exact."""
    return int(session.scalar(select(func.count()).select_from(UnreadReport)) or 0)


def purge(session: Session, day: date) -> None:
    """Delete reports that are a week old."""
    session.execute(delete(UnreadReport).where(UnreadReport.day <= day - LIFE))
