"""POST /hooks/bounces: relays are believed, others are not, and what they say takes effect at once."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from petition.config import Config
from petition.core import clock, db
from petition.core.redis_store import RedisStore, RedisUnavailable
from petition.mailing import queue
from petition.mailing.subscribers import Purpose, SubscriberState
from petition.mailing.subscribers.relays import SIGNATURE, sign
from petition.web.app import build
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


def readers(client: FlaskClient) -> float:
    return figures(client)['subscribers{state="active"}']


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
        assert figures(reader.client)['subscribers{state="suppressed"}'] == 1
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
    assert (readers(reader.client), figures(reader.client)["mails_bounced"]) == (1, 1)


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
    assert figures(reader.client)["mails_bounced"] == 0


def test_mailgun_and_postmark_are_heard(reader: Reader) -> None:
    body = mailgun(failed(550, "5.1.1 No such user"), at=clock.now())
    reader.is_on_the_list()
    assert reader.client.post(HOOK, data=body, content_type="application/json").status_code == 200
    assert readers(reader.client) == 0
    complaint = postmark(RecordType="SpamComplaint", Email="ben@post.example")
    assert reader.client.post(HOOK, data=complaint, headers=password(KEY)).status_code == 200
    assert figures(reader.client)["mails_complained"] == 1


def test_a_token_of_mailgun_is_good_for_one_report(reader: Reader) -> None:
    """The signature covers the token and not the report: whoever saw one report could write others with it."""
    reader.is_on_the_list()
    genuine = json.loads(mailgun(failed(452, "4.2.2 full") | {"severity": "temporary"}, at=clock.now()))
    forged = genuine | {"event-data": failed(550, "5.1.1 No such user") | {"recipient": ADDRESS}}
    posts = [json.dumps(each).encode() for each in (genuine, genuine, forged, forged, genuine)]
    answers = [reader.client.post(HOOK, data=post, content_type="application/json") for post in posts]
    assert [each.status_code for each in answers] == [200, 200, 403, 403, 200]
    assert readers(reader.client) == 1
    assert figures(reader.client)["mails_bounced"] == 1


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
    assert figures(reader.client)["mails_bounced"] == 0


def test_a_report_is_heard_without_redis(reader: Reader, monkeypatch: Any) -> None:
    reader.is_on_the_list()

    def away(*_: object) -> bool:
        raise RedisUnavailable

    monkeypatch.setattr(RedisStore, "remember", away)
    assert (tells(reader.client).status_code, readers(reader.client)) == (200, 0)


def test_a_report_that_failed_is_heard_when_it_is_repeated(reader: Reader, monkeypatch: Any) -> None:
    from petition.mailing import subscribers

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


def test_monitors_see_the_mail_move(reader: Reader) -> None:
    """P39."""
    reader.asks()
    waiting = figures(reader.client)
    assert waiting['subscribers{state="unconfirmed"}'] == 1
    assert waiting["mail_due_seconds"] > 0
    reader.mails()
    with db.transaction() as session:
        queue.pause(session, "all", clock.now())
    tells(reader.client, "soft")
    now = figures(reader.client)
    assert [now[name] for name in ("mail_due_seconds", "mails_sent", "mails_bounced", "bounce_rate", "halted")] == [
        0, 1, 1, 1, 1,
    ]  # fmt: skip
    assert now["dead_letters"] == 0
