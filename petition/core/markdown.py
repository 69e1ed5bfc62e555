"""Converts a letter's Markdown to HTML that is safe inside a page.

This module protects the page from the letter. Raw HTML becomes text, only a short list of elements is allowed, and
links lead to other sites without passing on a referrer. Pictures (which the browser would fetch from a stranger's
server), relative links, classes and ids are rejected. Quotation marks and spaces are those of the letter's language.
Typography changes nothing else: "section 5(c)" does not become "section 5©". The stored text, which the ledger's hash
covers, does not change.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

import nh3
from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from markupsafe import Markup

ELEMENTS: Final = {"p", "br", "hr", "em", "strong", "a", "ul", "ol", "li", "blockquote", "code", "h3", "h4", "h5", "h6"}
ATTRIBUTES: Final[dict[str, set[str]]] = {"a": {"href"}, "ol": {"start"}, "*": set()}
SCHEMES: Final = {"http", "https", "mailto"}
LINK_REL: Final = "noopener noreferrer nofollow"
DEEPEST_HEADING: Final = 6
MOST_QUOTES: Final = 5_000
"""A letter with more quotes keeps straight ones, because setting each copies its paragraph (60,000 quotes: 1.8 s)."""
FIRST_HEADING: Final = 3  # the page's title is h1 and its sections are h2; the letter's highest heading comes next

_NBSP, _NARROW = "\u00a0", "\u202f"
_QUOTES: Final = {
    "en": ["“", "”", "‘", "’"],
    "fr": [f"«{_NBSP}", f"{_NBSP}»", "“", "”"],
    "de": ["„", "“", "‚", "‘"],
}
_BEFORE_HIGH_MARK = re.compile(r"[ \u00a0](?=[:;!?](?:\s|$|[)»\"]))")
_AFTER_OPENING = re.compile(r"«[ \u00a0\u202f]?")
_BEFORE_CLOSING = re.compile(r"[ \u00a0\u202f]?»")
_BEFORE_PERCENT = re.compile(r"(?<=\d)[ \u00a0](?=%)")
_THOUSANDS = re.compile(r"(?<![\d,.])\d{1,3}(?:[ \u00a0]\d{3})+(?!\d)")


def letter_html(markdown: str, lang: str) -> Markup:
    """Returns a letter as safe HTML. `markdown` is any text; `lang` is the language it is written in."""
    quotes = markdown.count('"') + markdown.count("'")
    return Markup(_clean(_parser(lang, smart=quotes <= MOST_QUOTES).render(markdown)))  # noqa: S704 (cleaned against the list above)


def typeset(text: str, lang: str) -> str:
    """Returns a plain line (a demand, an update) with the spaces of its language, without Markdown or HTML."""
    return french_spaces(text) if lang.partition("-")[0] == "fr" else text


def french_spaces(text: str) -> str:
    """Set French spaces: narrow no-break ones before : ; ! ? and in numbers, no-break ones in « »."""
    text = _BEFORE_HIGH_MARK.sub(_NARROW, text)
    text = _AFTER_OPENING.sub(f"«{_NBSP}", text)
    text = _BEFORE_CLOSING.sub(f"{_NBSP}»", text)
    text = _BEFORE_PERCENT.sub(_NARROW, text)
    return _THOUSANDS.sub(lambda number: re.sub(r"[ \u00a0]", _NARROW, number[0]), text)


@lru_cache(maxsize=32)
def _parser(lang: str, *, smart: bool = True) -> MarkdownIt:
    quotes = _QUOTES.get(lang.partition("-")[0], _QUOTES["en"])
    parser = MarkdownIt("commonmark", {"html": False, "typographer": True, "quotes": quotes})
    parser.enable(["smartquotes"] * smart).disable("image")
    parser.core.ruler.push("headings_below_the_page", _shift_headings)
    if lang.partition("-")[0] == "fr":
        parser.core.ruler.push("french_spaces", _space_french)
    return parser


def _clean(html: str) -> str:
    return nh3.clean(
        html,
        tags=ELEMENTS,
        attributes=ATTRIBUTES,
        url_schemes=SCHEMES,
        url_relative="deny",
        link_rel=LINK_REL,
    )


def _shift_headings(state: StateCore) -> None:
    headings = [token for token in state.tokens if token.type in {"heading_open", "heading_close"}]
    shift = FIRST_HEADING - min((int(token.tag[1]) for token in headings), default=FIRST_HEADING)
    for token in headings:
        token.tag = f"h{min(int(token.tag[1]) + shift, DEEPEST_HEADING)}"


def _space_french(state: StateCore) -> None:
    for block in state.tokens:
        for token in block.children or ():
            _space(token)


def _space(token: Token) -> None:
    if token.type == "text":
        token.content = french_spaces(token.content)
