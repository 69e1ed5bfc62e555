"""The form of an update: each button checks the words and its own field, and leaves the others as they were typed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from flask import Flask
from werkzeug.datastructures import MultiDict

from petition.web.dashboard.update_forms import UpdateForm
from petition.web.forms.base import FormRefused

HERE = {"languages": ["en", "fr"], "zone": ZoneInfo("Europe/Paris"), "now": datetime(2026, 11, 24, 12, 0, tzinfo=UTC)}
WORDS = {"text-en": "We met them.", "text-fr": "Nous les avons vus."}
BAD = {"due": "soon", "mail_due": "2020-01-01T10:00", "address": "a" * 3_000}


@pytest.fixture(autouse=True)
def _request(app: Flask) -> Iterator[None]:
    with app.test_request_context("/"):
        yield


def form(button: str = "text", **posted: str) -> UpdateForm:
    return UpdateForm(MultiDict({"token": "x"} | posted), meta=HERE | {"button": button})


def refused(button: str, **posted: str) -> dict[str, list[str]]:
    with pytest.raises(FormRefused) as error:
        form(button, **posted).check()
    return error.value.errors


@pytest.mark.parametrize(
    ("button", "sentence"),
    [
        ("due", "Enter a date and a time, such as 2026-11-24T18:30."),
        ("mail_due", "This time has passed."),
        ("address", "Use 500 characters or fewer."),
    ],
)
def test_a_button_refuses_its_own_field_alone_and_keeps_the_others_as_typed(button: str, sentence: str) -> None:
    assert refused(button, **WORDS, **BAD) == {button: [sentence]}
    fine = form(button, **(WORDS | BAD | {button: ""})).check()
    assert {name: fine.typed(name) for name in BAD} == BAD | {button: ""}


def test_keeping_the_words_asks_for_every_language_and_for_nothing_else() -> None:
    assert refused("text", **BAD) == {"text-en": ["Fill in this field."], "text-fr": ["Fill in this field."]}
    assert form(**WORDS, **BAD).check().text.data == {"en": "We met them.", "fr": "Nous les avons vus."}


def test_an_act_without_any_words_is_about_those_that_were_kept() -> None:
    without = form("due", due="2026-11-25T09:00").check()
    assert (without.has_words(), without.due.data) == (False, datetime(2026, 11, 25, 8, 0, tzinfo=UTC))
    without.fill_in({"en": "Kept."})
    assert [without.typed(name) for name in WORDS] == ["Kept.", ""]
    assert refused("due", **{"text-en": ""}) == {"text-en": ["Fill in this field."], "text-fr": ["Fill in this field."]}


def test_words_that_were_typed_are_not_replaced_by_those_that_were_kept() -> None:
    typed = form(**{"text-en": " Typed. ", "text-fr": ""})
    typed.fill_in({"en": "Kept.", "fr": "Gardé."})
    assert [typed.typed(name) for name in WORDS] == [" Typed. ", ""]


@pytest.mark.parametrize(("chosen", "lang"), [("fr", "fr"), ("xx", "en"), ("", "en")])
def test_a_trial_is_in_a_language_of_the_letter(chosen: str, lang: str) -> None:
    assert form("address", lang=chosen).trial_language() == lang
