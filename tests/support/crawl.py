"""Following every link of the dashboard's pages, as somebody who presses each of them once."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Final
from urllib.parse import urldefrag, urljoin, urlsplit

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.exceptions import HTTPException

from tests.support import html_rules

MOST_PAGES: Final = 300
A_PREVIEW: Final = "/draft/preview"
"""A page that says itself that its links lead nowhere yet."""
OURS: Final = ("/organise", "/c/", "/safety", "/seizure", "/static/")


class Page(HTMLParser):
    """What a page leads to: `links` by GET, `posts` by a form, and `ids` that a fragment may name."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.posts: list[str] = []
        self.ids: set[str] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note links, names of places and forms."""
        given = {key: value or "" for key, value in attrs}
        self.ids.add(given.get("id", ""))
        if tag in {"a", "link"}:
            self.links.append(given.get("href", ""))
        if tag in {"img", "iframe", "script"} and "src" in given:
            self.links.append(given["src"])
        if tag == "form":
            kept = self.posts if given.get("method") == "post" else self.links
            kept.append(given.get("action", ""))
        if "formaction" in given:
            self.posts.append(given["formaction"])


@dataclass
class Crawl:
    """A walk of one visitor over pages of `client`; `faults` says what was wrong on which page."""

    app: Flask
    client: FlaskClient
    seen: dict[str, set[str]] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def walk(self, *starts: str) -> None:
        """Follow links from some pages on, those of the dashboard as far as they lead."""
        waiting = deque(starts)
        while waiting:
            path = waiting.popleft()
            if path in self.seen:
                continue
            assert len(self.seen) < MOST_PAGES, "the dashboard has no end"
            waiting.extend(self.visit(path))

    def visit(self, path: str) -> list[str]:
        """Open one page; gives the pages that it leads to."""
        answer = self.client.get(path)
        self.seen[path] = set()
        if answer.status_code in {301, 302, 303}:
            return [urldefrag(urljoin(path, answer.headers["Location"])).url]
        if answer.status_code != 200:
            self.faults.append(f"{path}: {answer.status_code}")
        if answer.mimetype != "text/html" or not path.startswith("/organise"):
            return []
        return self.read(path, answer.text)

    def read(self, path: str, html: str) -> list[str]:
        """Check what one page offers; gives the pages that it leads to."""
        page = Page(html)
        self.seen[path] = page.ids
        mail = urlsplit(path).path.endswith("/mail.html")
        self.faults += [] if mail else [f"{path}: {fault}" for fault in html_rules.faults(html)]
        if urlsplit(path).path.endswith(A_PREVIEW):
            page.links = [link for link in page.links if not link.startswith(("/c/", "/api/"))]
        self.faults += [f"{path} posts to nothing" for action in page.posts if not self._takes(action)]
        self.faults += [f"{path} has an empty link" for link in page.links if not link]
        here = [link for link in page.links if link.startswith("#")]
        self.faults += [f"{path} has no {link}" for link in here if link[1:] not in page.ids]
        targets = [urldefrag(urljoin(path, link)).url for link in page.links if link and not link.startswith("#")]
        return [target for target in targets if urlsplit(target).path.startswith(OURS) and not urlsplit(target).netloc]

    def _takes(self, action: str) -> bool:
        """Whether a form may be posted to an address."""
        try:
            self.app.url_map.bind("localhost").match(urlsplit(action).path, method="POST")
        except HTTPException:
            return False
        return action.startswith("/organise")
