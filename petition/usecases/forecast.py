"""Forecasts when a milestone may be reached: a span of days from the pace of the last days, never a single date.

The forecast avoids false hope: the span lies between the slowest and the fastest of several recent paces. If these are
too few, or mean never, or not within a year, the forecast says so.
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
    """The kinds of forecasts."""

    TOO_EARLY = "too_early"
    STALLED = "stalled"
    FAR = "far"
    SPAN = "span"


@dataclass(frozen=True, slots=True)
class Forecast:
    """The kind of forecast, and with SPAN the first and the last day.

    `last` is None beyond a year from now, or for never.
    """

    outlook: Outlook
    first: date | None = None
    last: date | None = None


def forecast(days: Sequence[DayFigures], opened: date, missing: int, today: date) -> Forecast:
    """Forecast when `missing` more signatures may have come in.

    Only whole days count; a day without a batch counts as 0.
    """
    gained = {each.day: each.signed - each.withdrawn - each.removed for each in days}
    age = (today - opened).days
    spans = [span for span in SPANS if span <= age] if age >= LEAST_DAYS else []
    if not spans:
        return Forecast(Outlook.TOO_EARLY)
    paces = [sum(gained.get(today - timedelta(days=back), 0) for back in range(1, span + 1)) / span for span in spans]
    if max(paces) <= 0:
        return Forecast(Outlook.STALLED)
    first, last = _after(missing, max(paces), today), _after(missing, min(paces), today)
    return Forecast(Outlook.FAR) if first is None else Forecast(Outlook.SPAN, first, last)


def _after(missing: int, pace: float, today: date) -> date | None:
    """Returns the day on which so many signatures have come in at a pace, or None beyond a year."""
    if pace <= 0 or missing / pace > FARTHEST:
        return None
    return today + timedelta(days=-int(-missing // pace))
