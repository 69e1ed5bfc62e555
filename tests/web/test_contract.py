"""docs/api.md to the letter, call by call: methods, headers, other origins, caches, refusals."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient

from petition.core import db
from petition.web.api.calls import CALLS
from petition.web.services import Services
from petition.web.sizes import LARGEST_CALL

PAPER = {"Origin": "https://paper.example"}
READING = [call for call in CALLS if call.method == "GET" and "<leaf>" not in call.path]
WRITING = [call for call in CALLS if call.method == "POST"]
PROBLEM = "application/problem+json"


def at(path: str, slug: str) -> str:
    return "/api" + path.replace("<slug>", slug)


def test_there_are_the_calls_of_the_contract_and_no_others() -> None:
    assert sorted((call.method, call.path) for call in CALLS) == [
        ("GET", "/campaigns"),
        ("GET", "/campaigns/<slug>"),
        ("GET", "/campaigns/<slug>/breakdown"),
        ("GET", "/campaigns/<slug>/challenge"),
        ("GET", "/campaigns/<slug>/checkpoints"),
        ("GET", "/campaigns/<slug>/consistency"),
        ("GET", "/campaigns/<slug>/count"),
        ("GET", "/campaigns/<slug>/receipt/<leaf>"),
        ("GET", "/campaigns/<slug>/signers"),
        ("POST", "/campaigns/<slug>/amend"),
        ("POST", "/campaigns/<slug>/hide"),
        ("POST", "/campaigns/<slug>/pass"),
        ("POST", "/campaigns/<slug>/sign"),
        ("POST", "/campaigns/<slug>/subscribe"),
        ("POST", "/campaigns/<slug>/verify"),
        ("POST", "/campaigns/<slug>/withdraw"),
    ]


@pytest.mark.parametrize("call", READING, ids=lambda call: call.name)
def test_head_tells_what_get_tells_without_the_body(client: FlaskClient, slug: str, call: object) -> None:
    path = at(call.path, slug)  # type: ignore[attr-defined]
    got, head = client.get(path, headers=PAPER), client.head(path, headers=PAPER)
    assert (head.status_code, head.data) == (200, b"")
    assert head.headers["Content-Length"] == got.headers["Content-Length"] == str(len(got.data))
    kept = ("Content-Type", "Cache-Control", "Access-Control-Allow-Origin", "ETag")
    assert {name: head.headers.get(name) for name in kept} == {name: got.headers.get(name) for name in kept}


@pytest.mark.parametrize("call", READING, ids=lambda call: call.name)
def test_what_may_be_kept_has_a_tag_and_nothing_else_is_kept(client: FlaskClient, slug: str, call: object) -> None:
    answer = client.get(at(call.path, slug))  # type: ignore[attr-defined]
    if not call.cached:  # type: ignore[attr-defined]
        assert answer.headers.getlist("Cache-Control") == ["no-store"]
        return
    assert answer.headers.getlist("Cache-Control") == ["public, max-age=5"]
    for tag in (answer.headers["ETag"], f'"x", W/{answer.headers["ETag"]}', "*"):
        again = client.get(at(call.path, slug), headers=PAPER | {"If-None-Match": tag})  # type: ignore[attr-defined]
        assert (again.status_code, again.data) == (304, b"")
        assert again.headers["ETag"] == answer.headers["ETag"]
        assert again.headers["Access-Control-Allow-Origin"] == "*"
    assert client.get(at(call.path, slug), headers={"If-None-Match": '"other"'}).status_code == 200  # type: ignore[attr-defined]


@pytest.mark.parametrize("call", WRITING, ids=lambda call: call.name)
def test_a_page_of_another_origin_may_ask_first_and_then_post(client: FlaskClient, slug: str, call: object) -> None:
    path = at(call.path, slug)  # type: ignore[attr-defined]
    asking = PAPER | {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    asked = client.options(path, headers=asking)
    assert (asked.status_code, asked.data) == (200, b"")
    assert asked.headers["Access-Control-Allow-Origin"] == "*"
    assert "POST" in asked.headers["Access-Control-Allow-Methods"]
    assert "content-type" in asked.headers["Access-Control-Allow-Headers"].lower()
    assert "Access-Control-Allow-Credentials" not in asked.headers
    posted = client.post(path, json={}, headers=PAPER)
    assert (posted.status_code, posted.headers["Access-Control-Allow-Origin"]) == (422, "*")
    assert "Retry-After" in posted.headers["Access-Control-Expose-Headers"]


@pytest.mark.parametrize("call", WRITING, ids=lambda call: call.name)
def test_each_refusal_is_a_problem_that_any_origin_may_read(client: FlaskClient, slug: str, call: object) -> None:
    path = at(call.path, slug)  # type: ignore[attr-defined]
    refused = {
        400: client.post(path, data=b"{", content_type="application/json", headers=PAPER),
        404: client.post(at(call.path, "nothing"), json={}, headers=PAPER),  # type: ignore[attr-defined]
        405: client.get(path, headers=PAPER),
        413: client.post(path, data=b" " * (LARGEST_CALL + 1), content_type="application/json", headers=PAPER),
        415: client.post(path, data=b"{}", content_type="text/plain", headers=PAPER),
        422: client.post(path, json={"address": 1, "code": 2, "pass": 3, "withdraw": 4}, headers=PAPER),
    }
    for status, answer in refused.items():
        assert (answer.status_code, answer.content_type) == (status, PROBLEM)
        told = answer.json
        assert told["status"] == status
        assert told["type"].startswith("urn:undersigned:problem:")
        assert all(told[name].strip() for name in ("title", "detail"))
        assert (answer.headers["Access-Control-Allow-Origin"], answer.headers["Cache-Control"]) == ("*", "no-store")
    errors = refused[422].json["errors"]
    assert errors
    assert all(sentence.endswith(".") for sentences in errors.values() for sentence in sentences)


def test_refusals_speak_the_language_that_was_asked_for(client: FlaskClient, slug: str) -> None:
    answer = client.post(f"/api/campaigns/{slug}/sign?lang=fr", json={"pass": "x", "show": "anonymous"})
    assert (answer.status_code, answer.headers["Content-Language"]) == (403, "fr")
    assert "Copiez" in answer.json["detail"]


@pytest.mark.parametrize("path", ["/api/campaigns", "/api/campaigns/another", "/api/campaigns/another/count", "/"])
def test_an_absent_database_is_503_and_says_when_to_come_back(app: Flask, parts: Services, path: str) -> None:
    app.testing = False
    parts.page_cache.forget()
    db.connect("postgresql+psycopg://nobody@127.0.0.1:1/nothing")
    answer = app.test_client().get(path)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert answer.content_type == (PROBLEM if path.startswith("/api/") else "text/html; charset=utf-8")
    assert answer.headers["Cache-Control"] == "no-store"


def test_no_header_and_no_query_poisons_a_page_for_the_next_reader(client: FlaskClient, slug: str) -> None:
    """P24: pages are kept by address alone, and made of nothing that a reader sends."""
    forged = {
        "X-Forwarded-Host": "evil.example", "X-Forwarded-For": "evil.example", "X-Original-URL": "/evil",
        "X-Forwarded-Prefix": "/evil", "X-Host": "evil.example", "Forwarded": "host=evil.example", "Cookie": "lang=fr",
        "Accept-Language": "fr", "X-HTTP-Method-Override": "POST",
    }  # fmt: skip
    for path in (
        f"/c/{slug}",
        f"/c/{slug}/count",
        f"/c/{slug}/signers",
        f"/api/campaigns/{slug}",
        f"/api/campaigns/{slug}/count",
    ):
        client.get(f"{path}?lang=%22%3E%3Cscript%3E&q=evil.example&utm=evil.example", headers=forged)
        first = client.get(path, headers=forged)
        second = client.get(path)
        assert (first.status_code, first.data) == (200, second.data)
        assert b"evil" not in second.data
        assert first.headers["ETag"] == second.headers["ETag"]
