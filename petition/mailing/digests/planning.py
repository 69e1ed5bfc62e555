"""Planning: makes each due edition once, and plans its mails to all who want them, in one statement.

Each recipient gets one digest per period, with any number of beats and any clock: an edition is one row, the caller
whose insert succeeds plans its deliveries in the same transaction, and a period older than a reported one is never
reported. A delay causes a single digest: the newest period covers everything since the last edition.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import and_, func, literal, or_, select
from sqlalchemy.dialects import postgresql
from sqlalchemy.orm import Session

from petition.campaigns import Campaign, CampaignState, news
from petition.campaigns.mail_settings import Mailing
from petition.core import events
from petition.core.ids import CampaignId
from petition.mailing.digests.digest import Digest
from petition.mailing.digests.facts import Window, as_json, last_reported_count
from petition.mailing.digests.periods import Period, after_quiet_hours, last_period
from petition.mailing.digests.tables import Edition
from petition.mailing.queue import Delivery, DeliveryState
from petition.mailing.subscribers import Audience, Subscriber, SubscriberState


def plan_cycle(session: Session, campaign: Campaign, digest: Digest, now: datetime) -> int:
    """Make the edition of the newest completed period, unless it exists. Returns the number of planned mails."""
    mailing = Mailing.read(campaign.mailing)
    if digest.cycle is None or campaign.state is CampaignState.DRAFT or not digest.wanted(mailing):
        return 0
    period = last_period(digest.cycle, mailing, now)
    if _is_planned(session, campaign.id, digest.kind, period):
        return 0
    upto = news.newest(session, campaign.id)
    return _publish(session, campaign, digest, window_of(session, campaign.id, digest.kind, period, upto), now)


def plan_news(session: Session, campaign: Campaign, digest: Digest, number: int, now: datetime) -> int:
    """Make the edition of one event that is mailed at once, unless it exists. Returns the number of planned mails."""
    period = Period(f"news-{number}", now, now)
    if session.get(Edition, (campaign.id, digest.kind, period.key)) is not None:
        return 0
    window = Window(period.key, now, now, number - 1, number, None)
    return _publish(session, campaign, digest, window, now)


def _is_planned(session: Session, campaign_id: CampaignId, kind: str, period: Period) -> bool:
    """Returns whether this period, or one that ended no earlier, has its edition. A clock set back repeats nothing."""
    made = select(Edition.period).where(Edition.campaign_id == campaign_id, Edition.kind == kind)
    later = or_(Edition.period == period.key, Edition.until >= period.until)
    return session.scalar(made.where(later).limit(1)) is not None


def window_of(session: Session, campaign_id: CampaignId, kind: str, period: Period, upto: int) -> Window:
    """Returns what an edition of a period covers: the news since the last edition, up to a number."""
    reported = select(func.max(Edition.upto)).where(Edition.campaign_id == campaign_id, Edition.kind == kind)
    after = int(session.scalar(reported) or 0)
    before = last_reported_count(session, campaign_id, kind)
    return Window(period.key, period.since, period.until, min(after, upto), upto, before)


def _publish(session: Session, campaign: Campaign, digest: Digest, window: Window, now: datetime) -> int:
    facts = digest.facts(session, campaign, window)
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
    promised = _promise(session, campaign, digest, window.period, digest.goes_to(session, campaign, window), now)
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
