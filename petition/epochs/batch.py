"""One batch: from what waits to what is in the ledger (docs/protocol.md §4.2)."""

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
"""What the sign of life of whoever looks for due batches is called (`petition.core.heartbeats.beat`)."""
PATIENCE: Final = timedelta(days=7)
"""So long a withdrawal or a removal waits at most for others."""


class Due(StrEnum):
    """What a batch that is due takes: everything that waits, or only withdrawals and removals."""

    EVERYTHING = "everything"
    TOMBSTONES = "tombstones"


@dataclass(frozen=True, slots=True)
class Closed:
    """An epoch that was closed: its number, and how many signatures and tombstones it took in."""

    number: int
    signatures: int
    tombstones: int


def due(session: Session, campaign: Campaign, head: log.Head, now: datetime) -> Due | None:
    """What a batch may take now; None: nothing. No signature is ever written with fewer than the least number of others.

    Once the interval has passed, everything if enough signatures wait, however long fewer have waited; only withdrawals
    and removals if as many of them wait, or the oldest has waited a week. The last batch is the close's.
    """
    if timedelta(0) <= now - head.epoch_at < timedelta(seconds=campaign.interval):
        return None
    pending, tombstones = signatures.waiting(session, campaign.id)
    if pending >= campaign.batch_min:
        return Due.EVERYTHING
    waited = head.tombstones_since is not None and now.date() - head.tombstones_since >= PATIENCE
    return Due.TOMBSTONES if tombstones and (waited or tombstones >= campaign.batch_min) else None


@dataclass(frozen=True, slots=True)
class Coming:
    """The batch to come: whether ten signatures or more wait, how many make a batch, and its earliest moment.

    Nothing finer: an exact figure would move when one person signs.
    """

    many: bool
    least: int
    earliest: datetime


MANY: Final = 10


def coming(session: Session, campaign: Campaign, head: log.Head) -> Coming:
    """What waits, coarsely, and when it may be written."""
    pending, _tombstones = signatures.waiting(session, campaign.id)
    return Coming(pending >= MANY, campaign.batch_min, head.epoch_at + timedelta(seconds=campaign.interval))


def _note_tombstones(session: Session, campaign: Campaign, head: log.Head, now: datetime) -> None:
    """Since which day withdrawals or removals wait: one day a campaign, so that no row of theirs needs one."""
    _pending, tombstones = signatures.waiting(session, campaign.id)
    if not tombstones:
        head.tombstones_since = None
    elif head.tombstones_since is None:
        head.tombstones_since = now.date()


def close_due(session: Session, campaign_id: CampaignId, now: datetime) -> Closed | None:
    """Close an epoch if one is due and nobody else is at it; None otherwise."""
    if not db.try_hold(session, epoch_lock(campaign_id)):
        return None
    campaign = session.get_one(Campaign, campaign_id)
    head = log.head_of(session, campaign_id)
    if campaign.state is not CampaignState.OPEN:
        return None
    _note_tombstones(session, campaign, head, now)
    takes = due(session, campaign, head, now)
    return close_epoch(session, campaign, now, takes=takes) if takes else None


def epoch_lock(campaign_id: CampaignId) -> int:
    """Held by whoever writes to a ledger."""
    return db.lock_key("epoch", campaign_id)


def close_epoch(
    session: Session, campaign: Campaign, now: datetime, *, takes: Due = Due.EVERYTHING, last: bool = False
) -> Closed:
    """Write a batch whatever its size; with `last`, the close entry after it. The caller commits.

    Tombstones by index, then signatures by leaf hash, then the epoch entry. The issued counts are read after the
    signatures were taken, so they cover every one of them; without new signatures they stay what they were.
    """
    db.hold(session, epoch_lock(campaign.id))
    head = log.head_of(session, campaign.id, lock=True)
    head.day, number = max(head.day, now.date()), head.epoch + 1
    regrets = signatures.take_withdrawals(session, campaign.id)
    leaves = log.append_lines(session, head, regrets.lines)
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
    _count(head, len(signed), regrets)
    head.epoch, head.epoch_at, head.tombstones_since = number, now, None
    removed = sum(regrets.removed.values())
    history.record(session, head, now, signed=len(signed), withdrawn=regrets.withdrawn, removed=removed)
    _follow(session, campaign, head, now)
    return Closed(number, len(signed), len(regrets.lines))


def _count(head: log.Head, signed: int, regrets: signatures.Withdrawals) -> None:
    head.counted += signed - len(regrets.lines)
    head.withdrawn += regrets.withdrawn
    head.removed = dict(Counter(head.removed) + Counter(regrets.removed))


def _follow(session: Session, campaign: Campaign, head: log.Head, now: datetime) -> None:
    reached = milestones.reach(session, campaign.id, head.counted, campaign.workforce, head.epoch, head.day)
    names_wait = milestones.names_wait(session, campaign.id)
    signatures.unveil(session, campaign.id, head.counted, names_wait=names_wait)
    publication.refresh(session, campaign)
    outbox.add(session, OutboxKind.BUNDLE, campaign.id, head.epoch, now)
    if reached:
        news.record_instant_news(session, campaign.id, NewsKind.MILESTONE, head.epoch, now)


def open_ids(session: Session) -> list[CampaignId]:
    """Campaigns that take signatures."""
    return list(session.scalars(select(Campaign.id).where(Campaign.state == CampaignState.OPEN)))
