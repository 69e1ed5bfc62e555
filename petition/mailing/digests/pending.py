"""The mail to organisers about what is pending: at once, or together with what follows within an hour.

The first act is mailed at once. What is asked within an hour of such a mail waits for the end of that hour, and one mail
then reports all of it, so that nobody floods the others by asking. No number of mails is ever used up: whatever else was
asked, and by whom, an act is announced within an hour, even if it was approved meanwhile. What waits is a row in the
outbox, which is written in the transaction of the act.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from petition.campaigns import Campaign, CampaignState, news
from petition.campaigns.mail_settings import DAY_SECONDS, Mailing
from petition.core import db, failpoints, outbox
from petition.core.ids import CampaignId
from petition.core.outbox import OutboxKind
from petition.mailing.digests import organiser_approvals
from petition.mailing.digests.facts import Window
from petition.mailing.digests.periods import after_quiet_hours
from petition.mailing.digests.planning import publish
from petition.mailing.digests.tables import Edition
from petition.organisers import approvals

MAILS_A_DAY: Final = 24
KIND: Final = organiser_approvals.DIGEST.kind
REQUESTS, CLOSING_DATE = 0, 1
"""What the row in the outbox announces, as its number. A closing date is announced even if no request is new."""


def announce_pending(session: Session, campaign: Campaign, now: datetime, *, closing_date: bool = False) -> int:
    """Mail the organisers what is pending, now or when the last such mail is an hour old.

    `closing_date`: a date was set. Returns the number of mails that were planned now.
    """
    _hold(session, campaign.id)
    due = next_pending_mail(session, campaign, now)
    if due <= now:
        return _mail(session, campaign, now)
    outbox.add_later(session, OutboxKind.PENDING, campaign.id, CLOSING_DATE if closing_date else REQUESTS, due)
    return 0


def announce_later(session: Session, campaign_id: CampaignId, outbox_id: str, now: datetime) -> int:
    """Send the mail that a row in the outbox promises, if there is still something new, and settle the row.

    Returns the number of planned mails. Several workers may call this at once.
    """
    _hold(session, campaign_id)
    promised = outbox.number_of(session, outbox_id)
    if promised is None:
        return 0
    campaign = session.get_one(Campaign, campaign_id)
    due = next_pending_mail(session, campaign, now)
    if due > now:
        outbox.postpone(session, outbox_id, due)
        return 0
    closes = promised == CLOSING_DATE and campaign.closes_at is not None and campaign.state is CampaignState.OPEN
    if closes or session.scalar(approvals.unannounced(campaign_id, now).limit(1)):
        return _mail(session, campaign, now)
    outbox.settle(session, outbox_id)
    return 0


def next_pending_mail(session: Session, campaign: Campaign, now: datetime) -> datetime:
    """Returns the earliest moment of the next mail: an hour after the last one, or now, outside of quiet hours.

    In a demonstration with shortened days it is a 24th of one. A clock that was ahead delays nothing for longer.
    """
    mailing = Mailing.read(campaign.mailing)
    apart = timedelta(seconds=(mailing.daily_seconds or DAY_SECONDS) / MAILS_A_DAY)
    mailed = select(func.max(Edition.until)).where(Edition.campaign_id == campaign.id, Edition.kind == KIND)
    last = session.scalar(mailed.where(Edition.facts.is_not(None)))
    return after_quiet_hours(mailing, now if last is None else max(now, min(last, now) + apart))


def _mail(session: Session, campaign: Campaign, now: datetime) -> int:
    newest = news.newest(session, campaign.id)
    window = Window(f"pending-{now:%Y%m%dT%H%M%S.%f}", now, now, newest, newest, None)
    planned = publish(session, campaign, organiser_approvals.DIGEST, window, now)
    approvals.mark_announced(session, campaign.id, now)
    outbox.settle_all(session, OutboxKind.PENDING, campaign.id)
    failpoints.reach("pending_planned")
    return planned


def _hold(session: Session, campaign_id: CampaignId) -> None:
    """Let no other transaction announce anything of this campaign until the commit."""
    db.hold(session, db.lock_key("pending", campaign_id))
