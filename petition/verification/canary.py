"""The canary: notices that codes stopped arriving, from shares of codes over days that are over.

An employer who blocks the code mails stops a letter quietly. The sign of it is that codes are asked for as before and
not used any more. This module compares the share of used codes on the last two days with that of the week before, by
work domain, and only where ten codes or more were asked for. It needs no figure under ten: `write_day` keeps such
figures as 0, and the share in quarters (`share`), never more than a half. So the share is known within bounds, and the
canary speaks only if the fall is certain within them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from petition.core.ids import CampaignId
from petition.core.redis_store import CodeCount
from petition.verification.tables import CodeDay

FEW: Final = 10
"""A smaller figure is neither shown nor written into the database, because it could identify a person."""
RECENT_DAYS: Final = 2
USUAL_DAYS: Final = 7
KEPT_DAYS: Final = RECENT_DAYS + USUAL_DAYS
QUARTER: Final = 25
HALF: Final = 50
WHOLE: Final = 100
STEP: Final = 5
"""Shares are told in steps of so many per cent."""


@dataclass(frozen=True, slots=True)
class Silence:
    """A work domain whose codes are used much less than before.

    On the last two days `asked` codes were asked for on days with ten or more, and at most `most` per cent of them were
    used. On the days before it were at least `usual` per cent; None means that there were not ten codes.
    """

    domain: str
    asked: int
    most: int
    usual: int | None


@dataclass(frozen=True, slots=True)
class _Day:
    """The codes of a domain on a day with ten or more, and the bounds of those that were used."""

    domain: str
    day: date
    asked: int
    lowest: float
    highest: float


def write_day(session: Session, day: date, counts: Iterable[CodeCount]) -> None:
    """Write the figures of a day that is over, where ten codes or more were asked for, and the others nowhere."""
    rows = [_row(day, each) for each in counts if each.asked >= FEW]
    if rows:
        session.execute(insert(CodeDay), rows)


def _row(day: date, count: CodeCount) -> dict[str, object]:
    used = min(count.used, count.asked)  # more than that if Redis was flushed in between, or around midnight
    share = min(used * 4 // count.asked * QUARTER, HALF)
    place = {"campaign_id": count.campaign_id, "domain": count.domain, "day": day}
    return place | {"asked": count.asked, "used": used if used >= FEW else 0, "share": share}


def forget_old(session: Session, today: date) -> None:
    """Delete the figures of days that nobody compares any more."""
    session.execute(delete(CodeDay).where(CodeDay.day < today - timedelta(days=KEPT_DAYS)))


def silent_domains(session: Session, campaign_id: CampaignId, today: date) -> list[Silence]:
    """Returns the domains whose share of used codes has surely fallen to half of the usual share or less, by name.

    Where nothing is known of the days before, half of the codes is taken as usual.
    """
    columns = (CodeDay.domain, CodeDay.day, CodeDay.asked, CodeDay.used, CodeDay.share)
    mine = (CodeDay.campaign_id == campaign_id, CodeDay.day < today, CodeDay.day >= today - timedelta(days=KEPT_DAYS))
    rows = session.execute(select(*columns).where(*mine).order_by(CodeDay.domain))
    days = [_Day(domain, day, asked, *_bounds(asked, used, share)) for domain, day, asked, used, share in rows]
    since = today - timedelta(days=RECENT_DAYS)
    found = (_compare(domain, days, since) for domain in sorted({each.domain for each in days}))
    return [each for each in found if each is not None]


def _bounds(asked: int, used: int, share: int) -> tuple[float, float]:
    """Returns how many codes of a day were used, at least and at most. From ten on the figure itself is kept."""
    if used:
        return used, used
    above = WHOLE if share >= HALF else share + QUARTER
    return asked * share / WHOLE, min(asked * above / WHOLE, FEW - 1)


def _compare(domain: str, days: Iterable[_Day], since: date) -> Silence | None:
    mine = [each for each in days if each.domain == domain]
    recent, before = ([each for each in mine if (each.day >= since) is late] for late in (True, False))
    asked, asked_before = (sum(each.asked for each in some) for some in (recent, before))
    if not asked:
        return None
    most = sum(each.highest for each in recent) / asked
    usual = sum(each.lowest for each in before) / asked_before if asked_before else HALF / WHOLE
    if most > usual / 2:
        return None
    return Silence(domain, asked, _rounded_up(most), _rounded_down(usual) if asked_before else None)


def _rounded_up(share: float) -> int:
    return -int(-share * WHOLE // STEP) * STEP


def _rounded_down(share: float) -> int:
    return int(share * WHOLE // STEP) * STEP
