"""When the scrub last ran, and what the database role did not let it do: for monitors and organisers.

Guards against a promise that is silently not kept: without the right to switch the log or to make a checkpoint, old
pages lie about longer, and whoever operates the site is told. Needs no table: it is one line among the periodic jobs.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from petition.core.outbox import JobSlot, claim_slot
from petition.privacy.scrub import Scrubbed

JOB: Final = "scrubbed"
STEPS: Final = ("rewritten", "wal_switched", "checkpointed")


@dataclass(frozen=True, slots=True)
class LastScrub:
    """When it ran, exact to the second, and what of it was done."""

    at: datetime
    did: Scrubbed

    @property
    def refused(self) -> tuple[str, ...]:
        """The steps that the database role may not do."""
        return tuple(step for step in STEPS if not getattr(self.did, step))


def record(session: Session, did: Scrubbed, now: datetime) -> None:
    """Write down that it ran."""
    done = " ".join(step for step in STEPS if getattr(did, step))
    claim_slot(session, JOB, f"{now.astimezone(UTC):%Y-%m-%dT%H:%M:%S%z} {done}")


def last(session: Session) -> LastScrub | None:
    """The newest run; None when there was none yet."""
    newest = session.scalar(select(func.max(JobSlot.slot)).where(JobSlot.job == JOB))
    if newest is None:
        return None
    at, *done = newest.split()
    return LastScrub(datetime.fromisoformat(at), Scrubbed(*(step in done for step in STEPS)))
