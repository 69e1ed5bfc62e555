"""Moves to the next slot: the fixed moments at which a batch may be written."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from petition import epochs
from petition.campaigns import Campaign
from petition.core.ids import CampaignId
from petition.epochs.batch import Closed
from petition.epochs.slots import Slots
from petition.ledger import log


def slots_of(session: Session, campaign: Campaign) -> Slots:
    """The slots of an open campaign."""
    return Slots.of(campaign, log.head_of(session, campaign.id))


def next_slot(session: Session, campaign: Campaign, after: datetime | None = None) -> datetime:
    """The moment of the next slot that nobody looked at, or of the first one after a moment."""
    slots, last = slots_of(session, campaign), log.head_of(session, campaign.id).slot
    return slots.moment(last + 1 if after is None else (after - slots.opened_at) // slots.interval + 1)


def look(session: Session, campaign: Campaign, after: datetime | None = None) -> Closed | None:
    """Look at the next slot, or at the first one after a moment, as a worker does. Gives the batch if one was due."""
    return epochs.close_due(session, campaign.id, next_slot(session, campaign, after))


def catch_up(session: Session, campaign_id: CampaignId, now: datetime) -> None:
    """All slots until a moment were looked at, and nothing was due."""
    head = log.head_of(session, campaign_id)
    slots = Slots.of(session.get_one(Campaign, campaign_id), head)
    head.slot = (now - slots.opened_at) // slots.interval
    head.acts_week = slots.week(head.slot)
