"""The outbox: rows that promise work. Each row is written in the transaction of its cause.

The outbox prevents lost and repeated follow-ups. A message in the queue is only a hint; the row is the promise. A
worker claims the row for the length of a lease, does the work and settles the row. A periodic sweep finds rows whose
lease has ended. After `MOST_TRIES` attempts a row is given up, and the dashboard shows it. `claim_slot` lets several
Celery beats run side by side: only one insert succeeds.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Uuid, delete, func, or_, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from petition.core import database_roles, events
from petition.core.db import Base
from petition.core.ids import CampaignId

MOST_TRIES = 5
LEASE = timedelta(seconds=60)


class OutboxKind(StrEnum):
    """The kinds of promised work; `workers.follow_ups` maps them to tasks.

    Rows hold the values, so they must not change.
    """

    BUNDLE = "bundle"
    INSTANT_NEWS = "tell"
    REMOVAL = "removal"
    PENDING = "pending"


@dataclass(frozen=True, slots=True)
class OutboxItemAdded(events.Event):
    """A row was added to the outbox. The worker that claims it does its work."""

    kind: OutboxKind
    outbox_id: str


class OutboxItem(Base):
    """One follow-up. `kind` (an OutboxKind) names the task, `campaign_id` and `number` its subject."""

    __tablename__ = "owed"
    __table_args__ = {"info": database_roles.REWRITTEN}  # noqa: RUF012 (SQLAlchemy reads it from the class)

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    kind: Mapped[str]
    campaign_id: Mapped[CampaignId]
    number: Mapped[int]
    since: Mapped[datetime] = mapped_column(index=True)
    leased_until: Mapped[datetime | None]
    tries: Mapped[int]
    given_up: Mapped[bool]


class JobSlot(Base):
    """One run of a periodic job. The worker that inserts the row runs the job."""

    __tablename__ = "job_slot"

    job: Mapped[str] = mapped_column(primary_key=True)
    slot: Mapped[str] = mapped_column(primary_key=True)


def add(session: Session, kind: OutboxKind, campaign_id: CampaignId, number: int, now: datetime) -> str:
    """Insert a row for work of this kind and announce it. Returns the row's id."""
    row = OutboxItem(
        id=uuid.uuid4(), kind=kind, campaign_id=campaign_id, number=number, since=now, tries=0, given_up=False
    )
    session.add(row)
    events.announce(session.info, OutboxItemAdded(kind, str(row.id)))
    return str(row.id)


def add_later(session: Session, kind: OutboxKind, campaign_id: CampaignId, number: int, due: datetime) -> None:
    """Promise work for a later moment, which the sweep starts. A kind and campaign have one such row at most.

    If there is one, its number becomes the larger of the two. The caller holds a lock of its own for kind and campaign.
    """
    mine = (OutboxItem.kind == kind) & (OutboxItem.campaign_id == campaign_id) & OutboxItem.given_up.is_(False)
    query = select(OutboxItem).where(mine).with_for_update()
    row = session.scalar(query.execution_options(populate_existing=True))
    if row is not None:
        row.number = max(row.number, number)
        return
    made = OutboxItem(id=uuid.uuid4(), kind=kind, campaign_id=campaign_id, number=number, since=due, leased_until=due)
    made.tries, made.given_up = 0, False
    session.add(made)
    session.flush()


def claim(session: Session, outbox_id: str, now: datetime) -> OutboxItem | None:
    """Claim a row for the length of a lease. Returns None if another worker has it, or if it is settled or given up."""
    free = or_(OutboxItem.leased_until.is_(None), OutboxItem.leased_until <= now)
    taking = (
        update(OutboxItem)
        .where(
            OutboxItem.id == uuid.UUID(outbox_id), free, OutboxItem.given_up.is_(False), OutboxItem.tries < MOST_TRIES
        )
        .values(leased_until=now + LEASE, tries=OutboxItem.tries + 1)
        .returning(OutboxItem)
    )
    return session.scalar(taking)


def go_on(session: Session, outbox_id: str, now: datetime) -> None:
    """Start a new lease and reset the attempts to one, because the work makes progress."""
    session.execute(
        update(OutboxItem).where(OutboxItem.id == uuid.UUID(outbox_id)).values(leased_until=now + LEASE, tries=1)
    )


def postpone(session: Session, outbox_id: str, until: datetime) -> None:
    """Leave the row alone until a moment. It counts as overdue from then on only, and its attempts begin again."""
    waiting = update(OutboxItem).where(OutboxItem.id == uuid.UUID(outbox_id))
    session.execute(waiting.values(since=until, leased_until=until, tries=0))


def number_of(session: Session, outbox_id: str) -> int | None:
    """Returns the subject of a row, as it is now, or None if its work is done."""
    return session.scalar(select(OutboxItem.number).where(OutboxItem.id == uuid.UUID(outbox_id)))


def settle(session: Session, outbox_id: str) -> None:
    """Delete the row, because its work is done."""
    session.execute(delete(OutboxItem).where(OutboxItem.id == uuid.UUID(outbox_id)))


def settle_all(session: Session, kind: OutboxKind, campaign_id: CampaignId) -> None:
    """Delete every row of a kind and campaign, because its work is no longer needed."""
    session.execute(delete(OutboxItem).where(OutboxItem.kind == kind, OutboxItem.campaign_id == campaign_id))


def overdue(session: Session, now: datetime) -> list[tuple[OutboxKind, str]]:
    """Returns rows that no worker holds, as (kind, id), oldest first. Gives up rows that were tried too often."""
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
    return [(OutboxKind(kind), str(outbox_id)) for kind, outbox_id in session.execute(waiting)]


def claim_slot(session: Session, job: str, slot: str) -> bool:
    """Returns whether this caller is the one that runs a periodic job for a slot (a period, not a moment)."""
    claiming = insert(JobSlot).values(job=job, slot=slot).on_conflict_do_nothing().returning(JobSlot.job)
    return session.scalar(claiming) is not None


def forget_slots(session: Session, keep: int = 1_000) -> None:
    """Delete all but the newest `keep` slots of each job."""
    newest = func.row_number().over(partition_by=JobSlot.job, order_by=JobSlot.slot.desc())
    ranked = select(JobSlot.job, JobSlot.slot, newest.label("rank")).subquery()
    old = select(ranked.c.job, ranked.c.slot).where(ranked.c.rank > keep)
    session.execute(delete(JobSlot).where(tuple_(JobSlot.job, JobSlot.slot).in_(old)))
