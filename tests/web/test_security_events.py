"""Refused requests are security events: counted and logged by kind, without a word about who asked."""

from __future__ import annotations

from dataclasses import replace

import pytest
import redis
from flask import Flask
from flask.testing import FlaskClient

from petition.config import Config
from petition.core import clock, logs, security_events
from petition.core.errors import ExpectedError
from petition.core.redis_store import MAILS_UNPROVEN
from petition.core.security_events import SecurityEvent
from petition.organisers import Role
from petition.web.security_events import EVENTS
from petition.web.services import Services
from tests.support.omar import Omar, signed_in
from tests.support.services import MONITOR

MARKED = "Mallory Marked"
ADDRESS = "suzie.marked@corp.example"


@pytest.fixture
def config(config: Config) -> Config:
    """One that takes reports of bounces."""
    return replace(config, hook_key="k" * 40)


def counted(parts: Services) -> dict[SecurityEvent, int]:
    """What was counted today, in full."""
    found = {event: parts.redis_store.events_of(event, clock.now().date()) for event in SecurityEvent}
    return {event: n for event, n in found.items() if n}


def test_failed_sign_ins_are_counted_and_logged_without_a_name(
    app: Flask, parts: Services, slug: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """P31."""
    logs.configure(parts.config)  # from here on to what this test reads
    client = app.test_client()
    for _ in range(7):
        client.post("/organise/sign-in", data={"name": MARKED, "code": "abcd-efgh-ijkl-mnop"})
    client.post("/organise/sign-in/passkey", data={"credential": MARKED})
    client.post("/organise/enter/marked-link")
    assert counted(parts) == {SecurityEvent.SIGN_IN_FAILED: 9}
    told = capsys.readouterr().err
    assert '"kind": "sign_in_failed"' in told or "kind=sign_in_failed" in told
    assert "arked" not in told


def test_an_approval_that_is_not_ones_own_to_give_is_counted(parts: Services, omar: Omar) -> None:
    omar.does("~/keys/close")
    page = omar.sees("~/keys").text
    asked = page.partition('name="id" value="')[2].partition('"')[0]
    omar.does("~/keys/approve", id=asked)
    assert counted(parts) == {SecurityEvent.APPROVAL_REFUSED: 1}


def test_forged_forms_and_missing_rights_are_counted(app: Flask, parts: Services, omar: Omar) -> None:
    omar.client.post(f"/organise/c/{omar.slug}/keys/close", data={"token": "0" * 64})
    signed_in(app, omar.slug, Role.OBSERVER, "Olga").does("~/keys/close")
    assert counted(parts) == {SecurityEvent.ACCESS_REFUSED: 2}


def test_an_unsigned_report_is_counted(parts: Services, client: FlaskClient) -> None:
    client.post("/hooks/bounces", json={"reports": [{"address": ADDRESS, "trouble": "hard"}]})
    assert counted(parts) == {SecurityEvent.REPORT_REFUSED: 1}


def test_limits_and_wrong_codes_are_counted_and_not_logged_on_their_day(
    client: FlaskClient, parts: Services, slug: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """P42, P31."""
    logs.configure(parts.config)
    path = f"/api/campaigns/{slug}"
    challenge = client.post(f"{path}/verify", json={"address": ADDRESS}).json["challenge"]
    client.post(f"{path}/pass", json={"challenge": challenge, "code": "00000000", "blinded": "A" * 340 + "AQ"})
    for n in range(MAILS_UNPROVEN):
        client.post(f"{path}/verify", json={"address": f"colleague{n}@corp.example"})
    assert counted(parts) == {SecurityEvent.CODE_REFUSED: 1, SecurityEvent.LIMIT_REACHED: 1}
    assert "security" not in capsys.readouterr().err
    figures = client.get("/metrics", headers=MONITOR).text
    assert 'undersigned_security_events{kind="limit_reached"} 0.0' in figures


def test_an_address_that_got_fifty_wrong_codes_is_counted_and_logged_without_the_address(
    client: FlaskClient, parts: Services, slug: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """P47, P31."""
    logs.configure(parts.config)
    path = f"/api/campaigns/{slug}"
    for _ in range(11):
        challenge = client.post(f"{path}/verify", json={"address": ADDRESS}).json["challenge"]
        for n in range(5):
            sent = {"challenge": challenge, "code": f"0000000{n}", "blinded": "A" * 340 + "AQ"}
            assert client.post(f"{path}/pass", json=sent).status_code == 403
    assert counted(parts) == {SecurityEvent.ADDRESS_GUESSED: 1, SecurityEvent.CODE_REFUSED: 54}
    told = capsys.readouterr().err
    assert told.count("address_guessed") == 1
    assert "arked" not in told


def test_a_monitor_sees_a_figure_for_each_kind_and_none_without_redis(
    client: FlaskClient, parts: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    security_events.record(parts.redis_store, SecurityEvent.TAMPERING_FOUND, clock.now())
    told = client.get("/metrics", headers=MONITOR).text
    assert {f'undersigned_security_events{{kind="{event}"}}' in told for event in SecurityEvent} == {True}
    assert 'undersigned_security_events{kind="tampering_found"} 1.0' in told
    monkeypatch.setattr(parts.redis_store, "_redis", redis.Redis("127.0.0.1", 1))
    assert "security_events" not in client.get("/metrics", headers=MONITOR).text


def test_every_refusal_of_the_table_is_an_error_that_requests_meet() -> None:
    assert all(issubclass(each, ExpectedError) or each.__module__.startswith("werkzeug") for each in EVENTS)
