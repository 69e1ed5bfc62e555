"""Bounces that suppress nobody: counted once for each mail, and forgotten after thirty days."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from petition.campaigns import Campaign
from petition.mailing import queue, subscribers
from petition.mailing.queue import DeliveryState, throttle
from petition.mailing.subscribers import Frequency, Report, Subscriber, SubscriberState, Trouble
from tests import make

SUZIE = "suzie@post.example"
DAY = timedelta(days=1)
TODAY = make.NOW.date()


def suzie(session: Session, campaign: Campaign) -> Subscriber:
    """Suzie subscribes to a campaign and confirms."""
    subscribers.ask(session, make.PEPPER, campaign.id, [], SUZIE, "en", Frequency.DAILY, make.NOW - 9 * DAY)
    found = session.scalars(select(Subscriber).where(Subscriber.campaign_id == campaign.id)).one()
    return subscribers.confirm(session, found.id, make.NOW)


def mailed(session: Session, to: Subscriber, at: datetime, state: DeliveryState = DeliveryState.SENT) -> None:
    """A mail was sent or refused; a claimed mail is due a minute after it was tried."""
    due, period = at + timedelta(seconds=60), at.isoformat()
    queue.enqueue(session, "signer_daily", to.id, period, to.campaign_id, to.domain_tag, due, state)


def counted(session: Session, day: date, *, trouble: Trouble = Trouble.SOFT, times: int = 1) -> int:
    """How many bounces are counted after a report came so many times on a day."""
    for _ in range(times):
        subscribers.record(session, make.PEPPER, Report(trouble, SUZIE), day)
    return sum(bounced for _, _, bounced, _ in throttle.by_provider(session))


def test_several_reports_about_one_mail_are_one_bounce_on_whatever_day_they_come(session: Session) -> None:
    """P52."""
    mailed(session, suzie(session, make.campaign(session)), make.NOW)
    assert counted(session, TODAY, times=3) == 1
    assert counted(session, TODAY + DAY, times=2) == 1
    assert counted(session, TODAY + 5 * DAY) == 1


def test_a_mail_of_just_before_midnight_is_not_taken_for_one_of_the_next_day(session: Session) -> None:
    """P52."""
    last_second = make.NOW.replace(hour=23, minute=59, second=59)
    mailed(session, suzie(session, make.campaign(session)), last_second)
    assert [counted(session, TODAY), counted(session, TODAY + DAY)] == [1, 1]


def test_the_next_mail_that_bounces_counts_and_never_more_bounces_than_mails(session: Session) -> None:
    """P52, sent or refused; on every list of the address together."""
    first, second = suzie(session, make.campaign(session)), suzie(session, make.campaign(session))
    mailed(session, first, make.NOW)
    assert counted(session, TODAY) == 1
    mailed(session, second, make.NOW + DAY)
    assert counted(session, TODAY + DAY, times=2) == 2
    mailed(session, first, make.NOW + 2 * DAY, DeliveryState.PLANNED)
    assert counted(session, TODAY + 2 * DAY) == 2
    mailed(session, first, make.NOW + 3 * DAY, DeliveryState.DEAD)
    assert counted(session, TODAY + 3 * DAY, trouble=Trouble.HARD) == 3
    assert first.state is second.state is SubscriberState.SUPPRESSED


def test_a_bounce_is_forgotten_after_thirty_days(session: Session) -> None:
    """P52."""
    found = suzie(session, make.campaign(session))
    counted(session, TODAY)
    subscribers.purge(session, make.NOW + 30 * DAY)
    session.refresh(found)
    assert found.bounced == TODAY
    subscribers.purge(session, make.NOW + 31 * DAY)
    session.refresh(found)
    assert (found.bounced, found.state) == (None, SubscriberState.ACTIVE)


def test_a_list_that_was_joined_later_knows_that_its_first_mail_bounced(session: Session) -> None:
    """There is no reminder then, although the bounce was counted on another list."""
    suzie(session, make.campaign(session))
    assert counted(session, TODAY) == 1
    later = suzie(session, make.campaign(session))
    assert counted(session, TODAY) == 1
    assert later.bounced == TODAY
