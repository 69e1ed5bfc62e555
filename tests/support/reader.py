"""A reader with a mailbox: asks for mail, and holds the links of the mails that came. The fixture is `reader`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from petition.core import clock, db
from petition.mail import ListPostbox, Message
from petition.mailing.digests import Sender
from petition.mailing.queue import Delivery
from petition.mailing.subscribers import Purpose, Subscriber, links
from tests import make
from workers.loops.sending import send_round

ADDRESS = "suzie@post.example"
SECRET = "s" * 32


@dataclass
class Reader:
    """Somebody at a browser without a script, and her mailbox."""

    client: FlaskClient
    slug: str
    postbox: ListPostbox

    def asks(self, address: str = ADDRESS, **typed: str) -> TestResponse:
        """The answer to the form that asks for mail."""
        given = {"address": address, "rhythm": "weekly", "lang": "en"} | typed
        return self.client.post(f"/c/{self.slug}/subscribe", data=given)

    def calls(self, address: str = ADDRESS, **typed: str) -> TestResponse:
        """The answer to the JSON call that asks for mail."""
        given = {"address": address, "rhythm": "weekly", "lang": "en"} | typed
        return self.client.post(f"/api/campaigns/{self.slug}/subscribe", json=given)

    def mails(self) -> list[Message]:
        """What has come so far, after a look at what is due."""
        sender = Sender(self.postbox, "http://localhost", SECRET, make.PEPPER, "letters@undersigned.example", 0)
        send_round(sender, lambda: clock.now() + timedelta(seconds=1), most=100)
        return self.postbox.sent

    def link(self, purpose: Purpose, address: str = ADDRESS) -> str:
        """The path of a link to whoever has subscribed; there is one subscriber."""
        return f"/mail/{purpose}/{links.made(SECRET, purpose, subscriber().id)}"

    def is_on_the_list(self) -> Reader:
        """Ask and confirm."""
        self.asks()
        self.client.post(self.link(Purpose.CONFIRM))
        return self


def subscriber() -> Subscriber:
    """The only one."""
    with db.session() as session:
        return session.scalars(select(Subscriber)).one()


def everything() -> list[tuple[object, ...]]:
    """All that a subscriber could change: who is on the list, what is to be sent."""
    with db.session() as session:
        readers = session.execute(select(Subscriber.__table__).order_by(Subscriber.id)).all()
        planned = session.execute(select(Delivery.__table__).order_by(Delivery.kind, Delivery.recipient)).all()
        return [tuple(each) for each in (*readers, *planned)]


@pytest.fixture
def reader(app: Flask) -> Iterator[Reader]:
    """Somebody at an open campaign whose mails wait for no hour."""
    with db.transaction() as session:
        slug = make.campaign(session, mailing={"quiet_from": 0, "quiet_to": 0}).slug
    with app.test_client() as client:
        yield Reader(client, slug, ListPostbox())
