"""A stamp whose reply was lost is not lost: another code, from the same tab, gets it. And what else the step of the code does."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext, Page, Request, Route, expect

from tests.support.installation import Running
from tests.support.looks import presses
from tests.support.signing import letter_of, looks_right, opened, signed, somebody

pytestmark = pytest.mark.xdist_group("tree")

A_MINUTE = 61_000


class Loses:
    """Loses the reply to the first stamp: it is made, and the browser gets no answer. `sent` has every blinded value."""

    def __init__(self, page: Page) -> None:
        self.sent: list[str] = []
        page.route("**/api/campaigns/*/pass*", self._pass)

    def _pass(self, route: Route, request: Request) -> None:
        self.sent.append(request.post_data_json["blinded"])
        if len(self.sent) > 1:
            return route.continue_()
        route.fetch()
        return route.abort()


def signing(running: Running, context: BrowserContext) -> Page:
    """The first step, in a tab whose clock the test moves."""
    page = context.new_page()
    page.on("dialog", lambda dialog: dialog.accept())
    page.clock.install()
    page.goto(f"{letter_of(running)}/sign")
    return page


def asks(page: Page, address: str) -> None:
    page.locator("#address").fill(address)
    page.locator("#address").press("Enter")
    expect(page.locator("#asked-for")).to_have_text(address)


def types_the_code(page: Page, running: Running, address: str) -> None:
    page.locator("#code").fill(running.code_for(address))
    page.locator("#code").press("Enter")


def sends_again(page: Page) -> None:
    """Wait until that is possible, and press the button."""
    challenge = page.locator("#code-form [name=challenge]").input_value()
    page.clock.fast_forward(A_MINUTE)
    page.locator("#again-form button[type=submit]").click()
    expect(page.locator("#code-form [name=challenge]")).not_to_have_value(challenge)


@pytest.mark.parametrize("way", ["again", "anew", "reload and again", "another address first", "another spelling"])
def test_a_lost_stamp_is_there_with_another_code(running: Running, scripted: BrowserContext, way: str) -> None:
    """P55."""
    page, address = signing(running, scripted), somebody()
    lost = Loses(page)
    asks(page, address)
    types_the_code(page, running, address)
    expect(page.locator("#errors")).to_be_focused()
    if "reload" in way:
        page.reload()
        expect(page.locator("#asked-for")).to_have_text(address)
    if "again" in way:
        sends_again(page)
    else:
        page.locator("[data-anew]").click()
        expect(page.locator("#address")).to_have_value(address)
        if way == "another address first":
            asks(page, somebody())
            page.locator("[data-anew]").click()
        address = address.upper() if way == "another spelling" else address
        asks(page, address)
    types_the_code(page, running, address.lower())
    page.locator("#choose-form button[type=submit]").wait_for()
    assert lost.sent[0] == lost.sent[1]
    assert signed(page)["w0"]


def test_another_person_in_the_same_tab_gets_another_pass(running: Running, scripted: BrowserContext) -> None:
    page, first, second = signing(running, scripted), somebody(), somebody()
    lost = Loses(page)
    asks(page, first)
    types_the_code(page, running, first)
    expect(page.locator("#errors")).to_be_focused()
    page.locator("[data-anew]").click()
    asks(page, second)
    types_the_code(page, running, second)
    page.locator("#choose-form button[type=submit]").wait_for()
    assert lost.sent[0] != lost.sent[1]


def test_closing_the_tab_asks_first_while_a_stamp_may_be_lost(running: Running, scripted: BrowserContext) -> None:
    """P55: a closed tab cannot be opened again by the page; a person who stays can ask for the stamp again."""
    page, address = opened(scripted, f"{letter_of(running)}/sign"), somebody()
    Loses(page)
    asks(page, address)
    types_the_code(page, running, address)
    expect(page.locator("#errors")).to_be_focused()
    with page.expect_event("dialog") as asked:
        page.close(run_before_unload=True)
    assert asked.value.type == "beforeunload"
    asked.value.dismiss()
    types_the_code(page, running, address)
    page.locator("#choose-form button[type=submit]").wait_for()
    with page.expect_event("dialog") as asked:
        page.close(run_before_unload=True)
    asked.value.dismiss()
    assert signed(page)["w0"]


def test_a_code_is_sent_again_after_a_minute_whoever_asked(running: Running, scripted: BrowserContext) -> None:
    page, address = signing(running, scripted), somebody()
    asks(page, address)
    button = page.locator("#again-form button[type=submit]")
    expect(button).to_be_disabled()
    expect(page.locator("#again-form [data-wait]")).to_contain_text("seconds")
    looks_right(page)
    page.clock.fast_forward(30_000)
    page.reload()
    expect(page.locator("#asked-for")).to_have_text(address)
    expect(button).to_be_disabled()
    sends_again(page)
    expect(page.locator("#asked-for")).to_have_text(address)
    expect(button).to_be_disabled()


@pytest.mark.parametrize("script", [True, False])
def test_a_pasted_sentence_is_a_code(running: Running, request: pytest.FixtureRequest, script: bool) -> None:
    context: BrowserContext = request.getfixturevalue("scripted" if script else "plain")
    page, address = opened(context, f"{letter_of(running)}/sign"), somebody()
    asks(page, address)
    code = running.code_for(address)
    page.locator("#code").fill(f"Your code: {code[:4]} {code[4:]}. It is valid today, until midnight UTC.")
    page.locator("#code").press("Enter")
    page.locator("#choose-form button[type=submit]").wait_for()


def test_without_a_script_a_lost_stamp_is_there_with_another_code(running: Running, plain: BrowserContext) -> None:
    """P55."""
    page, address = opened(plain, f"{letter_of(running)}/sign"), somebody()
    asks(page, address)
    page.route(
        "**/c/*/pass*", lambda route: (route.fetch(), route.fulfill(status=204))
    )  # the browser stays where it is
    with page.expect_response("**/c/*/pass*"):
        types_the_code(page, running, address)
    page.unroute("**/c/*/pass*")
    presses(page.locator("#again-form button").first)
    expect(page.locator("#asked-for")).to_have_text(address)
    presses(page.locator("[data-anew]"))
    expect(page.locator("#address")).to_have_value(address)
    asks(page, address)
    types_the_code(page, running, address)
    assert page.locator("#pass").input_value().startswith("P2.")
    assert signed(page)["w0"]
