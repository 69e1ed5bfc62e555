"""What each epoch brought: one row a batch, so that a chart of a long campaign counts nothing.

Guards the dashboard's speed. The rows repeat what the ledger says (an epoch's entry, its tombstones) and when the batch
was written, which anybody who looked at the public page could note. Refuses anything finer than a batch.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Index, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from petition.campaigns import OpenCampaign
from petition.core.db import Base
from petition.core.ids import CampaignId
from petition.ledger import log


class Epoch(Base):
    """One batch: figures of the batch itself; the count, the passes issued and the signed head of the ledger after it."""

    __tablename__ = "epoch"

    campaign_id: Mapped[CampaignId] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    day: Mapped[date]
    at: Mapped[datetime]
    signed: Mapped[int]
    withdrawn: Mapped[int]
    removed: Mapped[int]
    counted: Mapped[int]
    issued: Mapped[int]
    size: Mapped[int]
    checkpoint: Mapped[str]

    __table_args__ = (Index("ix_epoch_at", "campaign_id", "at"),)


def record(session: Session, head: log.Head, at: datetime, *, signed: int, withdrawn: int, removed: int) -> None:
    """Write down a batch that was just closed; `head` stands after it."""
    row = Epoch(
        campaign_id=head.campaign_id, number=head.epoch, day=head.day, at=at, signed=signed, withdrawn=withdrawn,
        removed=removed, counted=head.counted, issued=sum(head.issued.values()),
        size=head.size, checkpoint=head.checkpoint,
    )  # fmt: skip
    session.add(row)


def since(session: Session, campaign_id: CampaignId, moment: datetime) -> tuple[int, int]:
    """Signatures and tombstones of the batches since a moment."""
    gone = func.sum(Epoch.withdrawn + Epoch.removed)
    query = select(func.sum(Epoch.signed), gone).where(Epoch.campaign_id == campaign_id, Epoch.at >= moment)
    signed, lost = session.execute(query).one()
    return int(signed or 0), int(lost or 0)


@dataclass(frozen=True, slots=True)
class DayFigures:
    """What one day's batches brought, and how things stood after the last of them."""

    day: date
    signed: int
    withdrawn: int
    removed: int
    counted: int
    issued: int


def by_day(session: Session, campaign_id: CampaignId, first: date | None = None) -> list[DayFigures]:
    """The figures of each day that had a batch, oldest first, from a day on."""
    sums = [func.sum(column) for column in (Epoch.signed, Epoch.withdrawn, Epoch.removed)]
    grouped = select(Epoch.day, *sums, func.max(Epoch.number)).where(Epoch.campaign_id == campaign_id)
    if first is not None:
        grouped = grouped.where(Epoch.day >= first)
    days = grouped.group_by(Epoch.day).subquery()
    day, signed, withdrawn, removed, last = days.c
    ends = select(day, signed, withdrawn, removed, Epoch.counted, Epoch.issued)
    ends = ends.join(Epoch, (Epoch.campaign_id == campaign_id) & (Epoch.number == last)).order_by(day)
    return [DayFigures(each[0], *(int(value) for value in each[1:])) for each in session.execute(ends)]


@dataclass(frozen=True, slots=True)
class KeptCheckpoint:
    """The head of the ledger after an epoch: number and day of the epoch, how many entries, and the signed note."""

    epoch: int
    day: date
    size: int
    note: str


def checkpoints(session: Session, campaign: OpenCampaign, *, before: int = 0, most: int = 100) -> list[KeptCheckpoint]:
    """Signed heads, newest first, from epochs before a number on (0: from the newest).

    None of an epoch with fewer signatures than are public: a head tells the number of entries.
    """
    query = select(Epoch.number, Epoch.day, Epoch.size, Epoch.checkpoint)
    query = query.where(Epoch.campaign_id == campaign.id, Epoch.counted >= campaign.public_min)
    if before:
        query = query.where(Epoch.number < before)
    rows = session.execute(query.order_by(Epoch.number.desc()).limit(most))
    return [KeptCheckpoint(number, day, size, note) for number, day, size, note in rows]


@dataclass(frozen=True, slots=True)
class Point:
    """How things stood after a batch, and what was lost in the batches since the point before."""

    at: datetime
    counted: int
    issued: int
    lost: int


def points(session: Session, campaign_id: CampaignId, since: datetime | None, most: int) -> list[Point]:
    """The batches since a moment, oldest first; of more than `most`, so many spread evenly, the last among them."""
    part = func.ntile(most).over(order_by=Epoch.number).label("part")
    mine = select(Epoch.number, (Epoch.withdrawn + Epoch.removed).label("lost"), part)
    mine = mine.where(Epoch.campaign_id == campaign_id)
    rows = (mine if since is None else mine.where(Epoch.at >= since)).subquery()
    parts = select(func.max(rows.c.number).label("number"), func.sum(rows.c.lost).label("lost"))
    ends = parts.group_by(rows.c.part).subquery()
    query = select(Epoch.at, Epoch.counted, Epoch.issued, ends.c.lost)
    query = query.join(ends, (Epoch.campaign_id == campaign_id) & (Epoch.number == ends.c.number))
    found = session.execute(query.order_by(Epoch.number))
    return [Point(at, counted, issued, int(lost)) for at, counted, issued, lost in found]
