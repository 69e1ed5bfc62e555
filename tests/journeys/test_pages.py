"""Every public page in a real browser: accessible, narrow, without a cookie and without a third party."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser

from tests.support.installation import Running
from tests.support.looks import SMALL, Looks, presses
from tests.support.walks import BY_MAIL

pytestmark = pytest.mark.xdist_group("tree")

PAGES = (
    "/c/ice-letter",
    "/c/ice-letter/signers",
    "/c/ice-letter/signers?q=alice",
    "/c/ice-letter/count",
    "/c/ice-letter/sign",
    "/c/ice-letter/receipt",
    "/c/ice-letter/withdraw",
    "/c/ice-letter/subscribe",
    "/c/ice-letter/embed",
    "/mail/confirm/cut",
    "/safety",
    "/seizure",
    "/dev/inbox",
    "/nothing-here",
)


@pytest.mark.parametrize(
    ("lang", "scheme"),
    [
        ("en", "light"),
        ("fr", "dark"),
        pytest.param("en", "dark", marks=pytest.mark.proof),
        pytest.param("fr", "light", marks=pytest.mark.proof),
    ],
)
def test_no_page_has_an_accessibility_fault_or_is_too_wide_or_leaves_home(
    running: Running, browser: Browser, lang: str, scheme: str
) -> None:
    """P32, P38: at 320 px, in both languages, light and dark."""
    context = browser.new_context(viewport=SMALL, color_scheme=scheme)
    page, foreign = context.new_page(), []
    page.on("request", lambda request: foreign.append(request.url) if not request.url.startswith(running.url) else None)
    look = Looks(page, lang)
    for path in PAGES:
        page.goto(f"{running.url}{path}{'&' if '?' in path else '?'}lang={lang}")
        assert page.title()
        look.at(path)
    cookies = context.cookies()
    context.close()
    assert (look.faults, cookies, foreign) == ({}, [], [])


@pytest.mark.parametrize(("lang", "scheme"), [("en", "dark"), ("fr", "light")])
def test_a_reader_subscribes_confirms_changes_and_leaves(
    running: Running, browser: Browser, lang: str, scheme: str
) -> None:
    """P38 on pages that only a mail leads to, from the mail as it looks; its links lead out of the sandbox."""
    context = browser.new_context(viewport=SMALL, color_scheme=scheme)
    page = context.new_page()
    look = Looks(page, lang)
    page.goto(f"{running.url}/c/ice-letter/subscribe?lang={lang}")
    page.locator("#address").fill("suzie@salesforce.example")
    presses(page.locator("main button"))
    look.at("to mend")
    page.locator("#address").fill(f"suzie-{lang}@post.example")
    presses(page.locator("main button"))
    look.at("asked")
    page.goto(f"{running.url}/dev/inbox")
    mail = page.locator(".mails > li", has_text=f"suzie-{lang}@post.example")
    presses(mail.locator("a[href^='/dev/inbox/']"))
    presses(page.locator("a[href*='/mail/confirm/']").first)
    for name, button in BY_MAIL:
        look.at(name)
        presses(page.locator(button))
    assert page.url.startswith(f"{running.url}/c/ice-letter")
    cookies = context.cookies()
    context.close()
    assert (look.faults, cookies) == ({}, [])


def test_the_letter_can_be_read_without_javascript_and_by_keyboard(running: Running, browser: Browser) -> None:
    """P38."""
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{running.url}/")
    page.keyboard.press("Tab")
    assert page.locator(":focus").get_attribute("href") == "#main"
    assert page.locator("ol li").count() >= 3
    assert "Alice Example" in page.content()
    presses(page.get_by_role("link", name="Français"))
    assert page.locator("html").get_attribute("lang") == "fr"
    context.close()
