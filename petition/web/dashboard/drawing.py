"""Drawing a curve: from points to the lines, ticks and marks of an SVG, all in thousandths of its width and height.

Guards that the picture needs no script and no inline style: the template writes these numbers as attributes, the
stylesheet colours them. Refuses to cut the axis: it begins at nought.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from petition.campaigns.milestones import MilestoneStatus
from petition.epochs.history import Point
from petition.usecases.curve import Curve

TOP: Final = 70
BOTTOM: Final = 880
WHOLE: Final = 1000
MOST_LINES: Final = 5
APART: Final = 60


@dataclass(frozen=True, slots=True)
class Mark:
    """A number of signatures at a height, and where across it was reached; None: it is still ahead."""

    y: int
    needs: int
    x: int | None


@dataclass(frozen=True, slots=True)
class Picture:
    """`lines` by name as SVG paths; `grid`: heights and numbers; `times`: the first, the middle and the last moment."""

    lines: dict[str, str]
    grid: tuple[tuple[int, int], ...]
    times: tuple[datetime, ...]
    marks: tuple[Mark, ...]
    curve: Curve


def picture(drawn: Curve, standings: Sequence[MilestoneStatus]) -> Picture | None:
    """What to draw; None of fewer than two points."""
    points = drawn.points
    if len(points) < 2 or points[0].at == points[-1].at:
        return None
    counted = points[-1].counted
    ahead = next((each.needs for each in standings if each.needs > counted), 0)
    highest = max(
        *(max(each.counted, each.issued, each.lost) for each in points), ahead if ahead <= counted * 2 else 0, 1
    )
    step = _step(highest)
    frame = _Frame(points[0].at, points[-1].at, -(-highest // step) * step)
    return Picture(
        lines={name: frame.path(points, name, stepped=drawn.fine) for name in ("issued", "lost", "counted")},
        grid=tuple((frame.y(value), value) for value in range(0, frame.highest + 1, step)),
        times=(points[0].at, points[0].at + (points[-1].at - points[0].at) / 2, points[-1].at),
        marks=tuple(_marks(frame, points, standings)),
        curve=drawn,
    )


@dataclass(frozen=True, slots=True)
class _Frame:
    first: datetime
    last: datetime
    highest: int

    def x(self, at: datetime) -> int:
        return round(WHOLE * ((at - self.first) / (self.last - self.first)))

    def y(self, value: int) -> int:
        return round(BOTTOM - (BOTTOM - TOP) * value / self.highest)

    def path(self, points: Sequence[Point], name: str, *, stepped: bool) -> str:
        """A line through the points; stepped, as a count really moves."""
        places = [(self.x(each.at), self.y(getattr(each, name))) for each in points]
        drawn = [f"M{places[0][0]} {places[0][1]}"]
        drawn += [f"H{x}V{y}" if stepped else f"L{x} {y}" for x, y in places[1:]]
        return "".join(drawn)


def _step(highest: int) -> int:
    """The smallest round step (1, 2 or 5 and noughts) that needs few lines."""
    size = 1
    while True:
        for factor in (1, 2, 5):
            if highest <= factor * size * (MOST_LINES - 1):
                return factor * size
        size *= 10


def _marks(frame: _Frame, points: Sequence[Point], standings: Sequence[MilestoneStatus]) -> list[Mark]:
    """Milestones reached within the picture, and the next; where they stand too close the higher one is shown."""
    found: list[Mark] = []
    for each in sorted(standings, key=lambda standing: -standing.needs):
        reached = next((point for point in points if point.counted >= each.needs), None)
        shown = points[0].counted < each.needs <= frame.highest and (reached is not None or each.day is None)
        y = frame.y(each.needs)
        if shown and all(abs(y - other.y) >= APART for other in found):
            found.append(Mark(y, each.needs, frame.x(reached.at) if reached else None))
    return found
