"""Worth a look: epochs far above the usual, names that repeat, names that differ by a number alone.

Guards against a wave of fakes that nobody notices. A hint is no verdict: it leads to the criteria, where an organiser
decides. Refuses to look at anything that is not public; a fixed number of queries, whatever there is.
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
    """What is worth a look; `usual` is the median of signatures an epoch."""

    usual: int
    bursts: tuple[Burst, ...]
    repeated: tuple[Pattern, ...]
    numbered: tuple[Pattern, ...]

    def __bool__(self) -> bool:
        """Whether there is anything."""
        return bool(self.bursts or self.repeated or self.numbered)


def find(session: Session, campaign_id: CampaignId) -> Hints:
    """Look over the last epochs and the names that are shown; three queries."""
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
