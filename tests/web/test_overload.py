"""P16: beyond capacity a request is refused within a second, with 503 and when to try again; pages are served on."""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace

import pytest
from flask import Flask
from flask.testing import FlaskClient

from petition.config import Config
from petition.core.i18n import LANGUAGES
from petition.web.app import build
from petition.web.headers import DEFAULT_HEADERS, PROBLEM
from petition.web.overload import AGAIN, RELOAD
from petition.web.serving.admission import LONGEST, Kind
from petition.web.serving.answers import EXTENSION, Head, respond
from tests.support.hasty import hasty
from tests.support.public_pages import a_second_passes
from tests.support.waiting import until

pytestmark = pytest.mark.xdist_group("hasty")
THREADS, KEPT = 3, 1
BOUND = 15.0


class Clients:
    """Connections to one server, closed at the end of a test."""

    def __init__(self, port: int, stack: ExitStack) -> None:
        self.port, self.stack = port, stack

    def ask(self, path: str, more: str = "", body: str = "", method: str = "GET") -> socket.socket:
        """A connection on which a whole request was sent."""
        line = self.stack.enter_context(socket.create_connection(("127.0.0.1", self.port), timeout=BOUND))
        line.sendall(request(path, more, body, method))
        return line


def request(path: str, more: str = "", body: str = "", method: str = "GET") -> bytes:
    length = f"Content-Length: {len(body)}\r\n" if body else ""
    return f"{method} {path} HTTP/1.1\r\nHost: localhost\r\n{more}{length}\r\n{body}".encode()


def answer(line: socket.socket) -> tuple[int, dict[str, str], bytes]:
    """The status, the header fields and the body of the next response."""
    got = b""
    while b"\r\n\r\n" not in got:
        piece = line.recv(65_536)
        assert piece, got
        got += piece
    head, _, body = got.partition(b"\r\n\r\n")
    fields = {name.lower(): value for name, value in re.findall(r"\r\n([\w-]+): ([^\r]*)", head.decode())}
    while len(body) < int(fields["content-length"]):
        body += line.recv(65_536)
    return int(head[9:12]), fields, body


@pytest.fixture
def clients() -> Iterator[Clients]:
    """Clients of a server whose shared threads are all taken; `/release` ends that."""
    with hasty(connections=200, threads=THREADS, name="held") as (port, _server), ExitStack() as stack:
        found = Clients(port, stack)
        for number in range(THREADS - KEPT):
            found.ask(f"/hold/{number}")
        assert answer(found.ask("/page"))[0] == 200  # read after those, and answered: they have their threads
        yield found


def test_who_would_wait_too_long_is_refused_and_pages_are_served_on(clients: Clients) -> None:
    began = time.monotonic()
    first = [clients.ask(f"/other/{number}") for number in range(20)]
    later = [clients.ask(f"/c/x/sign?{number}", body="a=b", method="POST") for number in range(20)]
    pages = [answer(clients.ask("/page"))[0] for _ in range(20)]
    probe = answer(clients.ask("/healthz"))[0]
    told = [answer(line) for line in (*first, *later)]
    took = time.monotonic() - began
    assert (set(pages), probe) == ({200}, 200)
    assert {(status, fields["retry-after"]) for status, fields, _ in told} == {(503, "5")}
    assert took >= LONGEST[Kind.LATER_STEP]  # how long it takes at most is measured by the proof


def test_while_requests_stand_new_ones_are_refused_at_once_and_served_when_there_is_room(clients: Clients) -> None:
    waiting = clients.ask("/other/first")
    told = []
    while not told or told[-1][0] != 503:
        told.append(answer(clients.ask("/page", "Connection: close\r\n")))
        if len(told) > 5:  # the first one has waited for half of the longest wait before long
            told.append(answer(clients.ask(f"/other/{len(told)}")))
    assert answer(waiting)[0] == 503
    assert answer(clients.ask("/release"))[0] == 200
    until("an answer", lambda: answer(clients.ask("/other/last"))[0], lambda status: status == 200)


def test_what_was_refused_did_not_reach_the_application(clients: Clients) -> None:
    refused = [clients.ask("/other") for _ in range(10)]
    assert {answer(line)[0] for line in refused} == {503}
    calls = [int(answer(clients.ask(path))[2].split()[0]) for path in ("/page", "/release")]
    assert calls[1] == calls[0] + 1


def test_a_connection_is_used_again_after_a_refusal_unless_a_body_was_sent_or_more_waits(clients: Clients) -> None:
    line = clients.ask("/other")
    assert (answer(line)[0], answer_field(line, "/page")) == (503, "keep-alive")
    for refused in (
        clients.ask("/other", body="a=b", method="POST"),
        clients.ask("/other", "Connection: close\r\n"),
        clients.ask("/other", "\r\nGET /other HTTP/1.1\r\nHost: localhost\r\n"),
    ):
        assert answer(refused)[1]["connection"] == "close"
        assert refused.recv(1) == b""


def answer_field(line: socket.socket, path: str) -> str:
    """The Connection field of the answer to another request on the same connection."""
    line.sendall(request(path))
    status, fields, _ = answer(line)
    assert status == 200
    return fields["connection"]


def test_who_would_be_refused_a_page_gets_the_one_that_exists(clients: Clients) -> None:
    """`/old` is a page whose makers have no thread: whoever asks gets what there is."""
    assert {answer(clients.ask("/old"))[2] for _ in range(10)} == {b"what there was"}


def test_a_refused_question_for_the_head_has_no_body(clients: Clients) -> None:
    line = clients.ask("/other", "Connection: close\r\n", method="HEAD")
    got = b""
    while piece := line.recv(65_536):
        got += piece
    assert got.startswith(b"HTTP/1.1 503 ")
    assert got.endswith(b"\r\n\r\n")


def test_clients_who_leave_while_they_wait_take_no_place(clients: Clients) -> None:
    for _ in range(50):
        clients.ask("/other").close()
    assert answer(clients.ask("/release"))[0] == 200
    until("an answer", lambda: answer(clients.ask("/other"))[0], lambda status: status == 200)


def refused(app: Flask, path: str, method: str = "GET", host: str = "localhost") -> tuple[int, dict[str, str], str]:
    """What the application's own refusal looks like."""
    path, _, query = path.partition("?")
    got = respond(app.extensions[EXTENSION].answer, Head(method, path, query, host, True), "80", keeps_alive=True)
    head, _, body = got.decode().partition("\r\n\r\n")
    return int(head[9:12]), dict(line.split(": ", 1) for line in head.split("\r\n")[1:]), body


@pytest.fixture
def app(config: Config, furnished: str) -> Flask:
    return build(config)


def test_a_refusal_has_the_headers_of_every_other_answer(app: Flask, slug: str) -> None:
    for path in (f"/c/{slug}", f"/api/campaigns/{slug}", "/organise/x", f"/c/{slug}/embed"):
        status, fields, _ = refused(app, path)
        assert (status, fields["Cache-Control"]) == (503, "no-store")
        assert {name for name, _ in DEFAULT_HEADERS} <= fields.keys()
        assert 3 <= int(fields["Retry-After"]) <= 7
    assert refused(app, "/api/campaigns")[1]["Access-Control-Allow-Origin"] == "*"
    assert refused(app, "/", host="elsewhere.example")[0] == 400


def test_programs_get_a_problem_and_people_a_page_without_a_word_of_the_letter(app: Flask, slug: str) -> None:
    _, fields, body = refused(app, f"/api/campaigns/{slug}/sign", "POST")
    assert fields["Content-Type"] == PROBLEM
    assert '"type": "urn:undersigned:problem:overloaded"' in body
    for lang in LANGUAGES:
        _, fields, page = refused(app, f"/c/{slug}/sign?lang={lang}", "POST")
        assert (fields["Content-Language"], f'lang="{lang}"' in page) == (lang, True)
        assert slug not in page
    english = refused(app, f"/c/{slug}/sign", "POST")[2]
    assert RELOAD in english
    assert RELOAD not in refused(app, f"/c/{slug}/sign")[2]


def test_the_language_is_that_of_the_letter_once_it_is_known(config: Config, engine: object, furnished: str) -> None:
    from petition import campaigns
    from petition.core import db
    from tests import make

    with db.transaction() as session:
        slug = make.campaign(session, slug="lettre", languages=("fr",)).slug
        assert campaigns.find(session, slug).languages == ["fr"]
    app = build(replace(config))
    assert refused(app, "/c/lettre/sign")[1]["Content-Language"] == "en"
    client: FlaskClient = app.test_client()
    assert client.get("/c/lettre").status_code == 200
    assert refused(app, "/c/lettre/sign")[1]["Content-Language"] == "fr"
    assert app.extensions[EXTENSION].has_page(("/c/lettre", ""))
    assert not app.extensions[EXTENSION].has_page(("/c/lettre", "lang=fr"))


def test_not_everybody_is_sent_back_for_the_same_second() -> None:
    assert len({next(AGAIN) for _ in range(10)}) >= 4


def test_a_page_from_the_loop_is_the_page_of_the_application(app: Flask, engine: object, slug: str) -> None:
    """The same status, header fields and bytes, plain and compressed, whole and not modified; and never a page that is old."""
    client, overload = app.test_client(), app.extensions[EXTENSION]
    paths = (f"/c/{slug}", f"/c/{slug}?lang=fr", f"/api/campaigns/{slug}/count", f"/c/{slug}/badge.svg")
    for path in paths:
        etag = client.get(path).headers["ETag"]
        address = (path.partition("?")[0], path.partition("?")[2])
        page = overload.ready(address)
        assert page is not None
        for fields in ({}, {"Accept-Encoding": "gzip"}, {"If-None-Match": etag}, {"If-None-Match": '"another"'}):
            theirs = client.get(path, headers=fields)
            wsgi = tuple((f"HTTP_{name.upper().replace('-', '_')}", value) for name, value in fields.items())
            head = Head("GET", *address, "localhost", True, True, wsgi)
            got = respond(overload.send, head, "80", keeps_alive=True, page=page)
            lines, _, body = got.partition(b"\r\n\r\n")
            status, *rest = lines.decode().split("\r\n")
            ours = [tuple(line.split(": ", 1)) for line in rest[3:]]
            assert (status.split(" ")[1], body) == (str(theirs.status_code), theirs.data)
            assert sorted(ours) == sorted(theirs.headers.items())
    a_second_passes(app)
    assert [overload.ready((path, "")) for path in paths] == [None] * len(paths)
    assert overload.ready((paths[0], ""), old=True) is None  # nobody knows how old
    assert [overload.has_page((path, "")) for path in paths] == [True, False, True, True]


def test_a_page_that_is_sent_instead_of_a_refusal_is_ten_seconds_old_at_most_and_never_one_that_was_replaced(
    app: Flask, engine: object, slug: str
) -> None:
    """A name that was hidden does not come back because many people come."""
    cache, address = app.extensions["undersigned"].page_cache, (f"/c/{slug}", "")
    app.test_client().get(address[0])
    snapshot = cache._snapshots[slug]
    made = snapshot._refreshed_at
    now = [made + 9.0]
    snapshot._clock = lambda: now[0]
    assert (cache.ready(address), cache.ready(address, old=True) is not None) == (None, True)
    snapshot.value = replace(snapshot.value, version=snapshot.value.version + 1)
    assert cache.ready(address, old=True) is None
    app.test_client().get(address[0])
    now[0] += 11.0
    assert cache.ready(address, old=True) is None


def test_the_loop_waits_for_no_database_and_sends_no_old_page(app: Flask, engine: object, slug: str) -> None:
    cache = app.extensions["undersigned"].page_cache
    app.test_client().get(f"/c/{slug}")
    a_second_passes(app)
    assert cache.ready((f"/c/{slug}", "")) is None
    with cache._snapshots[slug]._refreshing:  # a thread asks the database: until it knows better, the page is current
        assert cache.ready((f"/c/{slug}", "")) is not None
    assert cache.ready(("/c/nobody", "")) is None
