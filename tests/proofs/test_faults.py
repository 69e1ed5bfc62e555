"""P2–P5 in their short form: servers are killed under a running installation, and nothing is lost or doubled."""

from __future__ import annotations

import contextlib
import threading
import time
import urllib.error
from collections.abc import Iterator

import psutil
import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from petition import campaigns, db, keyring
from petition.config import Config
from petition.encoding import unb64u
from petition.ledger.merkle import leaf_hash
from petition.signatures.tables import Pending, Signature, Spent
from tests import make
from tests.journeys.foreign_client import Answer, call
from tests.journeys.tree import Running, environment, installation

pytestmark = pytest.mark.xdist_group("faults")

SLUG = "ice-letter"


@pytest.fixture(scope="module")
def tree() -> Iterator[Running]:
    """An installation of these tests alone: they break it."""
    with installation() as started:
        config = Config.from_env(environment(started.home, int(started.url.rsplit(":", 1)[1])))
        db.connect(config.database_url, pool_size=2)
        yield started


@pytest.fixture
def passes(tree: Running) -> list[str]:
    """Sixty passes, stamped by the installation's own key."""
    config = Config.from_env(environment(tree.home, int(tree.url.rsplit(":", 1)[1])))
    db.connect(config.database_url, pool_size=2)
    keyring.connect(config.master_keys)
    with db.transaction() as session:
        campaign = campaigns.find(session, SLUG)
        return [make.a_pass(session, campaign).encode() for _ in range(60)]


def process(tree: Running, *words: str) -> psutil.Process:
    """The oldest process of the tree whose command line holds all the words."""
    found = [
        each
        for each in psutil.Process(tree.process.pid).children(recursive=True)
        if each.status() != psutil.STATUS_ZOMBIE and all(word in " ".join(each.cmdline()) for word in words)
    ]
    return min(found, key=lambda each: each.create_time())


def kill_with_children(master: psutil.Process) -> None:
    """kill -9, the children first; one that ended by itself meanwhile is as dead."""
    for each in [*master.children(), master]:
        with contextlib.suppress(psutil.NoSuchProcess):
            each.kill()


def sign(tree: Running, held: str) -> Answer | None:
    """Redeem a pass; None when nobody answered."""
    try:
        return call(f"{tree.url}/api/campaigns/{SLUG}/sign", {"pass": held, "show": "anonymous"})
    except (urllib.error.URLError, ConnectionError, TimeoutError, OSError):
        return None


def in_the_ledger(answers: list[Answer], seconds: float) -> float:
    """Wait until every receipt's entry is in the ledger; gives how long it took."""
    leaves = [leaf_hash(answer.body["receipt"]["entry"].encode()) for answer in answers]
    began, found = time.monotonic(), None
    while time.monotonic() - began < seconds:
        with contextlib.suppress(OperationalError), db.session() as session:
            found = session.scalar(select(func.count()).select_from(Signature).where(Signature.leaf.in_(leaves)))
        if found == len(leaves):
            return time.monotonic() - began
        time.sleep(0.2)
    raise AssertionError(f"{found} of {len(leaves)} are in the ledger")


def under_load(tree: Running, held: list[str], strike) -> tuple[list[Answer], list[Answer]]:  # type: ignore[no-untyped-def]
    """Redeem passes from four threads, each until it is answered with 201 or 409, while `strike` happens.

    Gives the receipts and everything else that was answered.
    """
    receipts: list[Answer] = []
    others: list[Answer] = []

    def one(mine: list[str]) -> None:
        for each in mine:
            time.sleep(0.05)
            end = time.monotonic() + 60
            while time.monotonic() < end:
                answer = sign(tree, each)
                if answer is not None:
                    (receipts if answer.status == 201 else others).append(answer)
                    if answer.status in {201, 409}:
                        break
                time.sleep(0.05)

    threads = [threading.Thread(target=one, args=(held[number::4],)) for number in range(4)]
    for thread in threads:
        thread.start()
    time.sleep(0.15)
    strike()
    for thread in threads:
        thread.join(120)
    return receipts, others


def test_signatures_are_taken_while_redis_is_away_and_counted_when_it_is_back(tree: Running, passes: list[str]) -> None:
    """P2: no 5xx on sign; codes fail closed; everything is in the ledger within 60 s."""
    valkey = process(tree, "valkey-server")
    valkey.suspend()
    try:
        answers = [sign(tree, each) for each in passes[:10]]
        refused = call(f"{tree.url}/api/campaigns/{SLUG}/verify", {"address": "suzie@salesforce.example"})
    finally:
        valkey.resume()
    assert [answer and answer.status for answer in answers] == [201] * 10
    assert (refused.status, refused.headers["Retry-After"]) == (503, "5")
    assert in_the_ledger([each for each in answers if each], 60) <= 60


def test_workers_consume_again_each_time_redis_was_restarted(tree: Running, passes: list[str]) -> None:
    """P3: three kills, each followed by a counted signature within 30 s, no hand needed."""
    for held in passes[:3]:
        process(tree, "valkey-server").kill()
        answer = sign(tree, held)
        assert answer is not None
        assert answer.status == 201
        assert in_the_ledger([answer], 30) <= 30


def test_every_receipt_outlives_the_web_server_and_a_repeated_post_adds_nothing(
    tree: Running, passes: list[str]
) -> None:
    """P4: the web is killed (-9) in the middle of posts."""

    def strike() -> None:
        kill_with_children(process(tree, "gunicorn"))

    receipts, others = under_load(tree, passes, strike)
    in_the_ledger(receipts, 60)
    assert {answer.status for answer in others} <= {409, 503}
    spent = [unb64u(answer.body["receipt"]["withdraw"], 32) for answer in receipts]
    assert len(set(spent)) == len(receipts)
    again = [sign(tree, each) for each in passes[:5]]
    assert [answer and answer.status for answer in again] == [409] * 5


def test_nothing_acknowledged_is_lost_when_postgresql_is_killed_under_load(tree: Running, passes: list[str]) -> None:
    """P5: kill -9 of every PostgreSQL process; refusals are 503 with Retry-After, never 500."""
    with db.session() as session:
        before = session.scalar(select(func.count()).select_from(Spent))

    def strike() -> None:
        kill_with_children(process(tree, "bin/postgres", "-D"))

    receipts, others = under_load(tree, passes, strike)
    db.engine().dispose()
    in_the_ledger(receipts, 60)
    refused = [answer for answer in others if answer.status != 409]
    assert {answer.status for answer in refused} <= {503}
    assert all(answer.headers["Retry-After"] for answer in refused)
    with db.session() as session:
        after = session.scalar(select(func.count()).select_from(Spent))
    assert (after or 0) - (before or 0) == len(passes)


def test_after_all_of_it_the_ledger_can_still_be_recounted(tree: Running) -> None:
    """P8: shown count = ledger count."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        with db.session() as session:
            if not session.scalar(select(func.count()).select_from(Pending)):
                break
        time.sleep(0.2)
    done = tree.command("ledger", "verify")
    assert (done.returncode, done.stderr) == (0, "")
    with db.session() as session:
        signed = session.scalar(select(func.count()).select_from(Signature))
    time.sleep(1.5)
    assert call(f"{tree.url}/api/campaigns/{SLUG}/count").body["count"] == signed
