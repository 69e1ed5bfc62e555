"""The letter in a real browser: the count that moves when an epoch arrives, and the Markdown in which nothing runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
from playwright.sync_api import Browser, Page, expect

from petition import campaigns, epochs
from petition.campaigns.milestones import MilestoneKind
from petition.config import Config
from petition.core import db
from petition.core.markdown import letter_html
from petition.core.redis_store import RedisStore
from petition.ledger.entries import Visibility
from petition.signatures import DisplayChoice
from petition.web.app import build
from tests import make
from tests.support.hostile import HOSTILE
from tests.support.served import served
from tests.support.waiting import until


@dataclass(frozen=True)
class Site:
    """A served app and its open letter, with one signature of two for its milestone."""

    url: str
    slug: str

    def signs(self, wish: DisplayChoice) -> None:
        """Somebody signs, and the epoch closes."""
        with db.transaction() as session:
            campaign = campaigns.find(session, self.slug)
            make.signature(session, campaign, wish)
            epochs.close_epoch(session, campaign, make.NOW)


@pytest.fixture
def site(config: Config, redis_store: RedisStore) -> Iterator[Site]:
    with served(lambda url: build(replace(config, port=int(url.rsplit(":", 1)[1]), base_url=url))) as url:
        with db.transaction() as session:
            slug = make.campaign(session, goals=((MilestoneKind.COUNT, 2), (MilestoneKind.COUNT, 4))).slug
        made = Site(url, slug)
        made.signs(make.ANONYMOUS)
        yield made
    db.disconnect()


@pytest.mark.parametrize("motion", ["no-preference", "reduce"])
def test_count_line_names_and_milestone_move_when_an_epoch_arrives(site: Site, browser: Browser, motion: str) -> None:
    context = browser.new_context(reduced_motion="reduce" if motion == "reduce" else "no-preference")
    page = context.new_page()
    page.clock.install()
    page.goto(f"{site.url}/c/{site.slug}?lang=fr")
    assert seen(page) == ("1", "50.00%")
    site.signs(DisplayChoice(Visibility.NAME, "Suzie Example"))
    until_it_shows(page, "2")
    expect(page.locator(".names")).to_contain_text("Suzie Example")
    expect(page.locator("[data-line] rect.done")).to_have_attribute("width", "50.00%")
    expect(page.locator(".timeline")).to_contain_text("Palier")
    expect(page.locator("[data-said]")).to_contain_text("2")
    site.signs(make.ANONYMOUS)
    until_it_shows(page, "3")
    expect(page.locator("[data-line] rect.done")).to_have_attribute("width", "75.00%")
    assert context.cookies() == []
    context.close()


def test_nothing_in_a_letter_runs_even_without_a_content_policy(browser: Browser) -> None:
    page = browser.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    letters = "".join(f"<div>{letter_html(markdown, 'en')}</div>" for markdown in HOSTILE)
    page.set_content(f"<!doctype html><title>Letter</title>{letters}")
    for link in page.locator("a").all():
        link.dispatch_event("mouseover")
        link.focus()
    assert (page.title(), asked) == ("Letter", [])
    page.close()


def until_it_shows(page: Page, count: str) -> None:
    """Let the page's clock jump over its pauses until the count stands there."""

    def later() -> str | None:
        page.clock.fast_forward(6_000)
        return page.locator("[data-figure]").text_content()

    until("the count", later, lambda figure: figure == count)


def seen(page: Page) -> tuple[str | None, str | None]:
    """The count and the line's width."""
    return (
        page.locator("[data-figure]").text_content(),
        page.locator("[data-line] rect.done").get_attribute("width"),
    )
