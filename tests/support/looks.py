"""How a test in a real browser looks at a page and goes on to the next: one way for all, so that none meets a page half-way.

A click comes back before the page it leads to is there. Whatever is read right after it is of the page before, or of none:
so what leads to another page is pressed by `presses`, and every look waits for the page to be whole.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Locator, Page, ViewportSize

PHONE, DESK, SMALL = (
    ViewportSize(width=390, height=844),
    ViewportSize(width=1280, height=800),
    ViewportSize(width=320, height=800),
)
PICTURES = os.environ.get("PICTURES", "")
"""A folder for what was seen."""
TOO_WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
AXE = Axe()


def presses(button: Locator, key: str = "") -> None:
    """Press what leads to another page, with the mouse or by a key, and wait until that page is whole."""
    with button.page.expect_navigation():
        if key:
            button.press(key)
        else:
            button.click()


def reloads_until(page: Page, there: Callable[[], bool], seconds: float = 60) -> None:
    """Load the page again until it tells what was written a moment ago: each web process looks for news once a second."""
    end = time.monotonic() + seconds
    while not there():
        assert time.monotonic() < end, page.locator("main").inner_text()
        page.wait_for_timeout(300)
        page.reload()


def faults(page: Page, lang: str = "") -> list[str]:
    """What is wrong with the page as it stands, in words: for a screen reader, a narrow screen, in its language."""
    page.wait_for_load_state()
    found = [f"{each['id']}: {each['nodes'][0]['html']}" for each in AXE.run(page).response["violations"]]
    wide, headings = page.evaluate(TOO_WIDE), page.locator("h1").count()
    spoken = page.locator("html").get_attribute("lang")
    if wide > 0:
        found.append(f"too wide by {wide} pixels")
    if headings != 1:
        found.append(f"{headings} headings of the first rank")
    if lang and spoken != lang:
        found.append(f"in {spoken}, not in {lang}")
    return found


class Looks:
    """What was wrong with each page that was looked at, by a name for it; nothing of those without a fault."""

    def __init__(self, page: Page, lang: str = "") -> None:
        self.page, self.lang, self.faults = page, lang, dict[str, list[str]]()

    def at(self, name: str, lang: str = "") -> None:
        """At the page as it stands now."""
        if found := faults(self.page, lang or self.lang):
            self.faults[name] = found
        if PICTURES:
            self._draw(f"{name}-{lang or self.lang}")

    def _draw(self, name: str) -> None:
        was = self.page.viewport_size
        for size in (PHONE, DESK):
            self.page.set_viewport_size(size)
            file = re.sub(r"\W+", "-", name)
            self.page.screenshot(path=Path(PICTURES) / f"{file}-{size['width']}.png", full_page=True)
        if was:
            self.page.set_viewport_size(was)
