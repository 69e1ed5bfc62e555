"""The mail server refuses a whole run for a reason that is ours: nobody is lost, mail stops by itself and says why."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest
from flask import Flask
from playwright.sync_api import Browser
from sqlalchemy import func, select

from petition.campaigns import Campaign
from petition.config import Config
from petition.core import clock, db
from petition.mail import MailDelayed, Message, SmtpPostbox, Stage, bounce_status
from petition.mailing import digests, queue, subscribers
from petition.mailing.digests import Sender
from petition.mailing.queue import Delivery, Pause, refusals
from petition.mailing.queue.pauses import REFUSED
from petition.mailing.queue.tables import Refusal
from petition.mailing.subscribers import Subscriber, SubscriberState
from petition.organisers import Role
from petition.privacy import seal_address
from petition.usecases import daily_figures
from petition.web.dashboard.access import COOKIE
from tests import make
from tests.support import mails
from tests.support.looks import SMALL, Looks
from tests.support.mail_server import Answers, server
from tests.support.omar import Omar, signed_in
from tests.support.served import served
from workers import celery_app
from workers.loops.sending import send_round
from workers.tasks import codes

URL = "http://localhost"
BLOCKED = "550 5.7.1 <{0}>: blocked using zen.spamhaus.example, see \x1bhttps://relay.example/{0}"
WORDS = "blocked using zen.spamhaus.example"


@dataclass
class Relay(Answers):
    """A mail server that counts whom it was asked for, and can be told an answer for each of them in turn."""

    asked: list[str] = field(default_factory=list)
    in_turn: list[str] = field(default_factory=list)

    async def handle_RCPT(self, *given: object) -> str:
        """Note the address, and answer."""
        self.asked.append(str(given[3]))
        if self.in_turn:
            self.rcpt = self.in_turn.pop(0)
        return await super().handle_RCPT(*given)  # type: ignore[arg-type]


@dataclass
class Run:
    """A campaign with a digest promised to its readers, and a way to send it."""

    campaign_id: bytes
    slug: str
    relay: Relay
    port: int

    def sender(self) -> Sender:
        """A sender with a connection of its own."""
        postbox = SmtpPostbox(f"smtp://127.0.0.1:{self.port}?tls=none")
        return Sender(postbox, URL, "s" * 32, make.PEPPER, "letters@undersigned.example", 0)

    def sends(self, hours: int = 0) -> int:
        """Everything that is due, as long as something is; gives how many were claimed."""
        sender, claimed = self.sender(), 0
        while n := send_round(sender, lambda: clock.now() + timedelta(hours=hours)):
            claimed += n
        sender.postbox.close()  # type: ignore[attr-defined]
        return claimed

    def readers(self) -> Counter[SubscriberState]:
        with db.session() as session:
            return Counter(session.scalars(select(Subscriber.state).where(Subscriber.campaign_id == self.campaign_id)))

    def halts(self) -> list[str]:
        with db.session() as session:
            return queue.current_pauses(session, URL)


@pytest.fixture
def relay() -> Relay:
    return Relay()


@pytest.fixture
def run(app: Flask, relay: Relay) -> Iterator[Run]:
    """Fifteen readers, whose digest is due."""
    del app
    campaign_id = mails.planned_digest(15, ["post.example", "mail.example", "else.example"])
    with db.session() as session:
        slug = session.get_one(Campaign, campaign_id).slug
    with server(relay) as port:  # type: ignore[arg-type]
        yield Run(campaign_id, slug, relay, port)


@pytest.mark.parametrize("stage", ["mail", "rcpt", "data"])
@pytest.mark.parametrize("pipelining", [False, True])
def test_a_refused_run_stops_after_three_mails_and_goes_on_when_told_to(
    app: Flask, run: Run, stage: str, pipelining: bool
) -> None:
    """P51: at each stage; the dashboard says what the mail server said, and nothing is sent twice."""
    run.relay.pipelining = pipelining
    setattr(run.relay, stage, BLOCKED.format("daily0@post.example"))
    run.sends()
    assert run.readers() == {SubscriberState.ACTIVE: 15}
    assert run.halts() == [REFUSED]
    assert mails.states(run.campaign_id) == {"planned": 15}
    omar = signed_in(app, run.slug)
    for page in ("~", "~/settings", "~/subscribers"):
        text = omar.sees(page).text
        assert WORDS in text, page
        assert "Mail stopped by itself" in text
        assert "daily0" not in text
        assert "\x1b" not in text
        assert "Resume sending" in text
    setattr(run.relay, stage, "250 OK")
    assert run.sends() == 0
    assert omar.does("~/settings/resume", what="mail").status_code == 303
    assert run.halts() == []
    run.sends()
    assert mails.states(run.campaign_id) == {"sent": 15}
    assert Counter(to for _, (to,), _ in run.relay.taken).most_common(1)[0][1] == 1
    assert len(run.relay.taken) == 15
    assert "Mail stopped by itself" not in omar.sees("~").text


def test_it_stops_again_when_nothing_was_mended_and_loses_nothing_however_often(run: Run) -> None:
    run.relay.rcpt = BLOCKED
    for _ in range(8):
        run.sends(hours=40)
        assert mails.states(run.campaign_id) == {"planned": 15}
        assert run.halts() == [REFUSED]
        with db.transaction() as session:
            queue.resume(session, "all", URL)
        assert run.halts() == []


@pytest.mark.parametrize("between", ["250 OK", "550 5.1.1 User unknown"])
def test_a_mail_that_is_taken_or_an_address_that_does_not_exist_ends_the_row(run: Run, between: str) -> None:
    """Single mailboxes that refuse us are undelivered mails, shown and not tried again by themselves."""
    no = "550 5.7.1 policy"
    run.relay.in_turn = [no, no, between] * 5
    run.sends()
    assert run.halts() == []
    gone = between.startswith("550")
    assert mails.states(run.campaign_id) == ({"dead": 15} if gone else {"dead": 10, "sent": 5})
    expected = {SubscriberState.ACTIVE: 10, SubscriberState.SUPPRESSED: 5} if gone else {SubscriberState.ACTIVE: 15}
    assert run.readers() == expected


@pytest.mark.parametrize(
    "answer", ["552 5.2.2 mailbox full", "552 5.3.4 too large", "550 no", "550 5.1.1 blocked: spam"]
)
def test_any_refusal_that_is_not_about_the_address_counts(run: Run, answer: str) -> None:
    run.relay.rcpt = answer
    run.sends()
    assert run.readers() == {SubscriberState.ACTIVE: 15}
    assert (run.halts(), mails.states(run.campaign_id)) == ([REFUSED], {"planned": 15})
    assert len(run.relay.asked) == 3


def test_one_mail_counts_once_however_often_it_is_tried_by_hand(run: Run) -> None:
    run.relay.in_turn = ["550 5.7.1 policy", *["250 OK"] * 14]
    run.sends()
    for _ in range(5):
        run.relay.rcpt = "550 5.7.1 policy"
        with db.transaction() as session:
            assert digests.retry(session, run.campaign_id, clock.now()).again == 1
        run.sends(hours=1)
    assert (run.halts(), mails.states(run.campaign_id)) == ([], {"sent": 14, "dead": 1})


def test_a_mail_server_that_lets_nobody_in_stops_mail_too(run: Run) -> None:
    """A password that is not good any more would otherwise give up every mail after a day."""

    class Closed:
        """A postbox whose server refuses the connection for good."""

        def send(self, message: Message) -> None:
            del message
            raise MailDelayed(Stage.connect, 535, "5.7.8", "5.7.8 authentication failed")

    closed = Sender(Closed(), URL, "s" * 32, make.PEPPER, "letters@undersigned.example", 0)
    send_round(closed, clock.now)
    assert (run.halts(), mails.states(run.campaign_id)) == ([REFUSED], {"planned": 15})
    with db.session() as session:
        halt = queue.refused(session)
        assert halt is not None
        assert halt.words == "5.7.8 authentication failed"


def test_two_senders_count_one_row(run: Run) -> None:
    """Whatever the order: one halt, nothing given up, and no sender asks once more than it must."""
    run.relay.rcpt = BLOCKED
    threads = [threading.Thread(target=send_round, args=(run.sender(), clock.now, 7)) for _ in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
    assert mails.states(run.campaign_id) == {"planned": 15}
    assert run.halts() == [REFUSED]
    assert 3 <= len(run.relay.asked) <= 4
    with db.session() as session:
        assert session.scalar(select(func.count()).select_from(Refusal)) == 0


def test_whoever_counts_waits_for_whoever_counts(run: Run) -> None:
    """Three refusals at the same moment are a row of three, and neither of two nor of four."""
    with db.transaction() as session:
        claimed = queue.claim(session, 3, 0, URL, clock.now())
    paused: list[bool] = []
    ready = threading.Barrier(3)

    def refuse(number: int) -> None:
        ready.wait(30)
        with db.transaction() as session:
            refusals.lock(session)
            paused.append(refusals.count(session, claimed[number], "no", clock.now()))

    threads = [threading.Thread(target=refuse, args=(number,)) for number in range(3)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
    assert paused == [False, False, True]
    assert run.halts() == [REFUSED]


def test_codes_are_mailed_while_mail_stands_still(run: Run, config: Config) -> None:
    with db.transaction() as session:
        queue.pause(session, REFUSED, clock.now(), "no")
    celery_app.set_up(replace(config, smtp_url=f"smtp://127.0.0.1:{run.port}?tls=none"))
    vault = celery_app.worker_context().vault
    codes.mail(seal_address(vault, "suzie@corp.example", "en", clock.now(), code="12345678"))
    assert [to for _, to, _ in run.relay.taken] == [["suzie@corp.example"]]


def test_only_an_owner_goes_on_and_everybody_sees_why_mail_stands_still(app: Flask, run: Run) -> None:
    with db.transaction() as session:
        queue.pause(session, REFUSED, clock.now(), WORDS)
    for role in (Role.OBSERVER, Role.EDITOR, Role.MODERATOR):
        someone = signed_in(app, run.slug, role, name=f"Omar {role}")
        text = someone.sees("~").text
        assert WORDS in text
        assert "Resume sending" not in text
        assert "An owner can resume sending after the cause is removed." in text
        assert someone.does("~/settings/resume", what="mail").status_code in {403, 404}
    assert run.halts() == [REFUSED]


def test_undelivered_mails_are_tried_again_but_for_those_that_nobody_takes(app: Flask, run: Run) -> None:
    """Three addresses do not exist, two readers left, one paused; the other nine all go."""
    run.relay.in_turn = ["550 5.1.1 User unknown"] * 3 + (["550 5.7.1 no"] * 2 + ["250 OK"]) * 4
    run.sends()
    assert mails.states(run.campaign_id) == {"dead": 11, "sent": 4}
    with db.transaction() as session:
        dead = select(Delivery.recipient).where(Delivery.fault.like("%5.7.1%")).order_by(Delivery.recipient)
        one, two, three, *_ = session.scalars(dead)
        subscribers.leave(session, one)
        subscribers.leave(session, two)
        subscribers.pause(session, three)
        daily_figures.record(session, clock.now())
    omar: Omar = signed_in(app, run.slug)
    text = omar.sees("~").text
    for said in (
        "Not tried again are mails to addresses that do not exist, and to subscribers who left, paused",
        "fewer than 10",
        "Try undelivered mail again",
        "Mails were given up and can be tried again",
    ):
        assert said in text, said
    assert omar.does("~/dead-letters").status_code == 303
    run.relay.rcpt = "250 OK"
    assert run.sends(hours=1) == 5
    assert mails.states(run.campaign_id) == {"sent": 9, "dropped": 3, "dead": 3}
    text = omar.sees("~").text
    assert "fewer than 10" in text[text.index('id="panel-undelivered"') :]
    assert "Mails were given up and can be tried again" not in text


def test_a_halt_by_hand_holds_no_words(run: Run) -> None:
    with db.transaction() as session:
        queue.pause(session, "all", clock.now())
        assert [each.words for each in session.scalars(select(Pause))] == [""]
        assert queue.refused(session) is None
    assert run.sends() == 0


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_no_page_that_says_it_has_an_accessibility_fault_or_is_too_wide(
    app: Flask, run: Run, browser: Browser, lang: str
) -> None:
    """P38, with the longest words that a mail server may be quoted with, and undelivered mails of every sort."""
    run.relay.in_turn = ["550 5.1.1 User unknown"] * 3 + (["550 5.7.1 no"] * 2 + ["250 OK"]) * 4
    run.sends()
    with db.transaction() as session:
        dead = select(Delivery.recipient).where(Delivery.fault.like("%5.7.1%"))
        subscribers.leave(session, session.scalars(dead.limit(1)).one())
        quoted = bounce_status.quoted("5.7.1 blocked using " + "zen.spamhaus.example/" * 20)
        queue.pause(session, REFUSED, clock.now(), quoted)
    cookie = signed_in(app, run.slug).client.get_cookie(COOKIE, domain="localhost")
    assert cookie
    ours = {"HTTP_HOST": "localhost", "HTTP_COOKIE": f"{COOKIE}={cookie.value}"}
    context = browser.new_context(viewport=SMALL)
    look = Looks(context.new_page(), lang)
    with served(lambda _: lambda env, start: app({**env, **ours}, start), "localhost") as url:
        for path in ("", "/settings", "/subscribers"):
            look.page.goto(f"{url}/organise/c/{run.slug}{path}?lang={lang}")
            look.at(f"refused{path}")
        context.close()
    assert look.faults == {}
