"""Every public page in a real browser: accessible, narrow, without a cookie and without a third party."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from tests.journeys.tree import Running

pytestmark = pytest.mark.xdist_group("tree")

PAGES = (
    "/c/ice-letter",
    "/c/ice-letter/signers",
    "/c/ice-letter/signers?q=alice",
    "/c/ice-letter/count",
    "/c/ice-letter/sign",
    "/c/ice-letter/receipt",
    "/c/ice-letter/withdraw",
    "/safety",
    "/seizure",
    "/dev/inbox",
    "/nothing-here",
)


@pytest.mark.parametrize("lang", ["en", "fr"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_page_has_an_accessibility_fault_or_is_too_wide_or_leaves_home(
    running: Running, browser: Browser, lang: str, scheme: str
) -> None:
    """P32, P38: at 320 px, in both languages, light and dark."""
    context = browser.new_context(viewport={"width": 320, "height": 800}, color_scheme=scheme)
    page, foreign = context.new_page(), []
    page.on("request", lambda request: foreign.append(request.url) if not request.url.startswith(running.url) else None)
    faults = {}
    for path in PAGES:
        page.goto(f"{running.url}{path}{'&' if '?' in path else '?'}lang={lang}")
        assert page.title()
        assert page.locator("h1").count() == 1
        assert page.locator("html").get_attribute("lang") == lang
        width = page.evaluate("document.documentElement.scrollWidth")
        found = Axe().run(page).response["violations"]
        if found or width > 320:
            faults[path] = (width, [f"{each['id']}: {each['nodes'][0]['html']}" for each in found])
    cookies = context.cookies()
    context.close()
    assert (faults, cookies, foreign) == ({}, [], [])


def test_the_letter_can_be_read_without_javascript_and_by_keyboard(running: Running, browser: Browser) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{running.url}/")
    page.keyboard.press("Tab")
    assert page.locator(":focus").get_attribute("href") == "#main"
    assert page.locator("ol li").count() >= 3
    assert "Alice Example" in page.content()
    page.get_by_role("link", name="Français").click()
    assert page.locator("html").get_attribute("lang") == "fr"
    context.close()
