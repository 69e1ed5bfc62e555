"""Writes a batch: moves what waits into the ledger (docs/protocol.md §4.2)."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from petition import publication, signatures, verification
from petition.campaigns import Campaign, CampaignState, least_in_batch, milestones, news
from petition.campaigns.news import NewsKind
from petition.core import db, failpoints, outbox
from petition.core.ids import CampaignId
from petition.core.outbox import OutboxKind
from petition.epochs import history
from petition.epochs.slots import Slots
from petition.ledger import log
from petition.ledger.entries import GROUP, CloseEntry, EpochEntry

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Due:
    """What a batch takes: the signatures that wait, and the acts (withdrawals, changes and removals) that wait.

    Each of them is taken completely or not at all, and neither depends on the other. If a batch of signatures took a
    lone withdrawal along, it would reveal on which day somebody withdrew.
    """

    signatures: bool
    acts: bool


EVERYTHING: Final = Due(signatures=True, acts=True)
NO_ACTS: Final = signatures.Acts([], 0, {})


@dataclass(frozen=True, slots=True)
class Closed:
    """A closed epoch: its number, and how many signatures and acts it took in."""

    number: int
    signatures: int
    acts: int


def due(waits: tuple[int, int], least: int, *, acts_slot: bool) -> Due:
    """Returns what a batch takes at a slot. `waits`: how many signatures and acts wait; `least`: k.

    Signatures are taken if at least k of them wait, however long fewer have waited. Acts are taken at a slot for acts,
    however many wait: a number would let k − 1 people who act on purpose find out when one more acts.
    """
    signed, acts = waits
    return Due(signed >= least, acts_slot and acts > 0)


@dataclass(frozen=True, slots=True)
class Coming:
    """The coming batch: how many signatures make one, and the next slots. It says nothing about what waits.

    `acts` is the next slot at which withdrawals, changes and removals are written.
    """

    least: int
    earliest: datetime
    acts: datetime


def coming(campaign: Campaign, head: log.Head, now: datetime) -> Coming:
    """Returns how large the next batch has to be, and when it may be written."""
    slots, least = Slots.of(campaign, head), least_in_batch(campaign)
    earliest = slots.next(head.slot, now)
    return Coming(least, earliest, slots.next_acts(now) if least > 1 else earliest)


def close_due(session: Session, campaign_id: CampaignId, now: datetime) -> Closed | None:
    """Look at the slot that was reached last, and write what is due then. Returns None if nothing is written.

    Each slot is looked at once: it is stored in the transaction of its batch, under the ledger's lock. What comes in
    after the look waits for the next slot, even though this is called every second.
    """
    if not db.try_hold(session, epoch_lock(campaign_id)):
        return None
    campaign = session.get_one(Campaign, campaign_id)
    head = log.head_of(session, campaign_id)
    slots = Slots.of(campaign, head)
    look = slots.look(head.slot, now)
    if campaign.state is not CampaignState.OPEN or look.slot == head.slot:
        return None
    head.slot = look.slot
    if not look.in_time:
        logger.warning("slot %s of %s was looked at too late and is left out", look.slot, campaign_id.hex())
        return None
    least = least_in_batch(campaign)
    acts_slot = _begin_week(head, slots.week(look.slot)) or least == 1
    takes = due(signatures.waiting(session, campaign_id), least, acts_slot=acts_slot)
    failpoints.reach("looked_before_batch")
    return close_epoch(session, campaign, now, takes=takes) if takes.signatures or takes.acts else None


def _begin_week(head: log.Head, week: int) -> bool:
    """Store the week of a slot, and return whether it is a new one: then acts are written at this slot.

    A week that is earlier than the stored one means that the clock was wrong when that one was stored.
    """
    begins, head.acts_week = week > head.acts_week, week
    return begins


def epoch_lock(campaign_id: CampaignId) -> int:
    """Returns the key of the lock that is held while writing to a ledger."""
    return db.lock_key("epoch", campaign_id)


def close_epoch(
    session: Session, campaign: Campaign, now: datetime, *, takes: Due = EVERYTHING, last: bool = False
) -> Closed:
    """Write a batch of any size, followed by the close entry if it is the `last`. The caller commits.

    It holds acts by index, then signatures by leaf hash, then the epoch entry. The issued counts are read after the
    signatures were taken, so they cover every one of them. Without new signatures the counts do not change.
    """
    db.hold(session, epoch_lock(campaign.id))
    head = log.head_of(session, campaign.id, lock=True)
    head.day, number = max(head.day, now.date()), head.epoch + 1
    names_wait = milestones.names_wait(session, campaign.id)
    acts = signatures.take_acts(session, campaign.id, names_wait=names_wait) if takes.acts else NO_ACTS
    leaves = log.append_lines(session, head, acts.lines)
    signed: list[bytes] = []
    if takes.signatures:
        signed = signatures.append_batch(session, campaign.id, head.size + len(leaves), number, names_wait=names_wait)
    if signed:
        head.issued = verification.issued(session, campaign.id)
    endings = [EpochEntry(number, head.day, {GROUP: head.issued}).line()]
    endings += [CloseEntry(head.day).line()] if last else []
    leaves += signed
    leaves += log.append_lines(session, head, endings, at=head.size + len(leaves))
    log.grow(session, head, leaves)
    log.seal_head(head, campaign.origin)
    _count(head, len(signed), acts)
    head.epoch, head.epoch_at = number, now
    removed = sum(acts.removed.values())
    history.record(session, head, now, signed=len(signed), withdrawn=acts.withdrawn, removed=removed)
    _follow(session, campaign, head, now)
    return Closed(number, len(signed), len(acts.lines))


def _count(head: log.Head, signed: int, acts: signatures.Acts) -> None:
    head.counted += signed - acts.ended
    head.withdrawn += acts.withdrawn
    head.removed = dict(Counter(head.removed) + Counter(acts.removed))


def _follow(session: Session, campaign: Campaign, head: log.Head, now: datetime) -> None:
    reached = milestones.reach(session, campaign.id, head.counted, campaign.workforce, head.epoch, head.day)
    names_wait = milestones.names_wait(session, campaign.id)
    signatures.update_visibility(session, campaign.id, head.counted, names_wait=names_wait)
    publication.refresh(session, campaign, in_batch=True)
    outbox.add(session, OutboxKind.BUNDLE, campaign.id, head.epoch, now)
    if reached:
        news.record_instant_news(session, campaign.id, NewsKind.MILESTONE, head.epoch, now)


def open_ids(session: Session) -> list[CampaignId]:
    """Returns the campaigns that take signatures."""
    return list(session.scalars(select(Campaign.id).where(Campaign.state == CampaignState.OPEN)))
