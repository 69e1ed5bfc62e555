"""The probe of `doctor` does not exist for strangers, works once, and says what this process counts as a client."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from petition.core import clock
from petition.operation import probe
from petition.operation.probe import Seen
from petition.web.network import seen
from petition.web.services import Services

METHODS = ("GET", "POST", "PUT", "DELETE", "OPTIONS")


def token(parts: Services, ahead: int = 0) -> str:
    return probe.ask(parts.config.secret_keys, clock.now() + timedelta(seconds=ahead))


@pytest.mark.parametrize("method", METHODS)
def test_for_strangers_it_is_a_page_that_does_not_exist(client: FlaskClient, method: str) -> None:
    """The same status, headers and bytes as at any address that is none."""
    at, elsewhere = (client.open(path, method=method) for path in (probe.PATH, "/prone"))
    assert (at.status_code, at.data.replace(b"/probe", b"/prone")) == (404, elsewhere.data)
    assert dict(at.headers) == dict(elsewhere.headers)


def test_a_wrong_old_or_long_token_opens_nothing(client: FlaskClient, parts: Services) -> None:
    good = token(parts)
    wrong = [
        "", "x", good[:-1] + ("A" if good[-1] != "A" else "B"), f"{good}x", "é", "a.b.c", "x" * 5_000,
        probe.ask(("t" * 32,), clock.now()), token(parts, -130), token(parts, 130),
        probe.answer(parts.config.secret_keys, good, Seen("", (), "", 0)),
    ]  # fmt: skip
    found = [
        client.get(probe.PATH, headers={probe.HEADER: each.encode().decode("latin-1")}).status_code for each in wrong
    ]
    assert found == [404] * len(wrong)
    assert client.get(f"{probe.PATH}?{probe.HEADER}={good}").status_code == 404
    assert client.get(probe.PATH, headers={probe.HEADER: good}).status_code == 200


def test_a_token_works_once(client: FlaskClient, parts: Services) -> None:
    mine = token(parts)
    answers = [client.get(probe.PATH, headers={probe.HEADER: mine}).status_code for _ in range(3)]
    assert answers == [200, 404, 404]


def test_the_answer_says_whom_this_process_counts(client: FlaskClient, parts: Services) -> None:
    mine = token(parts)
    answer = client.get(probe.PATH, headers={probe.HEADER: mine, "X-Forwarded-For": "203.0.114.9, 10.0.0.1"})
    assert answer.headers["Cache-Control"] == "no-store"
    found = probe.read_answer(parts.config.secret_keys, mine, answer.text.strip())
    assert found == Seen("127.0.0.1", ("203.0.114.9", "10.0.0.1"), "127.0.0.1", 0)


def test_a_key_that_was_rotated_out_still_asks(app: Flask, parts: Services) -> None:
    assert probe.accept(("n" * 32, *parts.config.secret_keys), token(parts), clock.now())


def test_without_redis_there_is_no_answer_because_a_token_works_once(
    client: FlaskClient, parts: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts.redis_store, "_redis", type(parts.redis_store)("redis://127.0.0.1:9/0")._redis)
    assert client.get(probe.PATH, headers={probe.HEADER: token(parts)}).status_code == 503
    assert client.get(probe.PATH).status_code == 404


@pytest.mark.parametrize(
    ("header", "trusted", "client_", "entries"),
    [
        (None, 0, "127.0.0.1", 0),
        (None, 1, "", 0),
        ("203.0.114.9", 1, "203.0.114.9", 1),
        ("203.0.114.9:99, 10.0.0.1", 2, "203.0.114.9", 2),
        ("unknown", 1, "", 1),
        (", ,", 1, "", 0),
        ("a," * 1_000 + "203.0.114.9", 1, "203.0.114.9", 20),
        ("x" * 8_000, 1, "", 1),
    ],
)  # fmt: skip
def test_what_is_read_of_a_request(header: str | None, trusted: int, client_: str, entries: int) -> None:
    environ = {"REMOTE_ADDR": "127.0.0.1"} | ({"HTTP_X_FORWARDED_FOR": header} if header is not None else {})
    found = seen(environ, trusted)
    assert (found.peer, found.client, len(found.forwarded), found.trusted) == ("127.0.0.1", client_, entries, trusted)
    assert all(len(each) <= 64 for each in found.forwarded)
