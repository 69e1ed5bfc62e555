"""What each step of signing asks for is on the screen without scrolling, and somebody signs on a phone within a minute."""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import Browser, Locator, ViewportSize

from tests.support.installation import Running
from tests.support.looks import TOO_WIDE
from tests.support.signing import checks, letter_of, opened, signed, somebody

pytestmark = pytest.mark.xdist_group("tree")

PHONE, DESK = ViewportSize(width=390, height=844), ViewportSize(width=1280, height=900)


def lowest(field: Locator) -> float:
    """Where a field ends, from the top of a page that nobody has scrolled, and that is not wider than the screen."""
    field.page.evaluate("scrollTo(0, 0)")
    assert field.page.evaluate(TOO_WIDE) <= 0
    box = field.bounding_box()
    assert box
    return box["y"] + box["height"]


@pytest.mark.parametrize("script", [True, False])
@pytest.mark.parametrize("lang", ["en", "fr"])
@pytest.mark.parametrize("screen", [PHONE, DESK], ids=["phone", "desk"])
def test_the_first_field_of_each_step_is_above_the_fold(
    running: Running, browser: Browser, screen: ViewportSize, lang: str, script: bool
) -> None:
    with browser.new_context(viewport=screen, java_script_enabled=script) as context:
        page, address = opened(context, f"{letter_of(running)}/sign?lang={lang}"), somebody()
        ends = {"address": lowest(page.locator("#address"))}
        page.locator("#address").fill(address)
        page.locator("#address").press("Enter")
        page.locator("#code").wait_for()
        ends["code"] = lowest(page.locator("#code"))
        page.locator("#code").fill(running.code_for(address))
        page.locator("#code").press("Enter")
        page.locator("#choose-form button[type=submit]").wait_for()
        ends["choose"] = lowest(page.locator("#show-anonymous"))
        checks(page)
        ends["check"] = lowest(page.locator("#sign-now"))
        signed(page)
        ends["receipt"] = lowest(page.locator("#receipt-form button[type=submit]"))
        assert {name: end for name, end in ends.items() if end > screen["height"]} == {}


@pytest.mark.proof
def test_somebody_signs_on_a_phone_within_a_minute(running: Running, browser: Browser) -> None:
    """With a name, a role and a comment, typed as fast as people type on a phone: a letter in a quarter of a second."""
    with browser.new_context(viewport=PHONE, has_touch=True, is_mobile=True) as context:
        page = opened(context, letter_of(running))
        began = time.monotonic()
        page.locator(".act .button").tap()
        address = somebody()
        page.locator("#address").tap()
        page.keyboard.type(address, delay=250)
        page.locator("#address-form button").tap()
        page.locator("#code").wait_for()
        page.locator("#code").fill(running.code_for(address))
        page.locator("#code-form button").tap()
        page.locator("#show-name").wait_for()
        page.locator("#show-name").tap()
        page.locator("#name").tap()
        page.keyboard.type("Suzie Example", delay=250)
        signed(page)
        assert time.monotonic() - began <= 60
