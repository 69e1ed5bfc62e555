"""How a test in a real browser looks at a page and goes on to the next: one way for all, so that none meets a page half-way.

A click comes back before the page it leads to is there. Whatever is read right after it is of the page before, or of none:
so what leads to another page is pressed by `presses`, and every look waits for the page to be whole.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from axe_playwright_python.base import AXE_SCRIPT  # type: ignore[import-untyped]
from playwright.sync_api import Locator, Page, ViewportSize

from tests.support.waiting import until

PHONE, DESK, SMALL = (
    ViewportSize(width=390, height=844),
    ViewportSize(width=1280, height=800),
    ViewportSize(width=320, height=800),
)
WIDTHS = (320, 390, 1280)
"""Of a small phone, a phone and a desk, in pixels."""
PICTURES = os.environ.get("PICTURES", "")
"""A folder for what was seen, if any."""
TOO_WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
SEEN = """async rules => ({
  faults: (await axe.run({ resultTypes: ["violations"], rules })).violations.map(each => `${each.id}: ${each.nodes[0].html}`),
  headings: document.querySelectorAll("h1").length,
  lang: document.documentElement.lang,
})"""
"""What axe finds, and what it does not look for. `rules` says which of axe's rules are not asked."""


def presses(button: Locator, key: str = "") -> None:
    """Press what leads to another page, with the mouse or by a key, and wait until that page is whole."""
    with button.page.expect_navigation():
        if key:
            button.press(key)
        else:
            button.click()


def reloads_until(page: Page, there: Callable[[], bool]) -> None:
    """Load the page again until it tells what was written a moment ago: each web process looks for news once a second."""
    if there():
        return

    def main() -> str:
        page.reload()
        return page.locator("main").inner_text()

    until("the page to tell", main, lambda _: there(), pause=0.3)


def faults(page: Page, lang: str = "", widths: Iterable[int] = (), *, contrast: bool = True) -> list[str]:
    """What is wrong with the page as it stands, in words: for a screen reader, a narrow screen, in its language.

    It must fit the screen as it is, and others of these `widths`, in pixels. The contrast of colours is half of the work,
    and the same in every language: who looks at a page twice asks for it once.
    """
    page.wait_for_load_state()
    if page.evaluate("typeof axe") == "undefined":
        page.evaluate(AXE_SCRIPT)
    seen = page.evaluate(SEEN, {} if contrast else {"color-contrast": {"enabled": False}})
    found = [*seen["faults"], *_too_wide(page, widths)]
    if seen["headings"] != 1:
        found.append(f"{seen['headings']} headings of the first rank")
    if lang and seen["lang"] != lang:
        found.append(f"in {seen['lang']}, not in {lang}")
    return found


def _too_wide(page: Page, widths: Iterable[int]) -> Iterator[str]:
    was = page.viewport_size
    assert was
    for width in dict.fromkeys((was["width"], *widths)):
        if width != was["width"]:
            page.set_viewport_size({"width": width, "height": was["height"]})
        if (wide := page.evaluate(TOO_WIDE)) > 0:
            yield f"too wide by {wide} pixels at {width}"
    if widths:
        page.set_viewport_size(was)


class Looks:
    """What was wrong with each page that was looked at, by a name and a language; nothing of those without a fault."""

    def __init__(self, page: Page, lang: str = "", widths: Iterable[int] = ()) -> None:
        self.page, self.lang, self.widths, self.faults = page, lang, tuple(widths), dict[str, list[str]]()
        self._contrast_in = dict[str, str]()
        page.add_init_script(AXE_SCRIPT)  # a third of the time that it takes to hand it over for each look

    def at(self, name: str, lang: str = "") -> None:
        """At the page as it stands now."""
        lang = lang or self.lang
        if found := faults(self.page, lang, self.widths, contrast=self._contrast_in.setdefault(name, lang) == lang):
            self.faults[f"{name} {lang}"] = found
        if PICTURES:
            self._draw(f"{name}-{lang}")

    def _draw(self, name: str) -> None:
        was = self.page.viewport_size
        for size in (PHONE, DESK):
            self.page.set_viewport_size(size)
            file = re.sub(r"\W+", "-", name)
            self.page.screenshot(path=Path(PICTURES) / f"{file}-{size['width']}.png", full_page=True)
        if was:
            self.page.set_viewport_size(was)
