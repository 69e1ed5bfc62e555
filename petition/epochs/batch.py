"""Writes a batch: moves what waits into the ledger (docs/protocol.md §4.2)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from petition import publication, signatures, verification
from petition.campaigns import Campaign, CampaignState, milestones, news
from petition.campaigns.news import NewsKind
from petition.core import db, outbox
from petition.core.ids import CampaignId
from petition.core.outbox import OutboxKind
from petition.epochs import history
from petition.ledger import log
from petition.ledger.entries import CloseEntry, EpochEntry

LOOKED: Final = "batches"
"""The heartbeat name of the job that searches for due batches (`petition.core.heartbeats.beat`)."""
LONGEST_WAIT: Final = timedelta(days=7)
"""The longest time for which a withdrawal or a removal waits for others."""


class Due(StrEnum):
    """What a due batch takes: everything that waits, or only withdrawals and removals."""

    EVERYTHING = "everything"
    TOMBSTONES = "tombstones"


@dataclass(frozen=True, slots=True)
class Closed:
    """A closed epoch: its number, and how many signatures and tombstones it took in."""

    number: int
    signatures: int
    tombstones: int


def due(session: Session, campaign: Campaign, head: log.Head, now: datetime) -> Due | None:
    """Returns what a batch may take now, or None. No signature is written with fewer than the least number of others.

    Once the interval has passed, a batch takes everything if enough signatures wait, no matter how long fewer have
    waited. It takes only withdrawals and removals if as many of those wait, or if the oldest has waited a week. The
    close writes the last batch.
    """
    if timedelta(0) <= now - head.epoch_at < timedelta(seconds=campaign.interval):
        return None
    pending, tombstones = signatures.waiting(session, campaign.id)
    if pending >= campaign.batch_min:
        return Due.EVERYTHING
    waited = head.tombstones_since is not None and now.date() - head.tombstones_since >= LONGEST_WAIT
    return Due.TOMBSTONES if tombstones and (waited or tombstones >= campaign.batch_min) else None


@dataclass(frozen=True, slots=True)
class Coming:
    """The coming batch: whether ten signatures or more wait, how many make a batch, and its earliest moment.

    Nothing is finer, because an exact figure would change when one person signs.
    """

    many: bool
    least: int
    earliest: datetime


MANY: Final = 10


def coming(session: Session, campaign: Campaign, head: log.Head) -> Coming:
    """Returns a coarse figure of what waits, and when it may be written."""
    pending, _tombstones = signatures.waiting(session, campaign.id)
    return Coming(pending >= MANY, campaign.batch_min, head.epoch_at + timedelta(seconds=campaign.interval))


def _record_tombstones(session: Session, campaign: Campaign, head: log.Head, now: datetime) -> None:
    """Record the day since which withdrawals or removals wait.

    One day per campaign suffices, so their rows need none.
    """
    _pending, tombstones = signatures.waiting(session, campaign.id)
    if not tombstones:
        head.tombstones_since = None
    elif head.tombstones_since is None:
        head.tombstones_since = now.date()


def close_due(session: Session, campaign_id: CampaignId, now: datetime) -> Closed | None:
    """Close an epoch if one is due and no other process does so. Returns None otherwise."""
    if not db.try_hold(session, epoch_lock(campaign_id)):
        return None
    campaign = session.get_one(Campaign, campaign_id)
    head = log.head_of(session, campaign_id)
    if campaign.state is not CampaignState.OPEN:
        return None
    _record_tombstones(session, campaign, head, now)
    takes = due(session, campaign, head, now)
    return close_epoch(session, campaign, now, takes=takes) if takes else None


def epoch_lock(campaign_id: CampaignId) -> int:
    """Returns the key of the lock that is held while writing to a ledger."""
    return db.lock_key("epoch", campaign_id)


def close_epoch(
    session: Session, campaign: Campaign, now: datetime, *, takes: Due = Due.EVERYTHING, last: bool = False
) -> Closed:
    """Write a batch of any size, followed by the close entry if it is the `last`. The caller commits.

    It holds tombstones by index, then signatures by leaf hash, then the epoch entry. The issued counts are read after
    the signatures were taken, so they cover every one of them. Without new signatures the counts do not change.
    """
    db.hold(session, epoch_lock(campaign.id))
    head = log.head_of(session, campaign.id, lock=True)
    head.day, number = max(head.day, now.date()), head.epoch + 1
    withdrawals = signatures.take_withdrawals(session, campaign.id)
    leaves = log.append_lines(session, head, withdrawals.lines)
    signed: list[bytes] = []
    if takes is Due.EVERYTHING:
        names_wait = milestones.names_wait(session, campaign.id)
        signed = signatures.append_batch(session, campaign.id, head.size + len(leaves), number, names_wait=names_wait)
        head.issued = verification.issued(session, campaign.id)
    endings = [EpochEntry(number, head.day, head.issued).line()]
    endings += [CloseEntry(head.day).line()] if last else []
    leaves += signed
    leaves += log.append_lines(session, head, endings, at=head.size + len(leaves))
    log.grow(session, head, leaves)
    log.seal_head(head, campaign.origin)
    _count(head, len(signed), withdrawals)
    head.epoch, head.epoch_at, head.tombstones_since = number, now, None
    removed = sum(withdrawals.removed.values())
    history.record(session, head, now, signed=len(signed), withdrawn=withdrawals.withdrawn, removed=removed)
    _follow(session, campaign, head, now)
    return Closed(number, len(signed), len(withdrawals.lines))


def _count(head: log.Head, signed: int, withdrawals: signatures.Withdrawals) -> None:
    head.counted += signed - len(withdrawals.lines)
    head.withdrawn += withdrawals.withdrawn
    head.removed = dict(Counter(head.removed) + Counter(withdrawals.removed))


def _follow(session: Session, campaign: Campaign, head: log.Head, now: datetime) -> None:
    reached = milestones.reach(session, campaign.id, head.counted, campaign.workforce, head.epoch, head.day)
    names_wait = milestones.names_wait(session, campaign.id)
    signatures.update_visibility(session, campaign.id, head.counted, names_wait=names_wait)
    publication.refresh(session, campaign)
    outbox.add(session, OutboxKind.BUNDLE, campaign.id, head.epoch, now)
    if reached:
        news.record_instant_news(session, campaign.id, NewsKind.MILESTONE, head.epoch, now)


def open_ids(session: Session) -> list[CampaignId]:
    """Returns the campaigns that take signatures."""
    return list(session.scalars(select(Campaign.id).where(Campaign.state == CampaignState.OPEN)))
