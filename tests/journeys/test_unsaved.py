"""A page with something typed in it asks before it is left, in a real browser; one whose form was sent does not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from playwright.sync_api import Browser, Dialog, Page, expect

from petition import organisers
from petition.config import Config
from petition.core import clock, db
from petition.core.redis_store import RedisStore
from petition.organisers import Role
from petition.web.app import build
from tests import make
from tests.support.looks import presses
from tests.support.served import served


@pytest.fixture
def page(browser: Browser, config: Config, redis_store: RedisStore) -> Iterator[Page]:
    """Omar's browser on the page of his draft."""
    with served(lambda url: build(replace(config, base_url=url, port=int(url.rsplit(":", 1)[1])))) as url:
        with db.transaction() as session:
            draft = make.draft(session, make.a_draft(slug="our-letter"))
            omar = organisers.enrol(session, "Omar", "en", clock.now())
            organisers.join(session, draft.id, omar.id, Role.OWNER, clock.now())
            link = organisers.let_in(session, omar.id, clock.now())
        with browser.new_context(base_url=url) as context:
            opened = context.new_page()
            opened.goto(f"/organise/enter/{link}")
            presses(opened.locator("main button"))
            opened.goto("/organise/c/our-letter/draft/who")
            yield opened
    db.engine().dispose()


def leaves(page: Page) -> list[str]:
    """Follow the link to the overview; gives the questions that the browser asked."""
    asked: list[str] = []

    def answer(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    page.on("dialog", answer)
    presses(page.locator(".letter-name a").first)
    page.remove_listener("dialog", answer)
    return asked


def test_a_page_asks_before_it_is_left_with_something_typed(page: Page) -> None:
    """P56."""
    assert leaves(page) == []
    page.go_back()
    page.locator("#addressee").fill("Somebody else")
    assert leaves(page) == ["beforeunload"]


def test_a_form_that_is_sent_or_left_as_it_was_asks_nothing(page: Page) -> None:
    page.locator("#addressee").fill("Somebody else")
    presses(page.get_by_role("button", name="Next: Work addresses"))
    assert page.url.endswith("/draft/domains")
    presses(page.get_by_role("button", name="Addressee and organisers"))
    expect(page.locator("#addressee")).to_have_value("Somebody else")
    assert leaves(page) == []


def test_what_was_refused_and_stands_on_the_page_still_asks(page: Page) -> None:
    page.locator("#organisation").fill("x" * 201)
    presses(page.get_by_role("button", name="Save"))
    expect(page.locator(".errors")).to_be_visible()
    page.locator("#organisation").click()
    assert leaves(page) == ["beforeunload"]
