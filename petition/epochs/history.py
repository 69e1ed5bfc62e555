"""The figures of each epoch, one row per batch, so that a chart of a long campaign needs no counting.

This keeps the dashboard fast. The rows repeat what the ledger contains (an epoch's entry, its tombstones) and when the
batch was written, which anybody can see on the public page. Nothing is finer than a batch.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Index, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from petition.campaigns import CampaignState, OpenCampaign
from petition.core import database_roles
from petition.core.db import Base
from petition.core.ids import CampaignId
from petition.ledger import log


class Epoch(Base):
    """One batch: its own figures, and the count, the issued passes and the signed head of the ledger after it."""

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

    __table_args__ = (Index("ix_epoch_at", "campaign_id", "at"), {"info": database_roles.KEPT})


def record(session: Session, head: log.Head, at: datetime, *, signed: int, withdrawn: int, removed: int) -> None:
    """Record a batch that was just closed. `head` is the head after it."""
    row = Epoch(
        campaign_id=head.campaign_id, number=head.epoch, day=head.day, at=at, signed=signed, withdrawn=withdrawn,
        removed=removed, counted=head.counted, issued=sum(head.issued.values()),
        size=head.size, checkpoint=head.checkpoint,
    )  # fmt: skip
    session.add(row)


def since(session: Session, campaign_id: CampaignId, moment: datetime) -> tuple[int, int]:
    """Returns the signatures and tombstones of the batches since a moment."""
    gone = func.sum(Epoch.withdrawn + Epoch.removed)
    query = select(func.sum(Epoch.signed), gone).where(Epoch.campaign_id == campaign_id, Epoch.at >= moment)
    signed, lost = session.execute(query).one()
    return int(signed or 0), int(lost or 0)


@dataclass(frozen=True, slots=True)
class DayFigures:
    """The figures of one day's batches, and the totals after the last of them."""

    day: date
    signed: int
    withdrawn: int
    removed: int
    counted: int
    issued: int


def by_day(session: Session, campaign_id: CampaignId, first: date | None = None) -> list[DayFigures]:
    """Returns the figures of each day that had a batch, oldest first, from `first` on."""
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
    """The head of the ledger after an epoch: number and day of the epoch, number of entries, and the signed note."""

    epoch: int
    day: date
    size: int
    note: str


def checkpoints(session: Session, campaign: OpenCampaign, *, before: int = 0, most: int = 100) -> list[KeptCheckpoint]:
    """Returns signed heads, newest first, of epochs before a number (0: from the newest).

    While the campaign is open, epochs with fewer signatures than may be public are left out, because a head shows the
    number of entries.
    """
    query = select(Epoch.number, Epoch.day, Epoch.size, Epoch.checkpoint).where(Epoch.campaign_id == campaign.id)
    if campaign.state is CampaignState.OPEN:
        query = query.where(Epoch.counted >= campaign.public_min)
    if before:
        query = query.where(Epoch.number < before)
    rows = session.execute(query.order_by(Epoch.number.desc()).limit(most))
    return [KeptCheckpoint(number, day, size, note) for number, day, size, note in rows]


def first_of_days(session: Session, campaign_id: CampaignId, first: date) -> dict[date, int]:
    """Returns the number of the first batch of each day, from a day on."""
    query = select(Epoch.day, func.min(Epoch.number)).where(Epoch.campaign_id == campaign_id, Epoch.day >= first)
    return {day: number for day, number in session.execute(query.group_by(Epoch.day))}


@dataclass(frozen=True, slots=True)
class Point:
    """The totals after a batch, and the losses in the batches since the previous point."""

    at: datetime
    counted: int
    issued: int
    lost: int


def points(session: Session, campaign_id: CampaignId, since: datetime | None, most: int) -> list[Point]:
    """Returns the batches since a moment, oldest first. If there are more than `most`, it returns that many.

    They are spread evenly and include the last one.
    """
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
