"""Heartbeats: the time of each worker's last sign of life, for the dashboard and for monitoring. One row per worker."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from petition.core.db import Base

BEAT_SECONDS = 10
AHEAD = timedelta(minutes=1)
"""A heartbeat further ahead than this is one of a clock that was wrong."""


class Heartbeat(Base):
    """The last sign of life of a worker, with a resolution of `BEAT_SECONDS`."""

    __tablename__ = "heartbeat"

    worker: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime]


def beat(session: Session, worker: str, now: datetime) -> None:
    """Record that a worker is alive. The row changes at most once per `BEAT_SECONDS`.

    It goes back in time only if it lies so far ahead that the clock must have been wrong.
    """
    moment = now.replace(second=now.second - now.second % BEAT_SECONDS, microsecond=0)
    writing = insert(Heartbeat).values(worker=worker, at=moment)
    other = (Heartbeat.at < moment) | (Heartbeat.at > moment + AHEAD)
    session.execute(writing.on_conflict_do_update(index_elements=["worker"], set_={"at": moment}, where=other))


def last_beats(session: Session, workers: Sequence[str]) -> dict[str, datetime]:
    """Returns the last sign of life of each of these workers. A worker that never gave one is left out."""
    query = select(Heartbeat.worker, Heartbeat.at).where(Heartbeat.worker.in_(workers))
    return {worker: at for worker, at in session.execute(query)}
