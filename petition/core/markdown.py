"""Converts a letter's Markdown to HTML that is safe inside a page.

A letter is Markdown as GitHub writes it: CommonMark with tables, struck text, bare links and footnotes (decision 0063).
This module protects the page from the letter. Raw HTML becomes text, only a short list of elements is allowed, and
links lead to other sites without passing on a referrer. A picture, which the browser would fetch from a stranger's
server, becomes a link to it. A link without an address on the web becomes its words. Classes and ids are rejected; only
footnotes and the way back from them have ids, which the text cannot choose. `unshown` says what a page does not show. Quotation marks and spaces are those of the letter's language.
Typography changes nothing else: "section 5(c)" does not become "section 5©". The stored text, which the ledger's hash
covers, does not change.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum
from functools import lru_cache
from hashlib import sha256
from typing import Any, Final

import nh3
from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from markupsafe import Markup
from mdit_py_plugins.footnote import footnote_plugin
from mdit_py_plugins.gfm_autolink import gfm_autolink_plugin

ELEMENTS: Final = {
    "p", "br", "hr", "em", "strong", "s", "sup", "a", "ul", "ol", "li", "blockquote", "code", "h3", "h4", "h5", "h6",
    "table", "thead", "tbody", "tr", "th", "td",
}  # fmt: skip
ATTRIBUTES: Final[dict[str, set[str]]] = {"a": {"href", "id"}, "li": {"id"}, "ol": {"start"}, "*": set()}
SCHEMES: Final = {"http", "https", "mailto"}
ON_THE_WEB: Final = re.compile(r"(?:https?|mailto):", re.IGNORECASE)
FOOTNOTE: Final = re.compile(r"fn(?:ref)?-[0-9a-f]{8}-[0-9]+(?::[0-9]+)?")
"""The id of a footnote and of the place that refers to it. The middle part is a hash of the whole text."""
LINK_REL: Final = "noopener noreferrer nofollow"
DEEPEST_HEADING: Final = 6
MOST: Final = {"smartquotes": 5_000, "image": 500, "table": 20_000, "footnotes": 500, "bare_links": 500}
"""How often a rule may be tried in one letter. A letter with more goes without the rule, because each of its tries reads
a paragraph again, or adds to the page: 60,000 quotes took 1.8 s, 30,000 `![` 1.6 s, a table of 65,536 cells 1.4 s."""
FIRST_HEADING: Final = 3  # the page's title is h1 and its sections are h2; the letter's highest heading comes next

UNSHOWN: Final = "unshown"
_TASK = re.compile(r"\[[ xX]\]\s")
_TAG = re.compile(r"</?[a-zA-Z][^<>]*>")
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
    return Markup(_clean(_parser_for(markdown, lang).render(markdown, _env(markdown))))  # noqa: S704 (cleaned against the list above)


class Unshown(StrEnum):
    """What a letter may contain and a page does not show as it was meant."""

    PICTURE = "picture"
    HTML = "html"
    TASKS = "tasks"
    LINK = "link"


def unshown(markdown: str) -> list[Unshown]:
    """Returns what of a letter is not shown as it was meant, so that its writer can change it before it is frozen."""
    env = _env(markdown)
    _parser_for(markdown, "en").parse(markdown, env)
    return [kind for kind in Unshown if kind in env[UNSHOWN]]


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


def _env(markdown: str) -> dict[str, Any]:
    return {"docId": sha256(markdown.encode(errors="replace")).hexdigest()[:8], UNSHOWN: set()}


def _parser_for(markdown: str, lang: str) -> MarkdownIt:
    bars = [line.count("|") for line in markdown.splitlines()]
    tried = {
        "smartquotes": markdown.count('"') + markdown.count("'"),
        "image": markdown.count("!["),
        "table": max(bars, default=0) * sum(map(bool, bars)),
        "footnotes": markdown.count("[^"),
        "bare_links": markdown.count(":") + markdown.count("@"),
    }
    return _parser(lang, frozenset(rule for rule, most in MOST.items() if tried[rule] <= most))


@lru_cache(maxsize=64)
def _parser(lang: str, rules: frozenset[str]) -> MarkdownIt:
    quotes = _QUOTES.get(lang.partition("-")[0], _QUOTES["en"])
    parser = MarkdownIt("commonmark", {"html": False, "typographer": True, "quotes": quotes})
    parser.disable("image").enable(["strikethrough", *rules & {"smartquotes", "image", "table"}])
    if "footnotes" in rules:
        parser.use(footnote_plugin, inline=False)
    if "bare_links" in rules:
        parser.use(gfm_autolink_plugin)
    parser.core.ruler.before("smartquotes", "pages_only", _keep_what_pages_show)
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
        attribute_filter=_kept_value,
        link_rel=LINK_REL,
    )


def _kept_value(_element: str, attribute: str, value: str) -> str | None:
    """Returns the value of an attribute, or None: a link leads to the web or to a footnote, and only these have ids."""
    if attribute == "id":
        return value if FOOTNOTE.fullmatch(value) else None
    if attribute == "href":
        return value if ON_THE_WEB.match(value) or (value[:1] == "#" and FOOTNOTE.fullmatch(value[1:])) else None
    return value


def _keep_what_pages_show(state: StateCore) -> None:
    """Replace pictures and dead links, keep bare addresses as they are written, and note what is not shown."""
    for at, block in enumerate(state.tokens):
        if block.children is not None:
            found = state.env.setdefault(UNSHOWN, set())
            if _TASK.match(block.content) and at > 1 and state.tokens[at - 2].type == "list_item_open":
                found.add(Unshown.TASKS)
            block.children = _shown_tokens(block.children, found)


def _shown_tokens(tokens: Sequence[Token], found: set[Unshown]) -> list[Token]:
    shown: list[Token] = []
    kept: list[bool] = []  # of each link that is open: whether it leads to the web
    bare = 0
    for token in tokens:
        if token.type == "image":
            found.add(Unshown.PICTURE)
            shown += _picture(token, inside=any(kept))
        elif token.type == "link_open":
            kept.append(ON_THE_WEB.match(str(token.attrGet("href"))) is not None)
            bare += token.info == "auto"
            found |= set() if kept[-1] else {Unshown.LINK}
            shown += [token] * kept[-1]
        elif token.type == "link_close":
            bare -= token.info == "auto"
            shown += [token] * kept.pop()
        else:
            if token.type == "text" and bare:
                token.type = "text_special"  # typography leaves it alone
            elif token.type == "text" and _TAG.search(token.content):
                found.add(Unshown.HTML)
            shown.append(token)
    return shown


def _picture(image: Token, *, inside: bool) -> list[Token]:
    """Returns a link to a picture, or its words alone if it is not on the web or `inside` another link."""
    address = str(image.attrGet("src"))
    words = Token("text", "", 0, content=image.content or address)
    opening, closing = Token("link_open", "a", 1, attrs={"href": address}), Token("link_close", "a", -1)
    return [opening, words, closing] if ON_THE_WEB.match(address) and not inside else [words]


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
