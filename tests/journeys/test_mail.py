"""A stranger asks for mail, confirms it, signs past a milestone, reads of it on a phone, and leaves with one click."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from petition.mail import read_inbox
from tests.support.foreign_client import call, verified
from tests.support.inbox import link, mail_to
from tests.support.installation import Running, installation
from tests.support.looks import PHONE, TOO_WIDE, presses

pytestmark = pytest.mark.xdist_group("mail journey")

SUZIE = "suzie.q@post.example"


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    """An installation of this journey alone: its 250th signature is still to come."""
    with installation() as started:
        yield started


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport=PHONE)
    yield context.new_page()
    assert context.cookies() == []
    context.close()


def test_a_milestone_is_mailed_to_who_asked_and_no_more_after_leaving(running: Running, page: Page) -> None:
    page.goto(f"{running.url}/c/ice-letter")
    page.locator("details.ask summary").click()
    presses(page.get_by_role("link", name="How we keep your address"))
    expect(page.locator("main")).to_contain_text("a day lasts 2 minutes")
    page.locator("#address").fill(SUZIE)
    page.locator("input[name=rhythm][value=milestones]").check()
    presses(page.locator("main form button[type=submit]"))
    page.goto(link(mail_to(running, SUZIE, "onfirm"), "confirm"))
    presses(page.locator("main form button"))
    _, held = verified(running, "suzie@salesforce.example")
    api = f"{running.url}/api/campaigns/ice-letter"
    assert call(f"{api}/sign", {"pass": held, "show": "anonymous"}).status == 201
    told = mail_to(running, SUZIE, "A milestone")
    assert "250" in told.text
    assert "suzie" not in told.text.lower()
    page.goto(f"{running.url}/dev/inbox/{told.name}")
    assert page.evaluate(TOO_WIDE) <= 0
    expect(page.locator("body")).to_contain_text("250")
    leave = urllib.request.Request(link(told, "unsubscribe"), b"List-Unsubscribe=One-Click", method="POST")
    with urllib.request.urlopen(leave, timeout=10) as answer:
        assert (answer.status, answer.url) == (200, link(told, "unsubscribe"))
    page.goto(link(told, "settings"))
    expect(page.locator("main")).to_contain_text("not subscribed")
    assert len([mail for mail in read_inbox(running.home / "inbox", 500) if mail.to == SUZIE]) == 2
