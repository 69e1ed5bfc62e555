"""When the scrub last ran, and what the database role did not let it do: for monitors and organisers.

Guards against a promise that is silently not kept: without the right to switch the log or to make a checkpoint, old
pages lie about longer, and whoever operates the site is told.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from petition.core.db import Base
from petition.privacy.scrub import Scrubbed

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


class ScrubRun(Base):
    """The last run, exact to the second, and which steps the database role was allowed to do."""

    __tablename__ = "scrub_run"

    at: Mapped[datetime] = mapped_column(primary_key=True)
    rewritten: Mapped[bool]
    wal_switched: Mapped[bool]
    checkpointed: Mapped[bool]


def record(session: Session, did: Scrubbed, now: datetime) -> None:
    """Record that it ran, in the place of the run before."""
    session.execute(delete(ScrubRun))
    session.execute(insert(ScrubRun).values(at=now.replace(microsecond=0), **asdict(did)).on_conflict_do_nothing())


def last(session: Session) -> LastScrub | None:
    """The newest run; None when there was none yet."""
    newest = session.scalar(select(ScrubRun).order_by(ScrubRun.at.desc()).limit(1))
    return None if newest is None else LastScrub(newest.at, Scrubbed(*(getattr(newest, step) for step in STEPS)))
