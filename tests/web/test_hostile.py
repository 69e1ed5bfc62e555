"""What Mallory sends: broken bodies, wrong kinds of body, generated inputs on every route. Sentences, and never a 5xx."""

from __future__ import annotations

import io
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from gunicorn.http.errors import InvalidChunkSize, NoMoreData
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from werkzeug.routing import Rule
from werkzeug.test import EnvironBuilder, TestResponse, run_wsgi_app

from petition.core import db
from tests.support.figures import Write
from tests.support.hostile import TEXT, encodable, paths
from tests.support.suzie import Suzie, fields, mistakes, text

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
CALLS = ("verify", "pass", "sign", "withdraw", "hide")
POSTS = (*CALLS, "receipt", "receipt.json")


class Broken(io.RawIOBase):
    """A body whose reading fails as it does under our server."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def readable(self) -> bool:
        return True

    def readinto(self, _buffer: Any) -> int:
        raise self.error


def sent(app: Flask, path: str, stream: Any, kind: str, **environ: Any) -> TestResponse:
    """A POST whose body is a stream of unknown length, as a chunked one is."""
    built = EnvironBuilder(path, "http://localhost", method="POST", content_type=kind).get_environ()
    built |= {"wsgi.input": stream, "wsgi.input_terminated": True, "HTTP_TRANSFER_ENCODING": "chunked"} | environ
    built.pop("CONTENT_LENGTH", None)
    return TestResponse(*run_wsgi_app(app, built), request=None)  # type: ignore[arg-type]


@pytest.mark.parametrize("error", [InvalidChunkSize(b"zz"), NoMoreData(b""), ConnectionResetError(104, "reset")])
def test_a_body_that_breaks_off_is_not_understood(app: Flask, slug: str, error: Exception) -> None:
    for call in CALLS:
        answer = sent(app, f"/api/campaigns/{slug}/{call}", Broken(error), JSON)
        assert (answer.status_code, answer.content_type) == (400, "application/problem+json")
    for post in POSTS:
        page = sent(app, f"/c/{slug}/{post}", Broken(error), FORM)
        assert (page.status_code, page.content_type) == (400, "text/html; charset=utf-8")


@pytest.mark.parametrize("size", [16_385, 40_000])
def test_a_body_of_unknown_length_has_the_same_limit(app: Flask, slug: str, size: int) -> None:
    padded = b'{"withdraw":"' + b"A" * 43 + b'"}'
    answer = sent(app, f"/api/campaigns/{slug}/withdraw", io.BytesIO(padded.ljust(size)), JSON)
    assert answer.status_code == 413
    assert sent(app, f"/api/campaigns/{slug}/withdraw", io.BytesIO(padded.ljust(16_384)), JSON).status_code == 404


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "utf-8-sig", "latin-1"])
def test_only_utf_8_is_json_here(client: FlaskClient, slug: str, encoding: str) -> None:
    body = '{"address":"é@corp.example"}'.encode(encoding)
    assert client.post(f"/api/campaigns/{slug}/verify", data=body, content_type=JSON).status_code == 400


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b'{"address":"suzie@corp.example"}', JSON),
        (b"--x\r\nfoo", "multipart/form-data; boundary=x"),
        (b"--x\r\nfoo", "multipart/form-data"),
        (b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n' * 1_200 + b"--x--\r\n", "multipart/form-data; boundary=x"),
        (b"address=%ff%00&pass=%ff&receipt=%00&withdraw=%ff", FORM + "; charset=klingon"),
        (b"a=1&" * 3_000, FORM),
        (b"", ""),
    ],
)  # fmt: skip
def test_a_form_that_is_none_is_the_page_again_with_what_to_mend(
    client: FlaskClient, slug: str, body: bytes, kind: str
) -> None:
    for post in POSTS:
        page = client.post(f"/c/{slug}/{post}", data=body, content_type=kind)
        assert (page.status_code, page.content_type) in {
            (422, "text/html; charset=utf-8"),
            (413, "text/html; charset=utf-8"),
        }
        assert "<h1" in page.text


@pytest.mark.parametrize("name", ["Suzie\x00", "Suzie\x1b[31m", "Su\u200bzie", "Suzie\u202eelpmaxE", "Suzie\nExample"])
def test_control_characters_are_refused_beside_their_field_and_the_pass_is_kept(suzie: Suzie, name: str) -> None:
    held = suzie.gets_a_pass()
    page = suzie.post("sign", **{"pass": held, "show": "name", "name": name, "comment": "I stay."})
    assert page.status_code == 422
    assert mistakes(page) == ["This text contains characters that cannot be seen. Type it instead of pasting it."]
    assert (fields(page)["pass"], fields(page)["comment"]) == (held, "I stay.")


def test_a_foreign_pass_is_refused_on_the_page_and_the_text_is_kept(suzie: Suzie) -> None:
    from tests import make

    with db.transaction() as session:
        foreign = make.a_pass(session, make.campaign(session)).encode()
    page = suzie.post("sign", **{"pass": foreign, "show": "name", "name": "Suzie Example"})
    assert page.status_code == 403
    assert mistakes(page) == ["This is not a pass of this campaign. Copy the whole text, from P2. to its end."]
    assert (fields(page)["pass"], fields(page)["name"]) == (foreign, "Suzie Example")


def test_without_the_database_the_page_comes_back_with_the_text_and_says_that_nothing_is_lost(suzie: Suzie) -> None:
    held = suzie.gets_a_pass()
    suzie.get("sign")
    db.connect("postgresql+psycopg://nobody@127.0.0.1:1/nothing")
    page = suzie.post("sign", **{"pass": held, "show": "name", "name": "Suzie Example"})
    assert (page.status_code, page.headers["Retry-After"]) == (503, "5")
    assert mistakes(page) == ["This is not possible right now. Nothing you did is lost. Try again in a few seconds."]
    assert (fields(page)["pass"], fields(page)["name"]) == (held, "Suzie Example")
    assert "Traceback" not in text(page)


def test_an_expired_code_is_answered_like_a_wrong_one(suzie: Suzie, redis_store: Any) -> None:
    asked = suzie.asks_for_a_code() | {"code": suzie.codes[-1]}
    redis_store._redis.flushall()
    page = suzie.post("pass", **asked)
    assert page.status_code == 403
    assert mistakes(page)[0].startswith("This code is wrong, is not of today, or was tried too often.")
    assert fields(page)["code"] == asked["code"]


VALUE = st.recursive(
    st.one_of(TEXT, st.none(), st.booleans(), st.integers(), st.floats()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXT, inner, max_size=3)),
    max_leaves=6,
)
NAMES = st.sampled_from([
    "address", "altcha", "lang", "challenge", "code", "blinded", "seed", "pass", "show", "name", "role", "team", "comment",
    "publish_at", "withdraw", "receipt", "page", "q", "have",
])  # fmt: skip
HEADERS = st.dictionaries(
    st.sampled_from(
        [
            "If-None-Match",
            "Accept-Encoding",
            "X-Forwarded-For",
            "X-Forwarded-Host",
            "Origin",
            "Cookie",
            "Range",
            "Accept",
        ]
    ),
    st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=40),
    max_size=3,
)


def test_generated_inputs_on_every_route_meet_no_fault_of_ours(
    app: Flask, slug: str, long: bool, figure: Write
) -> None:
    """P34: errors that nobody foresaw are raised by the app of the tests, so each of them fails here by itself."""
    rules = sorted(app.url_map.iter_rules(), key=lambda rule: (rule.rule, sorted(rule.methods or ())))
    each = 10_000 // len(rules) + 1 if long else 12
    told = [sum(generated(app, rule, slug, each)) for rule in rules]
    figure(f"P34: 5xx of {each * len(rules):,} generated inputs on {len(rules)} routes", sum(told), "0")
    assert sum(told) == 0


def generated(app: Flask, rule: Rule, slug: str, times: int) -> list[bool]:
    """Whether each of so many requests to one route was answered with a 5xx."""
    outcomes: list[bool] = []
    methods = sorted({*(rule.methods or ()), "POST", "PUT"} - {"OPTIONS"})
    bodies = st.one_of(
        st.dictionaries(NAMES, VALUE, max_size=6).map(lambda value: {"json": value}),
        st.dictionaries(NAMES, TEXT.map(encodable), max_size=6).map(lambda value: {"data": value}),
        st.tuples(
            st.binary(max_size=80), st.sampled_from([JSON, FORM, "multipart/form-data; boundary=x", "x", ""])
        ).map(lambda pair: {"data": pair[0], "content_type": pair[1]}),
    )

    @settings(
        max_examples=times, deadline=None, database=None, derandomize=True, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(
        path=paths(rule, slug), method=st.sampled_from(methods), body=bodies, headers=HEADERS,
        query=st.dictionaries(NAMES, TEXT.map(encodable), max_size=3),
    )  # fmt: skip
    def send(path: str, method: str, body: dict[str, Any], headers: dict[str, str], query: dict[str, str]) -> None:
        client = app.test_client(use_cookies=False)
        answer = client.open(
            path, method=method, headers=headers, query_string=query, **(body if method != "GET" else {})
        )
        outcomes.append(answer.status_code >= 500)

    send()
    return outcomes
