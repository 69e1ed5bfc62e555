"""An app with an open campaign, and a client that sends JSON: what tests of the web start from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from flask import Flask
from flask.testing import FlaskClient

from petition.campaigns import find
from petition.config import Config
from petition.core import clock, db, events
from petition.core.events import CodeWanted, Event
from petition.core.redis_store import RedisStore
from petition.privacy import Vault, unseal_address
from petition.web.app import build
from petition.web.services import NAME, Services
from tests.support.services import OPEN_SLUG
from tests.support.slots import catch_up


@dataclass(frozen=True)
class Mailbox:
    """Code mails that left, newest last, opened as the worker would."""

    announced: list[Event]
    vault: Vault

    def sent(self) -> list[tuple[str | None, str, str]]:
        """(address or None, language, code) of each."""
        opened = [
            unseal_address(self.vault, each.sealed, clock.now())
            for each in self.announced
            if isinstance(each, CodeWanted)
        ]
        return [(each.address, each.lang, each.code[:8]) for each in opened]

    def code(self) -> str:
        """The newest code."""
        return self.sent()[-1][2]


@pytest.fixture
def app(config: Config, redis_store: RedisStore) -> Iterator[Flask]:
    """The web application on a database of its own and an emptied Redis."""
    built = build(config)
    yield built
    db.disconnect()


@pytest.fixture
def parts(app: Flask) -> Services:
    """What the app is made of."""
    found = app.extensions[NAME]
    assert isinstance(found, Services)
    return found


@pytest.fixture
def mailbox(parts: Services) -> Iterator[Mailbox]:
    """Where the app's code mails arrive."""
    announced: list[Event] = []
    events.connect(announced.append)
    yield Mailbox(announced, parts.vault)
    events.connect(lambda event: None)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A visitor."""
    return app.test_client()


@pytest.fixture
def slug(app: Flask, furnished: str) -> str:
    """The name of an open campaign, which is there from the start; a worker has just looked for batches."""
    with db.transaction() as session:
        catch_up(session, find(session, OPEN_SLUG).id, clock.now())
    return OPEN_SLUG
