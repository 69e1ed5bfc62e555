"""Figures of the mail system. Those of subscribers are exact: whoever shows them to somebody rounds them to tens first.

The live figures for monitors (`mail_health`) leave out what one person caused: mails about a subscription count once
the day on which they were planned is over (`petition.mailing.queue.shown`).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from petition.core.ids import CampaignId
from petition.mailing import queue
from petition.mailing.queue import Delivery, DeliveryState
from petition.mailing.subscribers.tables import Audience, Frequency, Subscriber, SubscriberState, Suppression
from petition.privacy import daily_figures
from petition.privacy.daily_figures import SiteDay

PER_CENT = 100


@dataclass(frozen=True, slots=True)
class MailHealth:
    """The figures for a monitor.

    `mail_due_seconds` is the age of the oldest due mail and `halted` whether mail is paused, both now. `dead_letters`
    counts the mails given up, rounded up to whole tens, so that the first one shows. The others are those of the last
    day (UTC), in whole tens: `subscribers` by state, and the mails sent, bounced and complained about since the start.
    """

    subscribers: dict[SubscriberState, int]
    mail_due_seconds: float
    dead_letters: int
    mails_sent: int
    mails_bounced: int
    mails_complained: int
    halted: bool

    @property
    def bounce_rate(self) -> float:
        """Returns bounces per sent mail in whole per cents: 0 when nothing was sent, and never above one."""
        sent = max(self.mails_sent, self.mails_bounced, 1)
        return self.mails_bounced * PER_CENT // sent / PER_CENT


def mail_health(session: Session, base_url: str, now: datetime) -> MailHealth:
    """Returns the figures with four cheap queries over all campaigns."""
    due = select(func.min(Delivery.due)).where(Delivery.state == DeliveryState.PLANNED, Delivery.due <= now)
    oldest = session.scalar(due.where(queue.shown(now)))
    dead = select(func.count()).select_from(Delivery).where(Delivery.state == DeliveryState.DEAD, queue.shown(now))
    day = daily_figures.of_site(session) or SiteDay(daily_figures.last_day(now))
    return MailHealth(
        subscribers={state: day.subscribers.get(state.value, 0) for state in SubscriberState},
        mail_due_seconds=(now - oldest).total_seconds() if oldest else 0.0,
        dead_letters=-daily_figures.tens(-int(session.scalar(dead) or 0)),
        mails_sent=day.sent,
        mails_bounced=day.bounced,
        mails_complained=day.complained,
        halted=queue.is_paused(session, base_url),
    )


def audience(session: Session, campaign_id: CampaignId) -> dict[Frequency, dict[str, int]]:
    """Returns active subscribers by frequency and by language, languages in order. The numbers are exact."""
    query = select(Subscriber.frequency, Subscriber.lang, func.count()).where(
        Subscriber.campaign_id == campaign_id,
        Subscriber.audience == Audience.SUBSCRIBER,
        Subscriber.state == SubscriberState.ACTIVE,
    )
    found: dict[Frequency, dict[str, int]] = {frequency: {} for frequency in Frequency}
    for frequency, lang, n in session.execute(
        query.group_by(Subscriber.frequency, Subscriber.lang).order_by(Subscriber.lang)
    ):
        found[frequency][lang] = n
    return found


def by_state(session: Session, campaign_id: CampaignId | None = None) -> Counter[SubscriberState]:
    """Returns the subscribers by state, of one campaign or of all. The numbers are exact."""
    query = select(Subscriber.state, func.count()).where(Subscriber.audience == Audience.SUBSCRIBER)
    if campaign_id is not None:
        query = query.where(Subscriber.campaign_id == campaign_id)
    return Counter({state: n for state, n in session.execute(query.group_by(Subscriber.state))})


def complaints(session: Session) -> int:
    """Count the addresses whose owners reported spam, over all campaigns, because tags belong to no campaign."""
    return int(session.scalar(select(func.count()).select_from(Suppression)) or 0)
