"""Planning: makes each due edition once, and plans its mails to all who want them, in one statement.

Each recipient gets one digest per period, with any number of beats and any clock: an edition is one row, the caller
whose insert succeeds plans its deliveries in the same transaction, and a period older than a reported one is never
reported. A delay causes a single digest: the newest period covers everything since the last edition.

Milestones are mailed at most once in 24 hours, so that nobody can mail all subscribers at will by adding milestones. One
that is reached sooner waits, and a single mail then reports everything that was reached meanwhile.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import and_, func, literal, or_, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session

from petition.campaigns import Campaign, CampaignState, news
from petition.campaigns.mail_settings import DAY_SECONDS, Mailing
from petition.campaigns.news import NewsKind
from petition.core import events
from petition.core.ids import CampaignId
from petition.mailing.digests import milestone
from petition.mailing.digests.digest import Digest
from petition.mailing.digests.facts import Window, as_json, last_reported_count
from petition.mailing.digests.periods import Period, after_quiet_hours, last_period
from petition.mailing.digests.tables import Edition
from petition.mailing.queue import Delivery, DeliveryState
from petition.mailing.subscribers import Audience, Subscriber, SubscriberState

WRONG: Final = timedelta(days=8)
"""An edition so far ahead was made while the clock was wrong: a period lasts a week at most."""


def plan_cycle(session: Session, campaign: Campaign, digest: Digest, now: datetime) -> int:
    """Make the edition of the newest completed period, unless it exists. Returns the number of planned mails."""
    mailing = Mailing.read(campaign.mailing)
    if digest.cycle is None or campaign.state is CampaignState.DRAFT or not digest.wanted(mailing):
        return 0
    period = last_period(digest.cycle, mailing, now)
    if _is_planned(session, campaign.id, digest.kind, period):
        return 0
    upto = news.newest(session, campaign.id)
    return publish(session, campaign, digest, window_of(session, campaign.id, digest.kind, period, upto), now)


def plan_news(session: Session, campaign: Campaign, digest: Digest, number: int, now: datetime) -> int:
    """Make the edition of one event that is mailed at once, unless it exists. Returns the number of planned mails.

    A milestone is not mailed before `next_milestone_mail`; then the edition covers the later milestones, too.
    """
    period = Period(f"news-{number}", now, now)
    upto = number
    if digest.news is NewsKind.MILESTONE:
        news.number_under_lock(session, campaign.id)  # two that are planned at once wait for one another here
        if next_milestone_mail(session, campaign, now) > now:
            return 0
        upto = news.newest(session, campaign.id, NewsKind.MILESTONE)
    if _is_reported(session, campaign.id, digest.kind, number):
        return 0
    window = Window(period.key, now, now, number - 1, upto, None)
    return publish(session, campaign, digest, window, now)


def next_milestone_mail(session: Session, campaign: Campaign, now: datetime) -> datetime:
    """Returns the earliest moment of the next milestone mail: 24 hours after the last one, or now.

    In a demonstration with shortened days it is one such day.
    """
    mailed = select(func.max(Edition.until)).where(Edition.campaign_id == campaign.id, Edition.facts.is_not(None))
    last = session.scalar(mailed.where(Edition.kind == milestone.DIGEST.kind))
    apart = timedelta(seconds=Mailing.read(campaign.mailing).daily_seconds or DAY_SECONDS)
    return now if last is None or last > now + WRONG else max(now, last + apart)


def _is_reported(session: Session, campaign_id: CampaignId, kind: str, number: int) -> bool:
    """Returns whether an edition exists that covers an event."""
    covers = select(Edition.period).where(Edition.campaign_id == campaign_id, Edition.kind == kind)
    return session.scalar(covers.where(Edition.after < number, Edition.upto >= number).limit(1)) is not None


def _is_planned(session: Session, campaign_id: CampaignId, kind: str, period: Period) -> bool:
    """Returns whether this period, or one that ended no earlier, has its edition. A clock set back repeats nothing.

    An edition that ended more than a week later is of a clock that was wrong, and holds up nothing.
    """
    made = select(Edition.period).where(Edition.campaign_id == campaign_id, Edition.kind == kind)
    later = or_(Edition.period == period.key, Edition.until.between(period.until, period.until + WRONG))
    return session.scalar(made.where(later).limit(1)) is not None


def window_of(session: Session, campaign_id: CampaignId, kind: str, period: Period, upto: int) -> Window:
    """Returns what an edition of a period covers: the news since the last edition, up to a number."""
    reported = select(func.max(Edition.upto)).where(Edition.campaign_id == campaign_id, Edition.kind == kind)
    after = int(session.scalar(reported) or 0)
    before = last_reported_count(session, campaign_id, kind)
    return Window(period.key, period.since, period.until, min(after, upto), upto, before)


def publish(session: Session, campaign: Campaign, digest: Digest, window: Window, now: datetime) -> int:
    """Make the edition of a window, unless it exists. Returns the number of planned mails."""
    facts = digest.facts(session, campaign, window)
    goes_to = frozenset[Audience]() if facts is None else digest.goes_to(session, campaign, window)
    facts = facts if goes_to else None
    row = {
        "campaign_id": campaign.id,
        "kind": digest.kind,
        "period": window.period,
        "since": window.since,
        "until": window.until,
        "after": window.after,
        "upto": window.upto,
        "facts": None if facts is None else as_json(facts),
    }
    making = postgresql.insert(Edition).values(row).on_conflict_do_nothing().returning(Edition.__table__.c.kind)
    if session.execute(making).first() is None or facts is None:
        return 0
    promised = _promise(session, campaign, digest, window.period, goes_to, now)
    if promised:
        events.announce(session.info, events.MailPlanned())
    return promised


def _promise(
    session: Session, campaign: Campaign, digest: Digest, period: str, goes_to: frozenset[Audience], now: datetime
) -> int:
    """Insert one row for each recipient, in one statement."""
    due = after_quiet_hours(Mailing.read(campaign.mailing), now)
    columns = Delivery.__table__.c
    wanting = select(
        literal(digest.kind),
        Subscriber.id,
        literal(period),
        Subscriber.campaign_id,
        Subscriber.domain_tag,
        literal(DeliveryState.PLANNED, columns.state.type),
        literal(due, columns.due.type),
        literal(due, columns.planned_at.type),
        literal(0),
        literal(0),
        literal(""),
    ).where(
        Subscriber.campaign_id == campaign.id,
        Subscriber.state == SubscriberState.ACTIVE,
        Subscriber.audience.in_(goes_to),
        or_(
            Subscriber.audience.in_(digest.others),
            and_(Subscriber.audience == Audience.SUBSCRIBER, Subscriber.frequency == digest.frequency)
            if digest.frequency
            else literal(False),
        ),
    )
    names = [
        "kind",
        "recipient",
        "period",
        "campaign_id",
        "domain_tag",
        "state",
        "due",
        "planned_at",
        "tries",
        "unanswered",
        "fault",
    ]
    promising = postgresql.insert(Delivery).from_select(names, wanting).on_conflict_do_nothing()
    done = session.connection().execute(promising, execution_options={"preserve_rowcount": True})
    return done.rowcount
