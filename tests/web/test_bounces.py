"""POST /hooks/bounces: relays are believed, others are not, and what they say takes effect at once."""

from __future__ import annotations

import json
import secrets
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask.testing import FlaskClient
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from petition.campaigns import Campaign
from petition.config import Config
from petition.core import clock, db
from petition.core.redis_store import RedisStore, RedisUnavailable
from petition.mailing import queue, subscribers
from petition.mailing.queue import DeliveryState, Throttle, throttle
from petition.mailing.subscribers import Purpose, SubscriberState
from petition.mailing.subscribers.relays import SIGNATURE, sign
from petition.usecases import daily_figures
from petition.web.app import build
from tests import make
from tests.support.reader import ADDRESS, Reader, everything, subscriber
from tests.support.relays import KEY, failed, mailgun, password, postmark
from tests.support.services import MONITOR

HOOK = "/hooks/bounces"


@pytest.fixture
def config(config: Config) -> Config:
    """An installation whose relay has a key."""
    return replace(config, hook_key=KEY)


def tells(
    client: FlaskClient, trouble: str = "hard", address: str = ADDRESS, at: datetime | None = None,
    details: dict[str, str] | None = None,
) -> TestResponse:  # fmt: skip
    body = json.dumps({"reports": [{"address": address, "trouble": trouble} | (details or {})]}).encode()
    headers = {SIGNATURE: sign(body, KEY, at or clock.now())}
    return client.post(HOOK, data=body, headers=headers, content_type="application/json")


def figures(client: FlaskClient) -> dict[str, float]:
    lines = [
        line.split() for line in client.get("/metrics", headers=MONITOR).text.splitlines() if not line.startswith("#")
    ]
    return {name.removeprefix("undersigned_"): float(value) for name, value in lines}


def readers(client: FlaskClient) -> int:
    """How many get mail. The figure of a monitor does not move before the day is over."""
    assert figures(client)['subscribers{state="active"}'] == 0
    return in_state(SubscriberState.ACTIVE)


def in_state(state: SubscriberState) -> int:
    """How many subscribers are in a state, as the database has it."""
    with db.session() as session:
        return subscribers.by_state(session)[state]


def bounced() -> tuple[int, int]:
    """How many mails bounced and how many were called spam, as the database has it."""
    with db.session() as session:
        mails = throttle.by_provider(session)
    return sum(each[2] for each in mails), sum(each[3] for each in mails)


@pytest.mark.parametrize("trouble", ["hard", "complaint"])
def test_a_bounce_or_complaint_takes_effect_at_once(reader: Reader, trouble: str) -> None:
    """P40: mail on its way included; whoever called it spam gets none by asking again."""
    reader.is_on_the_list()
    assert (tells(reader.client, trouble).status_code, readers(reader.client)) == (200, 0)
    assert reader.mails() == []
    assert reader.asks().status_code == 200
    assert len(reader.mails()) == (1 if trouble == "hard" else 0)


def test_whoever_is_suppressed_stays_on_the_list_and_comes_back_by_asking_and_confirming(reader: Reader) -> None:
    """P53: within the caps of mails that ask back, and again after the next bounce."""
    reader.is_on_the_list()
    for n in range(2):
        reader.postbox.sent.clear()
        before = subscriber().id
        tells(reader.client, at=clock.now() - timedelta(seconds=60 * n))
        assert (subscriber().id, subscriber().state) == (before, SubscriberState.SUPPRESSED)
        assert in_state(SubscriberState.SUPPRESSED) == 1
        for _ in range(5):
            reader.asks()
        assert [mail.subject for mail in reader.mails()] == ["Please confirm: A letter"] * 3
        assert subscriber().state is SubscriberState.SUPPRESSED
        assert "Yes, send me mail" in reader.client.get(reader.link(Purpose.CONFIRM)).text
        assert "came back" in reader.client.get(reader.link(Purpose.SETTINGS)).text
        reader.client.post(reader.link(Purpose.CONFIRM))
        assert subscriber().state is SubscriberState.ACTIVE


def test_soft_bounces_suppress_nobody_and_several_of_a_day_are_one(reader: Reader) -> None:
    """P52."""
    reader.is_on_the_list()
    for n in range(7):
        assert tells(reader.client, "soft", at=clock.now() - timedelta(seconds=n)).json == {"reports": 1}
    assert (readers(reader.client), bounced()[0]) == (1, 1)


@pytest.mark.parametrize("details", [{"status": "5.7.1"}, {"diagnostic": "550 5.7.1 blocked using a list"}])
def test_a_refusal_that_is_about_us_suppresses_nobody(reader: Reader, details: dict[str, str]) -> None:
    """P51, by a relay's webhook."""
    reader.is_on_the_list()
    assert tells(reader.client, details=details).status_code == 200
    assert readers(reader.client) == 1


def test_an_address_that_is_on_no_list_leaves_no_trace(reader: Reader) -> None:
    reader.is_on_the_list()
    before = everything()
    assert tells(reader.client, address="stranger@post.example").status_code == 200
    assert everything() == before
    assert bounced() == (0, 0)


def test_mailgun_and_postmark_are_heard(reader: Reader) -> None:
    body = mailgun(failed(550, "5.1.1 No such user"), at=clock.now())
    reader.is_on_the_list()
    assert reader.client.post(HOOK, data=body, content_type="application/json").status_code == 200
    assert readers(reader.client) == 0
    complaint = postmark(RecordType="SpamComplaint", Email="ben@post.example")
    assert reader.client.post(HOOK, data=complaint, headers=password(KEY)).status_code == 200
    assert bounced() == (1, 1)


def test_a_token_of_mailgun_is_good_for_one_report(reader: Reader) -> None:
    """The signature covers the token and not the report: whoever saw one report could write others with it."""
    reader.is_on_the_list()
    genuine = json.loads(mailgun(failed(452, "4.2.2 full") | {"severity": "temporary"}, at=clock.now()))
    forged = genuine | {"event-data": failed(550, "5.1.1 No such user") | {"recipient": ADDRESS}}
    posts = [json.dumps(each).encode() for each in (genuine, genuine, forged, forged, genuine)]
    answers = [reader.client.post(HOOK, data=post, content_type="application/json") for post in posts]
    assert [each.status_code for each in answers] == [200, 200, 403, 403, 200]
    assert readers(reader.client) == 1
    assert bounced() == (1, 0)


def test_mailgun_may_repeat_a_report_that_failed(reader: Reader, monkeypatch: Any) -> None:
    from petition.mailing import subscribers

    reader.is_on_the_list()
    body = mailgun(failed(550, "5.1.1 No such user"), at=clock.now())

    def broken(*_: object) -> bool:
        raise RedisUnavailable  # anything with a sentence

    with monkeypatch.context() as patched:
        patched.setattr(subscribers, "record", broken)
        assert reader.client.post(HOOK, data=body, content_type="application/json").status_code == 503
    assert reader.client.post(HOOK, data=body, content_type="application/json").status_code == 200
    assert readers(reader.client) == 0


def test_nobody_else_is_believed(reader: Reader) -> None:
    reader.is_on_the_list()
    before, body = everything(), b'{"reports": [{"address": "suzie@post.example", "trouble": "hard"}]}'
    for headers in ({}, {SIGNATURE: sign(body, "x" * 40, clock.now())}, password("x" * 40)):
        answer = reader.client.post(HOOK, data=body, headers=headers)
        assert (answer.status_code, answer.content_type) == (403, "application/problem+json")
    assert tells(reader.client, at=clock.now() - timedelta(seconds=301)).status_code == 403
    assert everything() == before


def test_what_is_no_report_is_refused_and_what_is_too_large_not_read(reader: Reader) -> None:
    for body, status in ((b"{}", 400), (b"x" * 300_000, 413)):
        answer = reader.client.post(HOOK, data=body, headers={SIGNATURE: sign(body, KEY, clock.now())})
        assert (answer.status_code, answer.content_type) == (status, "application/problem+json")
    large = json.dumps({"reports": [{"address": ADDRESS, "trouble": "soft"}], "x": "y" * 100_000}).encode()
    assert reader.client.post(HOOK, data=large, headers={SIGNATURE: sign(large, KEY, clock.now())}).status_code == 200


@pytest.mark.parametrize("address", ["", "nobody", "a@b@c", "\x00@post.example", "x" * 5000 + "@post.example", "é@ü"])
def test_an_address_nobody_could_have_changes_nothing(reader: Reader, address: str) -> None:
    assert tells(reader.client, address=address).status_code == 200
    assert bounced() == (0, 0)


def test_a_report_is_heard_without_redis(reader: Reader, monkeypatch: Any) -> None:
    reader.is_on_the_list()

    def away(*_: object) -> bool:
        raise RedisUnavailable

    monkeypatch.setattr(RedisStore, "remember", away)
    assert (tells(reader.client).status_code, readers(reader.client)) == (200, 0)


def test_a_report_that_failed_is_heard_when_it_is_repeated(reader: Reader, monkeypatch: Any) -> None:
    reader.is_on_the_list()
    told = clock.now()

    def broken(*_: object) -> bool:
        raise RedisUnavailable  # anything with a sentence

    with monkeypatch.context() as patched:
        patched.setattr(subscribers, "record", broken)
        assert tells(reader.client, at=told).status_code == 503
    assert (tells(reader.client, at=told).status_code, readers(reader.client)) == (200, 0)


def test_without_a_key_there_is_no_such_page(config: Config, redis_store: RedisStore) -> None:
    built = build(replace(config, hook_key=""))
    assert built.test_client().post(HOOK, data=b"{}").status_code == 404
    assert built.test_client().get(HOOK).status_code in {404, 405}
    db.disconnect()


def planned(slug: str, kind: str, state: DeliveryState, ago: timedelta) -> None:
    """A mail of a kind to somebody, planned some time ago."""
    then = clock.now() - ago
    with db.transaction() as session:
        campaign_id = session.scalars(select(Campaign.id).where(Campaign.slug == slug)).one()
        queue.enqueue(session, kind, secrets.token_bytes(16), "1", campaign_id, bytes(8), then, state)


@time_machine.travel(make.NOW, tick=False)
def test_monitors_see_at_once_that_mail_stops_and_not_what_one_person_caused(reader: Reader) -> None:
    """P39, P43: mail to a list that is due or given up, and a halt; a mail about a subscription counts the day after."""
    reader.asks()
    planned(reader.slug, "confirm", DeliveryState.DEAD, timedelta(0))
    before = figures(reader.client)
    assert (before["mail_due_seconds"], before["dead_letters"]) == (0, 0)
    planned(reader.slug, "signer_weekly", DeliveryState.PLANNED, timedelta(minutes=5))
    planned(reader.slug, "signer_weekly", DeliveryState.DEAD, timedelta(minutes=5))
    with db.transaction() as session:
        queue.pause(session, "all", clock.now())
    now = figures(reader.client)
    assert now["mail_due_seconds"] >= 300
    assert (now["dead_letters"], now["halted"]) == (10, 1)
    planned(reader.slug, "confirm", DeliveryState.PLANNED, timedelta(days=1, minutes=5))
    assert figures(reader.client)["mail_due_seconds"] > 86_400


@time_machine.travel(make.NOW, tick=False)
def test_monitors_see_the_mail_of_a_day_once_it_is_over_in_whole_tens(reader: Reader) -> None:
    """P43: subscribers, mails, bounces and complaints; the rate in whole per cents."""
    with db.transaction() as session:
        session.add(
            Throttle(
                domain_tag=bytes(8), name="gmail.com", failures=0, sent=419, bounced=27, complained=9, open_at=None
            )
        )
        daily_figures.record(session, clock.now())
        session.execute(update(Throttle).values(sent=999, bounced=99, complained=99))
    reader.is_on_the_list()
    now = figures(reader.client)
    names = ("mails_sent", "mails_bounced", "mails_complained", "bounce_rate", 'subscribers{state="active"}')
    assert [now[name] for name in names] == [410, 20, 0, 0.04, 0]
    with db.transaction() as session:
        daily_figures.record(session, clock.now() + timedelta(days=1))
    assert figures(reader.client)["mails_sent"] == 990
