"""Somebody who polls every address while one person acts, and what that person does.

Addresses come from the URL map, so a new route is watched by itself; a route with a part that has no value here fails.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Final

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from petition.core import clock, db
from petition.core.outbox import OutboxItem, OutboxKind
from petition.mailing.subscribers import Purpose, Subscriber, links
from petition.web.services import services
from tests.support.public_pages import a_second_passes
from tests.support.suzie import Suzie, fields
from workers.loops import bundles
from workers.tasks import ledger, upkeep

PART: Final = re.compile(r"<(?:\w+:)?(\w+)>")
UNWATCHED: Final = frozenset({"Date", "Set-Cookie"})
"""Headers that say when an answer was made, or who is signed in."""

Seen = dict[str, tuple[int, tuple[tuple[str, str], ...], bytes]]


@dataclass(frozen=True)
class Places:
    """What addresses are made of: a value for each part of a route, and further addresses of it with a query."""

    values: Mapping[str, str]
    queries: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    left_out: Mapping[str, str] = field(default_factory=dict)

    def of(self, rules: Iterable[Rule]) -> list[str]:
        """Every address of these routes. A part without a value is a mistake of the test."""
        found = []
        for rule in rules:
            if "GET" in (rule.methods or ()) and rule.endpoint not in self.left_out:
                path = PART.sub(lambda part: self.values[part[1]], rule.rule)
                found += [path, *(f"{path}?{query}" for query in ("lang=fr", *self.queries.get(rule.endpoint, ())))]
        return found


@dataclass
class Watcher:
    """Polls addresses. `mask` takes out of an answer what is drawn anew for each."""

    client: FlaskClient
    addresses: list[str]
    mask: Callable[[bytes], bytes] = bytes

    def polls(self) -> Seen:
        """Status, headers and bytes of every address, as if a second had passed since the last look."""
        a_second_passes(self.client.application)
        return {address: self._looks(self.client.get(address)) for address in self.addresses}

    def _looks(self, answer: TestResponse) -> tuple[int, tuple[tuple[str, str], ...], bytes]:
        body = self.mask(answer.data)
        # What is masked also changes the length.
        unwatched = UNWATCHED if body == answer.data else {*UNWATCHED, "Content-Length"}
        headers = tuple((name, value) for name, value in answer.headers if name not in unwatched)
        return answer.status_code, headers, body


def moved(before: Seen, after: Seen) -> list[str]:
    """The addresses whose answer changed."""
    return [address for address in before if before[address] != after[address]]


def differences(before: Seen, after: Seen) -> list[str]:
    """The addresses whose answer changed, each with the lines that are gone and new."""
    found = []
    for address in moved(before, after):
        old, new = (repr(each[address][:2]) + each[address][2].decode(errors="replace") for each in (before, after))
        lines = difflib.unified_diff(old.splitlines(), new.splitlines(), lineterm="", n=0)
        found.append("\n".join([address, *[line[:300] for line in lines][2:]]))
    return found


def workers_do_their_rounds(home: Path) -> None:
    """What the workers do within a minute or an hour, but the scrub, which touches no figure."""
    ledger.close_epochs()
    ledger.keep_calendar()
    upkeep.count_day()
    upkeep.purge()
    with db.session() as session:
        waiting = list(session.scalars(select(OutboxItem.id).where(OutboxItem.kind == OutboxKind.BUNDLE)))
    for each in waiting:
        bundles.publish_bundle(str(each), home, clock.now())


_addresses: Iterator[int] = count(1)


def somebody() -> str:
    """A work address that nobody used before."""
    return f"watched{next(_addresses)}@corp.example"


@dataclass
class Acts:
    """What one person does, by the pages. Receipts are those of signatures that a batch took."""

    suzie: Suzie
    logged: list[str]

    def every(self) -> dict[str, Callable[[], object]]:
        """Every act that must not be seen before the next slot, in this order."""
        return {
            "asks for a code": lambda: self.suzie.asks_for_a_code(somebody()),
            "gets a pass": lambda: self.suzie.gets_a_pass(somebody()),
            "signs": lambda: self.signs(),
            "signs by name": lambda: self.signs(show="name", name="Watched Example", role="Engineer", comment="Hello"),
            "withdraws": lambda: self.takes_back("withdraw", self.logged.pop()),
            "hides what was not shown": lambda: self.takes_back("hide", self.logged.pop()),
            "asks to be shown by name": lambda: self.is_shown(self.logged.pop(), "Suddenly Example"),
            "hides while waiting": lambda: self.takes_back("hide", self.signs(show="name", name="Hidden Example")),
            "withdraws while waiting": lambda: self.takes_back("withdraw", self.signs()),
            "asks for mail": self.asks_for_mail,
            "confirms": lambda: self.follows(Purpose.CONFIRM),
            "pauses mail": lambda: self.follows(Purpose.SETTINGS, act="pause"),
            "unsubscribes": lambda: self.follows(Purpose.UNSUBSCRIBE),
        }

    def signs(self, **wish: str) -> str:
        """Get a pass and sign; the receipt."""
        done = self.suzie.post("sign", **({"pass": self.suzie.gets_a_pass(somebody()), "show": "anonymous"} | wish))
        assert done.status_code == 200
        return fields(done)["receipt"]

    def takes_back(self, page: str, receipt: str) -> None:
        """Withdraw or hide, with a receipt."""
        assert json.loads(receipt)
        assert self.suzie.post(page, receipt=receipt).status_code == 200

    def is_shown(self, receipt: str, name: str) -> None:
        """Change an anonymous signature to one with a name."""
        assert self.suzie.post("amend", receipt=receipt, show="name", name=name).status_code == 200

    def asks_for_mail(self) -> None:
        """Subscribe, without a puzzle."""
        asked = self.suzie.post("subscribe", address="reader@post.example", rhythm="daily", lang="en")
        assert asked.status_code == 200

    def follows(self, purpose: Purpose, **typed: str) -> None:
        """Follow a link of a mail and press its button."""
        with db.session() as session:
            subscriber = session.scalars(select(Subscriber).where(Subscriber.sealed != b"")).one()
        path = f"/mail/{purpose}/{links.made(services().config.secret_key, purpose, subscriber.id)}"
        assert self.suzie.client.post(path, data=typed).status_code == 200


def routes(app: Flask, *, dashboard: bool) -> list[Rule]:
    """The routes of the dashboard, or all others."""
    return [rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/organise") is dashboard]
