"""An organiser at a browser without a script: signed in, with a form's token. The fixture is `omar`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from petition import organisers
from petition.campaigns import find_any
from petition.core import clock, db
from petition.organisers import Role
from petition.web.dashboard.access import COOKIE


@dataclass
class Omar:
    """Somebody who organises `slug`."""

    client: FlaskClient
    slug: str
    organiser_id: bytes

    def sees(self, path: str) -> TestResponse:
        """A page; `~` stands for the campaign's part of the dashboard."""
        return self.client.get(self._at(path))

    def does(self, path: str, **typed: str) -> TestResponse:
        """A form that is posted, with its token."""
        return self.client.post(self._at(path), data={"token": self.token()} | typed)

    def searches(self, path: str) -> TestResponse:
        """A search, written as an address with a query; it is sent as a form, so that no address holds a name."""
        address, _, query = path.partition("?")
        return self.does(address.replace("/removals/new", "/removals/new/preview"), **dict(parse_qsl(query)))

    def token(self) -> str:
        """The token that his forms carry."""
        found = re.search(r'name="token" value="([0-9a-f]{64})"', self.client.get("/organise").text)
        assert found
        return found[1]

    def _at(self, path: str) -> str:
        return path.replace("~", f"/organise/c/{self.slug}")


def signed_in(app: Flask, slug: str, role: Role | None = Role.OWNER, name: str = "Omar") -> Omar:
    """An organiser with a role in a campaign, or in none, who came in by a link that works once."""
    with db.transaction() as session:
        found = find_any(session, slug)
        someone = organisers.named(session, name) or organisers.enrol(session, name, "en", clock.now())
        if role is not None:
            assert found
            organisers.join(session, found.id, someone.id, role, clock.now())
        link = organisers.let_in(session, someone.id, clock.now())
    client = app.test_client()
    entered = client.post(f"/organise/enter/{link}")
    assert entered.status_code == 303
    assert entered.headers["Set-Cookie"].startswith(f"{COOKIE}=")
    return Omar(client, slug, someone.id)


def approved(app: Flask, omar: Omar, name: str = "Rita") -> TestResponse:
    """Another owner comes and approves the only request that waits."""
    rita = signed_in(app, omar.slug, Role.OWNER, name)
    found = re.findall(r'action="[^"]*/keys/approve".*?name="id" value="([0-9a-f]+)"', rita.sees("~/keys").text)
    assert len(found) == 1
    return rita.does("~/keys/approve", id=found[0])


@pytest.fixture
def omar(app: Flask, slug: str) -> Omar:
    """The owner of an open campaign."""
    return signed_in(app, slug)
