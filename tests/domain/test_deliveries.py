"""The life of a delivery: put off, given up, given back; one that is broken holds up nobody."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session

from petition.config import Config
from petition.core import db, outbox
from petition.core.outbox import OutboxKind
from petition.mail import ListPostbox
from petition.mailing import queue
from petition.mailing.digests import Sender
from petition.mailing.queue import Claim, Delivery, DeliveryState
from petition.mailing.subscribers import Subscriber
from tests import make
from tests.support import mails
from tests.support.mails import TOMORROW, URL, claimed
from workers import celery_app
from workers.loops.sending import send_round
from workers.tasks import digests as tasks


@pytest.fixture
def postbox() -> ListPostbox:
    return ListPostbox()


@pytest.fixture
def sender(postbox: ListPostbox) -> Sender:
    return Sender(postbox, URL, "s" * 32, make.PEPPER, "letters@undersigned.example", 0)


def delay(session: Session, claim: Claim, now: datetime = TOMORROW) -> float:
    """Seconds until a delivery that was put off is due."""
    queue.postpone(session, claim, "connect 421", now)
    due = session.scalars(select(Delivery.due).where(Delivery.recipient == claim.recipient)).one()
    return (due - now).total_seconds()


def test_delays_are_doubled_and_scattered(session: Session) -> None:
    (claim,) = claimed(session)
    first = [delay(session, claim) for _ in range(50)]
    assert len(set(first)) == 50
    assert (22.5 <= min(first), max(first) <= 37.5) == (True, True)
    assert 4 * 22.5 <= delay(session, replace(claim, tries=2)) <= 4 * 37.5
    assert delay(session, replace(claim, tries=30)) <= 5 * 3600


def test_a_day_after_it_was_planned_it_is_given_up_but_not_before_its_sixth_try(session: Session) -> None:
    (claim,) = claimed(session)
    late = TOMORROW + timedelta(days=2)
    assert queue.postpone(session, replace(claim, tries=4), "data 451", late) is DeliveryState.PLANNED
    assert queue.postpone(session, replace(claim, tries=5), "data 451", late) is DeliveryState.DEAD
    assert [(each.recipient, each.fault) for each in queue.dead(session)] == [(claim.recipient, "data 451")]
    assert queue.retry(session, [claim.key], late) == 1
    assert queue.claim(session, 1, 0, URL, late)[0].tries == 0


def test_what_is_not_tried_goes_back_to_its_place_and_a_domain_gets_no_more_than_its_rate(session: Session) -> None:
    waiting = claimed(session, 30)
    queue.withdraw(session, waiting)
    within = queue.claim(session, 100, 7, URL, TOMORROW)
    assert len(within) == 7
    assert {each.was_due for each in within} == {each.was_due for each in waiting}
    assert queue.claim(session, 100, 7, URL, TOMORROW) == []
    assert len(queue.claim(session, 100, 7, URL, TOMORROW + timedelta(seconds=1))) == 7


def test_a_mail_that_cannot_be_made_says_so_in_its_row_and_the_others_go_out(
    engine: Engine, sender: Sender, postbox: ListPostbox
) -> None:
    with db.transaction() as session:
        waiting = claimed(session, 5)
        queue.withdraw(session, waiting)
        broken = waiting[0].recipient
        session.execute(update(Subscriber).where(Subscriber.id == broken).values(sealed=b"x" * 300))
    assert send_round(sender, lambda: TOMORROW) == 5
    assert len(postbox.sent) == 4
    with db.session() as session:
        row = session.scalars(select(Delivery).where(Delivery.recipient == broken)).one()
    assert (row.state, row.fault, row.unanswered) == (DeliveryState.PLANNED, "made wrong: AddressUnreadable", 0)


def test_a_campaign_that_cannot_be_planned_silences_no_other(engine: Engine, config: Config) -> None:
    celery_app.set_up(config)
    with db.transaction() as session:
        ids = []
        for _ in range(3):
            campaign = mails.campaign_with_news(session)
            mails.add_readers(session, campaign, 1)
            ids.append(campaign.id)
        session.flush()
        faulty = min(ids)
        campaign = session.get_one(type(campaign), faulty)
        campaign.mailing = {"time_zone": "Nowhere/Land"}
    tasks.plan()
    assert {each: mails.left(each) for each in ids} == {each: 0 if each == faulty else 1 for each in ids}


def test_news_whose_telling_fails_each_time_is_given_up_after_five_tries(engine: Engine) -> None:
    with db.transaction() as session:
        campaign = mails.campaign_with_news(session)
        outbox_id = outbox.add(session, OutboxKind.INSTANT_NEWS, campaign.id, 999, make.NOW)
    for _ in range(7):
        try:
            tasks.plan_instant(outbox_id)
        except ValueError:
            with db.transaction() as session:
                session.execute(update(outbox.OutboxItem).values(leased_until=None))
    with db.transaction() as session:
        outbox.overdue(session, make.NOW)
        row = session.scalars(select(outbox.OutboxItem).where(outbox.OutboxItem.number == 999)).one()
    assert (row.tries, row.given_up) == (5, True)
