"""When the newest backup was written. `backup write` records it, and nothing else about it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from petition.core.db import Base


class BackupRun(Base):
    """The newest backup, with a resolution of one second. One row."""

    __tablename__ = "backup_run"

    at: Mapped[datetime] = mapped_column(primary_key=True)


def record(session: Session, now: datetime) -> None:
    """Record that a backup is complete, in place of the one before."""
    session.execute(delete(BackupRun))
    session.execute(insert(BackupRun).values(at=now.replace(microsecond=0)).on_conflict_do_nothing())


def last(session: Session) -> datetime | None:
    """Returns when the newest backup was written, or None if none was."""
    return session.scalar(select(func.max(BackupRun.at)))
