"""The fields of our forms: what each makes of a text, what it refuses and with which sentence, and what stays typed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from flask import Flask, Response, g, render_template_string
from werkzeug.datastructures import MultiDict
from wtforms.validators import DataRequired, Length, NumberRange, Optional

from petition.core.encoding import b64u
from petition.organisers import LastOwner, NameTaken
from petition.web.forms import fields
from petition.web.forms.base import BaseForm, FormRefused
from petition.web.forms.filters import code_in
from petition.web.forms.redraw import redraw
from petition.web.forms.validators import in_future, no_link, not_in_future, visible, visible_lines, web_page
from petition.web.language import lazy_gettext

HERE = {"languages": ("en", "fr"), "zone": ZoneInfo("Europe/Paris"), "now": datetime(2026, 11, 24, 23, 30, tzinfo=UTC)}


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class EveryForm(BaseForm):
    """A field of each kind."""

    value = fields.StringField(validators=[Length(max=5)])
    name = fields.LineField("Your name", [DataRequired(), Length(max=10), visible, no_link], description="As it is.")
    letter = fields.TextAreaField(validators=[Length(max=20), visible_lines])
    code = fields.CodeField()
    ticked = fields.BooleanField()
    number = fields.IntegerField(validators=[NumberRange(1, 100)])
    any_number = fields.IntegerField(default=7, validators=[Optional()])
    colour = fields.SelectField(choices=Colour, labels={Colour.RED: "Owner"})
    maybe_colour = fields.RadioField(choices=Colour, validators=[Optional()])
    zone = fields.SelectField(choices=["UTC", "Europe/Paris"])
    day = fields.DateField(validators=[not_in_future])
    moment = fields.DateTimeLocalField(validators=[Optional(), in_future])
    key = fields.Base64Field(length=4)
    item = fields.HexField()
    link = fields.StringField(validators=[web_page])
    text = fields.TranslatedField(fields.TextAreaField(validators=[DataRequired(), Length(max=5)]))
    rows = fields.FieldList(fields.LineField(validators=[Length(max=5)]), name="value", separator="_")
    labels = fields.FieldList(
        fields.TranslatedField(fields.LineField(validators=[Length(max=5)]), separator="_"), name="label", separator="_"
    )


GOOD = {
    "value": " a ", "name": " Zoe\u00a0 Ex ", "letter": "one\r\ntwo\r", "code": "١٢٣٤-5678", "ticked": "yes", "number": " 1 0 ",
    "colour": "red", "zone": "UTC", "day": "2026-11-25", "moment": "2026-11-25T09:00", "key": b64u(b"keys"), "item": "ff00",
    "link": "https://news.example/a", "text-en": "yes", "text-fr": "oui",
}  # fmt: skip


@pytest.fixture(autouse=True)
def _request(app: Flask) -> Iterator[None]:
    with app.test_request_context("/"):
        yield


def read(**posted: str) -> EveryForm:
    return EveryForm.read(MultiDict(GOOD | posted), **HERE)


def refused(**posted: str) -> dict[str, list[str]]:
    with pytest.raises(FormRefused) as error:
        read(**posted)
    return error.value.errors


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("value", "a"), ("name", "Zoe Ex"), ("letter", "one\ntwo"), ("code", "12345678"), ("ticked", True), ("number", 10),
        ("any_number", 7), ("colour", Colour.RED), ("maybe_colour", None), ("zone", "UTC"), ("day", date(2026, 11, 25)),
        ("moment", datetime(2026, 11, 25, 8, 0, tzinfo=UTC)), ("key", b"keys"), ("item", b"\xff\x00"),
        ("link", "https://news.example/a"), ("text", {"en": "yes", "fr": "oui"}),
    ],
)  # fmt: skip
def test_a_field_gives_a_value_of_its_type(name: str, value: Any) -> None:
    form = read()
    assert form[name].data == value
    assert type(form[name].data) is type(value)


@pytest.mark.parametrize(
    ("name", "typed", "sentence"),
    [
        ("value", "abcdef", "Use 5 characters or fewer."),
        ("value", "a" * 21, "Use 5 characters or fewer."),
        ("name", "", "Fill in this field."),
        ("name", " \u00a0 ", "Fill in this field."),
        ("name", "a\u200bb", "This text contains characters that cannot be seen. Type it instead of pasting it."),
        ("name", "www.a.b", "Enter a name, without a link or an address."),
        ("name", "a" + "\u0315\u0300" * 5, "One letter has more than 8 accents or other marks. Remove some of them."),
        ("letter", "a\x07", "This text contains characters that cannot be seen. Type it instead of pasting it."),
        ("code", "", "A code has eight digits, and a long code sixteen."),
        ("code", "123456789", "A code has eight digits, and a long code sixteen."),
        ("code", "1234 5678 9012 345", "A code has eight digits, and a long code sixteen."),
        ("code", "1" * 17, "A code has eight digits, and a long code sixteen."),
        ("code", "1234-5678-9012", "A code has eight digits, and a long code sixteen."),
        ("code", "See room 1234 5678 9", "A code has eight digits, and a long code sixteen."),
        ("code", "1234567", "A code has eight digits, and a long code sixteen."),
        ("number", "", "Enter a whole number from 1 to 100."),
        ("number", "0", "Enter a whole number from 1 to 100."),
        ("number", "101", "Enter a whole number from 1 to 100."),
        ("number", "+5", "Enter a whole number from 1 to 100."),
        ("number", "1_0", "Enter a whole number from 1 to 100."),
        ("number", "9" * 10, "Enter a whole number from 1 to 100."),
        ("any_number", "x", "Enter a whole number."),
        ("colour", "", "Choose one from the list."),
        ("colour", "green", "Choose one from the list."),
        ("maybe_colour", "green", "Choose one from the list."),
        ("zone", "Mars/Base", "Choose one from the list."),
        ("day", "yesterday", "Enter a date, such as 2026-11-24."),
        ("day", "", "Enter a date, such as 2026-11-24."),
        ("day", "2026-11-26", "This day is in the future."),
        ("moment", "tomorrow", "Enter a date and a time, such as 2026-11-24T18:30."),
        ("moment", "1926-11-25T09:00", "Enter a date and a time, such as 2026-11-24T18:30."),
        ("moment", "2026-11-25T00:30", "This time has passed."),
        ("key", b64u(b"keys!"), "This is incomplete or was changed. Copy it again."),
        ("key", "", "This is incomplete or was changed. Copy it again."),
        ("item", "xy", "This is incomplete or was changed. Copy it again."),
        ("link", "javascript:alert(1)", "Enter the address of a page, starting with https://."),
        ("text-fr", "", "Fill in this field."),
        ("text-fr", "beaucoup", "Use 5 characters or fewer."),
        ("value_2", "abcdef", "Use 5 characters or fewer."),
        ("label_0_fr", "abcdef", "Use 5 characters or fewer."),
    ],
)  # fmt: skip
def test_a_field_refuses_with_one_sentence_under_its_posted_name(name: str, typed: str, sentence: str) -> None:
    assert refused(**{name: typed}) == {name: [sentence]}


@pytest.mark.parametrize(
    ("pasted", "code"),
    [
        ("Your code: 12345678", "12345678"),
        ("Your code:\n\n    1234 5678\n\nIt is valid today, until midnight UTC.", "12345678"),
        ("Votre code\u202f: 1234\u00a05678.", "12345678"),
        ("type this instead: 1234 5678 9012 3456", "1234567890123456"),
        ("Your code: 12345678\nIf the page asks: 1234 5678 9012 3456", "12345678"),
        ("رمزك: ١٢٣٤ ٥٦٧٨", "12345678"),
        ("(1234–5678)", "12345678"),
    ],
)
def test_a_code_is_found_in_the_sentence_that_was_pasted_with_it(pasted: str, code: str) -> None:
    assert code_in(pasted) == code


@pytest.mark.parametrize(
    ("name", "typed", "sentence"),
    [
        ("name", "", "Remplissez ce champ."),
        ("value", "abcdef", "Utilisez 5 caractères au plus."),
        ("number", "0", "Saisissez un nombre entier de 1 à 100."),
        ("colour", "green", "Choisissez dans la liste."),
    ],
)
def test_wtforms_own_validators_speak_the_language_of_the_request(name: str, typed: str, sentence: str) -> None:
    g.lang = "fr"
    assert refused(**{name: typed}) == {name: [sentence]}


def test_the_length_as_sent_is_looked_at_before_a_field_does_anything_else() -> None:
    for each in fields.leaves(EveryForm(meta=HERE)):
        if not isinstance(each, fields.BooleanField):
            long = "1" * (fields.SENT * each.longest() + 1)
            assert refused(**{each.name: long}) == {each.name: [fields.too_long(each.longest())]}


def test_what_may_be_empty_and_what_may_not() -> None:
    required = {each.name for each in fields.leaves(EveryForm(meta=HERE)) if each.flags.required}
    assert required == {"name", "code", "number", "colour", "zone", "day", "key", "item", "text-en", "text-fr"}
    with pytest.raises(FormRefused) as error:
        EveryForm.read(MultiDict(), **HERE)
    assert {*error.value.errors} == required


def test_a_row_keeps_the_number_under_which_it_was_posted() -> None:
    form = read(value_0="a", value_7="b", **{"value_²": "c", "value_" + "9" * 5_000: "d", "label_7_fr": "e"})
    assert [(row.name, row.data) for row in form.rows] == [("value_0", "a"), ("value_7", "b")]
    assert [(row.name, row.data) for row in form.labels] == [("label_7", {"fr": "e"})]


def test_a_refused_form_holds_what_was_typed() -> None:
    typed = {
        "name": "  a\u200bb ",
        "value": "much too long" * 9,
        "number": "many",
        "day": "soon",
        "key": "?",
        "text-fr": " x" * 99,
    }
    with pytest.raises(FormRefused) as error:
        read(**typed)
    assert error.value.form
    assert {name: error.value.form.typed(name) for name in typed} == typed


def test_json_takes_numbers_where_a_field_is_one_and_nothing_else_but_texts() -> None:
    with pytest.raises(FormRefused) as error:
        EveryForm.from_json(
            {"value": 1, "number": True, "any_number": 5, "name": "\ud800", "code": ["1"], "unknown": 1}
        )
    assert error.value.errors == {name: ["This must be a text."] for name in ("code", "name", "number", "value")}

    class NumberForm(BaseForm):
        number = fields.IntegerField(default=3, validators=[Optional()])

    sent = [NumberForm.from_json({"number": number}).number.data for number in (5, "5", None, "")]
    assert sent == [5, 5, 3, 3]


class ThanksForm(BaseForm):
    """Two fields for the pages below."""

    name = fields.LineField(lazy_gettext("Your name here"), [DataRequired()], description="As it is.")
    colour = fields.RadioField("Colour", choices=Colour, hints={Colour.RED: "Owner"})


def drawn(form: ThanksForm, there: str) -> Response:
    source = "{% import 'fields.html' as fields %}{{ fields.summary(form) }}{{ fields.render(form.name) }}{{ fields.render(form.colour) }}"
    return Response(there + render_template_string(source, form=form))


def view(error: Exception | None, **decorated: Any) -> Response:
    @redraw(drawn, NameTaken, LastOwner, form=ThanksForm, **decorated)
    def answered(there: str, other: str) -> Response:
        form = ThanksForm.read(MultiDict({"name": "Zoe <3", "colour": "blue"}))
        if error:
            raise error
        return Response(f"{form.name.data} {there} {other}")

    return answered(there="here", other="x")


def test_a_view_whose_form_is_fine_is_left_alone() -> None:
    page = view(None)
    assert (page.status_code, page.get_data(as_text=True)) == (200, "Zoe <3 here x")


def test_a_refusal_of_the_domain_draws_the_page_again_with_what_was_typed() -> None:
    page = view(NameTaken())
    assert (page.status_code, page.get_data(as_text=True)[:4]) == (422, "here")
    assert 'value="Zoe &lt;3"' in page.get_data(as_text=True)
    assert '<a href="#name">Another organiser has this name.' in page.get_data(as_text=True)
    assert 'value="blue" checked' in page.get_data(as_text=True).replace("\n", " ").replace("      ", " ")


def test_a_refusal_without_a_field_belongs_to_the_form_or_to_the_field_that_the_view_names() -> None:
    sentence = "A campaign needs at least one owner. Make somebody else an owner first."
    assert f"<li>{sentence}</li>" in view(LastOwner()).get_data(as_text=True)
    assert f'<a href="#colour-red">{sentence}</a>' in view(LastOwner(), field="colour").get_data(as_text=True)
    assert f"<li>{sentence}</li>" in view(LastOwner(), field="colour", statuses={404}).get_data(as_text=True)
    assert view(LastOwner()).status_code == 409


def test_where_a_view_fails_before_it_reads_a_form_the_page_has_what_was_posted(app: Flask) -> None:
    @redraw(drawn, NameTaken, form=ThanksForm)
    def answered(there: str) -> Response:
        raise NameTaken(there)

    with app.test_request_context("/", method="POST", data={"name": "Zoe <3"}):
        page = answered(there="here")
    assert 'value="Zoe &lt;3"' in page.get_data(as_text=True)
    assert page.status_code == 422


def test_where_a_view_read_another_form_the_page_gets_an_empty_one_with_the_sentence() -> None:
    class OtherForm(BaseForm):
        name = fields.StringField()

    @redraw(drawn, LastOwner, form=ThanksForm)
    def answered(there: str) -> Response:
        OtherForm.read(MultiDict({"name": "other"}))
        raise LastOwner(there)

    page = answered(there="here").get_data(as_text=True)
    assert "other" not in page.replace("another", "")
    assert "A campaign needs at least one owner" in page


def test_a_field_is_drawn_from_itself() -> None:
    page = drawn(ThanksForm(), "").get_data(as_text=True)
    assert '<label for="name">Your name here</label>' in page
    assert '<p class="hint" id="name-hint">As it is.</p>' in page
    assert 'aria-describedby="name-hint name-error" value="" required type="text"' in page
    assert page.count("checked") == 1
    g.lang = "fr"
    assert '<label for="name">Your name here</label>' not in drawn(ThanksForm(), "").get_data(as_text=True)
