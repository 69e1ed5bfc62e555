"""One batch: from what waits to what is in the ledger (protocol.md §4, step 6)."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from petition import db, events, milestones, news, owed, signatures, snapshots, verification
from petition.campaigns import Campaign, CampaignState
from petition.epochs import history
from petition.ledger import log
from petition.ledger.entries import CloseEntry, EpochEntry
from petition.news import NewsKind

BUNDLE = "bundle"


@dataclass(frozen=True, slots=True)
class Closed:
    """An epoch that was closed: its number, and how many signatures and tombstones it took in."""

    number: int
    signatures: int
    tombstones: int


def due(session: Session, campaign: Campaign, head: log.Head, now: datetime) -> bool:
    """Whether a batch is ready: enough wait and the interval has passed, or something waited as long as it may."""
    since = now - head.epoch_at
    if timedelta(0) <= since < timedelta(seconds=min(campaign.interval, campaign.max_wait)):
        return False
    pending, tombstones = signatures.waiting(session, campaign.id)
    if not timedelta(0) <= since < timedelta(seconds=campaign.max_wait):
        return pending + tombstones > 0
    return pending >= campaign.batch_min


@dataclass(frozen=True, slots=True)
class Coming:
    """The batch to come. `missing` more must sign before `earliest`; by `latest` it is written with what waits then."""

    signatures: int
    tombstones: int
    missing: int
    earliest: datetime
    latest: datetime


def coming(session: Session, campaign: Campaign, head: log.Head) -> Coming:
    """What waits, and when it is written: the rule of `due`, told beforehand."""
    pending, tombstones = signatures.waiting(session, campaign.id)
    latest = head.epoch_at + timedelta(seconds=campaign.max_wait)
    earliest = min(latest, head.epoch_at + timedelta(seconds=campaign.interval))
    return Coming(pending, tombstones, max(0, campaign.batch_min - pending), earliest, latest)


def close_due(session: Session, campaign_id: bytes, now: datetime) -> Closed | None:
    """Close an epoch if one is due and nobody else is at it; None otherwise."""
    if not db.try_hold(session, epoch_lock(campaign_id)):
        return None
    campaign = session.get_one(Campaign, campaign_id)
    head = log.head_of(session, campaign_id)
    if campaign.state is not CampaignState.OPEN or not due(session, campaign, head, now):
        return None
    return close_epoch(session, campaign, now)


def epoch_lock(campaign_id: bytes) -> int:
    """Held by whoever writes to a ledger."""
    return db.lock_key("epoch", campaign_id)


def close_epoch(session: Session, campaign: Campaign, now: datetime, *, last: bool = False) -> Closed:
    """Write a batch whatever its size; with `last`, the close entry after it. The caller commits.

    Tombstones by index, then signatures by leaf hash, then the epoch entry. The issued counts are read after the
    signatures were taken, so they cover every one of them.
    """
    db.hold(session, epoch_lock(campaign.id))
    head = log.head_of(session, campaign.id, lock=True)
    head.day, number = max(head.day, now.date()), head.epoch + 1
    regrets = signatures.take_regrets(session, campaign.id)
    leaves = log.append_lines(session, head, regrets.lines)
    names_wait = milestones.names_wait(session, campaign.id)
    signed = signatures.roll(session, campaign.id, head.size + len(leaves), number, names_wait=names_wait)
    head.issued = verification.issued(session, campaign.id)
    endings = [EpochEntry(number, head.day, head.issued).line()]
    endings += [CloseEntry(head.day).line()] if last else []
    leaves += signed
    leaves += log.append_lines(session, head, endings, at=head.size + len(leaves))
    log.grow(session, head, leaves)
    log.seal_head(head, campaign.origin)
    _count(head, len(signed), regrets)
    head.epoch, head.epoch_at = number, now
    removed = sum(regrets.removed.values())
    history.record(session, head, now, signed=len(signed), withdrawn=regrets.withdrawn, removed=removed)
    _follow(session, campaign, head, now)
    return Closed(number, len(signed), len(regrets.lines))


def _count(head: log.Head, signed: int, regrets: signatures.Regrets) -> None:
    head.counted += signed - len(regrets.lines)
    head.withdrawn += regrets.withdrawn
    head.removed = dict(Counter(head.removed) + Counter(regrets.removed))


def _follow(session: Session, campaign: Campaign, head: log.Head, now: datetime) -> None:
    reached = milestones.reach(session, campaign.id, head.counted, campaign.workforce, head.epoch, head.day)
    signatures.unveil(session, campaign.id, names_wait=milestones.names_wait(session, campaign.id))
    snapshots.refresh(session, campaign)
    owed_id = owed.owe(session, BUNDLE, campaign.id, head.epoch, now)
    if reached:
        news.tell_at_once(session, campaign.id, NewsKind.MILESTONE, head.epoch, now)
    session.flush()
    events.announce(session.info, events.EpochClosed(campaign.id.hex(), head.epoch, owed_id))
    for each in reached:
        events.announce(session.info, events.MilestoneReached(campaign.id.hex(), each.kind, each.value))


def open_ids(session: Session) -> list[bytes]:
    """Campaigns that take signatures."""
    return list(session.scalars(select(Campaign.id).where(Campaign.state == CampaignState.OPEN)))
