"""/.well-known/security.txt (RFC 9116): where to report a fault, as the operator says."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from flask.testing import FlaskClient

from petition.config import Config
from petition.core import clock
from petition.web.app import build

PATH = "/.well-known/security.txt"


def test_the_contacts_stand_in_their_order_with_an_end_in_half_a_year(config: Config) -> None:
    contacts = ("mailto:security@letters.example", "https://letters.example/report")
    answer = build(replace(config, security_contacts=contacts)).test_client().get(PATH)
    assert (answer.status_code, answer.content_type) == (200, "text/plain; charset=utf-8")
    fields = [line.split(": ", 1) for line in answer.text.splitlines()]
    assert [value for name, value in fields if name == "Contact"] == [*contacts]
    named = dict(fields)
    assert named["Canonical"] == f"{config.base_url}{PATH}"
    assert named["Preferred-Languages"] == "en, fr"
    expires = datetime.strptime(named["Expires"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    assert timedelta(days=179) <= expires - clock.now() <= timedelta(days=180)
    assert answer.headers["Cache-Control"] == "public, max-age=3600"


def test_without_a_contact_there_is_no_such_page(client: FlaskClient) -> None:
    """RFC 9116 demands a contact."""
    assert client.get(PATH).status_code == 404
