"""Turns a template folder and a context into a message, with its plain text in lines of 72 characters.

A mail contains exactly what its template contains: a name that the context lacks is an error, never a blank, and text
from strangers is escaped in HTML. In plain text, addresses and no-break spaces are never split over two lines, and
Markdown is converted to text.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template, select_autoescape

from petition.core.i18n import date_long, gettext_for, ngettext_for, number, percent
from petition.core.markdown import letter_html, typeset
from petition.mail.message import Message

TEMPLATES: Final = Path(__file__).parents[2] / "templates" / "mail"
FILES: Final = ("subject.txt", "body.txt", "body.html")
NO_HEADERS: Final[Mapping[str, str]] = {}
WIDTH: Final = 72
_LINK = re.compile(r"\[([^\[\]]+)\]\((https?://[^\s()]+)\)")
_ITEM = re.compile(r"\s*(?:[-*+>]|\d+[.)])\s+")


def compose(
    name: str,
    lang: str,
    context: Mapping[str, object],
    *,
    to: str,
    sender: str,
    message_id: str,
    now: datetime,
    headers: Mapping[str, str] = NO_HEADERS,
) -> Message:
    """Render templates/mail/<name>/ in a language of the interface.

    `now` becomes the Date. Pass the time of the cause, not of the attempt, if a repeat must have the same bytes. Raises
    jinja2.UndefinedError, TemplateNotFound, LanguageUnknown, MessageBroken; each of these indicates a programming
    error.
    """
    subject, text, html = render(name, lang, context)
    return Message(to, sender, subject, text, html, lang, message_id, now, headers)


def render(name: str, lang: str, context: Mapping[str, object]) -> tuple[str, str, str]:
    """Returns subject, text and HTML of templates/mail/<name>/ in a language of the interface."""
    subject, text, html = (template.render(context) for template in _templates(name, lang))
    return " ".join(subject.split()), text, html


@lru_cache(maxsize=512)
def _templates(name: str, lang: str) -> tuple[Template, ...]:
    environment = _environment(lang)
    return tuple(environment.get_template(f"{name}/{file}") for file in FILES)


@lru_cache(maxsize=32)
def _environment(lang: str) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=select_autoescape(("html",)),
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    # The extension adds this method at run time, so type checkers do not know it.
    environment.install_gettext_callables(  # type: ignore[attr-defined]
        gettext_for(lang), ngettext_for(lang), newstyle=True
    )
    environment.globals["lang"] = lang
    environment.filters["number"] = lambda n: number(n, lang)
    environment.filters["percent"] = lambda share: percent(share, lang)
    environment.filters["date_long"] = lambda day: date_long(day, lang)
    environment.filters |= {"markdown": letter_html, "plain": plain, "typeset": typeset, "wrap": wrapped}
    return environment


def wrapped(text: str, indent: int = 0) -> str:
    """Break a paragraph at 72 characters. Lines after the first are indented by `indent` spaces."""
    hanging = " " * indent
    return textwrap.fill(text, WIDTH, subsequent_indent=hanging, break_long_words=False, break_on_hyphens=False)


def plain(markdown: str, lang: str) -> str:
    """Convert Markdown to plain text: links without their brackets, each line wrapped."""
    lines = _LINK.sub(r"\1 <\2>", typeset(markdown, lang)).strip().splitlines()
    return "\n".join(wrapped(line, _indent(line)) for line in lines)


def _indent(line: str) -> int:
    item = _ITEM.match(line)
    return len(item[0]) if item else 0
