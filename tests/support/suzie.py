"""Somebody at a browser without a script, her mailbox, and how a page reads to her. The fixture is `suzie`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import unescape
from html.parser import HTMLParser

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from petition import epochs
from petition.campaigns import Campaign, OpenCampaign, find
from petition.config import Config
from petition.core import clock, db, events
from petition.core.encoding import b64u, unb64u
from petition.core.events import CodeWanted, Event
from petition.core.redis_store import RedisStore
from petition.ledger.merkle import leaf_hash
from petition.privacy import unseal_address
from petition.signatures import SignatureState, status_of
from petition.web.app import build
from petition.web.services import services
from tests import make

SUZIE = "suzie@corp.example"
SENTENCE = re.compile(r"\s+")


class Fields(HTMLParser):
    """What the forms of a page would send: values by name, the first of each, chosen options included."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.values: dict[str, str] = {}
        self._area = self._select = ""
        self._depth = 0
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep what the form holds already."""
        given = {key: value or "" for key, value in attrs}
        self._depth += tag == "template"
        if self._depth:
            return
        name = given.get("name", "")
        if tag == "textarea":
            self._area, self.values[name] = name, ""
        if tag == "select":
            self._select, self.values[name] = name, ""
        if tag == "option" and "selected" in given:
            self.values[self._select] = given["value"]
        if tag == "input" and name and (given["type"] != "radio" or "checked" in given):
            self.values.setdefault(name, given.get("value", ""))

    def handle_endtag(self, tag: str) -> None:
        """Close a text area or a template."""
        self._depth -= tag == "template"
        if tag == "textarea":
            self._area = ""

    def handle_data(self, data: str) -> None:
        """Keep what stands in a text area."""
        if self._area and not self._depth:
            self.values[self._area] += data.removeprefix("\n")


@dataclass
class Suzie:
    """Somebody at a browser without a script, and her mailbox."""

    client: FlaskClient
    slug: str
    codes: list[str] = field(default_factory=list)
    long_codes: list[str] = field(default_factory=list)
    lang: str = "en"

    def get(self, page: str) -> TestResponse:
        """A page of the campaign."""
        return self.client.get(f"/c/{self.slug}/{page}", query_string={"lang": self.lang})

    def post(self, page: str, **typed: object) -> TestResponse:
        """The answer to one of the campaign's forms."""
        return self.client.post(f"/c/{self.slug}/{page}", query_string={"lang": self.lang}, data=typed)

    def asks_for_a_code(self, address: str = SUZIE) -> dict[str, str]:
        """The fields of the page on which she types her code."""
        return fields(self.post("verify", address=address))

    def chooses(self, address: str = SUZIE) -> TestResponse:
        """The page on which she chooses what is shown, with her pass."""
        asked = self.asks_for_a_code(address)
        return self.post("pass", **(asked | {"code": self.codes[-1]}))

    def gets_a_pass(self, address: str = SUZIE) -> str:
        """A pass, as the page holds it."""
        return fields(self.chooses(address))["pass"]

    def signs(self, **wish: str) -> str:
        """Sign; the receipt."""
        done = self.post("sign", **({"pass": self.gets_a_pass(), "show": "anonymous"} | wish))
        assert done.status_code == 200, text(done)
        return fields(done)["receipt"]


@pytest.fixture
def suzie(config: Config, redis_store: RedisStore) -> Iterator[Suzie]:
    """Somebody at an open campaign, with a mailbox that gets its codes."""
    app = build(config)
    with db.transaction() as session:
        slug = make.campaign(session, origin="localhost/c/letter").slug
    with app.test_client() as client, app.app_context():
        her = Suzie(client, slug)
        vault = services().vault

        def deliver(event: Event) -> None:
            if isinstance(event, CodeWanted):
                code = unseal_address(vault, event.sealed, clock.now()).code
                her.codes.append(code[:8])
                her.long_codes.append(code)

        events.connect(deliver)
        yield her
        events.connect(lambda _: None)


def fields(page: TestResponse) -> dict[str, str]:
    """The fields of a page that a browser would send back."""
    return Fields(page.text).values


def text(page: TestResponse) -> str:
    """The page's words."""
    shown = re.sub(r"<template.*?</template>", "", page.text, flags=re.DOTALL)
    return SENTENCE.sub(" ", unescape(re.sub(r"<[^>]+>", " ", shown)))


def mistakes(page: TestResponse) -> list[str]:
    """The sentences of the summary."""
    summary = re.search(r'<div class="errors"[^>]*>(.*?)</div>', page.text, re.DOTALL)
    return [unescape(each) for each in re.findall(r"<li>(?:<a[^>]*>)?([^<]+)", summary[1])] if summary else []


def found_by(receipt: str) -> dict[str, str]:
    """What a script sends of a receipt to find its signature: all but the secret."""
    kept = json.loads(receipt)
    return {"leaf": b64u(leaf_hash(kept["entry"].encode())), "ticket": kept["ticket"]}


def campaign_of(suzie: Suzie) -> Campaign:
    """Her campaign as the database has it."""
    with db.session() as session:
        return find(session, suzie.slug)


def close_an_epoch(suzie: Suzie) -> None:
    """Write the batch in which she waits."""
    with db.transaction() as session:
        epochs.close_epoch(session, find(session, suzie.slug), make.NOW)


def state_of(suzie: Suzie, receipt: str) -> SignatureState:
    """Where a receipt's signature stands."""
    w0 = json.loads(receipt)["w0"]
    with db.session() as session:
        return status_of(session, OpenCampaign.of(campaign_of(suzie)), unb64u(w0, 32)).state
