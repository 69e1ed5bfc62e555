"""The letter's Markdown: what may stand in a page, what may not, and how its language sets it."""

from __future__ import annotations

import re
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as some

from petition.core.markdown import ATTRIBUTES, ELEMENTS, french_spaces, letter_html, typeset
from petition.mail.templates import plain
from tests.support.hostile import HOSTILE


@pytest.mark.parametrize("markdown", HOSTILE)
def test_no_script_comes_through(markdown: str) -> None:
    """P34."""
    assert foreign(letter_html(markdown, "en")) == []


@given(some.text(alphabet="<>\"'=&;:/()[]!`*_#-\n abcdeijlnoprstuvx", max_size=120), some.sampled_from(["en", "fr"]))
def test_no_text_whatever_becomes_an_element_that_is_not_listed(markdown: str, lang: str) -> None:
    assert foreign(letter_html(markdown, lang)) == []


def test_a_link_leads_out_and_takes_nothing_along() -> None:
    assert letter_html("[a report](https://example.org/r)", "en") == (
        '<p><a href="https://example.org/r" rel="noopener noreferrer nofollow">a report</a></p>\n'
    )


def test_a_link_into_our_own_pages_and_a_picture_are_left_out() -> None:
    assert letter_html("[here](/c/letter/sign)", "en") == '<p><a rel="noopener noreferrer nofollow">here</a></p>\n'
    assert "<img" not in letter_html("![a face](https://mallory.example/pixel.png)", "en")


def test_headings_start_below_the_titles_of_the_page_and_skip_no_level() -> None:
    html = letter_html("## Why\n\n### More\n\n## What\n", "en")
    assert re.findall(r"<(h\d)>", html) == ["h3", "h4", "h3"]
    assert re.findall(r"<(h\d)>", letter_html("# Why\n\n###### Deep\n", "en")) == ["h3", "h6"]


@pytest.mark.parametrize(
    ("lang", "html"),
    [("en", "<p>“Yes” – it’s ‘so’…</p>\n"), ("fr", "<p>«\u00a0Yes\u00a0» – it’s “so”…</p>\n")],
)
def test_quotation_marks_are_those_of_the_language(lang: str, html: str) -> None:
    assert unescape(letter_html("\"Yes\" – it's 'so'…", lang)) == html


@pytest.mark.parametrize(
    "written",
    [
        "(a) pay (b) hours (c) leave, section 5(c) of the Act, (r), (R), (tm) and (p)",
        "from 3 +- 1 to 5...7, really?????? yes!!!! no,, and ?....",
        "the option --force -- or --- as it was -- --version",
        "2 x 4, 1/2 and 1/4 (C)",
    ],
)
def test_the_words_of_a_letter_are_shown_as_they_were_written(written: str) -> None:
    """The mail shows the same words: there a letter is plain text."""
    for lang in ("en", "fr", "de"):
        assert shown(letter_html(written, lang)) == written
        assert single_spaces(plain(written, lang)) == written


@given(some.text(alphabet="abcrtmCRxX0123456789()+-.,?!:;/%« »", max_size=60), some.sampled_from(["en", "fr", "de"]))
def test_typography_sets_quotation_marks_and_spaces_and_nothing_else(written: str, lang: str) -> None:
    html = letter_html(f"Suzie {written}", lang)
    assert re.sub(r"\s", "", shown(html)) == re.sub(r"\s", "", f"Suzie {written}")


def test_a_year_before_a_number_stays_apart_from_it() -> None:
    assert (
        french_spaces("en 2024 100 personnes, soit 1 234 567 heures")
        == "en 2024 100 personnes, soit 1\u202f234\u202f567 heures"
    )


@pytest.mark.parametrize(
    ("written", "set_"),
    [
        ("Pourquoi ?", "Pourquoi\u202f?"),
        ("Assez ! Vraiment ; oui.", "Assez\u202f! Vraiment\u202f; oui."),
        ("Ceci : cela", "Ceci\u202f: cela"),
        ("« Non »", "«\u00a0Non\u00a0»"),
        ("76 000 salariés, 1 %", "76\u202f000 salariés, 1\u202f%"),
        ("https://example.org/a:b?c", "https://example.org/a:b?c"),
    ],
)
def test_french_spaces_do_not_break(written: str, set_: str) -> None:
    assert french_spaces(written) == set_
    assert typeset(written, "fr") == set_
    assert typeset(written, "en") == written


def shown(html: str) -> str:
    """The text that a reader sees, with plain single spaces."""
    return single_spaces(unescape(re.sub(r"<[^>]*>", "", html)))


def single_spaces(text: str) -> str:
    return " ".join(text.split())


def foreign(html: str) -> list[str]:
    """Elements and attributes in it that are on no list."""
    found = []
    for name, attributes in re.findall(r"<([a-z0-9!/]+)((?:\s[^<>]*)?)>", html, re.IGNORECASE):
        allowed = ATTRIBUTES.get(name, set()) | ({"rel"} if name == "a" else set())
        if name.lstrip("/") not in ELEMENTS:
            found.append(name)
        found += [each for each in re.findall(r'([\w-]+)="', attributes) if each not in allowed]
        found += re.findall(r'href="(?!https?:|mailto:)[^"]*"', attributes)
    return found
