"""Roles and teams stay in the order in which the organisers wrote them, wherever somebody sees them."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from sqlalchemy import create_engine, text

from petition import epochs
from petition.campaigns import find_any
from petition.config import Config
from petition.core import db, migrate
from tests import make
from tests.support.omar import Omar, signed_in
from tests.support.suzie import fields

ROLES = ("Operations", "Software engineer", "Customer care", "Branch")
FRENCH = ("Exploitation", "Ingénierie", "Service client", "Agence")


def rows(values: tuple[str, ...], labels: tuple[str, ...]) -> dict[str, str]:
    """A list as its form posts it."""
    typed = {f"value_{row}": value for row, value in enumerate(values)}
    return typed | {f"label_{row}_fr": label for row, label in enumerate(labels)}


@pytest.fixture
def omar(app: Flask) -> Omar:
    with db.transaction() as session:
        slug = make.draft(session, make.a_draft(slug="our-letter", origin="localhost/c/our-letter")).slug
    return signed_in(app, slug)


def options(html: str, name: str) -> list[str]:
    """What a list of a page offers, but for its empty choice."""
    found = re.search(rf'<select[^>]* name="{name}".*?</select>', html, re.DOTALL)
    assert found
    return [each for each in re.findall(r'<option value="([^"]*)"', found[0]) if each]


@pytest.mark.parametrize("step", ["roles", "teams"])
def test_the_order_of_a_list_holds_from_its_form_to_every_page(app: Flask, omar: Omar, step: str) -> None:
    name = step.removesuffix("s")
    other = {"roles": "teams", "teams": "roles"}[step]
    assert omar.does(f"~/draft/{step}", **rows(ROLES, FRENCH)).status_code == 303
    omar.does(f"~/draft/{other}", **rows(ROLES[:1], ()))
    shown = fields(omar.sees(f"~/draft/{step}"))
    assert [shown[f"value_{row}"] for row in range(4)] == list(ROLES)
    assert [shown[f"label_{row}_fr"] for row in range(4)] == list(FRENCH)
    with db.transaction() as session:
        draft = find_any(session, "our-letter")
        assert draft
        epochs.open_campaign(session, draft, make.NOW)
    reader = app.test_client()
    assert (reader.get("/api/campaigns/our-letter").json or {})[step] == list(ROLES)
    assert options(omar.sees("~/signers").text, name) == list(ROLES)
    assert options(omar.sees("~/removals/new").text, name) == list(ROLES)
    for lang, labels in (("en", ROLES), ("fr", FRENCH)):
        page = reader.get(f"/c/our-letter/sign?lang={lang}").text
        assert options(page, name) == list(ROLES)
        places = [page.index(f">{label}</option>") for label in labels]
        assert places == sorted(places)


def test_another_order_of_the_same_roles_is_saved(omar: Omar) -> None:
    omar.does("~/draft/roles", **rows(ROLES, FRENCH))
    omar.does("~/draft/roles", **rows(ROLES[::-1], FRENCH[::-1]))
    shown = fields(omar.sees("~/draft/roles"))
    assert [shown[f"value_{row}"] for row in range(4)] == list(ROLES[::-1])


def test_a_duplicate_has_the_order_too(omar: Omar) -> None:
    omar.does("~/draft/roles", **rows(ROLES, FRENCH))
    omar.does("~/duplicate", slug="again")
    omar.slug = "again"
    assert [fields(omar.sees("~/draft/roles"))[f"value_{row}"] for row in range(4)] == list(ROLES)


def test_texts_of_an_update_stand_in_the_order_of_the_letters_languages(app: Flask) -> None:
    with db.transaction() as session:
        letters = {"fr": ("Une lettre", "Madame,\n"), "en": ("A letter", "Dear,\n")}
        slug = make.campaign(session, letters=letters, demands=[{"en": "One", "fr": "Un"}]).slug
    omar = signed_in(app, slug)
    at = omar.does("~/updates/new", **{"text-en": "English words.", "text-fr": "Mots français."}).headers["Location"]
    omar.does(f"{at}/publish", due="2099-01-01T10:00")
    page = omar.sees(at).text
    assert page.index("Mots français.") < page.index("English words.")


def test_the_tables_go_up_and_down_with_their_rows(app: Flask, config: Config, omar: Omar) -> None:
    omar.does("~/draft/roles", **rows(ROLES, FRENCH))
    before = "SELECT roles::jsonb, teams::jsonb FROM campaign"
    engine = create_engine(config.owner_database_url)
    with engine.connect() as connection:
        kept = connection.execute(text(before)).all()
    db.engine().dispose()
    migrate.downgrade(config.owner_database_url, "0006")
    with engine.connect() as connection:
        assert connection.execute(text(before)).all() == kept
        assert connection.execute(text("SELECT pg_typeof(roles)::text FROM campaign")).scalar() == "jsonb"
    migrate.upgrade(config.owner_database_url)
    with engine.connect() as connection:
        assert connection.execute(text(before)).all() == kept
        assert connection.execute(text("SELECT pg_typeof(roles)::text FROM campaign")).scalar() == "json"
    engine.dispose()
