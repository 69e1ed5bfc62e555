"""Throttles: mails to one domain keep a rate, and a domain in trouble does not delay mail to others.

A row holds a keyed hash of the domain because the domain of a personal address may name a person. The large providers,
which name nobody, keep their names, so that organisers see which of them bounces.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Interval, bindparam, case, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from petition.core.db import UTCDateTime
from petition.mailing.queue.tables import Throttle

DOMAIN_LABEL: Final = b"petition/lane/v1\0"
DOMAIN_TAG_BYTES: Final = 8
PROVIDERS: Final = frozenset(
    [
        "aol.com",
        "bluewin.ch",
        "example.com",
        "fastmail.com",
        "free.fr",
        "gmail.com",
        "gmx.de",
        "gmx.net",
        "googlemail.com",
        "hey.com",
        "hotmail.com",
        "hotmail.fr",
        "icloud.com",
        "laposte.net",
        "live.com",
        "mail.com",
        "mail.ru",
        "me.com",
        "mac.com",
        "msn.com",
        "orange.fr",
        "outlook.com",
        "outlook.fr",
        "pm.me",
        "posteo.de",
        "proton.me",
        "protonmail.com",
        "qq.com",
        "sfr.fr",
        "tutanota.com",
        "wanadoo.fr",
        "web.de",
        "yahoo.com",
        "yahoo.fr",
        "yandex.com",
        "zoho.com",
    ]
)
# A domain is paused after this many failures in a row, or at once when the server hangs: 30 s, doubled each time, at
# most 30 minutes.
FAILURES_BEFORE_PAUSE: Final = 3
FIRST_PAUSE: Final = 30.0
LONGEST_PAUSE: Final = 1800.0
# This many failures in a row take more than an hour.
LONG_FAILING: Final = 10
# A delay below this is caught up, so that polling does not lower the rate; a longer rest does not count.
MADE_UP: Final = timedelta(seconds=3)

_table = Throttle.metadata.tables["lane"]
_its = _table.c.domain_tag == bindparam("its_domain")
_began = case((_table.c.open_at > bindparam("late", type_=UTCDateTime()), _table.c.open_at), else_=bindparam("now"))
_CLOSED: Final = update(_table).where(_its).values(open_at=_began + bindparam("taking", type_=Interval()))
_WENT_WELL: Final = update(_table).where(_its).values(sent=_table.c.sent + bindparam("n"), failures=0)


@dataclass(frozen=True, slots=True)
class ThrottleName:
    """The keyed hash of a mail domain, and its name if it is a large provider's."""

    tag: bytes
    name: str


def throttle_of(pepper: bytes, domain: str) -> ThrottleName:
    """Returns the throttle of a domain."""
    digest = hmac.digest(pepper, DOMAIN_LABEL + domain.encode(), "sha256")[:DOMAIN_TAG_BYTES]
    return ThrottleName(digest, domain if domain in PROVIDERS else "")


def ensure(session: Session, throttle: ThrottleName) -> None:
    """Insert a throttle unless it exists."""
    row = {"domain_tag": throttle.tag, "name": throttle.name, "failures": 0, "sent": 0, "bounced": 0, "complained": 0}
    session.execute(insert(Throttle).values(row).on_conflict_do_nothing())


def take_slots(session: Session, wanted: Mapping[bytes, int], rate: float, now: datetime) -> None:
    """Close each throttle for the time that its mails take at `rate` mails a second; 0 means no limit."""
    if rate > 0 and wanted:
        rows = [
            {"its_domain": domain_tag, "late": now - MADE_UP, "now": now, "taking": timedelta(seconds=n / rate)}
            for domain_tag, n in sorted(wanted.items())
        ]
        session.connection().execute(_CLOSED, rows)


def record_success(session: Session, taken: Mapping[bytes, int]) -> None:
    """Count the mails that each domain took, and reset its failures."""
    if taken:
        rows = [{"its_domain": domain_tag, "n": n} for domain_tag, n in sorted(taken.items())]
        session.connection().execute(_WENT_WELL, rows)


def record_failure(session: Session, domain_tag: bytes, now: datetime, *, hung: bool) -> bool:
    """Count a delayed mail, and pause its domain when it hung or failed too often. Returns whether it is paused now."""
    counting = (
        update(Throttle)
        .where(Throttle.domain_tag == domain_tag)
        .values(failures=Throttle.failures + 1)
        .returning(Throttle.failures)
    )
    failures = int(session.scalar(counting) or 0)
    over = failures if hung else failures - FAILURES_BEFORE_PAUSE + 1
    if over < 1:
        return False
    pause = timedelta(seconds=min(FIRST_PAUSE * 2 ** min(over - 1, 10), LONGEST_PAUSE))
    session.execute(update(Throttle).where(Throttle.domain_tag == domain_tag).values(open_at=now + pause))
    return True


def bounced(session: Session, domain_tag: bytes, *, complaint: bool = False) -> None:
    """Count a bounce or a complaint of a domain."""
    column = Throttle.complained if complaint else Throttle.bounced
    session.execute(update(Throttle).where(Throttle.domain_tag == domain_tag).values({column: column + 1}))


def all_throttles(session: Session) -> list[Throttle]:
    """Returns every throttle, those with most bounces first."""
    return list(session.scalars(select(Throttle).order_by(Throttle.bounced.desc(), Throttle.name)))


def by_provider(session: Session) -> list[tuple[str, int, int, int]]:
    """Returns provider, sent, bounced and complained mails over all campaigns. Domains without a name are one line."""
    query = select(Throttle.name, func.sum(Throttle.sent), func.sum(Throttle.bounced), func.sum(Throttle.complained))
    found = session.execute(query.group_by(Throttle.name).order_by(func.sum(Throttle.bounced).desc(), Throttle.name))
    return [(name, int(sent), int(bounced), int(complained)) for name, sent, bounced, complained in found]
