"""Figures of the mail system for monitoring: volume, delay, failures. Numbers only."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from petition.core.ids import CampaignId
from petition.mailing import queue
from petition.mailing.queue import Delivery, DeliveryState, Throttle
from petition.mailing.subscribers.tables import Audience, Frequency, Subscriber, SubscriberState, Suppression


@dataclass(frozen=True, slots=True)
class MailHealth:
    """The figures: `subscribers` by state, the age of the oldest due delivery in seconds, totals since the start."""

    subscribers: dict[SubscriberState, int]
    mail_due_seconds: float
    dead_letters: int
    mails_sent: int
    mails_bounced: int
    mails_complained: int
    halted: bool

    @property
    def bounce_rate(self) -> float:
        """Returns bounces per sent mail: 0 when nothing was sent, and never above one."""
        return self.mails_bounced / max(self.mails_sent, self.mails_bounced, 1)


def mail_health(session: Session, base_url: str, now: datetime) -> MailHealth:
    """Returns the figures with five cheap queries over all campaigns."""
    totals = select(func.sum(Throttle.sent), func.sum(Throttle.bounced), func.sum(Throttle.complained))
    sent, bounced, complained = (int(each or 0) for each in session.execute(totals).one())
    due = select(func.min(Delivery.due)).where(Delivery.state == DeliveryState.PLANNED, Delivery.due <= now)
    oldest = session.scalar(due)
    dead = select(func.count()).select_from(Delivery).where(Delivery.state == DeliveryState.DEAD)
    return MailHealth(
        subscribers=_by_state(session),
        mail_due_seconds=(now - oldest).total_seconds() if oldest else 0.0,
        dead_letters=int(session.scalar(dead) or 0),
        mails_sent=sent,
        mails_bounced=bounced,
        mails_complained=complained,
        halted=queue.is_paused(session, base_url),
    )


def audience(session: Session, campaign_id: CampaignId) -> dict[Frequency, dict[str, int]]:
    """Returns active subscribers by frequency and by language, languages in order. Numbers only."""
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


def _by_state(session: Session) -> dict[SubscriberState, int]:
    query = select(Subscriber.state, func.count()).where(Subscriber.audience == Audience.SUBSCRIBER)
    counted = {state: n for state, n in session.execute(query.group_by(Subscriber.state))}
    return {state: counted.get(state, 0) for state in SubscriberState}


@dataclass(frozen=True, slots=True)
class SubscriberFigures:
    """The subscribers of one campaign: active ones by frequency and by language, others by state."""

    active: int
    unconfirmed: int
    paused: int
    suppressed: int
    frequencies: dict[Frequency, int]
    languages: dict[str, int]
    waiting: int


def subscriber_figures(session: Session, campaign_id: CampaignId, now: datetime) -> SubscriberFigures:
    """Returns the figures with two queries. `waiting` counts the campaign's mails that are due and not sent."""
    many = func.count()
    query = select(Subscriber.state, Subscriber.frequency, Subscriber.lang, many)
    query = query.where(Subscriber.campaign_id == campaign_id, Subscriber.audience == Audience.SUBSCRIBER)
    states: Counter[SubscriberState] = Counter()
    frequencies: Counter[Frequency] = Counter()
    languages: Counter[str] = Counter()
    for state, frequency, lang, n in session.execute(
        query.group_by(Subscriber.state, Subscriber.frequency, Subscriber.lang)
    ):
        states[state] += n
        if state is SubscriberState.ACTIVE:
            frequencies[frequency] += n
            languages[lang] += n
    due = select(func.count()).select_from(Delivery).where(Delivery.state == DeliveryState.PLANNED, Delivery.due <= now)
    waiting = int(session.scalar(due.where(Delivery.campaign_id == campaign_id)) or 0)
    return SubscriberFigures(
        active=states[SubscriberState.ACTIVE],
        unconfirmed=states[SubscriberState.UNCONFIRMED],
        paused=states[SubscriberState.PAUSED],
        suppressed=states[SubscriberState.SUPPRESSED],
        frequencies={each: frequencies[each] for each in Frequency},
        languages=dict(languages.most_common()),
        waiting=waiting,
    )


def complaints(session: Session) -> int:
    """Count the addresses whose owners reported spam, over all campaigns, because tags belong to no campaign."""
    return int(session.scalar(select(func.count()).select_from(Suppression)) or 0)
