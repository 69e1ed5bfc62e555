"""The language of an answer: the one asked for with `?lang=`, else the campaign's first, else English.

Guards that the same address gives the same bytes to everybody: no cookie, no Accept-Language. A letter may be in a
language the interface lacks; the words around it are then English. Refuses nothing: an unknown language is ignored.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from babel.support import LazyProxy
from flask import Flask, g, request
from markupsafe import Markup

from petition.core import i18n
from petition.core.markdown import letter_html
from petition.publication import Snapshot
from petition.web import labels


def choose(languages: Sequence[str]) -> str:
    """Pick the language of this request for a page that has `languages`, and remember it."""
    asked = request.args.get("lang", "") if request.environ.get("QUERY_STRING") else ""
    g.lang = asked if asked in languages or asked in i18n.LANGUAGES else languages[0]
    return str(g.lang)


def page_language(snapshot: Snapshot | None = None) -> str:
    """The language of a campaign's page, or of a page about none."""
    return choose(snapshot.languages if snapshot else tuple(i18n.LANGUAGES))


def spoken() -> str:
    """The interface's language for this request, chosen from `?lang=` alone if nobody chose before."""
    return i18n.interface_language(g.lang if "lang" in g else page_language())


def gettext(sentence: str, /, **values: object) -> str:
    """A sentence in this request's language, with its `%(name)s` filled in."""
    return _filled(i18n.gettext_for(spoken())(sentence), values)


def lazy_gettext(sentence: str, /, **values: object) -> str:
    """The same, translated when it is shown: for labels and sentences of forms, written before any request. Import it as `_`."""
    if isinstance(sentence, LazyProxy):
        return sentence
    return cast("str", LazyProxy(gettext, sentence, enable_cache=False, **values))


def ngettext(one: str, many: str, n: int, /, **values: object) -> str:
    """A sentence about a number, in this request's language."""
    return _filled(i18n.ngettext_for(spoken())(one, many, n), {"n": n} | values)


def _filled(sentence: str, values: dict[str, object]) -> str:
    if not values:
        return sentence
    if any(isinstance(value, Markup) for value in values.values()):
        return Markup(sentence) % values  # noqa: S704 (the sentence is ours; Markup escapes the values)
    return sentence % values


def teach(app: Flask) -> None:
    """Give the templates `_`, `ngettext`, `lang`, `labels` and the filters number, percent, date_long, duration, markdown, language_name."""
    words = {
        "_": gettext,
        "gettext": gettext,
        "ngettext": ngettext,
        "languages": tuple(i18n.LANGUAGES),
        "labels": labels,
    }
    app.jinja_env.globals.update(words)
    app.jinja_env.filters["number"] = lambda n: i18n.number(n, spoken())
    app.jinja_env.filters["percent"] = lambda share: i18n.percent(share, spoken())
    app.jinja_env.filters["date_long"] = lambda day: i18n.date_long(day, spoken())
    app.jinja_env.filters["duration"] = lambda seconds: i18n.duration(seconds, spoken())
    app.jinja_env.filters["markdown"] = letter_html
    app.jinja_env.filters["language_name"] = lambda code: i18n.LANGUAGES.get(code, code)
    app.context_processor(lambda: {"lang": g.lang if "lang" in g else page_language(), "snapshot": None, "here": False})
