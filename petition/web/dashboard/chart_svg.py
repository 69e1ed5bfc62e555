"""This module turns a curve into the lines, ticks and marks of an SVG, in thousandths of its width and height.

The image needs no script and no inline style: the template writes the numbers as attributes, and the stylesheet sets
the colours. The axis is never cut: it always begins at zero.
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
SIZE: Final = 1000
MOST_LINES: Final = 5
LEAST_DISTANCE: Final = 60


@dataclass(frozen=True, slots=True)
class MilestoneMark:
    """A milestone on the chart: its height, its number of signatures, and the position where it was reached.

    `x` is None if the milestone is not reached yet.
    """

    y: int
    needs: int
    x: int | None


@dataclass(frozen=True, slots=True)
class ChartImage:
    """The chart as numbers for the template.

    `lines` holds SVG paths by name, `grid` holds heights and their numbers, and `times` holds the first, middle and
    last moment.
    """

    lines: dict[str, str]
    grid: tuple[tuple[int, int], ...]
    times: tuple[datetime, ...]
    marks: tuple[MilestoneMark, ...]
    curve: Curve


def chart_image(curve: Curve, statuses: Sequence[MilestoneStatus]) -> ChartImage | None:
    """Return the image of a curve, or None if it has fewer than two points."""
    points = curve.points
    if len(points) < 2 or points[0].at == points[-1].at:
        return None
    counted = points[-1].counted
    ahead = next((each.needs for each in statuses if each.needs > counted), 0)
    highest = max(
        *(max(each.counted, each.issued, each.lost) for each in points), ahead if ahead <= counted * 2 else 0, 1
    )
    step = _step(highest)
    frame = _Frame(points[0].at, points[-1].at, -(-highest // step) * step)
    return ChartImage(
        lines={name: frame.path(points, name, stepped=curve.fine) for name in ("issued", "lost", "counted")},
        grid=tuple((frame.y(value), value) for value in range(0, frame.highest + 1, step)),
        times=(points[0].at, points[0].at + (points[-1].at - points[0].at) / 2, points[-1].at),
        marks=tuple(_marks(frame, points, statuses)),
        curve=curve,
    )


@dataclass(frozen=True, slots=True)
class _Frame:
    first: datetime
    last: datetime
    highest: int

    def x(self, at: datetime) -> int:
        return round(SIZE * ((at - self.first) / (self.last - self.first)))

    def y(self, value: int) -> int:
        return round(BOTTOM - (BOTTOM - TOP) * value / self.highest)

    def path(self, points: Sequence[Point], name: str, *, stepped: bool) -> str:
        """Return a path through the points. A stepped path shows the changes of the count as they really happened."""
        places = [(self.x(each.at), self.y(getattr(each, name))) for each in points]
        commands = [f"M{places[0][0]} {places[0][1]}"]
        commands += [f"H{x}V{y}" if stepped else f"L{x} {y}" for x, y in places[1:]]
        return "".join(commands)


def _step(highest: int) -> int:
    """Return the smallest round step (1, 2 or 5 followed by zeros) that needs few grid lines."""
    size = 1
    while True:
        for factor in (1, 2, 5):
            if highest <= factor * size * (MOST_LINES - 1):
                return factor * size
        size *= 10


def _marks(frame: _Frame, points: Sequence[Point], statuses: Sequence[MilestoneStatus]) -> list[MilestoneMark]:
    """Return marks for the milestones reached within the image, and for the next one.

    Where two are too close, the higher one is shown.
    """
    marks: list[MilestoneMark] = []
    for each in sorted(statuses, key=lambda status: -status.needs):
        reached = next((point for point in points if point.counted >= each.needs), None)
        shown = points[0].counted < each.needs <= frame.highest and (reached is not None or each.day is None)
        y = frame.y(each.needs)
        if shown and all(abs(y - other.y) >= LEAST_DISTANCE for other in marks):
            marks.append(MilestoneMark(y, each.needs, frame.x(reached.at) if reached else None))
    return marks
