"""The fixed moments at which a batch may be written: multiples of the interval since the opening (docs/protocol.md §4.2).

This module keeps the moment of a batch from revealing the moment of a signature. It only calculates; `batch` looks at a
slot once, and stores which one was the last.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Self

from petition.campaigns import Campaign
from petition.ledger import log

ACTS_EVERY: Final = timedelta(days=7)
"""How far apart the slots are at which acts are written. Each is the first slot of a week counted from the opening."""
LONGEST_GRACE: Final = timedelta(seconds=60)
SHORTEST_GRACE: Final = timedelta(seconds=2)
"""The runner looks once a second, so with a shorter grace it could miss every slot of a demonstration."""
CLOCK_ERROR: Final = timedelta(days=1)
"""If the last slot lies further in the future than this, the clock was wrong when the slot was looked at."""


@dataclass(frozen=True, slots=True)
class Look:
    """The last slot that was looked at, and whether this look came in time to write a batch."""

    slot: int
    in_time: bool


@dataclass(frozen=True, slots=True)
class Slots:
    """The slots of one campaign: slot 0 is the opening, slot n comes n intervals later."""

    opened_at: datetime
    interval: timedelta

    @classmethod
    def of(cls, campaign: Campaign, head: log.Head) -> Self:
        """Returns the slots of an open campaign."""
        return cls(head.opened_at, timedelta(seconds=campaign.interval))

    @property
    def grace(self) -> timedelta:
        """How long after a slot a first look may still write a batch. A slot with a later first look is left out."""
        return max(SHORTEST_GRACE, min(LONGEST_GRACE, self.interval / 2))

    def moment(self, slot: int) -> datetime:
        """Returns the moment of a slot."""
        return self.opened_at + slot * self.interval

    def look(self, last: int, now: datetime) -> Look:
        """Look at the slot that was reached last, unless it, or a later one, was looked at before.

        A clock that was set forward passes over slots; these are left out. A clock that was set back waits until it
        has passed the last slot again, so that no slot is looked at twice. It waits for a day at most: if the last slot
        is further away than that, the next slot is left out and the one after it is looked at.
        """
        reached = (now - self.opened_at) // self.interval
        if reached > last:
            return Look(reached, now - self.moment(reached) <= self.grace)
        wrong = self.moment(last) - now > CLOCK_ERROR
        return Look(min(last, reached + 1) if wrong else last, in_time=False)

    def week(self, slot: int) -> int:
        """Returns the number of the week in which a slot lies. Week 0 begins with the opening."""
        return slot * self.interval // ACTS_EVERY

    def next_acts(self, now: datetime) -> datetime:
        """Returns the moment of the next slot at which acts are written: the first one of the coming week."""
        week = self.week((now - self.opened_at) // self.interval) + 1
        return self.moment(-(-week * ACTS_EVERY // self.interval))

    def next(self, last: int, now: datetime) -> datetime:
        """Returns the moment of the next slot that will be looked at, if `last` was the last one."""
        return self.moment(self.look(last, now).slot + 1)
