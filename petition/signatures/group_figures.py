"""Figures of groups: no group under ten, rounded down, a rest of at least ten, and never a difference of one signature.

Guards those who show a role only. What is published is a list of cells and nothing else: a cell has a figure from ten
people on, the figure is the next lower multiple of five, and the cells are counted anew only after ten signatures have
come or gone, so that whoever subtracts two tables looks at ten people or none. No total of a table is published. The
one that can be made, everybody who is not named, less the cells shown, holds the anonymous, the groups under ten and
what rounding took off; where that rest would be under ten itself, a cell gives way to it (complementary suppression).
Everything here is reckoned from public bodies and public totals, so what is hidden decides nothing that can be seen:
no cell goes because a hidden one came. Refuses a table of roles by teams. Pure: no database.

Source: A. Hundepool et al., Statistical Disclosure Control (Wiley, 2012), chapters 4 and 5: thresholds, complementary
suppression, rounding, and differencing of linked tables. Decision 0028 says what this cannot do.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

LEAST: Final = 10
STEP: Final = 5


@dataclass(frozen=True, slots=True)
class Cell:
    """A group: `n` people or a few more show this role (or team) and no name."""

    value: str
    n: int


@dataclass(frozen=True, slots=True)
class Table:
    """Roles and teams as they were last counted: in which epoch, and after how many changes (`changed`)."""

    role: tuple[Cell, ...] = ()
    team: tuple[Cell, ...] = ()
    epoch: int = 0
    changed: int = 0


UNCOUNTED: Final = Table()


def rounded(n: int) -> int:
    """The figure of a group: a multiple of five, or 0 under ten."""
    return n // STEP * STEP if n >= LEAST else 0


def margin(counts: Mapping[str, int]) -> tuple[Cell, ...]:
    """The cells of exact counts, greatest figure first, then by value: the order tells no more than the figures."""
    found = [Cell(value, rounded(n)) for value, n in counts.items() if n >= LEAST]
    return tuple(sorted(found, key=lambda cell: (-cell.n, cell.value)))


def is_due(last: Table, changed: int) -> bool:
    """Whether a table may be counted anew: ten signatures came or went since."""
    return changed - last.changed >= LEAST


def beside(cells: Sequence[Cell], whole: int) -> tuple[Cell, ...]:
    """The cells that may stand beside a known whole: what is left of it is nobody, or ten people at least.

    The greatest cell gives what is missing, for "185 or more" is as true as "195 or more"; where that would take it
    under ten, the smallest cell goes.
    """
    shown = list(cells)
    while shown and (rest := whole - total(shown)) and rest < LEAST:
        lower = shown[0].n - -(-(LEAST - rest) // STEP) * STEP
        if lower >= LEAST:
            shown[0] = Cell(shown[0].value, lower)
        else:
            shown.pop()
    return tuple(sorted(shown, key=lambda cell: (-cell.n, cell.value)))


def total(cells: Sequence[Cell]) -> int:
    """What the figures add up to."""
    return sum(cell.n for cell in cells)
