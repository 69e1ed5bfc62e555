"""Allows a restored copy to send, without repeating what the original may have sent meanwhile (P18)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import update
from sqlalchemy.orm import Session

from petition import campaigns
from petition.campaigns import Campaign, news
from petition.campaigns.mail_settings import Mailing
from petition.mailing import queue
from petition.mailing.digests.kinds import DIGESTS
from petition.mailing.digests.periods import last_period
from petition.mailing.digests.tables import Edition
from petition.mailing.queue import Delivery, DeliveryState
from petition.mailing.queue.pauses import EVERYTHING, is_original


def resume(session: Session, what: str, base_url: str, now: datetime) -> int:
    """Resume sending `what`. Returns how many planned mails were dropped; only a restored copy drops any."""
    restored = what == EVERYTHING and not is_original(session, base_url)
    queue.resume(session, what, base_url)
    if not restored:
        return 0
    for campaign_id in campaigns.public_ids(session):
        _skip_periods(session, session.get_one(Campaign, campaign_id), now)
    planned = update(Delivery).where(Delivery.state == DeliveryState.PLANNED).values(state=DeliveryState.DROPPED)
    return len(session.execute(planned.returning(Delivery.kind)).all())


def _skip_periods(session: Session, campaign: Campaign, now: datetime) -> None:
    """Count completed periods as reported, so that the next ones begin at the current state."""
    mailing, upto = Mailing.read(campaign.mailing), news.newest(session, campaign.id)
    for digest in DIGESTS.values():
        if digest.cycle is not None:
            period = last_period(digest.cycle, mailing, now)
            key = {"campaign_id": campaign.id, "kind": digest.kind, "period": period.key}
            if session.get(Edition, tuple(key.values())) is None:
                session.add(Edition(**key, since=period.since, until=period.until, after=upto, upto=upto, facts=None))
