"""Mail about what is pending: the first at once, the rest an hour later, with workers that die and messages that are lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from sqlalchemy import Engine, func, select, text

from petition import organisers
from petition.campaigns import Campaign
from petition.config import Config
from petition.config.addresses import PROJECT
from petition.core import clock, db, outbox
from petition.core.outbox import OutboxItem, OutboxKind
from petition.mailing import subscribers
from petition.mailing.digests.tables import Edition
from petition.mailing.queue import Delivery
from petition.mailing.subscribers import Audience
from petition.organisers import Role, approvals
from petition.organisers.actor import Actor
from petition.usecases import acts, closing_date, public_texts
from tests import make
from tests.support import mails
from tests.support.services import MASTER_KEY
from tests.support.waiting import until_nobody_holds_a_lock
from workers import celery_app, follow_ups
from workers.follow_ups import FOLLOW_UPS
from workers.tasks import digests as digest_tasks
from workers.tasks import upkeep

Sent = list[tuple[str, str, list[str]]]
HOUR = timedelta(hours=1)
LANGUAGES = ("de", "es", "it", "nl", "pl", "pt")


@pytest.fixture
def sent(engine: Engine, config: Config, monkeypatch: pytest.MonkeyPatch) -> Sent:
    """The messages to workers, none of which arrives."""
    celery_app.set_up(config)
    made: Sent = []
    monkeypatch.setattr(follow_ups, "send", lambda name, queue, args: made.append((name, queue, args)))
    return made


def a_letter() -> tuple[Campaign, list[Any]]:
    """An open letter that is never quiet, with two owners and the addresses of two organisers."""
    with db.transaction() as session:
        campaign = make.campaign(session, mailing=mails.AWAKE)
        by = [organisers.enrol(session, name, "en", clock.now()).id for name in ("Omar", "Mallory")]
        for each in by:
            organisers.join(session, campaign.id, each, Role.OWNER, clock.now())
        for address in ("omar@post.example", "rita@post.example"):
            subscribers.enter(
                session, make.PEPPER, campaign.id, campaign.policies(), Audience.ORGANISER, address, "en", clock.now()
            )
    return campaign, by


def translates(campaign: Campaign, lang: str, by: Any) -> bytes:
    with db.transaction() as session:
        found = session.get_one(Campaign, campaign.id)
        return public_texts.ask_to_translate(session, found, lang, "A title", "Words.", Actor(by, clock.now())).id


def facts() -> list[tuple[list[str], list[str]]]:
    """What each mail says: what waits, and what was approved meanwhile."""
    with db.session() as session:
        query = select(Edition.facts).where(Edition.kind == "organiser_approvals").order_by(Edition.until)
        found = [each for each in session.scalars(query) if each is not None]
    return [([each["act"] for each in one["waiting"]], one["approved"]) for one in found]


def planned() -> int:
    with db.session() as session:
        return session.scalar(select(func.count()).where(Delivery.kind == "organiser_approvals")) or 0


def promised() -> int:
    with db.session() as session:
        return session.scalar(select(func.count()).where(OutboxItem.kind == OutboxKind.PENDING)) or 0


def sweep(sent: Sent) -> list[str]:
    """The rows that a sweep finds now."""
    sent.clear()
    upkeep.sweep()
    return [args[0] for name, queue, args in sent if (name, queue) == FOLLOW_UPS[OutboxKind.PENDING]]


def test_six_requests_in_a_row_are_one_mail_at_once_and_one_an_hour_later(sent: Sent) -> None:
    """Asked by one organiser. Each mail goes to both addresses, and a message that comes twice does nothing more."""
    begun = clock.now()
    with time_machine.travel(begun, tick=False):
        campaign, (omar, _) = a_letter()
        for lang in LANGUAGES:
            translates(campaign, lang, omar)
        assert (planned(), promised(), sweep(sent)) == (2, 1, [])
    with time_machine.travel(begun + HOUR - timedelta(seconds=1), tick=False):
        assert sweep(sent) == []
    with time_machine.travel(begun + HOUR, tick=False):
        (row,) = sweep(sent)
        for _twice in range(2):
            digest_tasks.announce_pending(row)
        assert (planned(), promised(), sweep(sent)) == (4, 0, [])
    assert facts() == [(["translation"], []), (["translation"], [])], "a new request takes the place of the one before"


def test_who_asks_all_day_makes_one_mail_an_hour_and_no_act_goes_unannounced(sent: Sent) -> None:
    """No number of mails is used up, whatever was asked before, and by whom."""
    begun = clock.now()
    with time_machine.travel(begun, tick=False):
        campaign, (omar, mallory) = a_letter()
    for step in range(24 * 12):
        with time_machine.travel(begun + step * timedelta(minutes=5), tick=False):
            translates(campaign, LANGUAGES[step % 6], mallory)
            for row in sweep(sent):
                digest_tasks.announce_pending(row)
    assert planned() == 2 * 24
    with time_machine.travel(begun + 24 * HOUR, tick=False):
        with db.transaction() as session:
            closing_date.ask_to_close(session, session.get_one(Campaign, campaign.id), Actor(omar, clock.now()))
        for row in sweep(sent):
            digest_tasks.announce_pending(row)
    assert "close" in facts()[-1][0]


def test_an_act_that_was_approved_before_its_mail_is_in_it(sent: Sent) -> None:
    """P46: two who agree cannot hide an act behind the hour."""
    begun = clock.now()
    with time_machine.travel(begun, tick=False):
        campaign, (omar, mallory) = a_letter()
        with db.transaction() as session:
            suzie = organisers.enrol(session, "Suzie", "en", clock.now()).id
            organisers.join(session, campaign.id, suzie, Role.OWNER, clock.now())
        translates(campaign, "de", mallory)
    with time_machine.travel(begun + timedelta(minutes=1), tick=False), db.transaction() as session:
        found = session.get_one(Campaign, campaign.id)
        asked = acts.change_member(session, found, suzie, None, Actor(mallory, clock.now()))
        assert asked
        acts.approve(session, found, asked.id, Actor(omar, clock.now()))
    with time_machine.travel(begun + HOUR, tick=False):
        for row in sweep(sent):
            digest_tasks.announce_pending(row)
    assert facts() == [(["translation"], []), (["translation"], ["remove_owner"])]


def test_what_was_taken_back_within_the_hour_makes_no_mail(sent: Sent) -> None:
    begun = clock.now()
    with time_machine.travel(begun, tick=False):
        campaign, (omar, mallory) = a_letter()
        translates(campaign, "de", omar)
        request = translates(campaign, "es", mallory)
        with db.transaction() as session:
            acts.refuse(session, session.get_one(Campaign, campaign.id), request, Actor(mallory, clock.now()))
    with time_machine.travel(begun + HOUR, tick=False):
        (row,) = sweep(sent)
        digest_tasks.announce_pending(row)
        assert (planned(), promised()) == (2, 0)


@pytest.mark.parametrize("kept", [True, False])
def test_a_closing_date_is_announced_within_the_hour_if_it_still_stands(sent: Sent, kept: bool) -> None:
    begun = clock.now()
    with time_machine.travel(begun, tick=False):
        campaign, (omar, mallory) = a_letter()
        translates(campaign, "de", omar)
        with db.transaction() as session:
            found, by = session.get_one(Campaign, campaign.id), Actor(mallory, clock.now())
            assert closing_date.set_date(session, found, begun + 100 * HOUR, by) is None
            session.flush()
            if not kept:
                closing_date.keep_open(session, found, by)
    with time_machine.travel(begun + HOUR, tick=False):
        (row,) = sweep(sent)
        digest_tasks.announce_pending(row)
    assert planned() == (4 if kept else 2)


def killed(url: str, row: str, at: datetime, point: str) -> int:
    """The task in a process that is killed at a point; returns how it ended."""
    words = (
        "import sys; from petition.core import clock, db, failpoints; from petition.privacy import keyring;"
        "from workers.tasks.digests import announce_pending; url, key, row, point, ahead = sys.argv[1:];"
        "db.connect(url); keyring.connect([key]); clock.set_offset(float(ahead)); failpoints.arm(point);"
        "announce_pending(row)"
    )
    ahead = str((at - clock.now()).total_seconds())
    argv = [sys.executable, "-c", words, url, MASTER_KEY, row, point, ahead]
    died = subprocess.run(argv, cwd=PROJECT, env=os.environ, capture_output=True, check=False, timeout=60)
    until_nobody_holds_a_lock()
    return died.returncode


@pytest.mark.parametrize("point", ["pending_claimed", "pending_planned"])
def test_a_worker_that_is_killed_is_followed_by_one_that_mails_once(sent: Sent, database_url: str, point: str) -> None:
    """P2: kill -9 before the work and right before its commit; the sweep finds the row when the lease is over."""
    begun = clock.now()
    with time_machine.travel(begun, tick=False):
        campaign, (omar, mallory) = a_letter()
        translates(campaign, "de", omar)
        translates(campaign, "es", mallory)
    with time_machine.travel(begun + HOUR, tick=False):
        (row,) = sweep(sent)
    assert killed(database_url, row, begun + HOUR, point) == -signal.SIGKILL
    assert (planned(), promised()) == (2, 1)
    with time_machine.travel(begun + HOUR + 2 * outbox.LEASE, tick=False):
        assert sweep(sent) == [row]
        digest_tasks.announce_pending(row)
        assert (planned(), promised(), sweep(sent)) == (4, 0, [])


def test_organisers_who_ask_at_the_same_moment_make_one_mail_and_one_row(sent: Sent) -> None:
    campaign, by = a_letter()
    gate = threading.Barrier(6)

    def asks(number: int) -> None:
        gate.wait()
        translates(campaign, LANGUAGES[number], by[number % 2])

    threads = [threading.Thread(target=asks, args=[number]) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(facts()), planned(), promised()) == (1, 2, 1)


def test_a_request_that_is_being_decided_holds_up_no_mail(sent: Sent) -> None:
    """An approval holds its request until it has announced a date; a mail that is made meanwhile does not wait for it."""
    begun = clock.now()
    with time_machine.travel(begun, tick=False):
        campaign, (omar, mallory) = a_letter()
        translates(campaign, "de", mallory)
        with db.transaction() as session:
            asked = closing_date.ask_to_close(session, session.get_one(Campaign, campaign.id), Actor(omar, clock.now()))
    with time_machine.travel(begun + HOUR, tick=False), db.transaction() as deciding:
        actor, found = Actor(mallory, clock.now()), deciding.get_one(Campaign, campaign.id)
        approvals.approve(deciding, campaign.id, asked.id, actor)
        with db.transaction() as session:
            session.execute(text("SET LOCAL lock_timeout = '5s'"))
            here = session.get_one(Campaign, campaign.id)
            public_texts.ask_to_translate(session, here, "es", "A title", "Words.", Actor(omar, clock.now()))
        acts.ACTS[asked.act](deciding, found, asked, clock.now())
    assert (planned(), promised()) == (4, 1)
