"""Notices a clock that jumped, so that nothing that cannot be undone happens because the clock was wrong for a while.

A worker looks at the clock every few seconds and stores when it did. If the last look lies ten minutes back, or as far
ahead, the clock jumped or the site was stopped; one cannot be told from the other. What cannot be undone (a close by
its date, an opening, deleting what has expired) then waits until ten minutes have passed without another jump.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from petition.core.db import Base

LONGEST_GAP: Final = timedelta(minutes=10)
"""Two looks are never so far apart while the site runs and its clock is right."""
CALM: Final = timedelta(minutes=10)
"""For this long no look may follow a jump before the clock is believed."""


class ClockLook(Base):
    """The last look at the clock, and the moment after a jump, by the clock itself. One row."""

    __tablename__ = "clock_look"

    name: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    jumped: Mapped[datetime | None]


NAME: Final = "calendar"


def look(session: Session, now: datetime) -> bool:
    """Store a look at the clock. Returns whether the clock is believed. The caller commits."""
    session.execute(insert(ClockLook).values(name=NAME, at=now, jumped=None).on_conflict_do_nothing())
    row = session.scalars(select(ClockLook).with_for_update()).one()
    if abs(now - row.at) > LONGEST_GAP:
        row.jumped = now
    elif row.jumped is not None and now - row.jumped >= CALM:
        row.jumped = None
    row.at = now
    return row.jumped is None


def is_steady(session: Session, now: datetime) -> bool:
    """Returns whether the last look is recent and no jump was noticed lately. True before the first look."""
    row = session.scalar(select(ClockLook))
    return row is None or (row.jumped is None and abs(now - row.at) <= LONGEST_GAP)
