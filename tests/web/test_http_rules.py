"""What holds for every request: hosts, headers, networks, JSON bodies, proofs of work, languages, and the table of calls."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections import Counter
from functools import cache
from ipaddress import IPv6Address
from pathlib import Path
from typing import Any

import altcha
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge, UnsupportedMediaType

from petition.config import Config, Environment
from petition.web import proof_of_work
from petition.web.api.calls import ALWAYS, CALLS
from petition.web.api.openapi import document
from petition.web.headers import SecurityHeaders, hosts
from petition.web.json_http import json_object, json_text
from petition.web.language import choose, gettext, lazy_gettext, ngettext, spoken
from petition.web.network import client_address, prefix
from petition.web.page import make
from petition.web.sizes import LARGEST_CALL
from tests.support.languages import BARE, in_language

ONION = "http://" + "a" * 56 + ".onion"
JSON_VALUES: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda each: st.lists(each, max_size=3) | st.dictionaries(st.text(max_size=5), each, max_size=3),
    max_leaves=6,
)


def configured(env: Environment = Environment.PRODUCTION, **more: Any) -> Config:
    """Settings of an installation that is never started."""
    return Config(
        env=env, home=Path("/nowhere"), host="127.0.0.1", port=8000, base_url="https://Letters.Example", database_url="",
        owner_database_url="", maintenance_database_url="", redis_url="", smtp_url=None, mail_from="", code_mail_from="",
        secret_keys=("k",), master_keys=(), pepper=b"", **more,
    )  # fmt: skip


def application(_environ: Any, start: Any) -> list[bytes]:
    """An application whose answers may be cached."""
    start("200 OK", [("Content-Type", "text/html"), ("Cache-Control", "public, max-age=5")])
    return [b""]


@cache
def guarded(onion: str) -> SecurityHeaders:
    """The application behind the middleware, in production."""
    return SecurityHeaders(application, configured(onion=onion))


def answered(
    path: str, method: str = "GET", host: str = "letters.example", onion: str = "", query: str = ""
) -> tuple[str, list[tuple[str, str]]]:
    """The status and the headers of an answer."""
    heard: list[tuple[str, list[tuple[str, str]]]] = []
    environ = {"REQUEST_METHOD": method, "PATH_INFO": path, "QUERY_STRING": query, "HTTP_HOST": host}
    guarded(onion)(environ, lambda status, headers, _exc=None: heard.append((status, headers)))  # type: ignore[arg-type]
    return heard[0]


PATHS = st.lists(
    st.sampled_from(["c", "api", "organise", "mail", "embed", "badge.svg", "card.png", "mail.html", "dev", "inbox", "x", "", ".."]),
    max_size=5,
).map(lambda parts: "/" + "/".join(parts))  # fmt: skip
METHODS = st.sampled_from(["GET", "POST", "HEAD", "OPTIONS"])


@given(path=PATHS, method=METHODS, host=st.sampled_from(["letters.example", "evil.example"]))
def test_no_header_is_sent_twice(path: str, method: str, host: str) -> None:
    names = Counter(name.lower() for name, _ in answered(path, method, host)[1])
    assert {name: n for name, n in names.items() if n > 1} == {}


@given(path=PATHS, method=METHODS)
def test_only_the_counter_and_previews_of_mails_may_be_framed(path: str, method: str) -> None:
    policy = dict(answered(path, method)[1])["Content-Security-Policy"]
    ancestors = policy.partition("frame-ancestors ")[2]
    parts = path.split("/")
    if len(parts) == 4 and parts[1] == "c" and parts[2] and parts[3] == "embed":
        assert ancestors == "*"
    elif path.startswith("/organise") and path.endswith("/mail.html"):
        assert ancestors == "'self'"
    else:
        assert ancestors == "'none'"


@given(path=PATHS, method=METHODS)
def test_only_pages_of_organisers_may_ask_for_a_passkey(path: str, method: str) -> None:
    allowed = "publickey-credentials-get=(self)" in dict(answered(path, method)[1])["Permissions-Policy"]
    assert not allowed or path.startswith("/organise")


@given(path=PATHS, method=METHODS)
def test_what_answers_a_post_is_never_stored_and_the_rest_as_the_application_says(path: str, method: str) -> None:
    cached = dict(answered(path, method)[1])["Cache-Control"]
    assert cached == ("no-store" if method == "POST" else "public, max-age=5")


@given(st.text("abcdefghijklmnop.:-0123456789@[]", max_size=30))
def test_a_host_that_is_not_ours_gets_no_page(host: str) -> None:
    assert answered("/", host=host)[0] == "400 Bad Request"


@pytest.mark.parametrize("host", ["letters.example", "LETTERS.EXAMPLE"])
def test_our_own_host_is_known_in_any_case(host: str) -> None:
    assert answered("/", host=host)[0] == "200 OK"


def test_production_knows_its_two_addresses_and_no_name_of_this_machine() -> None:
    assert hosts(configured(onion=ONION)) == {"letters.example", ONION.removeprefix("http://")}
    assert hosts(configured()) == {"letters.example"}


@given(st.text(st.characters(max_codepoint=255), max_size=20))
def test_the_address_in_tor_cannot_be_broken_out_of(path: str) -> None:
    location = dict(answered("/" + path, onion=ONION)[1])["Onion-Location"]
    assert location.startswith(ONION + "/")
    assert location.isascii()
    assert location.isprintable()


@pytest.mark.parametrize("query", ["a b\r\nX: y", "é", "\x00"])
def test_a_query_that_is_no_part_of_a_header_is_left_out_of_the_address_in_tor(query: str) -> None:
    assert dict(answered("/safety", onion=ONION, query=query)[1])["Onion-Location"] == f"{ONION}/safety"


@pytest.mark.parametrize("sent", ["", ",", '"other",', "W/", " , W/"])
@pytest.mark.parametrize("text", ["short", "long " * 1_000])
def test_a_client_that_names_no_version_gets_the_page(text: str, sent: str) -> None:
    with BARE.app_context():
        found = make(object(), text, "text/html", "public").answer({"HTTP_IF_NONE_MATCH": sent})
    assert (found.status_code, found.data) == (200, text.encode())


@given(forged=st.lists(st.ip_addresses().map(str) | st.text(max_size=8), max_size=4), proxies=st.integers(1, 3))
def test_nothing_that_a_client_forges_changes_its_address(forged: list[str], proxies: int) -> None:
    ours = ["198.51.100.7", "10.0.0.3", "10.0.0.2"][:proxies]
    environ = {"REMOTE_ADDR": "10.0.0.1", "HTTP_X_FORWARDED_FOR": ", ".join([*forged, *ours])}
    assert str(client_address(environ, proxies)) == "198.51.100.7"


@given(address=st.integers(0, 2**128 - 1), bit=st.integers(0, 127))
def test_two_ipv6_addresses_are_one_network_if_they_differ_after_bit_56(address: int, bit: int) -> None:
    other = IPv6Address(address ^ 1 << (127 - bit))
    assert (prefix(IPv6Address(address)) == prefix(other)) is (bit >= 56)


def posted(body: bytes, kind: str = "application/json") -> dict[str, Any]:
    with BARE.test_request_context("/", method="POST", data=body, content_type=kind):
        return json_object()


@given(
    st.dictionaries(st.text(max_size=5), st.none() | st.booleans() | st.integers() | st.text(max_size=5), max_size=4)
)
def test_an_object_that_is_written_is_read_again(value: dict[str, Any]) -> None:
    assert json.loads(json_text(value)) == value


@pytest.mark.parametrize("kind", ["application/json", "application/json; charset=utf-8", "Application/JSON"])
def test_json_is_known_by_its_media_type(kind: str) -> None:
    assert posted(b'{"a": "\xc3\xa9"}', kind) == {"a": "é"}


@pytest.mark.parametrize(
    "kind", ["", "text/plain", "application/x-www-form-urlencoded", "application/jsonp", "text/json"]
)
def test_another_media_type_is_refused_though_the_body_is_json(kind: str) -> None:
    with pytest.raises(UnsupportedMediaType):
        posted(b"{}", kind)


@pytest.mark.parametrize(
    "body", [b"", b"[]", b'"a"', b"1", b"null", b"{", b"\xff{}", b"\xef\xbb\xbf{}", b"[" * 9_000, b'{"a":' + b"9" * 5_000 + b"}"]
)  # fmt: skip
def test_a_body_that_is_no_json_object_is_not_understood(body: bytes) -> None:
    with pytest.raises(BadRequest):
        posted(body)


def test_a_body_of_16_kb_is_read_and_one_byte_more_is_refused() -> None:
    assert posted(b"{}" + b" " * (LARGEST_CALL - 2)) == {}
    with pytest.raises(RequestEntityTooLarge):
        posted(b"{}" + b" " * (LARGEST_CALL - 1))


class Remembered:
    """A store in memory that knows what it was given before."""

    def __init__(self) -> None:
        self.known: set[bytes] = set()

    def remember(self, what: bytes, _seconds: int) -> bool:
        new = what not in self.known
        self.known.add(what)
        return new


def counts(payload: str | None, *keys: str, store: Remembered | None = None) -> bool:
    return proof_of_work.was_done(keys or ("key",), store or Remembered(), payload)  # type: ignore[arg-type]


def solved(now: float, key: str = "key") -> str:
    """The payload of a client that solved a challenge made at `now`."""
    parameters = proof_of_work.challenge(key, now)
    challenge = altcha.Challenge.from_dict(parameters)
    solution = altcha.solve_challenge(challenge)
    assert solution
    return altcha.Payload(challenge, solution).to_base64()


FAR = 4_000_000_000.0
"""A moment of the next century's first decades, after every run of this test."""


@pytest.fixture(scope="module")
def payload() -> str:
    return solved(FAR)


def test_a_solved_challenge_counts_once(payload: str) -> None:
    store = Remembered()
    assert [counts(payload, store=store) for _ in range(3)] == [True, False, False]


def test_a_challenge_of_another_installation_does_not_count(payload: str) -> None:
    assert not counts(payload, "other")
    assert counts(payload, "other", "key")


def test_a_challenge_that_has_expired_does_not_count() -> None:
    assert not counts(solved(0))


@pytest.mark.parametrize("name", ["expiresAt", "keyPrefix", "nonce", "salt"])
def test_a_challenge_that_was_changed_does_not_count(payload: str, name: str) -> None:
    sent = json.loads(b64decode(payload))
    sent["challenge"]["parameters"][name] = FAR if name == "expiresAt" else "00" * 16
    assert not counts(b64encode(json.dumps(sent).encode()).decode())


@given(parameters=JSON_VALUES, signature=JSON_VALUES, solution=JSON_VALUES)
def test_what_is_no_solution_counts_as_no_work(parameters: Any, signature: Any, solution: Any) -> None:
    given_up = {"challenge": {"parameters": {"nonce": parameters}, "signature": signature}, "solution": solution}
    assert not counts(b64encode(json.dumps(given_up).encode()).decode())
    assert not counts(b64encode(json.dumps(parameters).encode()).decode())


@given(st.text(max_size=20))
def test_a_text_that_is_no_base64_counts_as_no_work(text: str) -> None:
    assert not counts(text)


@pytest.mark.parametrize(
    ("asked", "languages", "chosen", "interface"),
    [
        ("fr", ("en",), "fr", "fr"),
        ("de", ("fr", "de"), "de", "en"),
        ("xx", ("fr", "en"), "fr", "fr"),
        ("", ("de", "fr"), "de", "en"),
        ("FR", ("en",), "en", "en"),
    ],
)
def test_a_page_is_in_the_language_that_is_asked_for_if_there_is_one(
    asked: str, languages: tuple[str, ...], chosen: str, interface: str
) -> None:
    with in_language(asked):
        assert (choose(languages), spoken()) == (chosen, interface)


def test_a_message_of_a_form_is_translated_when_it_is_shown() -> None:
    message = lazy_gettext("Use %(max)s characters or fewer.", max=5)
    said = []
    for lang in ("en", "fr"):
        with in_language(lang):
            said.append(str(message))
    assert said == ["Use 5 characters or fewer.", "Utilisez 5 caractères au plus."]


@given(st.text(max_size=10))
def test_a_value_beside_markup_is_escaped_and_a_value_alone_is_left_as_text(name: str) -> None:
    with in_language("en"):
        both = gettext("%(link)s: %(name)s", link=Markup("<a>"), name=name)
        alone = gettext("%(name)s", name=name)
    assert (both, type(both)) == (Markup("<a>: ") + Markup.escape(name), Markup)
    assert (alone, type(alone)) == (name, str)


@pytest.mark.parametrize(
    ("lang", "n", "said"), [("en", 0, "0 codes left"), ("fr", 0, "0 code restant"), ("fr", 2, "2 codes restants")]
)
def test_a_number_has_the_plural_of_the_language(lang: str, n: int, said: str) -> None:
    with in_language(lang):
        assert ngettext("%(count)s code left", "%(count)s codes left", n, count=n) == said


def test_every_call_that_writes_says_that_it_may_be_refused_for_its_body() -> None:
    assert [call.name for call in CALLS if call.method == "POST" and not {*ALWAYS} <= {*call.refusals}] == []


def operations() -> list[tuple[str, dict[str, Any]]]:
    return [(path, each) for path, methods in document()["paths"].items() for each in methods.values()]


def test_every_operation_of_the_document_has_a_name_of_its_own() -> None:
    names = [each["operationId"] for _, each in operations()]
    assert len(names) == len({*names}) == len(CALLS)


def test_every_part_of_a_path_in_braces_is_described_as_a_parameter() -> None:
    for path, operation in operations():
        described = {each["name"] for each in operation["parameters"] if each["in"] == "path"}
        assert {part.strip("{}") for part in path.split("/") if part.startswith("{")} == described


def test_a_call_that_is_cached_may_answer_304_and_no_other() -> None:
    cached = {call.name for call in CALLS if call.cached}
    assert {each["operationId"] for _, each in operations() if "304" in each["responses"]} == cached


def test_a_call_with_numbers_in_its_query_may_answer_400() -> None:
    with_query = {
        each["operationId"] for _, each in operations() if any(p["in"] == "query" for p in each["parameters"])
    }
    assert {each["operationId"] for _, each in operations() if "400" in each["responses"]} >= with_query
