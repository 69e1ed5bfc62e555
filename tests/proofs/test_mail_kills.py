"""P1 and P13: senders are killed in the middle of their work, by us, at every point, and by the mail itself."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest
from sqlalchemy import select, update

from petition.config.addresses import PROJECT
from petition.core import clock, db
from petition.mailing.queue import Delivery, DeliveryState
from petition.mailing.subscribers import Subscriber, address_book
from tests.support import mails
from tests.support.figures import Write
from tests.support.post import Post, senders
from workers.loops.sending import send_round

pytestmark = pytest.mark.xdist_group("mail")
POINTS = {
    "before_claim": 0,
    "after_claim": 0,
    "before_data:3": 0,
    "after_250_before_commit:3": 1,
    "after_mark_before_commit:3": 0,
    "after_commit:3": 0,
}


def finish(post: Post, campaign_id: bytes) -> None:
    """Let what is left be sent by a sender that nobody kills."""
    mails.end_claims()
    sender = post.sender()
    while send_round(sender, clock.now):
        pass
    assert mails.left(campaign_id) == 0


def test_a_mail_that_kills_its_sender_each_time_is_given_up_and_holds_up_nobody(
    post: Post, long: bool, figure: Write
) -> None:
    """P13: five tries, then a dead letter; whoever stands behind it gets the mail before the second try."""
    n = 60
    campaign_id = mails.planned_digest(n)
    poison = someones_address(campaign_id)
    worker = post.worker()

    def strike(address: str) -> None:
        if address == poison:
            for each in senders(worker):
                each.kill()

    post.sink.on_recipient = strike
    deaths = 5 if long else 2  # in the short form three are written down by hand
    for tries in range(1, deaths + 1):
        post.nudged_until(lambda tries=tries: len(post.sink.asked[poison]) == tries and mails.due(campaign_id) == 0)
        mails.end_claims()
    assert mails.states(campaign_id) == {"sent": n - 1, "planned": 1}
    add_deaths(5 - deaths)
    post.nudged_until(lambda: mails.states(campaign_id) == {"sent": n - 1, "dead": 1})
    with db.session() as session:
        (dead,) = session.scalars(select(Delivery).where(Delivery.state == DeliveryState.DEAD))
    lost, repeated = post.sink.lost_and_repeated(n - 1)
    figure("P13: tries of a mail that kills its sender", dead.tries, "≤ 5, then a dead letter")
    figure(f"P13: others lost or repeated, of {n - 1}", lost + repeated, "0")
    assert (dead.tries, dead.fault) == (5, "its sender died, five times")
    assert len(post.sink.asked[poison]) == deaths
    assert (lost, repeated) == (0, 0)


@pytest.mark.proof
def test_a_digest_arrives_once_for_everybody_while_its_senders_are_killed(
    post: Post, long: bool, figure: Write
) -> None:
    """P1: kill -9 of pool processes, and of the worker with its pool; at most one repeat a kill, same bytes."""
    n, kills = (3_000, 50) if long else (300, 6)
    post.sink.delay = 0.01
    campaign_id, killed = mails.planned_digest(n), 0
    while killed < kills:
        if mails.due(campaign_id) == 0:  # all that is left is claimed by the dead
            post.kill()
            mails.end_claims()
        worker = post.worker()
        before = len(post.sink.taken)
        post.nudged_until(lambda before=before: len(post.sink.taken) > before)
        time.sleep(random.uniform(0, 0.1))
        killed += 1
        if killed % 10 == 0 or killed == kills:
            post.kill()
        else:
            for each in senders(worker):
                each.kill()
    finish(post, campaign_id)
    lost, repeated = post.sink.lost_and_repeated(n)
    figure(f"P1: mails lost of {n:,}, sender killed {killed} ×", lost, "0")
    figure("P1: repeats, with the same Message-ID and bytes", repeated, f"≤ {killed}")
    assert mails.states(campaign_id) == {"sent": n}
    assert lost == 0
    assert repeated <= killed


@pytest.mark.proof
def test_a_worker_that_is_told_to_stop_ends_after_its_mail(post: Post, long: bool, figure: Write) -> None:
    """P1: SIGTERM to the worker: nothing lost, nothing repeated, and claims are given back."""
    n, times = (2_000, 10) if long else (100, 1)
    post.sink.delay = 0.02 if long else 0.1  # so that some are left when it is told
    campaign_id, took = mails.planned_digest(n), []
    for _ in range(times):
        worker = post.worker()
        before = len(post.sink.taken)
        post.nudged_until(lambda before=before: len(post.sink.taken) > before)
        began = time.monotonic()
        worker.terminate()
        post.kept.pop("bulk").wait(20)
        took.append(time.monotonic() - began)
        assert mails.due(campaign_id) == mails.left(campaign_id)
    assert mails.left(campaign_id) > 0
    post.sink.delay = 0.0
    finish(post, campaign_id)
    lost, repeated = post.sink.lost_and_repeated(n)
    figure(f"P1: mails lost of {n:,}, SIGTERM {times} ×", lost, "0")
    figure("P1: repeats after SIGTERM", repeated, "0")
    figure("P1: seconds from SIGTERM to the end of the worker, worst", max(took), "≤ 3")
    assert (lost, repeated) == (0, 0)
    assert max(took) <= (3 if long else 9)


def test_a_sender_that_is_told_to_stop_ends_after_its_mail_and_gives_back_the_rest(post: Post) -> None:
    """P1: what a worker does once it heard SIGTERM; that its pool hears it is in tests/workers/test_stopping.py."""
    n, enough = 8, 3
    post.kill()  # a worker of an earlier test may still have nudges to read, and would take the mails first
    campaign_id = mails.planned_digest(n)
    send_round(replace(post.sender(), stopping=lambda: len(post.sink.taken) >= enough), clock.now)
    assert len(post.sink.taken) == enough
    assert mails.due(campaign_id) == mails.left(campaign_id) == n - enough
    finish(post, campaign_id)
    assert post.sink.lost_and_repeated(n) == (0, 0)


def test_a_sender_that_dies_at_each_point_repeats_at_most_the_mail_it_could_not_mark(post: Post, figure: Write) -> None:
    """P1: the fail points, each in a process of its own."""
    n = 8
    campaign_id, seen = mails.planned_digest(n), {}
    argv = [sys.executable, "-m", "tests.proofs.senders"]
    with subprocess.Popen(
        argv, cwd=PROJECT, env=post.env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as forking:
        assert forking.stdin is not None
        assert forking.stdout is not None
        for point in POINTS:
            post.sink.taken.clear()
            plan_again(campaign_id)
            for armed in (point, ""):
                print(armed, file=forking.stdin, flush=True)
                died = os.waitstatus_to_exitcode(int(forking.stdout.readline()))
                assert died == (-signal.SIGKILL if armed else 0)
                mails.end_claims()
            lost, seen[point] = post.sink.lost_and_repeated(n)
            assert lost == 0
            assert mails.left(campaign_id) == 0
        forking.stdin.close()
    for point, repeated in seen.items():
        figure(f"P1: repeats, sender killed {point.partition(':')[0]}", repeated, str(POINTS[point]))
    assert seen == POINTS


def plan_again(campaign_id: bytes) -> None:
    with db.transaction() as session:
        fresh = {"state": DeliveryState.PLANNED, "due": clock.now(), "tries": 0, "unanswered": 0}
        session.execute(update(Delivery).where(Delivery.campaign_id == campaign_id).values(fresh))


def add_deaths(n: int) -> None:
    with db.transaction() as session:
        waiting = update(Delivery).where(Delivery.state == DeliveryState.PLANNED)
        session.execute(waiting.values(tries=Delivery.tries + n, unanswered=Delivery.unanswered + n))


def someones_address(campaign_id: bytes) -> str:
    """The address of whoever is in the middle of the list."""
    with db.session() as session:
        recipients = session.scalars(
            select(Delivery.recipient).where(Delivery.campaign_id == campaign_id).order_by(Delivery.due)
        ).all()
        return address_book.opened(session, session.get_one(Subscriber, recipients[len(recipients) // 2]))
