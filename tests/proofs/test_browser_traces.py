"""P32: the whole public way in a real browser, in both languages, with a script and without; then the browser's disk is searched.

Where a script keeps the step of signing, the walk waits until the browser wrote it to its disk, and loads the page again.

Nothing but the site is found from this browser; where the quick exit leads, a server of ours answers in its place.
"""

from __future__ import annotations

import re
import secrets
import ssl
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext
from redis import Redis

from petition import campaigns, publication
from petition.core import db
from petition.web.flow import ADDRESS
from petition.web.public.pages import AWAY
from tests.support.browser import FLAGS, require_browser
from tests.support.clients import attach
from tests.support.figures import Write
from tests.support.foreign_client import SLUG, api, call
from tests.support.installation import Running
from tests.support.looks import PHONE
from tests.support.signing import letter_of
from tests.support.spellings import met
from tests.support.traces import Watch, cached, history, on_disk
from tests.support.waiting import until
from tests.support.walks import Walk

pytestmark = pytest.mark.xdist_group("tree")

WALKS = [("en", True), ("fr", False), ("fr", True), ("en", False)]
"""Languages, with a script and without; the first two in the short form."""
PERSONAL = re.compile(r"/c/[^/]+/(sign|verify|pass|receipt|change|amend|withdraw|hide|subscribe)\b|/mail/")
CONTROL = "<!doctype html><title>-</title><form method=post><input name=kept id=kept><button>-</button></form>"


@pytest.fixture
def elsewhere(certificate: tuple[Path, Path]) -> Iterator[int]:
    """The port of a server that stands for the page the quick exit leads to."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(*certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


@pytest.fixture
def legal(running: Running) -> None:
    """Texts for the legal page of the founding campaign."""
    attach(running)
    with db.transaction() as session:
        campaign = campaigns.find(session, SLUG)
        campaign.legal = {"imprint": {"en": "Omar.", "fr": "Omar."}}
        publication.refresh(session, campaign)


def kept_by_a_browser(context: BrowserContext, url: str) -> str:
    """A form like any other is filled in and sent: the word that was typed, which the browser is to keep."""
    word, page = f"control{secrets.token_hex(6)}", context.new_page()
    page.route("**/control", lambda route: route.fulfill(body=CONTROL, content_type="text/html"))
    page.goto(f"{url.rstrip('/')}/control")
    page.locator("#kept").fill(word)
    with page.expect_navigation():
        page.locator("button").click()
    page.close()
    return word


@contextmanager
def signers_browser(browser: Browser, profile: Path, elsewhere: int, scripted: bool) -> Iterator[BrowserContext]:
    """A browser with a profile on disk, as a signer's own."""
    found = f"MAP {urlsplit(AWAY).hostname} 127.0.0.1:{elsewhere}, MAP * ~NOTFOUND, EXCLUDE localhost"
    context = browser.browser_type.launch_persistent_context(
        profile, executable_path=require_browser(), headless=True, viewport=PHONE,
        args=[*FLAGS, f"--host-resolver-rules={found}"], java_script_enabled=scripted, accept_downloads=True,
        ignore_https_errors=True,
    )  # fmt: skip
    yield context
    context.close()


def test_the_whole_public_way_leaves_no_trace_of_a_signer(
    running: Running, browser: Browser, elsewhere: int, legal: None, tmp_path: Path, long: bool, figure: Write
) -> None:
    walks = WALKS if long else WALKS[:2]
    campaign = {words for words in telling(call(api(running)).body) if len(words) > 3}
    found: dict[str, list[str]] = defaultdict(list)
    counted: Counter[str] = Counter()
    of_others = tab_keys(running)  # of tests that share the installation
    for number, (lang, scripted) in enumerate(walks):
        profile = tmp_path / str(number)
        with signers_browser(browser, profile, elsewhere, scripted) as context:
            control = kept_by_a_browser(context, running.url)
            watch = Watch(running.url, context)
            walk = Walk(running, watch, lang, scripted, profile)
            walk.all()
        remembered = history(profile)
        found["of others"] += watch.foreign() + [each for each in watch.away if each]
        found["cookies"] += watch.cookies
        found["stored"] += watch.kept
        found["headers"] += watch.headers
        found["refused"] += watch.refused
        found["secret sent"] += watch.sending(walk.secret) if scripted else []
        assert bool(watch.sending(walk.secret)) is not scripted  # without a script the page carries it
        found["told"] += met(watch.places, walk.words) + met(watch.links, walk.tokens)
        found["titles"] += [f"{url}: {title}" for url, title in watch.pages + remembered if names(campaign, url, title)]
        found["on disk"] += met(on_disk(profile), walk.words) + cached(profile, running.url)
        counted += Counter(
            answers=watch.read, pages=len(watch.pages), exits=walk.left, words=len(walk.words) + len(walk.tokens),
            files=len(on_disk(profile)), steps=len(set(watch.steps)), control=len(met(on_disk(profile), [control])) > 1,
        )  # fmt: skip
        assert {icon.rpartition("/")[2] for url, icon in watch.icons if ADDRESS.fullmatch(urlsplit(url).path)} == {
            "plain.svg"
        }
        assert len(watch.away) == walk.left
        assert bool(watch.steps) is scripted
        assert_no_key_is_left(running, of_others)
        assert any(each.startswith(letter_of(running)) for each, _ in remembered)
    each_of = f"P32: {len(walks)} walks, {counted['answers']} answers"
    figure(f"{each_of}: requests to others, or a Referer told to them", len(found["of others"]), "0")
    figure(f"{each_of}: with a cookie, sent or set", len(found["cookies"]), "0")
    figure(f"{each_of}: faults of headers", len(found["headers"]), "0")
    kept = f"beside {counted['steps']} encrypted steps, whose keys are gone"
    figure(
        f"P32: things stored by {counted['pages']} pages, {counted['exits']} quick exits, {kept}",
        len(found["stored"]),
        "0",
    )
    figure("P32: what a policy refused, or a script failed at", len(found["refused"]), "0")
    figure(f"P32: addresses, titles, each Referer: with one of {counted['words']} secrets", len(found["told"]), "0")
    figure("P32: requests of a script with the signer's secret", len(found["secret sent"]), "0")
    figure("P32: titles of personal pages that name the letter", len(found["titles"]), "0")
    figure(
        f"P32: {counted['files']} files of the browsers' profiles: secrets, cached pages", len(found["on disk"]), "0"
    )
    assert {name: each for name, each in found.items() if each} == {}
    assert counted["control"] == len(walks)


def tab_keys(running: Running) -> set[bytes]:
    """The names of the keys that the server holds for steps in browsers."""
    with Redis(unix_socket_path=str(running.home / "run" / "valkey.sock")) as redis:
        return set(redis.scan_iter(b"tab-key:*"))


def assert_no_key_is_left(running: Running, of_others: set[bytes]) -> None:
    """What a disk holds of a step cannot be opened any more: the server has forgotten each key by now."""
    until("the server to forget each key", lambda: tab_keys(running) - of_others, lambda kept: not kept)


def telling(told: dict[str, object]) -> list[str]:
    """The words that name a letter."""
    return re.findall(r"\w+", f"{told['title']} {told['addressee']} {told['organisation']}")


def names(campaign: set[str], url: str, title: str) -> bool:
    """Whether a personal page's title has one of these words."""
    return PERSONAL.search(url) is not None and not campaign.isdisjoint(re.findall(r"\w+", title))
