"""The legal texts: a template that an organiser completes, no mark of which comes before the public."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from flask import Flask

from petition import publication
from petition.campaigns import MARK, CampaignState
from petition.config.addresses import PROJECT
from petition.core import db
from petition.organisers import Role
from tests.support.drafts import completed, draft, opened
from tests.support.omar import Omar, signed_in
from tests.support.suzie import fields, mistakes, text

NAMES = ("privacy_en", "privacy_fr", "imprint_en", "imprint_fr")
A_PLACE = re.compile(r"\*\*\[!\].*?\*\*\n\n|\[![^\]]*\]")
WORDS = json.loads((Path(__file__).parent / "data" / "legal_texts.json").read_text())
"""What the law asks for, as the templates say it, and a heading of the page."""
TEMPLATES = sorted((PROJECT / "templates" / "legal").glob("*.md"))


def templates(drafter: Omar) -> dict[str, str]:
    """The legal texts as the page offers them."""
    kept = fields(drafter.sees("~/draft/legal"))
    shown = fields(drafter.does("~/draft/legal", **{name: kept[name] for name in NAMES}, templates="yes"))
    return {name: shown[name] for name in NAMES}


def finished(texts: dict[str, str]) -> dict[str, str]:
    """The same texts, with something in each place that was marked."""
    return {name: A_PLACE.sub("Alice Example", each) for name, each in texts.items()}


def test_both_texts_are_offered_in_both_languages_marked_as_to_be_checked_by_a_lawyer(drafter: Omar) -> None:
    offered = templates(drafter)
    assert all(each.startswith(f"**{MARK}]") and ("lawyer" in each or "juriste" in each) for each in offered.values())
    assert all(each.count(MARK) > 3 for each in offered.values())


@pytest.mark.parametrize(("name", "said"), WORDS["asked"].items())
def test_the_templates_name_what_the_law_asks_for(drafter: Omar, name: str, said: list[str]) -> None:
    offered = templates(drafter)[name]
    assert [each for each in said if each not in offered] == []


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_life_span_stands_in_the_data_map_and_not_in_a_template(path: Path) -> None:
    assert len(TEMPLATES) == 4
    assert re.findall(r"\b(?:day|month|year|hour|jour|mois|année|heure)s?\b", path.read_text()) == []


def test_a_letter_with_a_mark_left_is_not_opened_and_the_checklist_says_where(app: Flask, drafter: Omar) -> None:
    completed(drafter)
    given = finished(templates(drafter)) | {"imprint_fr": templates(drafter)["imprint_fr"]}
    assert drafter.does("~/draft/legal", **given).status_code == 303
    signed_in(app, "our-letter", Role.OWNER, "Rita")
    assert "1 thing is missing" in text(drafter.sees("~/draft"))
    assert "The imprint has marked places, to be completed or checked. Français" in text(drafter.sees("~/draft"))
    refused = drafter.does("~/open")
    assert (refused.status_code, draft().state) == (409, CampaignState.DRAFT)
    drafter.does("~/draft/legal", **finished(given))
    assert opened(app, drafter).status_code == 303
    assert draft().state is CampaignState.OPEN


def test_a_letter_without_legal_texts_may_be_opened_and_is_advised(app: Flask, drafter: Omar) -> None:
    completed(drafter)
    assert "Write a privacy notice" in text(drafter.sees("~/draft"))
    assert opened(app, drafter).status_code == 303


def test_what_was_written_stays_when_the_templates_are_put_into_the_empty_fields(drafter: Omar) -> None:
    drafter.does("~/draft/legal", privacy_en="Ours.")
    assert [fields(drafter.sees("~/draft/legal"))[name] for name in NAMES] == ["Ours.", "", "", ""]
    offered = templates(drafter)
    assert offered["privacy_en"] == "Ours."
    assert all(MARK in offered[name] for name in NAMES[1:])


def test_a_public_letter_takes_no_text_with_a_mark_and_loses_nothing(app: Flask, drafter: Omar) -> None:
    completed(drafter)
    opened(app, drafter)
    marked = {"privacy_en": "Written by [! name].", "imprint_en": "Us."}
    refused = drafter.does("~/draft/legal", **marked)
    assert (refused.status_code, fields(refused)["privacy_en"]) == (422, marked["privacy_en"])
    assert mistakes(refused) == ["This letter is public: first complete or take out each place marked [!."]
    assert 'href="#privacy_en"' in refused.text
    assert draft().legal == {}
    assert app.test_client().get("/c/our-letter/legal").status_code == 404


@pytest.mark.parametrize(("lang", "heading"), WORDS["heading"].items())
def test_the_finished_texts_stand_on_a_page_that_leads_to_the_table(
    app: Flask, drafter: Omar, lang: str, heading: str
) -> None:
    completed(drafter)
    drafter.does("~/draft/legal", **finished(templates(drafter)))
    opened(app, drafter)
    with db.transaction() as session:
        publication.refresh(session, draft())
    page = app.test_client().get(f"/c/our-letter/legal?lang={lang}").text
    assert f"<h3>{heading}</h3>" in page
    assert MARK not in page
    query = "?lang=fr" * (lang == "fr")
    assert f'href="/seizure{query}#kept"' in page
    assert f'/seizure{query}#kept" rel="noopener noreferrer nofollow"' in page
