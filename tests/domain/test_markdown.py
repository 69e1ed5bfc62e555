"""The letter's Markdown: what may stand in a page, what may not, and how its language sets it."""

from __future__ import annotations

import re
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as some

from petition.core.markdown import (
    ATTRIBUTES,
    ELEMENTS,
    FOOTNOTE,
    MOST,
    Unshown,
    french_spaces,
    letter_html,
    typeset,
    unshown,
)
from petition.mail.templates import plain
from tests.support.hostile import HOSTILE


@pytest.mark.parametrize("markdown", HOSTILE)
def test_no_script_comes_through(markdown: str) -> None:
    """P34."""
    assert foreign(letter_html(markdown, "en")) == []


@given(
    some.text(alphabet="<>\"'=&;:/()[]!`*_#-|~^@.\n abcdeijlnoprstuvwx1", max_size=120), some.sampled_from(["en", "fr"])
)
def test_no_text_whatever_becomes_an_element_that_is_not_listed(markdown: str, lang: str) -> None:
    assert foreign(letter_html(markdown, lang)) == []


def test_a_link_leads_out_and_takes_nothing_along() -> None:
    assert letter_html("[a report](https://example.org/r)", "en") == (
        '<p><a href="https://example.org/r" rel="noopener noreferrer nofollow">a report</a></p>\n'
    )


REL = ' rel="noopener noreferrer nofollow"'


@pytest.mark.parametrize(
    ("markdown", "html"),
    [
        ("[here](/c/letter/sign)", "<p>here</p>"),
        ("[here](#part)", "<p>here</p>"),
        ("[here](//mallory.example)", "<p>here</p>"),
        ("![a face](https://mallory.example/p.png)", f'<p><a href="https://mallory.example/p.png"{REL}>a face</a></p>'),
        ("![](https://a.example/p.png)", f'<p><a href="https://a.example/p.png"{REL}>https://a.example/p.png</a></p>'),
        ("![a face](face.png)", "<p>a face</p>"),
        (
            "[![a face](https://a.example/p.png)](https://b.example)",
            f'<p><a href="https://b.example"{REL}>a face</a></p>',
        ),
    ],
)
def test_a_link_into_our_own_pages_becomes_its_words_and_a_picture_a_link(markdown: str, html: str) -> None:
    assert letter_html(markdown, "en") == f"{html}\n"


@pytest.mark.parametrize(
    ("written", "address"),
    [
        ("https://example.org/a_b?c=d&e", "https://example.org/a_b?c=d&e"),
        ("https://example.org/it's(so)", "https://example.org/it's(so)"),
        ("www.example.org/a", "http://www.example.org/a"),
        ("works-council@corp.example", "mailto:works-council@corp.example"),
    ],
)
def test_a_bare_address_is_a_link_and_stays_as_it_is_written(written: str, address: str) -> None:
    for lang in ("en", "fr"):
        html = letter_html(f"See {written}.", lang)
        assert [unescape(each) for each in re.findall('href="([^"]*)"', html)] == [address]
        assert shown(html) == f"See {written}."


def test_a_table_is_a_table_and_struck_text_is_struck() -> None:
    html = letter_html("| Year | Pay |\n|---|--:|\n| 2025 | ~~10~~ 12 |\n", "en")
    assert re.sub(r"\s*\n", "", html) == (
        "<table><thead><tr><th>Year</th><th>Pay</th></tr></thead>"
        "<tbody><tr><td>2025</td><td><s>10</s> 12</td></tr></tbody></table>"
    )


def test_a_footnote_leads_down_and_back_and_two_texts_share_no_id() -> None:
    text = "We waited.[^1] Again.[^1] And more.[^two]\n\n[^1]: Since 2020.\n[^two]: See https://example.org."
    html = letter_html(text, "en")
    ids, targets = re.findall(' id="([^"]*)"', html), re.findall('href="#([^"]*)"', html)
    assert len(ids) == len(set(ids)) == 5
    assert sorted(ids) == sorted(set(targets))
    assert "<sup>" in html
    assert "<ol>" in html
    assert not set(ids) & set(re.findall(' id="([^"]*)"', letter_html(text + " ", "en")))


def test_a_text_cannot_choose_an_id_or_lead_into_the_page() -> None:
    for markdown in ("[x](#fn-00000000-1)", "<a id='fn-00000000-1'>", '[^a" id="main]: x', "[x](https:#fn-00000000-1)"):
        assert re.findall(r"<[^>]*(?: id=|href=.#)", letter_html(markdown, "en")) == []


@pytest.mark.parametrize(
    ("markdown", "kinds"),
    [
        ("Plain *text*, [a link](https://a.example), <https://b.example> and 3 < 4, a <- b.", []),
        ("![a face](https://a.example/p.png)", [Unshown.PICTURE]),
        ("<b>bold</b> and <br>", [Unshown.HTML]),
        ("- [ ] pay\n- [x] hours\n", [Unshown.TASKS]),
        ("[here](/c/letter)", [Unshown.LINK]),
        ("- [x](https://a.example)", []),
        ("`<b>` and\n\n    <b>\n", []),
        ("![a](b.png)\n\n<i>x</i>\n\n- [ ] y\n\n[z](z)", list(Unshown)),
    ],
)
def test_what_a_page_does_not_show_is_known(markdown: str, kinds: list[Unshown]) -> None:
    assert unshown(markdown) == kinds


@pytest.mark.parametrize("rule", MOST)
def test_a_rule_that_would_be_tried_too_often_is_left_out(rule: str) -> None:
    sign = {
        "smartquotes": "a'b ",
        "image": "![a](b) ",
        "table": "|a|b\n|-|-\n",
        "footnotes": "[^1] ",
        "bare_links": "http://a.b ",
    }[rule]
    mark = {"smartquotes": "’", "image": "<p>a", "table": "<td>", "footnotes": "<sup>", "bare_links": "<a "}[rule]
    note = "\n\n[^1]: x" if rule == "footnotes" else "\n\n|c|d|\n|-|-|\n|e|f|"
    assert mark in letter_html(sign * 20 + note, "en")
    assert mark not in letter_html(sign * (MOST[rule] + 1) + note, "en")


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
        found += [
            each
            for each in re.findall(r'href="(?!https?:|mailto:)([^"]*)"', attributes)
            if not FOOTNOTE.fullmatch(each[1:])
        ]
        found += [each for each in re.findall(r' id="([^"]*)"', attributes) if not FOOTNOTE.fullmatch(each)]
    return found
