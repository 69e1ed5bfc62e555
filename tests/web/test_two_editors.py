"""Two editors of one form: each field takes the change of who changed it, and what both changed is asked about (P56)."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from petition.campaigns import Answer, Campaign, CampaignState, UpdateDraft, find_any
from petition.core import db
from petition.organisers import Role
from tests.support.drafts import draft
from tests.support.omar import Omar, signed_in
from tests.support.suzie import Fields, text


def form(omar: Omar, at: str, nth: int = 0) -> dict[str, str]:
    """What the form of a page holds; `nth` of those with digests, if there are several."""
    shown = re.findall(r"<form.*?</form>", omar.sees(at).text, re.DOTALL)
    return typed([each for each in shown if 'name="drawn"' in each][nth])


def typable(page: TestResponse) -> dict[str, str]:
    return typed(page.text)


def typed(html: str) -> dict[str, str]:
    unchecked = set(re.findall(r'<input type="checkbox" id="[^"]*" name="([^"]*)" value="yes"(?! checked)', html))
    return {name: value for name, value in Fields(html).values.items() if name and name not in {"token", *unchecked}}


@pytest.fixture
def rita(app: Flask, drafter: Omar) -> Omar:
    """A second editor of the draft."""
    return signed_in(app, drafter.slug, Role.EDITOR, "Rita")


def test_changes_of_different_fields_are_both_kept(drafter: Omar, rita: Omar) -> None:
    drafter.does("~/draft/who", addressee="Chief", organisation="Example")
    mine, hers = form(drafter, "~/draft/who"), form(rita, "~/draft/who")
    assert rita.does("~/draft/who", **(hers | {"organisation": "Example and daughters"})).status_code == 303
    assert drafter.does("~/draft/who", **(mine | {"addressee": "Chief Executive"})).status_code == 303
    assert (draft().addressee, draft().organisation) == ("Chief Executive", "Example and daughters")


def test_a_text_that_both_changed_is_shown_twice_and_nothing_is_saved(drafter: Omar, rita: Omar) -> None:
    mine, hers = form(drafter, "~/draft/letter/en"), form(rita, "~/draft/letter/en")
    rita.does("~/draft/letter/en", **(hers | {"title": "Hers", "markdown": "Dear chief,\r\n\r\nhers."}))
    answer = drafter.does("~/draft/letter/en", **(mine | {"markdown": "Dear chief,\r\n\r\nmine."}))
    assert answer.status_code == 409
    assert "Your version Dear chief, mine. Saved by somebody else Dear chief, hers." in text(answer)
    shown = typable(answer)
    assert (shown["title"], shown["markdown"].replace("\r\n", "\n")) == ("Hers", "Dear chief,\n\nmine.")
    assert draft().letters[0].markdown == "Dear chief,\n\nhers."


@pytest.mark.parametrize(
    ("pressed", "kept"),
    [({"keep": "mine"}, "Mine."), ({"keep": "theirs"}, "Hers."), ({"markdown": "Both."}, "Both."), ({}, "Mine.")],
)
def test_the_choice_between_two_versions_is_saved(
    drafter: Omar, rita: Omar, pressed: dict[str, str], kept: str
) -> None:
    mine, hers = form(drafter, "~/draft/letter/en"), form(rita, "~/draft/letter/en")
    rita.does("~/draft/letter/en", **(hers | {"markdown": "Hers.", "title": "Her title"}))
    asked = typable(drafter.does("~/draft/letter/en", go="demands", **(mine | {"markdown": "Mine."})))
    saved = drafter.does("~/draft/letter/en", **({k: v for k, v in asked.items() if k != "keep"} | pressed))
    assert (saved.status_code, saved.headers["Location"]) == (303, "/organise/c/our-letter/draft/letter/en?saved=yes")
    assert (draft().letters[0].title, draft().letters[0].markdown) == ("Her title", kept)


def test_a_third_change_while_somebody_chooses_is_asked_about_again(drafter: Omar, rita: Omar) -> None:
    mine, hers = form(drafter, "~/draft/letter/en"), form(rita, "~/draft/letter/en")
    rita.does("~/draft/letter/en", **(hers | {"markdown": "Hers."}))
    asked = typable(drafter.does("~/draft/letter/en", **(mine | {"markdown": "Mine."})))
    rita.does("~/draft/letter/en", title="A letter", markdown="Hers, again.")
    again = drafter.does("~/draft/letter/en", **asked)
    assert again.status_code == 409
    assert "Hers, again." in text(again)


def test_a_form_that_was_only_looked_at_takes_nothing_back(drafter: Omar, rita: Omar) -> None:
    """Back after saving, or a page that stood open: what it holds is old, and nobody typed it."""
    old = form(drafter, "~/draft/letter/en")
    drafter.does("~/draft/letter/en", **(form(drafter, "~/draft/letter/en") | {"markdown": "Newer."}))
    assert drafter.does("~/draft/letter/en", **old).status_code == 303
    assert draft().letters[0].markdown == "Newer."
    assert drafter.does("~/draft/letter/en", **(old | {"markdown": "From the old page."})).status_code == 409
    del rita


def test_a_list_is_one_thing(drafter: Omar, rita: Omar) -> None:
    drafter.does("~/draft/roles", value_0="Engineer", value_1="Designer")
    mine, hers = form(drafter, "~/draft/roles"), form(rita, "~/draft/roles")
    rita.does("~/draft/roles", **(hers | {"value_0": ""}))
    answer = drafter.does("~/draft/roles", **(mine | {"value_2": "Writer"}))
    assert answer.status_code == 409
    assert {"Name 1", "Name 2", "Name 3"} <= set(re.findall(r"Name \d", text(answer)))
    assert [*draft().roles] == ["Designer"]
    asked = typable(answer)
    assert drafter.does("~/draft/roles", **{k: v for k, v in asked.items() if k != "keep"}).status_code == 303
    assert [*draft().roles] == ["Engineer", "Designer", "Writer"]


def test_boxes_and_choices_are_shown_in_words(drafter: Omar, rita: Omar) -> None:
    mine, hers = form(drafter, "~/draft/mail"), form(rita, "~/draft/mail")
    rita.does("~/draft/mail", **(hers | {"time_zone": "Europe/Paris", "neutral": "yes"}))
    answer = drafter.does("~/draft/mail", **(mine | {"time_zone": "America/New_York"}))
    assert answer.status_code == 409
    assert "Your version America/New York Saved by somebody else Europe/Paris" in text(answer)
    asked = typable(answer) | {"keep": "mine"}
    assert drafter.does("~/draft/mail", **asked).status_code == 303
    assert (draft().mailing["time_zone"], draft().mailing["neutral"]) == ("America/New_York", True)


def update() -> UpdateDraft:
    with db.session() as session:
        return session.scalars(select(UpdateDraft)).one()


def test_nothing_is_published_that_was_not_on_the_screen(app: Flask, omar: Omar) -> None:
    there = omar.does("~/updates/new", **{"text-en": "First.", "text-fr": "Premier."}).headers["Location"]
    rita, screen = signed_in(app, omar.slug, Role.EDITOR, "Rita"), form(omar, there)
    rita.does(there, **(form(rita, there) | {"text-fr": "Autre chose."}))
    answer = omar.does(f"{there}/publish", **(screen | {"text-en": "First, mine."}))
    assert answer.status_code == 409
    assert update().number is None
    asked = typable(answer)
    assert (asked["text-en"], asked["text-fr"]) == ("First, mine.", "Autre chose.")
    again = omar.does(f"{there}/publish", **{k: v for k, v in asked.items() if k != "keep"})
    assert again.status_code == 422
    assert "Nothing was done. Check it again" in text(again)
    assert update().number is None
    assert omar.does(f"{there}/publish", **typable(again)).status_code == 303
    assert (update().number, update().text) == (1, {"en": "First, mine.", "fr": "Autre chose."})


def test_two_editors_of_an_update_are_told(app: Flask, omar: Omar) -> None:
    there = omar.does("~/updates/new", **{"text-en": "First.", "text-fr": "Premier."}).headers["Location"]
    rita, screen = signed_in(app, omar.slug, Role.EDITOR, "Rita"), form(omar, there)
    rita.does(there, **(form(rita, there) | {"text-fr": "Autre chose."}))
    assert omar.does(there, do="save", **(screen | {"text-en": "First, mine."})).status_code == 303
    assert update().text == {"en": "First, mine.", "fr": "Autre chose."}
    assert omar.does(there, do="save", **(screen | {"text-fr": "Encore autre."})).status_code == 409


def campaign(slug: str) -> Campaign:
    with db.session() as session:
        found = find_any(session, slug)
        assert found
        return found


def test_an_answer_that_somebody_else_corrected_is_not_overwritten(app: Flask, omar: Omar) -> None:
    with db.transaction() as session:
        found = find_any(session, omar.slug)
        assert found
        found.state = CampaignState.DELIVERED
    rita = signed_in(app, omar.slug, Role.EDITOR, "Rita")
    mine, hers = form(omar, "~/answer", 1), form(rita, "~/answer", 1)
    assert rita.does("~/answer", **(hers | {"text-en": "Yes."})).status_code == 303
    answer = omar.does("~/answer", **(mine | {"text-en": "No."}))
    assert answer.status_code == 409
    assert "Your version No. Saved by somebody else Yes." in text(answer)
    with db.session() as session:
        assert session.get_one(Answer, campaign(omar.slug).id).text == {"en": "Yes."}


def test_a_closing_date_that_somebody_else_set_is_not_overwritten(app: Flask, omar: Omar) -> None:
    rita = signed_in(app, omar.slug, Role.OWNER, "Rita")
    mine, hers = form(omar, "~/settings"), form(rita, "~/settings")
    assert rita.does("~/settings/closing", **(hers | {"closes_at": "2099-01-01T09:00"})).status_code == 303
    assert omar.does("~/settings/closing", **(mine | {"closes_at": "2098-01-01T09:00"})).status_code == 409
    closes = campaign(omar.slug).closes_at
    assert closes
    assert closes.year == 2099
