"""A draft, and all that it needs before it can open."""

from __future__ import annotations

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from petition.campaigns import Campaign, find_any
from petition.core import db
from petition.organisers import Role
from tests.support.omar import Omar, approved, signed_in


def draft(name: str = "our-letter") -> Campaign:
    """The draft as the database has it."""
    with db.session() as session:
        found = find_any(session, name)
        assert found
        return found


def completed(omar: Omar) -> None:
    """What an opening needs, and no more."""
    omar.does("~/draft/letter/en", title="A letter", markdown="Dear chief executive,\n\nplease answer.")
    omar.does("~/draft/letter/fr", title="Une lettre", markdown="Madame, Monsieur,")
    omar.does("~/draft/demands", text_en="Answer us.", text_fr="Répondez-nous.")
    omar.does("~/draft/who", addressee="Chief Executive", organisation="Example")
    omar.does("~/draft/domains", domain="corp.example", plus="yes")


def opened(app: Flask, omar: Omar) -> TestResponse:
    """The draft is opened by two owners: one asks, and another one approves. Returns the answer to the approval."""
    signed_in(app, omar.slug, Role.OWNER, "Rita")
    asked = omar.does("~/open")
    assert (asked.status_code, asked.headers["Location"]) == (303, f"/organise/c/{omar.slug}/keys")
    return approved(app, omar)


@pytest.fixture
def drafter(app: Flask, slug: str) -> Omar:
    """Somebody with a draft of his own, begun in two languages."""
    someone = signed_in(app, slug, None)
    begun = someone.does("/organise/new", title="A letter", slug="our-letter", language="en", second="fr")
    assert (begun.status_code, begun.headers["Location"]) == (303, "/organise/c/our-letter/draft/letter/en")
    someone.slug = "our-letter"
    return someone
