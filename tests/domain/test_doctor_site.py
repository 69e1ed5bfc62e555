"""`doctor`: the site as somebody outside sees it, against the real application behind TLS and proxies."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from petition.bootstrap import EmbeddedServices
from petition.core import clock, db
from petition.operation import Context, Dns, Verdict, outside, probe
from petition.operation.checks.public_site import judge
from petition.operation.probe import ProbeRefused, Seen
from petition.web.app import build
from tests.support.certificate import DAY, Files, server_side
from tests.support.dns_server import Names, dns_server, txt
from tests.support.doctor import bare, is_, look
from tests.support.proxies import VISITOR, App, Appends, Replaces, behind, keeps
from tests.support.raw_server import raw_server
from tests.support.served import served
from tests.support.services import MASTER_KEY

OK, WARNING, FAULT = Verdict
HOST = "letters.test"
NO_DATABASE = "postgresql+psycopg://nobody@127.0.0.1:9/nothing"
NAMES = Names({(HOST, "A"): ["127.0.0.1"], ("empty.test", "TXT"): txt("x")})
ONE = Appends(VISITOR)
Open = Callable[..., Context]


@pytest.fixture
def resolver() -> Iterator[str]:
    with dns_server(NAMES) as address:
        yield address


@pytest.fixture
def site(
    services: EmbeddedServices,
    tmp_path: Path,
    resolver: str,
    certified: Callable[..., Files],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Open]:
    """Opens a site behind proxies and gives what `doctor` knows of it. It has Redis, and asks no database here."""
    config = bare(tmp_path, redis_url=services.redis_url, master_keys=(MASTER_KEY,), database_url=NO_DATABASE)
    with ExitStack() as stack:

        def open_(
            forwards: Callable[[str], str] = ONE, *, trusted: int = 1, hosts: tuple[str, ...] = (HOST,),
            times: dict[str, timedelta] | None = None, secret: str = "s" * 32, headers: dict[str, str | None] | None = None,
            redis_url: str = config.redis_url,
        ) -> Context:  # fmt: skip
            files = certified(*hosts, **({"end": 60 * DAY} | (times or {})))
            monkeypatch.setenv("SSL_CERT_FILE", str(files[0]))
            production = replace(config, trusted_proxies=trusted, redis_url=redis_url)

            def app_at(url: str) -> App:
                built = build(replace(production, base_url=url, secret_keys=(secret,)))
                return behind(built, forwards, **(headers or {}))

            url = stack.enter_context(served(app_at, HOST, server_side(files)))
            return Context(replace(production, base_url=url), clock.now, Dns(resolver, seconds=1))

        yield open_
    db.disconnect()


def test_a_site_that_is_in_order_is_ok_in_every_line(site: Open) -> None:
    context = site()
    is_(look(context, "address"), OK, f"{HOST} answers")
    is_(look(context, "certificate"), OK, "Browsers accept it", "59 days")
    is_(look(context, "hsts"), OK)
    is_(look(context, "proxy"), OK, "One proxy", "not believed")
    is_(look(context, "clock"), OK, "the public site")


@pytest.mark.parametrize(
    ("forwards", "trusted", "verdict", "words"),
    [
        (Appends(VISITOR), 1, OK, "One proxy"),
        (Replaces(VISITOR), 1, OK, "One proxy"),
        (Appends(f"{VISITOR}:40123"), 1, OK, "One proxy"),
        (Appends('"[2a00:1450::9]:443"'), 1, OK, "One proxy"),
        (Appends(VISITOR, "10.0.0.3"), 2, OK, "2 addresses"),
        (Appends(VISITOR, "10.0.0.3", "10.0.0.4"), 1, FAULT, "set PETITION_TRUSTED_PROXIES=3"),
        (Appends(VISITOR, "10.0.0.3"), 1, FAULT, "set PETITION_TRUSTED_PROXIES=2"),
        (Appends(VISITOR), 0, FAULT, "set PETITION_TRUSTED_PROXIES=1"),
        (Appends(VISITOR), 2, FAULT, "set PETITION_TRUSTED_PROXIES=1"),
        (Appends(), 0, FAULT, "adds no X-Forwarded-For"),
        (Appends(), 1, FAULT, "adds no X-Forwarded-For"),
        (keeps, 1, FAULT, "keeps an X-Forwarded-For that the client sends"),
        (Appends("unknown"), 1, FAULT, "no address that can be read"),
        (Appends("_hidden"), 1, FAULT, "no address that can be read"),
        (Appends("10.0.0.9"), 1, WARNING, "10.0.0.9, a private address"),
        (Appends("x" * 5_000), 1, FAULT, "no address that can be read"),
        (Appends(*[VISITOR] * 60), 1, FAULT, "set PETITION_TRUSTED_PROXIES=20"),
    ],
)  # fmt: skip
def test_what_proxies_do_to_the_address_of_a_visitor(
    site: Open, forwards: Callable[[str], str], trusted: int, verdict: Verdict, words: str
) -> None:
    is_(look(site(forwards, trusted=trusted), "proxy"), verdict, words)


def test_a_forged_address_that_pushes_the_true_one_aside_is_a_fault(tmp_path: Path) -> None:
    context = Context(bare(tmp_path), clock.now, Dns("127.0.0.1:9"))
    honest = Seen("127.0.0.1", (VISITOR,), VISITOR, 1)
    is_(judge(context, honest, replace(honest, client="192.0.2.77")), FAULT, "keeps an X-Forwarded-For")
    is_(judge(context, honest, replace(honest, client="")), FAULT, "keeps an X-Forwarded-For")
    is_(judge(context, honest, replace(honest, client="203.0.114.10")), WARNING, "several addresses")


def test_another_installation_at_the_public_address_is_a_fault(site: Open) -> None:
    is_(look(site(secret="t" * 32), "proxy"), FAULT, "something else than this installation (404)")


def test_without_redis_the_proxy_is_not_judged(site: Open) -> None:
    is_(look(site(redis_url="redis://127.0.0.1:9/0"), "proxy"), WARNING, "without Redis")


@pytest.mark.parametrize(
    ("hosts", "times", "verdict", "words"),
    [
        ((HOST,), {"start": -3 * DAY, "end": -DAY}, FAULT, "has expired"),
        ((HOST,), {"start": DAY, "end": 3 * DAY}, FAULT, "not valid yet"),
        (("other.test",), {}, FAULT, "is for another host"),
        ((HOST,), {"start": -80 * DAY, "end": 10.5 * DAY}, WARNING, "ends in 10 days"),
        ((HOST,), {"start": -2 * DAY, "end": 4 * DAY}, OK, "3 days"),
        ((HOST,), {"start": -5 * DAY, "end": 1.2 * DAY}, WARNING, "ends in 1 days"),
    ],
)  # fmt: skip
def test_what_a_certificate_is_good_for(
    site: Open, hosts: tuple[str, ...], times: dict[str, timedelta], verdict: Verdict, words: str
) -> None:
    """One of six days is renewed later than one of three months."""
    context = site(hosts=hosts, times=times)
    is_(look(context, "certificate"), verdict, words)
    if verdict is FAULT:
        is_(look(context, "address"), WARNING, "see the line “certificate”")
        is_(look(context, "hsts"), WARNING, "see the lines")
        is_(look(context, "proxy"), WARNING, "see the line “certificate”")


def test_a_certificate_that_nobody_vouches_for_is_a_fault(
    site: Open, certificate: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = site()
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    is_(look(context, "certificate"), FAULT, "vouched for by nobody")


@pytest.mark.parametrize(
    ("header", "verdict", "words"),
    [
        (None, FAULT, "does not arrive"),
        ("max-age=63072000; includeSubDomains", WARNING, "sent twice"),
    ],
)  # fmt: skip
def test_what_a_proxy_does_to_strict_transport(site: Open, header: str | None, verdict: Verdict, words: str) -> None:
    is_(look(site(headers={"Strict_Transport_Security": header}), "hsts"), verdict, words)


def answering(status: str, *headers: tuple[str, str]) -> Callable[[str], App]:
    def app(_environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
        start_response(status, list(headers))
        return [b"ok\n"]

    return lambda _url: app


@pytest.mark.parametrize("age", ["max-age=0", "max-age=300", "includeSubDomains", "max-age=banana", "\x7f"])
def test_a_short_or_broken_strict_transport_is_a_warning(
    resolver: str, tmp_path: Path, certificate: Files, monkeypatch: pytest.MonkeyPatch, age: str
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    with served(answering("200 OK", ("Strict-Transport-Security", age)), "localhost", server_side(certificate)) as url:
        is_(look(Context(bare(tmp_path, base_url=url), clock.now, Dns(resolver)), "hsts"), WARNING, "less than a year")


@pytest.mark.parametrize(
    ("status", "target", "verdict"),
    [
        ("301 Moved Permanently", f"https://{HOST}/", OK),
        ("308 Permanent Redirect", f"https://{HOST.upper()}/c/x", OK),
        ("302 Found", f"http://{HOST}/", FAULT),
        ("301 Moved Permanently", "https://other.test/", FAULT),
        ("301 Moved Permanently", "//[", FAULT),
        ("200 OK", "", FAULT),
        ("404 Not Found", "", FAULT),
    ],
)  # fmt: skip
def test_who_comes_over_http_is_led_to_https(
    resolver: str, tmp_path: Path, status: str, target: str, verdict: Verdict
) -> None:
    with served(answering(status, *([("Location", target)] if target else []))) as url:
        port = int(url.rsplit(":", 1)[1])
        context = Context(bare(tmp_path, base_url=f"https://{HOST}"), clock.now, Dns(resolver), http_port=port)
        is_(look(context, "http"), verdict, "https")


def test_a_closed_port_for_http_is_a_warning(resolver: str, tmp_path: Path) -> None:
    context = Context(bare(tmp_path, base_url=f"https://{HOST}"), clock.now, Dns(resolver), http_port=9)
    is_(look(context, "http"), WARNING, "Nothing answers over http")


@pytest.mark.parametrize(
    ("url", "verdict", "words"),
    [
        ("https://letters.test:9", FAULT, "Nothing answers at port 9"),
        ("https://gone.test", FAULT, "no address in the DNS"),
        ("https://empty.test", FAULT, "no address in the DNS"),
        ("https://localhost:8000", WARNING, "nobody else reaches the site"),
        ("http://localhost:8000", WARNING, "nobody else reaches the site"),
    ],
)  # fmt: skip
def test_a_public_address_that_leads_nowhere(
    resolver: str, tmp_path: Path, url: str, verdict: Verdict, words: str
) -> None:
    is_(look(Context(bare(tmp_path, base_url=url), clock.now, Dns(resolver, seconds=1)), "address"), verdict, words)


def test_a_public_address_that_is_silent_is_a_warning(
    resolver: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A router may not lead back to its own network, which is no fault of the site."""
    monkeypatch.setattr(outside, "WAIT", 0.5)
    with full_port() as port:
        context = Context(bare(tmp_path, base_url=f"https://{HOST}:{port}"), clock.now, Dns(resolver, seconds=1))
        is_(look(context, "address"), WARNING, "is silent")


@contextmanager
def full_port() -> Iterator[int]:
    """A port whose queue of connections is full, so that it answers nobody any more."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listening, ExitStack() as clients:
        while True:
            client = clients.enter_context(socket.socket())
            client.settimeout(0.3)
            try:
                client.connect(listening.getsockname())
            except TimeoutError:
                break
        yield listening.getsockname()[1]


@pytest.mark.parametrize(
    ("said", "stays"),
    [
        (b"", False),
        (b"\x00\xff\x1b[2J", False),
        (b"SSH-2.0-OpenSSH_9.9\r\n", True),
        (b"HTTP/1.1 200 OK\r\n", True),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\nx", True),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 500 + b"\r\n", False),
        (b"HTTP/1.1 200 " + b"z" * 70_000 + b"\r\n\r\n", False),
    ],
)  # fmt: skip
def test_a_server_that_hangs_cuts_or_talks_garbage_is_one_sentence_within_its_time(
    resolver: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: bytes, stays: bool
) -> None:
    monkeypatch.setattr(outside, "DEADLINE", 1.0)
    began = time.monotonic()
    with raw_server(said, stays=stays) as port:
        plain = Context(bare(tmp_path, base_url=f"http://{HOST}:{port}"), clock.now, Dns(resolver, seconds=1))
        is_(look(plain, "address"), FAULT, "not HTTP")
        secure = Context(bare(tmp_path, base_url=f"https://{HOST}:{port}"), clock.now, Dns(resolver, seconds=1))
        assert look(secure, "certificate").verdict is not OK
    assert time.monotonic() - began < 8


def test_an_answer_to_another_token_or_with_another_key_is_not_believed() -> None:
    keys = ("s" * 32,)
    mine, other = probe.ask(keys, clock.now()), probe.ask(keys, clock.now())
    seen = Seen("127.0.0.1", (), "127.0.0.1", 0)
    assert probe.read_answer(keys, mine, probe.answer(keys, mine, seen)) == seen
    assert probe.read_answer(("n" * 32, *keys), mine, probe.answer(keys, mine, seen)) == seen
    for text in (probe.answer(keys, other, seen), probe.answer(("t" * 32,), mine, seen), "", "x.y", mine):
        with pytest.raises(ProbeRefused):
            probe.read_answer(keys, mine, text)
