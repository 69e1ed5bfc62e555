"""P2 and P3 with mail: Redis is killed, flushed, or away, and what was promised arrives once, without a hand."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import pytest
import redis
from sqlalchemy import func, select

from petition import campaigns
from petition.bootstrap.embedded import SOCKET_NAME
from petition.campaigns import Update
from petition.config import Config
from petition.core import clock, db
from petition.core.outbox import OutboxItem, OutboxKind
from petition.mailing.queue import Delivery, message_id
from petition.mailing.subscribers import Frequency
from tests.support import mails
from tests.support.clients import SLUG, attach, process
from tests.support.figures import Write
from tests.support.installation import Running, environment, installation
from tests.support.post import MESSAGE_ID
from tests.support.queues import send_task

pytestmark = pytest.mark.xdist_group("mail and redis")
READERS = 40


@pytest.fixture(scope="module")
def tree() -> Iterator[Running]:
    """An installation whose letter has forty readers who want news at once."""
    with installation(PETITION_MAIL_RATE="0") as started:
        attach(started)
        with db.transaction() as session:
            campaign = campaigns.find(session, SLUG)
            campaign.mailing = {**campaign.mailing, **mails.AWAKE}
            mails.add_readers(session, campaign, READERS, rhythm=Frequency.MILESTONES)
        yield started
        db.disconnect()


def config_of(tree: Running) -> Config:
    """What the installation reads."""
    return Config.from_env(environment(tree.home, int(tree.url.rsplit(":", 1)[1])))


def publish() -> None:
    """News that is mailed as it happens; this process sends no nudge, as if Redis had lost it."""
    now = clock.now()
    with db.transaction() as session:
        campaign = campaigns.find(session, SLUG)
        campaigns.publish_update(
            session, campaign, {"en": "It is raining.", "fr": "Il pleut."}, now, mailed_since=now + timedelta(days=1)
        )


def arrived(tree: Running, seconds: float) -> float:
    """Wait until every mail that was promised has come; gives how long it took, and insists on once."""
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        wanted, come = promised(tree), message_ids(tree)
        if len(wanted) == READERS * published() and not wanted - set(come):
            took = time.monotonic() - began
            time.sleep(0.5)
            assert {n for message_id, n in message_ids(tree).items() if message_id in wanted} == {1}
            return took
        time.sleep(0.2)
    raise AssertionError(f"{READERS * published() - len(wanted & set(come))} mails are lost")


def published() -> int:
    """How many updates there are to be mailed."""
    with db.session() as session:
        return session.scalar(select(func.count()).where(Update.mailed)) or 0


def promised(tree: Running) -> set[str]:
    """The Message-IDs of every mail about an update."""
    config = config_of(tree)
    with db.session() as session:
        rows = session.scalars(select(Delivery).where(Delivery.kind == "update")).all()
    key, host = config.secret_key.encode(), config.mail_from.rpartition("@")[2].rstrip(">")
    return {message_id(key, each.kind, each.recipient, each.period, host) for each in rows}


def message_ids(tree: Running) -> Counter[str]:
    """How often each mail lies in the inbox."""
    found = (MESSAGE_ID.search(file.read_bytes()) for file in (tree.home / "inbox").glob("*.eml"))
    return Counter(each[1].decode() for each in found if each)


def killed(tree: Running) -> None:
    process(tree, "valkey-server").kill()


def flushed(tree: Running) -> None:
    redis.Redis.from_url(f"unix://{tree.home}/run/{SOCKET_NAME}").flushall()


def away(tree: Running, seconds: float = 6) -> None:
    valkey = process(tree, "valkey-server")
    valkey.suspend()
    time.sleep(seconds)
    valkey.resume()


@pytest.mark.proof
def test_no_mail_is_lost_or_repeated_with_redis(tree: Running, long: bool, figure: Write) -> None:
    """P2: news while Redis is killed, flushed and away; sixty seconds later everybody has read all of it, once."""
    faults = {"killed": killed, "flushed": flushed, "away for 60 s": lambda tree: away(tree, 60)}
    for name, strike in faults.items() if long else []:
        publish()
        strike(tree)
        figure(f"P2: seconds until {READERS} mails arrived once, Redis {name}", arrived(tree, 60), "≤ 60, none lost")
    publish()
    flushed(tree)
    publish()
    killed(tree)
    publish()
    figure(f"P2: seconds until {3 * READERS} mails arrived once, all at once", arrived(tree, 60), "≤ 60, none lost")


@pytest.mark.proof
def test_mail_goes_on_each_time_redis_was_restarted(tree: Running, long: bool, figure: Write) -> None:
    """P3: kills in a row, each followed by news that arrives; the worker is nudged as a web process would."""
    took = []
    for _ in range(10 if long else 2):
        killed(tree)
        publish()
        process(tree, "valkey-server")
        took.append(told_and_arrived(tree))
    figure(f"P3: seconds until mail arrives, worst of {len(took)} restarts", max(took), "≤ 30")
    assert max(took) <= (30 if long else 60)


def told_and_arrived(tree: Running) -> float:
    """Nudge, as soon as Redis takes it, for what is owed; then wait."""
    began = time.monotonic()
    with db.session() as session:
        waiting = [
            str(outbox_id)
            for outbox_id in session.scalars(select(OutboxItem.id).where(OutboxItem.kind == OutboxKind.INSTANT_NEWS))
        ]
    for outbox_id in waiting:
        send_task(config_of(tree), "digests.plan_instant", "mail", outbox_id)
    arrived(tree, 60)
    return time.monotonic() - began
