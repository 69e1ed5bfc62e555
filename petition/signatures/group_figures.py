"""Figures of groups: no group under ten, rounded down, a rest of at least ten, and no differences of one signature.

This module protects people who show only a role. It publishes nothing but a list of cells. A cell has a figure from ten
people on, the figure is rounded down to a multiple of five, and the cells are recounted with a batch only, after ten signatures have
come or gone in the ledger (hidden ones do not count, or the epoch of a table would tell of them), so that the difference of two tables concerns at least ten people or nobody. No total of a table is
published. The total that can be computed, everybody who is not named minus the shown cells, contains the anonymous, the
groups under ten and the rounding. If that rest would be under ten itself, a cell is lowered or dropped (complementary
suppression). Everything is computed from public bodies and public totals, so hidden signatures have no visible effect:
no cell disappears because a hidden signature came. The module does not offer a table of roles by teams. It is pure: it
uses no database.

Source: A. Hundepool et al., Statistical Disclosure Control (Wiley, 2012), chapters 4 and 5: thresholds, complementary
suppression, rounding, and differencing of linked tables. Decision 0028 lists the limits of this method.
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
    """Roles and teams at the last count, with its epoch and the number of changes (`changed`) up to it."""

    role: tuple[Cell, ...] = ()
    team: tuple[Cell, ...] = ()
    epoch: int = 0
    changed: int = 0


UNCOUNTED: Final = Table()


def rounded(n: int) -> int:
    """Returns the figure of a group: a multiple of five, or 0 under ten."""
    return n // STEP * STEP if n >= LEAST else 0


def margin(counts: Mapping[str, int]) -> tuple[Cell, ...]:
    """Returns the cells of exact counts, largest figure first, then by value.

    The order reveals no more than figures.
    """
    found = [Cell(value, rounded(n)) for value, n in counts.items() if n >= LEAST]
    return tuple(sorted(found, key=lambda cell: (-cell.n, cell.value)))


def is_due(last: Table, changed: int) -> bool:
    """Returns whether a table may be recounted, because ten signatures came or went."""
    return changed - last.changed >= LEAST


def has_shrunk(last: Table, shown: int) -> bool:
    """Returns whether at least ten people fewer show only a role (`shown`) than the figures of the table say."""
    return total(last.role) - shown >= LEAST


def beside(cells: Sequence[Cell], whole: int) -> tuple[Cell, ...]:
    """Returns the cells that may be shown beside a known whole. The rest of the whole is nobody or at least ten people.

    The largest cell is lowered by what is missing, because "185 or more" is as true as "195 or more". If that would
    take it below ten, the smallest cell is dropped.
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
    """Returns the sum of the figures."""
    return sum(cell.n for cell in cells)
