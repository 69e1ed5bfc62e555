"""What a walk leaves behind: requests and their answers, the storage of each page, what the browser writes to its disk."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, ConsoleMessage, Page, Request, Response

from petition.web.public.pages import AWAY
from tests.support.spellings import Place, files

PUBLIC = re.compile(
    r"/|/(safety|seizure)|/static/.+|/api/campaigns/[^/]+/count"
    r"|/c/[^/]+(/(signers|count|checkpoints|legal|embed|card\.png|badge\.svg|qr\.svg|qr\.png))?"
)
EMBED = re.compile(r"/c/[^/]+/embed")
BY_MAIL = re.compile(r"/mail/")
OPENERS = {"Cross-Origin-Opener-Policy": "same-origin", "X-Content-Type-Options": "nosniff"}
KEPT = """async () => ({
    local: Object.keys(localStorage), session: Object.keys(sessionStorage).filter((name) => name !== "step"), cookie: document.cookie,
    databases: await indexedDB.databases(), caches: await caches.keys(),
    workers: (await navigator.serviceWorker.getRegistrations()).map((each) => each.scope),
})"""
STEP = "sessionStorage.getItem('step')"
ICON = "document.querySelector('link[rel=icon]')?.getAttribute('href')"


@dataclass
class Watch:
    """Somebody who sees all that a browser sends, is sent, shows and keeps, from `home`, and writes down what is wrong.

    `steps` is what tabs kept of signing: ciphertext.

    `places` is where no secret may be, `links` where no subscriber's token may be: in all of that but addresses below /mail/,
    where it is at home. `away` holds the Referer of each who left by the quick exit.
    """

    home: str
    context: BrowserContext
    asked: list[Request] = field(default_factory=list)
    answers: list[Response] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    pages: list[tuple[str, str]] = field(default_factory=list)
    icons: set[tuple[str, str]] = field(default_factory=set)
    places: list[Place] = field(default_factory=list)
    cookies: list[str] = field(default_factory=list)
    links: list[Place] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    headers: list[str] = field(default_factory=list)
    away: list[str] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)
    read: int = 0

    def __post_init__(self) -> None:
        self.context.on("request", lambda request: self.asked.append(request))
        self.context.on("response", lambda answer: self.answers.append(answer))
        self.context.on("console", self._hear)
        self.context.on("weberror", lambda fault: self.refused.append(str(fault.error)))

    def _hear(self, said: ConsoleMessage) -> None:
        if "Security Policy" in said.text or "Refused to" in said.text:
            self.refused.append(said.text)

    def look(self, page: Page) -> None:
        """A page was reached: its address and title, what it stored, and all that was sent meanwhile."""
        self.pages.append((page.url, page.title()))
        self.places += [(f"address {page.url}", page.url.encode()), (f"title of {page.url}", page.title().encode())]
        self.links.append(self.places[-1])
        if page.locator("link[rel=icon]").count():
            self.icons.add((page.url, page.evaluate(ICON)))
        if step := page.evaluate(STEP):
            self.steps.append(json.loads(step)["sealed"])
        found = {**page.evaluate(KEPT), "jar": self.context.cookies()}
        self.kept += [f"{page.url}: {name} {what}" for name, what in found.items() if what]
        self.judge()

    def judge(self) -> None:
        """Read what was sent and answered since the last time."""
        fresh, self.answers = self.answers, []
        for answer in fresh:
            if not answer.url.startswith("blob:"):
                self._judge(answer)

    def _judge(self, answer: Response) -> None:
        self.read += 1
        sent, got = answer.request.all_headers(), answer.all_headers()
        where = f"{answer.request.method} {answer.url}"
        self.cookies += [f"{where}: {name}" for name in ("cookie", "set-cookie") if name in {**sent, **got}]
        self.places += [
            (f"address of {where}", answer.url.encode()),
            (f"Referer of {where}", sent.get("referer", "").encode()),
        ]
        self.links += self.places[-1:] if BY_MAIL.match(urlsplit(answer.url).path) else self.places[-2:]
        if answer.url.startswith(AWAY):
            self.away.append(sent.get("referer", ""))
        else:
            self.headers += [f"{where}: {fault}" for fault in header_faults(answer, got)]

    def sending(self, secret: str) -> list[str]:
        """Requests whose body holds a secret."""
        return [each.url for each in self.asked if secret.encode() in (each.post_data_buffer or b"")]

    def foreign(self) -> list[str]:
        """Requests to anybody else but the one that the quick exit leads to."""
        return [each.url for each in self.asked if not each.url.startswith((self.home, f"blob:{self.home}", AWAY))]


def header_faults(answer: Response, got: dict[str, str]) -> Iterator[str]:
    """What an answer's headers should say and do not."""
    path = urlsplit(answer.url).path
    policy = {name: sources for name, *sources in map(str.split, got.get("content-security-policy", "").split(";"))}
    framed = ["*"] if EMBED.fullmatch(path) else ["'none'"]
    if policy.pop("frame-ancestors", None) != framed or policy.get("default-src") != ["'none'"]:
        yield f"policy {got.get('content-security-policy')}"
    for name, sources in policy.items():
        if any("*" in each or "unsafe" in each or ":" in each for each in sources):
            yield f"{name} {sources}"
    referrer = "no-referrer" if BY_MAIL.match(path) else "same-origin"
    for name, value in {**OPENERS, "Referrer-Policy": referrer}.items():
        if got.get(name.lower()) != value:
            yield f"{name} {got.get(name.lower())}"
    public = (
        answer.request.method == "GET" and answer.status < 400 and PUBLIC.fullmatch(path) and "q=" not in answer.url
    )
    caching = got.get("cache-control", "")
    if ("public" not in caching.split(", ")) if public else (caching != "no-store"):
        yield f"Cache-Control {caching}"


def on_disk(profile: Path) -> list[Place]:
    """Every file of a browser's profile."""
    return [(str(path), data) for path, data in files(profile)]


def history(profile: Path) -> list[tuple[str, str]]:
    """Addresses and titles that a closed browser remembers."""
    with closing(sqlite3.connect(profile / "Default" / "History")) as opened:
        return [(url, title) for url, title in opened.execute("SELECT url, title FROM urls")]


def stored(profile: Path, sealed: str) -> bool:
    """Whether a browser wrote to its disk what a tab stored."""
    start = sealed[:60].encode()
    return any(start in data or start.decode().encode("utf-16-le") in data for _, data in session_files(profile))


def session_files(profile: Path) -> list[Place]:
    """The files in which Chromium keeps what tabs store."""
    return [each for each in on_disk(profile) if "Session Storage" in each[0]]


def cached(profile: Path, home: str) -> list[str]:
    """What of a site lies in a closed browser's cache."""
    return [path for path, data in on_disk(profile) if "Cache_Data" in path and home.encode() in data]
