"""The form of criteria: typed values, sentences beside their fields, and what was sent, to be kept in links."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest
from flask import Flask
from werkzeug.datastructures import MultiDict

from petition.ledger.entries import Removal
from petition.signatures.selection import Criteria, Shown, WithComment
from petition.usecases.removals import Days
from petition.web.dashboard.criteria import CriteriaForm
from petition.web.dashboard.removals import RemovalForm
from petition.web.forms.base import FormRefused


@pytest.fixture(autouse=True)
def _request(app: Flask) -> Iterator[None]:
    with app.test_request_context("/"):
        yield


def read(**sent: str) -> CriteriaForm:
    return CriteriaForm.read(MultiDict(sent))


def test_an_empty_form_asks_for_nothing() -> None:
    empty = read(q=" ", comment="", shown="", first="", since="", lang="fr")
    assert (empty.criteria(), empty.days()) == (Criteria(), Days())
    assert empty.given() == {"q": " "}


def test_criteria_have_values_of_their_types() -> None:
    form = read(
        q=" Zoe\u00a0 Ex ", role="Engineer", team="Platform", comment="with", shown="name", repeated="yes", first=" 2",
        last="1 000", since="2026-11-01", until="2026-11-24",
    )  # fmt: skip
    assert form.criteria() == Criteria(
        first=2, last=1000, role="Engineer", team="Platform", comment=WithComment.WITH, shown=Shown.NAME, q="Zoe Ex",
        repeated=True,
    )  # fmt: skip
    assert form.days() == Days(date(2026, 11, 1), date(2026, 11, 24))


@pytest.mark.parametrize("epoch", ["0", "7"])
def test_one_batch_stands_for_the_first_and_the_last(epoch: str) -> None:
    criteria = read(first="3", epoch=epoch).criteria()
    assert (criteria.first, criteria.last) == (int(epoch), int(epoch))


@pytest.mark.parametrize(
    ("name", "sent", "sentence"),
    [
        ("q", "a" * 81, "Use 80 characters or fewer."),
        ("role", "a" * 121, "Use 120 characters or fewer."),
        ("comment", "loud", "Choose one from the list."),
        ("shown", "all", "Choose one from the list."),
        ("first", "-1", "Enter a whole number."),
        ("last", "9" * 10, "Enter a whole number."),
        ("epoch", "x", "Enter a whole number."),
        ("since", "yesterday", "Enter a date as year-month-day, such as 2026-11-23."),
        ("until", "2026-13-01", "Enter a date as year-month-day, such as 2026-11-23."),
    ],
)
def test_what_cannot_be_read_has_a_sentence_and_is_kept_as_it_was_sent(name: str, sent: str, sentence: str) -> None:
    with pytest.raises(FormRefused) as refused:
        read(**{name: sent, "team": "Platform"})
    form = refused.value.form
    assert isinstance(form, CriteriaForm)
    assert (refused.value.errors, form.has_wrong_criteria()) == ({name: [sentence]}, True)
    assert form.given() == {name: sent, "team": "Platform"}


def test_a_removal_has_a_reason_and_what_its_preview_showed() -> None:
    form = RemovalForm.read(MultiDict({"q": "mallory", "why": "fraud", "seen": "abc", "token": "x"}))
    assert (form.why.data, form.seen.data, form.given()) == (Removal.FRAUD, "abc", {"q": "mallory"})


def test_a_missing_reason_leaves_the_criteria_as_they_are() -> None:
    with pytest.raises(FormRefused) as refused:
        RemovalForm.read(MultiDict({"q": "mallory", "why": ""}))
    form = refused.value.form
    assert isinstance(form, RemovalForm)
    assert (refused.value.errors, form.has_wrong_criteria()) == ({"why": ["Choose a reason."]}, False)
