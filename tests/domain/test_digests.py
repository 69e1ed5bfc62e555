"""From asking for mail to a mail that arrives once: subscribing, planning, sending, leaving."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session

from petition import campaigns, epochs
from petition.campaigns import Campaign, DemandState
from petition.campaigns.milestones import MilestoneKind, PlannedMilestone
from petition.core import db
from petition.mail import ListPostbox, Message
from petition.mailing import digests, queue, subscribers
from petition.mailing.digests import Sender
from petition.mailing.queue import Delivery, DeliveryState
from petition.mailing.subscribers import Frequency, Purpose, Subscriber, SubscriberState, WorkAddressRefused, links
from tests import make
from workers.loops.sending import send_round

SUZIE = "Suzie.Q+letters@post.example"


@pytest.fixture
def postbox() -> ListPostbox:
    return ListPostbox()


@pytest.fixture
def sender(postbox: ListPostbox) -> Sender:
    return Sender(postbox, "http://localhost", "s" * 32, make.PEPPER, "letters@undersigned.example", 0)


def send(sender: Sender, now: datetime) -> int:
    """Send whatever is due at a moment."""
    return send_round(sender, lambda: now, most=100)


def subscriber(
    session: Session, campaign: Campaign, address: str = SUZIE, rhythm: Frequency = Frequency.DAILY
) -> Subscriber:
    """Somebody who asked and confirmed."""
    subscribers.ask(session, make.PEPPER, campaign.id, campaign.policies(), address, "en", rhythm, make.NOW)
    found = session.scalars(select(Subscriber).order_by(Subscriber.id)).all()
    mine = next(each for each in found if subscribers.address_book.opened(session, each).lower() == address.lower())
    session.execute(update(Delivery).values(state=DeliveryState.SENT))
    return subscribers.confirm(session, mine.id, make.NOW)


def subjects(mails: list[Message]) -> list[str]:
    return [mail.subject.partition(":")[0] for mail in mails]


def test_asking_for_mail_is_confirmed_by_its_reader(session: Session, sender: Sender, postbox: ListPostbox) -> None:
    campaign = make.campaign(session)
    subscribers.ask(session, make.PEPPER, campaign.id, campaign.policies(), SUZIE, "en", Frequency.WEEKLY, make.NOW)
    send(sender, make.NOW)
    (mail,) = postbox.sent
    assert mail.to == SUZIE.lower()
    token = mail.text.partition("/mail/confirm/")[2].split()[0]
    who = links.read(("s" * 32,), Purpose.CONFIRM, token)
    assert subscribers.confirm(session, who, make.NOW).state is SubscriberState.ACTIVE
    for other in (Purpose.SETTINGS, Purpose.UNSUBSCRIBE):
        with pytest.raises(subscribers.LinkBroken):
            links.read(("s" * 32,), other, token)


def test_an_address_of_the_work_domain_is_refused(session: Session) -> None:
    campaign = make.campaign(session, domains={"corp.example": {}})
    for address in ("suzie@corp.example", "suzie@mail.corp.example"):
        with pytest.raises(WorkAddressRefused):
            subscribers.ask(
                session, make.PEPPER, campaign.id, campaign.policies(), address, "en", Frequency.DAILY, make.NOW
            )


def test_a_days_news_is_told_once_and_silence_is_not_sent(
    session: Session, sender: Sender, postbox: ListPostbox
) -> None:
    campaign = make.campaign(session, goals=((MilestoneKind.COUNT, 1),))
    subscriber(session, campaign)
    make.signature(session, campaign)
    epochs.close_epoch(session, campaign, make.NOW + timedelta(seconds=10))
    campaigns.judge_demand(session, campaign, 1, DemandState.REFUSED, "https://press.example", make.NOW.date())
    session.flush()
    tomorrow = make.NOW + timedelta(days=1)
    assert [digests.plan_all(session, campaign.id, tomorrow) for _ in range(3)] == [1, 0, 0]
    assert send(sender, tomorrow) == 1
    assert subjects(postbox.sent) == ["News of the day"]
    for days in (2, 3):
        assert digests.plan_all(session, campaign.id, make.NOW + timedelta(days=days)) == 0
    facts = session.scalars(select(digests.Edition.facts).where(digests.Edition.kind == "signer_daily")).all()
    told = [each for each in facts if each]
    assert [(each["count"], len(each["milestones"]), len(each["demands"])) for each in told] == [(1, 1, 1)]


def test_a_milestone_is_mailed_as_it_happens(session: Session, sender: Sender, postbox: ListPostbox) -> None:
    campaign = make.campaign(session, goals=((MilestoneKind.COUNT, 1),), mailing={"quiet_from": 0, "quiet_to": 0})
    subscriber(session, campaign, rhythm=Frequency.MILESTONES)
    make.signature(session, campaign)
    epochs.close_epoch(session, campaign, make.NOW + timedelta(seconds=10))
    assert [digests.plan_instant(session, campaign.id, 1, make.NOW) for _ in range(3)] == [1, 0, 0]
    send(sender, make.NOW + timedelta(minutes=1))
    assert subjects(postbox.sent) == ["A milestone"]


def test_milestones_are_mailed_at_most_once_in_24_hours_and_together_then(session: Session) -> None:
    """P46: whoever adds milestones at will mails nobody at will."""
    goals = tuple((MilestoneKind.COUNT, number) for number in range(1, 5))
    campaign = make.campaign(session, goals=goals, mailing={"quiet_from": 0, "quiet_to": 0})
    subscriber(session, campaign, rhythm=Frequency.MILESTONES)
    at = lambda hours: make.NOW + timedelta(hours=hours)
    for hours in range(4):
        make.signature(session, campaign)
        epochs.close_epoch(session, campaign, at(hours))
        if hours == 0:
            assert digests.plan_instant(session, campaign.id, 1, at(0)) == 1
        if hours == 1:
            campaigns.judge_demand(session, campaign, 1, DemandState.REFUSED, "https://press.example", make.NOW.date())
    session.flush()
    assert [digests.plan_instant(session, campaign.id, number, at(23.9)) for number in (2, 4, 5)] == [0, 0, 0]
    assert [digests.instant_due(session, campaign.id, number, at(23)) for number in (2, 3)] == [at(24), at(23)]
    assert [digests.plan_instant(session, campaign.id, number, at(24)) for number in (2, 4, 5)] == [1, 0, 0]
    assert [digests.plan_instant(session, campaign.id, number, at(49)) for number in (2, 4, 5)] == [0, 0, 0]
    told = session.scalars(select(digests.Edition.facts).where(digests.Edition.kind == "milestone"))
    reached = [[each["value"] for each in facts["milestones"]] for facts in told if facts]
    assert sorted(reached) == [[1], [2, 3, 4]]


@pytest.mark.parametrize("mailed", [True, False])
def test_the_text_of_an_update_is_mailed_by_a_digest_only_if_two_agreed(session: Session, mailed: bool) -> None:
    """P46: an update that one organiser published on the page is mentioned, and its text is not mailed."""
    campaign = make.campaign(session)
    subscriber(session, campaign)
    text = {"en": "We met.", "fr": "Nous nous sommes vus."}
    campaigns.publish_update(session, campaign, text, make.NOW, mailed_since=make.NOW if mailed else None)
    session.flush()
    assert digests.plan_all(session, campaign.id, make.NOW + timedelta(days=1)) == 1
    (facts,) = session.scalars(select(digests.Edition.facts).where(digests.Edition.kind == "signer_daily"))
    assert [each["text"] for each in facts["updates"]] == [text if mailed else {}]  # type: ignore[index]


def test_the_short_day_of_a_demonstration_is_the_time_between_two_milestone_mails(session: Session) -> None:
    goals = ((MilestoneKind.COUNT, 1), (MilestoneKind.COUNT, 2))
    campaign = make.campaign(session, goals=goals, mailing={"daily_seconds": 120})
    subscriber(session, campaign, rhythm=Frequency.MILESTONES)
    for number, planned in ((1, 1), (2, 0)):
        make.signature(session, campaign)
        epochs.close_epoch(session, campaign, make.NOW)
        assert digests.plan_instant(session, campaign.id, number, make.NOW) == planned
    assert digests.instant_due(session, campaign.id, 2, make.NOW) == make.NOW + timedelta(seconds=120)


def test_a_milestone_that_is_mailed_to_nobody_holds_up_no_other(session: Session) -> None:
    goals = ((MilestoneKind.COUNT, 1), (MilestoneKind.COUNT, 2))
    campaign = make.campaign(session, goals=goals, mailing={"quiet_from": 0, "quiet_to": 0})
    silent = session.get_one(PlannedMilestone, (campaign.id, MilestoneKind.COUNT, 1))
    silent.mail_readers = silent.mail_organisers = False
    subscriber(session, campaign, rhythm=Frequency.MILESTONES)
    for number, planned in ((1, 0), (2, 1)):
        make.signature(session, campaign)
        epochs.close_epoch(session, campaign, make.NOW)
        assert digests.plan_instant(session, campaign.id, number, make.NOW) == planned


def test_whoever_leaves_or_pauses_gets_nothing_that_was_planned(
    session: Session, sender: Sender, postbox: ListPostbox
) -> None:
    campaign = make.campaign(session)
    one, two, three = (subscriber(session, campaign, f"{name}@post.example") for name in ("ann", "ben", "cat"))
    make.signature(session, campaign)
    epochs.close_epoch(session, campaign, make.NOW)
    tomorrow = make.NOW + timedelta(days=1)
    assert digests.plan_all(session, campaign.id, tomorrow) == 3
    subscribers.leave(session, one.id)
    subscribers.pause(session, two.id)
    session.flush()
    send(sender, tomorrow)
    assert [mail.to for mail in postbox.sent] == ["cat@post.example"]
    states = dict(
        session.execute(select(Delivery.state, Delivery.recipient).where(Delivery.kind == "signer_daily")).all()
    )
    assert set(states) == {DeliveryState.DROPPED, DeliveryState.SENT}
    assert states[DeliveryState.SENT] == three.id


def test_a_halt_holds_everything_back(session: Session, sender: Sender, postbox: ListPostbox) -> None:
    campaign = make.campaign(session)
    subscribers.ask(session, make.PEPPER, campaign.id, campaign.policies(), SUZIE, "en", Frequency.WEEKLY, make.NOW)
    for what in ("all", "kind:confirm", f"campaign:{campaign.id.hex()}"):
        queue.pause(session, what, make.NOW)
        assert send(sender, make.NOW) == 0
        queue.resume(session, what, "http://localhost")
    assert send(replace(sender, base_url="http://copy.example"), make.NOW) == 0
    assert send(sender, make.NOW) == 1


def test_one_mail_has_one_message_id_and_the_same_bytes(engine: Engine, sender: Sender, postbox: ListPostbox) -> None:
    with db.transaction() as session:
        campaign = make.campaign(session)
        subscriber(session, campaign)
        make.signature(session, campaign)
        epochs.close_epoch(session, campaign, make.NOW)
        tomorrow = make.NOW + timedelta(days=1)
        digests.plan_all(session, campaign.id, tomorrow)
    send(sender, tomorrow)
    with db.transaction() as session:
        session.execute(update(Delivery).values(state=DeliveryState.PLANNED, due=tomorrow))
    send(sender, tomorrow + timedelta(minutes=5))
    first, second = postbox.sent[-2:]
    assert first.as_bytes() == second.as_bytes()


def test_a_mail_that_asks_to_confirm_has_the_minute_of_the_request_as_its_date(
    session: Session, sender: Sender, postbox: ListPostbox
) -> None:
    """Mail programs sort by Date: with an earlier one it would stand below what came before it."""
    campaign, asked = make.campaign(session), make.NOW.replace(hour=19, minute=28, second=51)
    subscribers.ask(session, make.PEPPER, campaign.id, campaign.policies(), SUZIE, "en", Frequency.WEEKLY, asked)
    send(sender, asked)
    assert postbox.sent[-1].date == asked.replace(second=0)


def test_a_reminder_comes_after_a_whole_day_and_once(session: Session, sender: Sender, postbox: ListPostbox) -> None:
    campaign, asked = make.campaign(session), make.NOW.replace(hour=23, minute=50)
    subscribers.ask(session, make.PEPPER, campaign.id, campaign.policies(), SUZIE, "en", Frequency.WEEKLY, asked)
    send(sender, asked)
    hours = [(hour, subscribers.remind(session, asked + timedelta(hours=hour))) for hour in (1, 23, 25, 49)]
    assert hours == [(1, 0), (23, 0), (25, 1), (49, 0)]


def test_an_organisers_work_address_is_refused_and_the_addressees_is_not(session: Session) -> None:
    campaign = make.campaign(session, domains={"corp.example": {}})
    given = (session, make.PEPPER, campaign.id, campaign.policies())
    with pytest.raises(WorkAddressRefused):
        subscribers.enter(*given, subscribers.Audience.ORGANISER, "omar@corp.example", "en", make.NOW)
    subscribers.enter(*given, subscribers.Audience.ADDRESSEE, "chief@corp.example", "en", make.NOW)
