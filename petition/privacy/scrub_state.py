"""The time of the last scrub and the steps that the database role lacked privileges for, for monitors and organisers.

This module makes a broken promise visible. Without the privilege to switch the log or to make a checkpoint, old pages
stay on the disk for longer, and the operator of the site has to know.
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
    """The time of a scrub, with a resolution of one second, and the steps that were done."""

    at: datetime
    did: Scrubbed

    @property
    def refused(self) -> tuple[str, ...]:
        """Returns the steps for which the database role lacks the privilege."""
        return tuple(step for step in STEPS if not getattr(self.did, step))


class ScrubRun(Base):
    """The last run, with a resolution of one second, and the steps that the database role was allowed to do."""

    __tablename__ = "scrub_run"

    at: Mapped[datetime] = mapped_column(primary_key=True)
    rewritten: Mapped[bool]
    wal_switched: Mapped[bool]
    checkpointed: Mapped[bool]


def record(session: Session, did: Scrubbed, now: datetime) -> None:
    """Record a run in place of the previous one."""
    session.execute(delete(ScrubRun))
    session.execute(insert(ScrubRun).values(at=now.replace(microsecond=0), **asdict(did)).on_conflict_do_nothing())


def last(session: Session) -> LastScrub | None:
    """Returns the latest run, or None if there was none yet."""
    newest = session.scalar(select(ScrubRun).order_by(ScrubRun.at.desc()).limit(1))
    return None if newest is None else LastScrub(newest.at, Scrubbed(*(getattr(newest, step) for step in STEPS)))
