"""Work that is owed: a row written with its cause, settled by whoever does the work.

Guards against lost and doubled follow-ups. A message in the queue is a nudge; this row is the promise. A worker
claims it for the length of a lease, does the work, settles it; a sweep finds rows whose lease ended. After
`MOST_TRIES` the row is given up visibly (a dead letter), never silently. `claim_slot` lets any number of beats run:
one insert wins.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import Uuid, delete, func, or_, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from petition.core.db import Base

MOST_TRIES = 5
LEASE = timedelta(seconds=60)
BEAT = "beat of "
BEAT_SECONDS = 10


class OutboxItem(Base):
    """One follow-up: `kind` names the task, `campaign_id` and `number` say of what."""

    __tablename__ = "owed"

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    kind: Mapped[str]
    campaign_id: Mapped[bytes]
    number: Mapped[int]
    since: Mapped[datetime] = mapped_column(index=True)
    leased_until: Mapped[datetime | None]
    tries: Mapped[int]
    given_up: Mapped[bool]


class JobSlot(Base):
    """One run of a periodic job; whoever inserts the row runs it."""

    __tablename__ = "job_slot"

    job: Mapped[str] = mapped_column(primary_key=True)
    slot: Mapped[str] = mapped_column(primary_key=True)


def add(session: Session, kind: str, campaign_id: bytes, number: int, now: datetime) -> str:
    """Write down a follow-up and give its id."""
    row = OutboxItem(
        id=uuid.uuid4(), kind=kind, campaign_id=campaign_id, number=number, since=now, tries=0, given_up=False
    )
    session.add(row)
    return str(row.id)


def claim(session: Session, owed_id: str, now: datetime) -> OutboxItem | None:
    """Take a follow-up for the length of a lease; None if somebody has it, it is settled or given up."""
    free = or_(OutboxItem.leased_until.is_(None), OutboxItem.leased_until <= now)
    taking = (
        update(OutboxItem)
        .where(OutboxItem.id == uuid.UUID(owed_id), free, OutboxItem.given_up.is_(False), OutboxItem.tries < MOST_TRIES)
        .values(leased_until=now + LEASE, tries=OutboxItem.tries + 1)
        .returning(OutboxItem)
    )
    return session.scalar(taking)


def go_on(session: Session, owed_id: str, now: datetime) -> None:
    """The work gets on: a new lease, and the tries begin anew."""
    session.execute(
        update(OutboxItem).where(OutboxItem.id == uuid.UUID(owed_id)).values(leased_until=now + LEASE, tries=1)
    )


def settle(session: Session, owed_id: str) -> None:
    """The work is done; forget the row."""
    session.execute(delete(OutboxItem).where(OutboxItem.id == uuid.UUID(owed_id)))


def settle_all(session: Session, kind: str, campaign_id: bytes) -> None:
    """Forget every row of a kind and campaign: there is nobody for whom the work would be done."""
    session.execute(delete(OutboxItem).where(OutboxItem.kind == kind, OutboxItem.campaign_id == campaign_id))


def overdue(session: Session, now: datetime) -> list[tuple[str, str]]:
    """Follow-ups nobody works on, as (kind, id), oldest first; those tried too often are given up here."""
    ended = or_(OutboxItem.leased_until.is_(None), OutboxItem.leased_until <= now)
    session.execute(
        update(OutboxItem)
        .where(ended, OutboxItem.tries >= MOST_TRIES, OutboxItem.given_up.is_(False))
        .values(given_up=True)
    )
    waiting = (
        select(OutboxItem.kind, OutboxItem.id)
        .where(ended, OutboxItem.given_up.is_(False))
        .order_by(OutboxItem.since)
        .limit(500)
    )
    return [(kind, str(owed_id)) for kind, owed_id in session.execute(waiting)]


def claim_slot(session: Session, job: str, slot: str) -> bool:
    """Whether this caller is the one who runs a periodic job for a slot (a period, never a moment)."""
    claiming = insert(JobSlot).values(job=job, slot=slot).on_conflict_do_nothing().returning(JobSlot.job)
    return session.scalar(claiming) is not None


def beat(session: Session, worker: str, now: datetime) -> None:
    """Note that a worker lives, at most once in `BEAT_SECONDS`."""
    moment = now.replace(second=now.second - now.second % BEAT_SECONDS, microsecond=0)
    claim_slot(session, BEAT + worker, moment.astimezone(UTC).isoformat())


def last_beats(session: Session, workers: Sequence[str]) -> dict[str, datetime]:
    """When each worker gave its last sign of life, exact to `BEAT_SECONDS`; none that never did."""
    jobs = {BEAT + worker: worker for worker in workers}
    newest = select(JobSlot.job, func.max(JobSlot.slot)).where(JobSlot.job.in_(jobs)).group_by(JobSlot.job)
    return {jobs[job]: datetime.fromisoformat(slot) for job, slot in session.execute(newest)}


def forget_slots(session: Session, keep: int = 1_000) -> None:
    """Keep the newest slots of each job and forget the rest."""
    newest = func.row_number().over(partition_by=JobSlot.job, order_by=JobSlot.slot.desc())
    ranked = select(JobSlot.job, JobSlot.slot, newest.label("rank")).subquery()
    old = select(ranked.c.job, ranked.c.slot).where(ranked.c.rank > keep)
    session.execute(delete(JobSlot).where(tuple_(JobSlot.job, JobSlot.slot).in_(old)))
