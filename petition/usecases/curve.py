"""The growth of a letter: the points of a chart, by day, or by batch while there are few days.

The chart takes two queries over one row per batch, whatever their number, so that the dashboard stays fast. It has no
more points than a page can show; what lies between two points is in the ledger.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from petition.campaigns import Campaign
from petition.epochs import history
from petition.epochs.history import Epoch, Point
from petition.ledger import log

MOST_POINTS: Final = 300
FEW_DAYS: Final = 2


@dataclass(frozen=True, slots=True)
class Curve:
    """Points, oldest first. `lost` counts from the beginning; `fine` means by batch instead of by day."""

    points: Sequence[Point]
    fine: bool


def curve(session: Session, campaign: Campaign, days: int | None, now: datetime) -> Curve:
    """Returns the last `days` days of an opened campaign, or all of them."""
    first_day = now.date() - timedelta(days=days - 1) if days else date.min
    span = select(func.min(Epoch.day), func.max(Epoch.day)).where(
        Epoch.campaign_id == campaign.id, Epoch.day >= first_day
    )
    first, last = session.execute(span).one()
    lost = _lost(log.head_of(session, campaign.id))
    if first is None or (last - first).days < FEW_DAYS:
        since = datetime.combine(first_day, time(), UTC) if days else None
        return Curve(_summed(history.points(session, campaign.id, since, MOST_POINTS), lost), fine=True)
    by_day = history.by_day(session, campaign.id, first)
    ends = [Point(_end(each.day, now), each.counted, each.issued, each.withdrawn + each.removed) for each in by_day]
    return Curve(_summed(ends, lost), fine=False)


def _lost(head: log.Head) -> int:
    return head.withdrawn + sum(head.removed.values())


def _end(day: date, now: datetime) -> datetime:
    """Returns the last moment of a past day, or now."""
    return min(datetime.combine(day, time(23, 59, 59), UTC), now)


def _summed(points: Sequence[Point], lost: int) -> list[Point]:
    """Add the losses up backwards from the ledger's total."""
    found = []
    for each in reversed(points):
        found.append(replace(each, lost=lost))
        lost -= each.lost
    return found[::-1]
