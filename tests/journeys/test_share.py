"""The counter in somebody else's page, and the sharing kit, in a real browser."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Page

from petition import campaigns, epochs, organisers
from petition.campaigns.milestones import MilestoneKind
from petition.config import Config
from petition.core import clock, db
from petition.core.redis_store import RedisStore
from petition.organisers import Role
from petition.publication import Snapshot
from petition.web.app import build
from petition.web.dashboard.share import sharing_kit
from petition.web.services import NAME
from tests import make
from tests.support.looks import SMALL, Looks, presses
from tests.support.public_pages import published
from tests.support.served import served

GOALS = ((MilestoneKind.COUNT, 2), (MilestoneKind.COUNT, 5), (MilestoneKind.COUNT, 12))


@dataclass(frozen=True)
class Site:
    """Our site on a port of its own."""

    app: Flask
    url: str

    def kit(self, slug: str, lang: str = "en") -> dict[str, str]:
        snapshot: Snapshot = self.app.extensions[NAME].page_cache.snapshot(slug)
        with self.app.test_request_context():
            kit = sharing_kit(snapshot, lang)
        return {"counter": kit.counter_code, "badge": kit.badge_code, "letter": kit.url}


@pytest.fixture
def site(config: Config, redis_store: RedisStore) -> Iterator[Site]:
    apps = list[Flask]()

    def app_at(url: str) -> Flask:
        apps.append(build(replace(config, port=int(url.rsplit(":", 1)[1]), base_url=url)))
        return apps[0]

    with served(app_at, "localhost") as url:
        yield Site(apps[0], url)
    db.engine().dispose()


@dataclass
class Newspaper:
    """A page of somebody else: another origin, which frames and shows what it was given."""

    url: str = ""
    html: str = ""


@pytest.fixture
def newspaper() -> Iterator[Newspaper]:
    paper = Newspaper()

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = f"<!doctype html><html lang=en><title>News</title><h1>News</h1>{paper.html}".encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    paper.url = f"http://127.0.0.1:{server.server_port}/"
    Thread(target=server.serve_forever, daemon=True).start()
    yield paper
    server.shutdown()


def enter(context: BrowserContext, site: Site, slug: str, lang: str, name: str = "Omar") -> Page:
    """A page of an organiser who came in by a link that works once."""
    with db.transaction() as session:
        someone = organisers.enrol(session, f"{name} {lang}", lang, clock.now())
        organisers.join(session, campaigns.find(session, slug).id, someone.id, Role.EDITOR, clock.now())
        link = organisers.let_in(session, someone.id, clock.now())
    page = context.new_page()
    page.goto(f"{site.url}/organise/enter/{link}?lang={lang}")
    presses(page.locator("main button"))
    return page


def test_the_counter_counts_along_in_a_page_of_another_origin_and_the_letter_refuses_to_be_framed(
    site: Site, newspaper: Newspaper, browser: Browser
) -> None:
    slug = published(anonymous=3, goals=GOALS)
    kit = site.kit(slug)
    newspaper.html = kit["counter"] + kit["badge"] + f'<iframe name="letter" src="{kit["letter"]}"></iframe>'
    context = browser.new_context()
    page = context.new_page()
    page.goto(newspaper.url)
    counter = page.frame_locator("iframe").nth(0)
    assert counter.locator("[data-figure]").inner_text() == "3"
    assert counter.locator(".next").inner_text() == "The next milestone: 5 signatures"
    assert page.evaluate("document.querySelector('img').naturalWidth") > 100
    assert page.frame(name="letter").locator("h1", has_text="A letter").count() == 0  # type: ignore[union-attr]
    with db.transaction() as session:
        made = campaigns.find(session, slug)
        for _ in range(3):
            make.signature(session, made)
        epochs.close_epoch(session, made, clock.now())
    counter.locator("[data-figure='6']").wait_for()
    with context.expect_page() as opened:
        counter.get_by_role("link").click()
    opened.value.wait_for_url(f"{site.url}/c/{slug}")
    assert opened.value.evaluate("window.opener") is None
    cookies = context.cookies()
    context.close()
    assert cookies == []


@pytest.mark.parametrize(
    ("lang", "scheme"),
    [
        ("en", "dark"),
        ("fr", "light"),
        pytest.param("en", "light", marks=pytest.mark.proof),
        pytest.param("fr", "dark", marks=pytest.mark.proof),
    ],
)
def test_the_kit_and_the_counter_have_no_accessibility_fault_and_fit_a_phone(
    site: Site, browser: Browser, lang: str, scheme: str
) -> None:
    slug = published(anonymous=3, goals=GOALS)
    context = browser.new_context(viewport=SMALL, color_scheme=scheme)  # type: ignore[arg-type]
    page, errors = enter(context, site, slug, lang), []
    page.on("console", lambda said: errors.append(said.text) if said.type == "error" else None)
    page.goto(f"{site.url}/organise/c/{slug}/share?letter={lang}")
    look = Looks(page, lang)
    look.at("share")
    widths = page.evaluate("[...document.images].map(each => each.naturalWidth)")
    page.goto(f"{site.url}/c/{slug}/embed?lang={lang}")
    look.at("embed")
    context.close()
    assert (look.faults, errors) == ({}, [])
    assert len(widths) == 3
    assert min(widths) > 100


def test_a_text_is_copied_by_a_button_and_by_hand_without_javascript(site: Site, browser: Browser) -> None:
    slug = published(anonymous=3)
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    page = enter(context, site, slug, "en")
    page.goto(f"{site.url}/organise/c/{slug}/share")
    page.get_by_role("button", name="Copy – For colleagues").click()
    page.locator("[role=status]", has_text="Copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == page.locator("#text-colleagues").input_value()
    context.close()
    plain = browser.new_context(java_script_enabled=False)
    page = enter(plain, site, slug, "fr")
    page.goto(f"{site.url}/organise/c/{slug}/share")
    assert page.locator("#text-colleagues").get_attribute("readonly") is not None
    assert page.locator("button.quiet:visible").count() == 0
    plain.close()
