"""Looks at pages of the dashboard on a phone and a desk, in both languages; PICTURES names a folder for what it saw."""

from __future__ import annotations

from playwright.sync_api import BrowserContext

from tests.support.looks import PHONE, Looks


class Gallery(Looks):
    """A page beside the story, of the same visitor: whatever is looked at is noted if it has a fault."""

    def __init__(self, context: BrowserContext, url: str) -> None:
        super().__init__(context.new_page())
        self.url = url
        self.page.set_viewport_size(PHONE)
        self.page.on("console", self._complaint)

    def _complaint(self, message: object) -> None:
        text = str(getattr(message, "text", ""))
        if "Content Security Policy" in text:
            self.faults[text] = [self.page.url]

    def look(self, path: str, name: str, langs: tuple[str, ...] = ("en", "fr")) -> None:
        """At a page of the dashboard as it stands now; one language is enough for a page that is looked at again."""
        for lang in langs:
            self.page.goto(f"{self.url}/organise{path}{'&' if '?' in path else '?'}lang={lang}")
            self.at(name, lang)
