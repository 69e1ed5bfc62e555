"""When a milestone may be reached: a span of days, from the pace of the last days; no date that nobody can know.

Guards against false hope: the span lies between the slowest and the fastest of several recent paces, and where these say
too little, or never, or not within a year, that is what is said.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from petition.epochs.history import DayFigures

LOOKED_AT: Final = 14
SPANS: Final = (3, 7, 14)
LEAST_DAYS: Final = 3
FARTHEST: Final = 365


class Outlook(StrEnum):
    """What can be said."""

    TOO_EARLY = "too_early"
    STANDING = "standing"
    FAR = "far"
    SPAN = "span"


@dataclass(frozen=True, slots=True)
class Forecast:
    """What can be said, and with SPAN the first and the last day; `last` None: later than a year from now, or never."""

    outlook: Outlook
    first: date | None = None
    last: date | None = None


def forecast(days: Sequence[DayFigures], opened: date, missing: int, today: date) -> Forecast:
    """When `missing` more signatures may have come in. Only whole days count; a day without a batch counts as none."""
    gained = {each.day: each.signed - each.withdrawn - each.removed for each in days}
    age = (today - opened).days
    spans = [span for span in SPANS if span <= age] if age >= LEAST_DAYS else []
    if not spans:
        return Forecast(Outlook.TOO_EARLY)
    paces = [sum(gained.get(today - timedelta(days=back), 0) for back in range(1, span + 1)) / span for span in spans]
    if max(paces) <= 0:
        return Forecast(Outlook.STANDING)
    first, last = _after(missing, max(paces), today), _after(missing, min(paces), today)
    return Forecast(Outlook.FAR) if first is None else Forecast(Outlook.SPAN, first, last)


def _after(missing: int, pace: float, today: date) -> date | None:
    """The day on which so many have come in at a pace; None beyond a year."""
    if pace <= 0 or missing / pace > FARTHEST:
        return None
    return today + timedelta(days=-int(-missing // pace))
