"""Hints for organisers: unusually large epochs, repeated names, and names that differ only in a number.

Hints help organisers notice floods of fake signatures. A hint is no verdict: it leads to the criteria, where an
organiser decides. Only public data is examined, with a fixed number of queries.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from petition.core.ids import CampaignId
from petition.epochs.history import Epoch
from petition.signatures import selection
from petition.signatures.selection import Pattern

LOOKED_AT: Final = 500
MOST: Final = 5
FEW: Final = 20
TIMES: Final = 4
ALIKE: Final = 3


@dataclass(frozen=True, slots=True)
class Burst:
    """An epoch with far more signatures than usual."""

    epoch: int
    signed: int


@dataclass(frozen=True, slots=True)
class Hints:
    """The hints. `usual` is the median of signatures per epoch."""

    usual: int
    bursts: tuple[Burst, ...]
    repeated: tuple[Pattern, ...]
    numbered: tuple[Pattern, ...]

    def __bool__(self) -> bool:
        """Returns whether there are any hints."""
        return bool(self.bursts or self.repeated or self.numbered)


def find(session: Session, campaign_id: CampaignId) -> Hints:
    """Examine the last epochs and the names that are shown, with three queries."""
    recent = select(Epoch.number, Epoch.signed).where(Epoch.campaign_id == campaign_id, Epoch.signed > 0)
    epochs = list(session.execute(recent.order_by(Epoch.number.desc()).limit(LOOKED_AT)))
    usual = int(median(signed for _, signed in epochs)) if epochs else 0
    high = [Burst(number, signed) for number, signed in epochs if signed >= max(FEW, TIMES * usual)]
    return Hints(
        usual,
        tuple(sorted(high, key=lambda each: -each.signed)[:MOST]) if len(epochs) > ALIKE else (),
        tuple(selection.repeated_names(session, campaign_id, MOST)),
        tuple(selection.numbered_names(session, campaign_id, ALIKE, MOST)),
    )
