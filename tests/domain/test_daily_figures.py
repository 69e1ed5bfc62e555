"""Figures that are counted once a day: by the clock alone, in whole tens, and the same until the next day is over."""

from __future__ import annotations

import secrets
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from petition.campaigns import Campaign, draft
from petition.core.i18n import at_least
from petition.mailing import queue, subscribers
from petition.mailing.queue import Delivery, DeliveryState, Throttle, notices
from petition.mailing.subscribers import Audience, Frequency, Subscriber, SubscriberState
from petition.privacy import daily_figures
from petition.privacy.daily_figures import CampaignDay, Provider, SiteDay
from petition.usecases import daily_figures as counting
from tests import make

DAY = timedelta(days=1)
YESTERDAY = make.NOW.date() - DAY


def subscribed(
    session: Session, campaign: Campaign, many: int, lang: str = "en", state: SubscriberState = SubscriberState.ACTIVE
) -> None:
    """So many people who ask for a weekly mail."""
    session.add_all(
        Subscriber(
            id=secrets.token_bytes(16), campaign_id=campaign.id, audience=Audience.SUBSCRIBER, tag=secrets.token_bytes(8),
            sealed=b"", domain_tag=b"", lang=lang, frequency=Frequency.WEEKLY, state=state, since=YESTERDAY, asked=0,
        )
        for _ in range(many)
    )  # fmt: skip
    session.flush()


def test_a_day_is_counted_once_when_it_is_over_and_nothing_moves_until_the_next(session: Session) -> None:
    """P43."""
    campaign = make.campaign(session)
    assert daily_figures.of_campaign(session, campaign.id) is None
    subscribed(session, campaign, 19)
    subscribed(session, campaign, 9, "fr")
    subscribed(session, campaign, 12, state=SubscriberState.UNCONFIRMED)
    assert counting.record(session, make.NOW)
    first = daily_figures.of_campaign(session, campaign.id)
    assert first == CampaignDay(
        YESTERDAY, active=20, unconfirmed=10, frequencies={"milestones": 0, "weekly": 20, "daily": 0},
        languages={"en": 10, "fr": 0}, audience={"milestones": {}, "weekly": {"en": 10, "fr": 0}, "daily": {}},
    )  # fmt: skip
    subscribed(session, campaign, 50)
    for moment in (make.NOW, make.NOW.replace(hour=23, minute=59, second=59)):
        assert not counting.record(session, moment)
        assert daily_figures.of_campaign(session, campaign.id) == first
    midnight = make.NOW.replace(hour=0) + DAY
    assert counting.record(session, midnight)
    later = daily_figures.of_campaign(session, campaign.id)
    assert later is not None
    assert (later.day, later.active) == (make.NOW.date(), 70)


def test_whether_ten_wait_is_that_of_the_day_for_the_letter_and_the_site(session: Session) -> None:
    """P43."""
    campaign = make.campaign(session, batch_min=50)
    for _ in range(9):
        make.signature(session, campaign)
    counting.record(session, make.NOW)
    for _ in range(2):
        make.signature(session, campaign)
    for day, many in ((make.NOW, False), (make.NOW + DAY, True)):
        counting.record(session, day)
        mine, site = daily_figures.of_campaign(session, campaign.id), daily_figures.of_site(session)
        assert mine is not None
        assert site is not None
        assert (mine.many_wait, site.many_wait) == (many, many)


def returned(session: Session, campaign: Campaign, tag: int, *days_ago: int) -> None:
    """Subscribers of a mail domain whose mail bounced so many days ago."""
    subscribed(session, campaign, len(days_ago))
    for each, ago in zip(
        session.scalars(select(Subscriber).where(Subscriber.domain_tag == b"")), days_ago, strict=True
    ):
        each.domain_tag, each.bounced = bytes([tag]), YESTERDAY - ago * DAY
    session.flush()


def test_mail_is_counted_by_provider_in_tens_and_trouble_from_three_on(session: Session) -> None:
    """P52: trouble fades; an address on two lists is one address, and bounces of long ago are none."""
    campaign, other = make.campaign(session), make.campaign(session)

    def throttled(tag: int, name: str, sent: int, bounced: int) -> Throttle:
        return Throttle(
            domain_tag=bytes([tag]), name=name, open_at=None, failures=0, sent=sent, bounced=bounced, complained=0
        )

    session.add_all([throttled(1, "gmail.com", 1209, 2), throttled(2, "", 18, 3), throttled(3, "", 5, 0)])
    session.flush()
    returned(session, campaign, 1, 0, 1)
    returned(session, other, 1, 0, 1)
    returned(session, campaign, 2, 0, 30, 31)
    returned(session, campaign, 3, 7)
    for day, troubled in ((make.NOW, True), (make.NOW + DAY, False)):
        counting.record(session, day)
        site = daily_figures.of_site(session)
        assert site is not None
        assert (site.sent, site.bounced, site.providers) == (
            1230, 0, (Provider("", 20, 0, 0, troubled=troubled), Provider("gmail.com", 1200, 0, 0, troubled=False)),
        )  # fmt: skip


def test_reports_that_could_not_be_read_are_those_of_the_day_in_tens(session: Session) -> None:
    """P43, P54."""
    for n, tens in ((9, 0), (10, 10), (25, 20)):
        while subscribers.unread.count(session) < n:
            subscribers.unread.keep(session, b"A report.", [], "no-reply@accounts.example", YESTERDAY)
            session.flush()
        counting.record(session, make.NOW + n * DAY)
        site = daily_figures.of_site(session)
        assert site is not None
        assert site.unread == tens


def test_a_draft_has_no_figures(session: Session) -> None:
    begun = draft(session, make.a_draft())
    counting.record(session, make.NOW)
    assert daily_figures.of_campaign(session, begun.id) is None
    assert daily_figures.of_site(session) == SiteDay(YESTERDAY)


@pytest.mark.parametrize(
    ("n", "english", "french"),
    [
        (0, "fewer than 10", "moins de 10"),
        (9, "fewer than 10", "moins de 10"),
        (10, "at least 10", "au moins 10"),
        (1239, "at least 1,230", "au moins 1\u202f230"),
    ],
)
def test_a_figure_in_tens_is_told_as_a_bound(n: int, english: str, french: str) -> None:
    assert [at_least(daily_figures.tens(n), lang) for lang in ("en", "fr")] == [english, french]


def test_the_minute_of_a_request_for_mail_is_forgotten_once_it_left_and_the_hour_once_its_day_is_over(
    session: Session,
) -> None:
    """P43: neither the mail nor the domain says when somebody asked."""
    campaign, asked = make.campaign(session), make.NOW.replace(hour=14, minute=37)
    session.add(Throttle(domain_tag=b"x", name="", open_at=asked, failures=0, sent=1, bounced=0, complained=0))
    queue.enqueue(session, queue.CONFIRM, b"r", "1", campaign.id, b"x", asked, DeliveryState.SENT)
    queue.enqueue(session, queue.CONFIRM, b"s", "1", campaign.id, b"x", asked, DeliveryState.PLANNED)
    queue.enqueue(session, "signer_weekly", b"r", "w", campaign.id, b"x", asked, DeliveryState.SENT)
    moments = select(Delivery.planned_at, Delivery.due).order_by(Delivery.kind, Delivery.recipient)
    notices.forget_hours(session, asked + timedelta(minutes=2))
    hour = asked.replace(minute=0)
    assert [tuple(each) for each in session.execute(moments)] == [(hour, hour), (asked, asked), (asked, asked)]
    assert session.scalar(select(Throttle.open_at)) is None
    midnight = asked.replace(hour=0, minute=0)
    notices.forget_hours(session, midnight + DAY)
    assert [tuple(each) for each in session.execute(moments)] == [(midnight, midnight), (asked, asked), (asked, asked)]


def test_mail_that_one_person_caused_is_listed_as_undelivered_the_day_after(session: Session) -> None:
    """P43."""
    campaign = make.campaign(session)
    queue.enqueue(session, queue.CONFIRM, b"r", "1", campaign.id, b"x", make.NOW, DeliveryState.DEAD)
    assert queue.why_dead(session, campaign.id, make.NOW + timedelta(hours=11)) == []
    assert queue.why_dead(session, campaign.id, make.NOW + timedelta(hours=12)) == [(queue.CONFIRM, "", 1)]
    queue.enqueue(session, "signer_weekly", b"r", "w", campaign.id, b"x", make.NOW, DeliveryState.DEAD)
    assert queue.why_dead(session, campaign.id, make.NOW) == [("signer_weekly", "", 1)]
