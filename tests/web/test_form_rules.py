"""What forms make of any text: numbers, codes, keys, names and links, and the words in which a signature is confirmed."""

from __future__ import annotations

import json
import unicodedata
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict

from petition.core.encoding import b64u
from petition.core.i18n import number
from petition.ledger.entries import Visibility
from petition.mailing.subscribers import Frequency
from petition.privacy import AddressRefused, DomainPolicy, canonical_address
from petition.publication import Choice
from petition.signatures import DisplayChoice
from petition.web.api.calls import CALLS
from petition.web.dashboard.drafts.domains import AddressForm
from petition.web.dashboard.update_forms import UpdateForm
from petition.web.forms import fields, filters
from petition.web.forms.base import BaseForm, FormRefused
from petition.web.forms.public import (
    CodeAnswer,
    CodeRequest,
    MailChoice,
    SignForm,
    Signing,
    SubscribeForm,
    Subscription,
    TabKeyForm,
    VerifyForm,
    WithdrawForm,
)
from petition.web.forms.validators import HIDDEN, is_link, is_seen, no_link, visible, visible_lines
from petition.web.public.receipt_text import ReceiptFaulty, shown_in
from petition.web.public.words import WHILE_NAMES_WAIT, WORDS, summary
from tests.support.languages import in_language

FORMS = [call.form for call in CALLS if call.form]
JSON_VALUES: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=5) | st.just("\ud800"),
    lambda each: st.lists(each, max_size=2) | st.dictionaries(st.text(max_size=5), each, max_size=2),
    max_leaves=4,
)


class NumberForm(BaseForm):
    n = fields.IntegerField()


class KeyForm(BaseForm):
    key = fields.Base64Field(length=16)
    id = fields.HexField()


class TextForm(BaseForm):
    line = fields.LineField(validators=[visible])
    area = fields.TextAreaField(validators=[visible])
    letter = fields.TextAreaField(validators=[visible_lines])
    name = fields.LineField(validators=[no_link])


def mistakes(form: type[BaseForm], **posted: str) -> set[str]:
    """The fields that a form refuses."""
    with in_language("en"):
        made = form(MultiDict(posted))
        made.validate()
        return {*made.errors}


@given(n=st.integers(0, 999_999_999), lang=st.sampled_from(["fr", "cs", "sv"]))
def test_a_number_with_the_spaces_of_its_language_is_read(n: int, lang: str) -> None:
    assert NumberForm(MultiDict({"n": number(n, lang)})).n.data == n


@given(st.text("0123456789٠١٢²½-+_.,eE ", max_size=12))
def test_a_number_is_at_most_nine_ascii_digits(text: str) -> None:
    plain = text.replace(" ", "")
    fine = 0 < len(plain) <= 9 and all(each in "0123456789" for each in plain)
    assert mistakes(NumberForm, n=text) == (set() if fine else {"n"})


@given(digits=st.text("0123456789", min_size=8, max_size=8), zero=st.sampled_from("0٠۰०๐０𝟎"), gap=st.sampled_from(["", " ", "-", "–", "\u00a0", "\n"]))  # fmt: skip
def test_a_code_is_read_in_the_digits_of_any_script(digits: str, zero: str, gap: str) -> None:
    typed = gap.join(chr(ord(zero) + int(each)) for each in digits)
    assert filters.code_in(typed) == digits


@given(st.text())
def test_one_line_has_single_spaces_and_stays_when_it_is_read_again(text: str) -> None:
    line = filters.one_line(text)
    assert "  " not in line
    assert line == line.strip(" ")
    assert filters.one_line(line) == line


@given(st.text("a\r\n é", max_size=20))
def test_a_text_has_plain_line_ends_and_as_many_lines_as_before(text: str) -> None:
    read = filters.lines(text)
    assert "\r" not in read
    assert read.split("\n") == [*text.replace("\r\n", "\n").replace("\r", "\n").strip().split("\n")]


@given(st.binary(min_size=14, max_size=18))
def test_a_key_has_its_length_and_one_encoding(key: bytes) -> None:
    fine = len(key) == 16
    assert ("key" in mistakes(KeyForm, key=b64u(key), id="00")) is not fine
    assert "key" in mistakes(KeyForm, key=b64u(key) + "=", id="00")


@given(st.binary(min_size=1, max_size=40))
def test_an_id_in_a_form_is_read_as_it_was_written(value: bytes) -> None:
    form = KeyForm(data={"id": value})
    assert KeyForm(MultiDict({"id": form.typed("id")})).id.data == value


@given(st.characters(categories=sorted(HIDDEN - {"Cs"})))
def test_a_character_that_nobody_sees_is_refused_in_every_text(hidden: str) -> None:
    assume(hidden not in "\n\r\t\u200c\u200d")
    assume(not hidden.isspace())
    text = f"a{hidden}b"
    assert mistakes(TextForm, line=text, area=text, letter=text) == {"line", "area", "letter"}


@given(st.text(st.characters(categories=["L", "N", "P", "S", "Zs"]), max_size=30))
def test_letters_numbers_and_signs_are_seen_in_every_text(text: str) -> None:
    assume(all(unicodedata.category(each) not in HIDDEN for each in unicodedata.normalize("NFC", text)))
    assert is_seen(text)
    assert mistakes(TextForm, line=text, area=text, letter=text) == set()


def test_only_a_text_area_has_line_breaks_and_only_a_letter_has_tabs() -> None:
    assert mistakes(TextForm, line="a\nb", area="a\nb", letter="a\nb") == {"line"}
    assert mistakes(TextForm, line="a\tb", area="a\tb", letter="a\tb") == {"line", "area"}


@pytest.mark.parametrize(
    "text",
    [
        "علی\u200cرضا رضایی",
        "ශ\u0dca\u200dරී ලංකා",
        "क\u094d\u200dष",
        "I agree 👩\u200d💻",
        "❤\ufe0f\u200d🔥",
        "👩🏽\u200d🔬",
    ],
)
def test_a_joiner_is_accepted_where_a_script_or_a_picture_needs_it(text: str) -> None:
    assert mistakes(TextForm, line=text, area=text, letter=text) == set()


@pytest.mark.parametrize(
    "text",
    [
        "Ali\u200cce",
        "Su\u200dzie",
        "\u200cعلی",
        "علی\u200c",
        "👩\u200dx",
        "\u200d👩",
        "علی\u200c\u200cرضا",
        "a\u200c" * 140,
    ],
)
def test_a_joiner_that_only_makes_two_names_differ_is_refused(text: str) -> None:
    assert mistakes(TextForm, line=text, area=text) == {"line", "area"}


@pytest.mark.parametrize(
    "name",
    [
        "Anne-Marie O’Neill",
        "J. R. R. Tolkien",
        "J.R.Smith",
        "Dr. María José",
        "N'Diaye",
        "de la Cruz",
        "王小明",
        "Sammy Davis, Jr.",
        "J.van der Berg",
        "A.de Vries",
        "Dr.med. Anna Schmidt",
        "Prof.dr. Piet de Boer",
        "M.Sc.inf. Omar Example",
        "Lt.Col. Mallory",
        "St.John Rivers",
        "Rajesh a/l Kumar",
        "Suzie Lim @ Lim Mei Hua",
        "Suzie@Home",
        "Anna.Co",
        "Ph.D.Suzie",
        "André 3000",
        "Wwwika",
    ],
)
def test_a_name_as_people_write_it_is_no_link(name: str) -> None:
    assert mistakes(TextForm, name=name) == set()


@pytest.mark.parametrize(
    "name",
    [
        "http://x",
        "HTTPS://spam.example/now",
        "www.x",
        "see WWW.spam.example",
        "suzie@corp.example",
        "Suzie <suzie@corp.example>",
        "suzie@münchen.example",
    ],
)
def test_a_link_or_an_address_is_no_name(name: str) -> None:
    assert mistakes(TextForm, name=name) == {"name"}


@pytest.mark.parametrize(
    "link",
    [
        "https://a.example",
        "HTTP://A.EXAMPLE/",
        "https://a.example:8443/x?y=z#f",
        "https://bücher.example/é",
        "https://192.0.2.1/",
    ],
)
def test_a_page_on_the_web_is_a_link(link: str) -> None:
    assert is_link(link)


@pytest.mark.parametrize(
    "text",
    [
        "https://user@a.example", "https://user:word@a.example", "https://@a.example", "https://a.example:port",
        "https://a.example:99999", "https://.", "https:///a.example", "https:a.example", "data:text/html,a.b",
        "java\nscript:alert(1)", "https://a.example/\u202e", "https://a.\u2100.example",
    ],
)  # fmt: skip
def test_what_could_mislead_a_reader_is_no_link(text: str) -> None:
    assert not is_link(text)


@given(st.text(max_size=10), st.sampled_from(' \t\n"<>\\\u00a0\u2028'))
def test_no_link_ends_the_attribute_that_holds_it(rest: str, character: str) -> None:
    assert not is_link(f"https://a.example/{rest}{character}x")


@given(form=st.sampled_from(FORMS), data=st.data())
def test_any_json_object_is_read_or_refused_with_sentences(form: type[BaseForm], data: Any) -> None:
    names = st.sampled_from([*(each.name for each in form())]) | st.text(max_size=5)
    sent = data.draw(st.dictionaries(names, JSON_VALUES, max_size=5))
    sentences: list[str] = []
    with in_language("en"):
        try:
            form.from_json(sent)
        except FormRefused as refused:
            sentences = [each for listed in refused.errors.values() for each in listed] or [""]
    assert [each for each in sentences if not each.endswith(".")] == []


SECRET = "alice.example.secret"


@pytest.mark.parametrize(
    "held",
    [
        CodeRequest(SECRET, SECRET, "en"),
        CodeAnswer("challenge", SECRET, SECRET.encode()),
        Signing(SECRET, DisplayChoice(Visibility.ANONYMOUS)),
        Subscription(SECRET, MailChoice(Frequency.DAILY, "en")),
    ],
)
def test_what_is_typed_in_confidence_does_not_show_in_a_trace(held: object) -> None:
    assert SECRET not in repr(held)


@pytest.mark.parametrize(
    ("asked", "languages", "lang"),
    [("fr", ["en"], "fr"), ("de", ["de"], "de"), ("de", ["en"], "en"), ("", ["fr", "en"], "fr"), ("EN", ["fr"], "fr")],
)
def test_mail_comes_in_a_language_that_somebody_speaks_there(asked: str, languages: list[str], lang: str) -> None:
    assert MailChoice(Frequency.WEEKLY, asked).language(languages) == lang


@pytest.mark.parametrize(("lang", "sentence"), [("en", "Enter your pass."), ("fr", "Saisissez votre laissez-passer.")])
def test_an_empty_form_for_signing_asks_for_the_pass_and_the_visibility(lang: str, sentence: str) -> None:
    with in_language(lang), pytest.raises(FormRefused) as refused:
        SignForm.from_json({})
    assert {*refused.value.errors} == {"pass", "show"}
    assert refused.value.errors["pass"] == [sentence]


def test_a_signature_shows_nothing_that_was_not_given() -> None:
    with in_language("en"):
        signing = SignForm.from_json({"pass": " P2.x ", "show": "anonymous"}).signing()
    assert (signing.held, signing.choice) == ("P2.x", DisplayChoice(Visibility.ANONYMOUS))


@pytest.mark.parametrize(
    ("form", "name"),
    [(VerifyForm, "address"), (SubscribeForm, "address"), (WithdrawForm, "withdraw"), (TabKeyForm, "key")],
)
@pytest.mark.parametrize("sent", [None, "", " \u00a0 "])
def test_what_a_call_cannot_do_without_is_asked_for(form: type[BaseForm], name: str, sent: str | None) -> None:
    with in_language("en"), pytest.raises(FormRefused) as refused:
        form.from_json({name: sent})
    assert name in refused.value.errors


@pytest.mark.parametrize("form", [VerifyForm, SubscribeForm, AddressForm, UpdateForm])
@pytest.mark.parametrize(
    "around", ["\r", "\n", "\r\n", "\t", "\x0b", "\x0c", "\x1c", "\x85", "\u00a0", "\u2028", "\x00"]
)
def test_only_spaces_around_an_address_are_forgiven(form: type[BaseForm], around: str) -> None:
    """P22: a control character is no slip of the finger."""
    with in_language("en"):
        for text in (f"{around}suzie@corp.example", f"suzie@corp.example{around}"):
            typed = form(MultiDict({"address": f"  {text} "}), meta={"languages": ["en"]})
            assert typed["address"].data == text
            with pytest.raises(AddressRefused):
                canonical_address(typed["address"].data, [DomainPolicy("corp.example")])
        assert (
            form(MultiDict({"address": " a@b.example "}), meta={"languages": ["en"]})["address"].data == "a@b.example"
        )


@given(
    body=st.dictionaries(st.sampled_from(["show", "name", "role", "team", "comment"]), JSON_VALUES | st.just("name"))
)
def test_a_receipt_shows_texts_or_is_none(body: dict[str, Any]) -> None:
    try:
        choice = shown_in(json.dumps({"body": body}), 0)
    except ReceiptFaulty:
        return
    for text in (choice.name, choice.role, choice.team, choice.comment):
        assert text.encode().decode() == text


@pytest.mark.parametrize("text", ["", "[]", "1", "null", '{"body": []}', '{"body": {"show": "loud"}}', "[" * 60_000])
def test_another_text_shows_nothing_of_a_signature(text: str) -> None:
    with pytest.raises(ReceiptFaulty):
        shown_in(text, 0)


def listed(choice: DisplayChoice, lang: str, names_from: int | None = None) -> list[tuple[str, str]]:
    """What a signer is told about the public; names wait for a milestone if `names_from` is a number."""
    lists = {"roles": (Choice("cook", {"en": "Cook"}),), "teams": (Choice("night", {"en": "Night shift"}),)}
    return summary(choice, lang, SimpleNamespace(names_from=names_from, **lists))  # type: ignore[arg-type]


NAMED = DisplayChoice(Visibility.NAME, name="Zoe Ex")
WAITS = "Until then you appear as an anonymous signer."


@pytest.mark.parametrize(
    ("choice", "names_from", "said"),
    [
        (DisplayChoice(Visibility.ANONYMOUS), None, ["About you: Nothing. One more verified employee is counted."]),
        (
            DisplayChoice(Visibility.ROLE, role="cook"),
            None,
            ["Role: Cook", f"When: As soon as ten signers show the same role. {WAITS}"],
        ),
        (
            DisplayChoice(Visibility.ROLE, role="cook", team="night"),
            None,
            [
                "Role: Cook",
                "Team: Night shift",
                f"When: The role as soon as ten signers show it, the team as soon as ten show it with the same role. {WAITS}",
            ],
        ),
        (NAMED, None, ["Name: Zoe Ex", "When: As soon as a batch writes it"]),
        (
            replace(NAMED, role="cook", team="night", comment="I stay.", publish_at=20),
            None,
            [
                "Name: Zoe Ex",
                "Role: Cook",
                "Team: Night shift",
                "Comment: I stay.",
                f"When: Once at least 20 names are public. {WAITS}",
            ],
        ),
        (NAMED, 0, ["Name: Zoe Ex", f"When: Once a milestone opens the names. {WAITS}"]),
        (
            replace(NAMED, publish_at=20),
            500,
            ["Name: Zoe Ex", f"When: Once a milestone opens the names and at least 20 names are public. {WAITS}"],
        ),
        (
            DisplayChoice(Visibility.ANONYMOUS, publish_at=20),
            None,
            ["About you: Nothing. One more verified employee is counted."],
        ),
    ],
)
def test_a_signer_is_told_everything_that_the_public_will_see(
    choice: DisplayChoice, names_from: int | None, said: list[str]
) -> None:
    assert [f"{term}: {value}" for term, value in listed(choice, "en", names_from)] == said


@given(name=st.text(min_size=1), lang=st.sampled_from(["en", "fr"]), publish_at=st.sampled_from([0, 20]))
def test_a_name_with_braces_is_listed_as_it_was_typed(name: str, lang: str, publish_at: int) -> None:
    choice = DisplayChoice(Visibility.NAME, name=name, publish_at=publish_at)
    assert dict(listed(choice, "en"))["Name"] == name
    assert name in dict(listed(choice, lang, 100)).values()


def test_a_letter_whose_names_wait_has_every_sentence_of_the_others() -> None:
    assert {*WHILE_NAMES_WAIT} == {*WORDS}
    assert [
        name for name in WORDS if name in {"when-name", "when-sealed"} and WORDS[name] == WHILE_NAMES_WAIT[name]
    ] == []
