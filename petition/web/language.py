"""The language of a response: the one given by `?lang=`, else the campaign's first language, else English.

The same URL gives the same bytes to everybody, so there is no cookie and Accept-Language is not read. A letter may be
in a language that the interface lacks; the text around it is then English. An unknown language is ignored.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from babel.support import LazyProxy
from flask import Flask, g, request
from markupsafe import Markup

from petition.core import i18n
from petition.core.markdown import letter_html
from petition.privacy import daily_figures
from petition.publication import Snapshot
from petition.web import labels


def choose(languages: Sequence[str]) -> str:
    """Choose the language of this request for a page that exists in `languages`, and store it in `g`."""
    asked = request.args.get("lang", "") if request.environ.get("QUERY_STRING") else ""
    g.lang = asked if asked in languages or asked in i18n.LANGUAGES else languages[0]
    return str(g.lang)


def page_language(snapshot: Snapshot | None = None) -> str:
    """Choose the language of a campaign's page, or of a page about no campaign."""
    return choose(snapshot.languages if snapshot else tuple(i18n.LANGUAGES))


def spoken() -> str:
    """Returns the interface's language for this request. It depends on `?lang=` alone if no view chose one before."""
    return i18n.interface_language(g.lang if "lang" in g else page_language())


def gettext(sentence: str, /, **values: object) -> str:
    """Returns a sentence in this request's language, with its `%(name)s` placeholders filled in."""
    return _filled(i18n.gettext_for(spoken())(sentence), values)


def lazy_gettext(sentence: str, /, **values: object) -> str:
    """Returns a sentence that is translated when it is shown. Import it as `_`.

    Labels and messages of forms use it, because they are written before there is a request.
    """
    if isinstance(sentence, LazyProxy):
        return sentence
    return cast("str", LazyProxy(gettext, sentence, enable_cache=False, **values))


def ngettext(one: str, many: str, n: int, /, **values: object) -> str:
    """Returns a sentence about a number, in this request's language."""
    return _filled(i18n.ngettext_for(spoken())(one, many, n), {"n": n} | values)


def _filled(sentence: str, values: dict[str, object]) -> str:
    if not values:
        return sentence
    if any(isinstance(value, Markup) for value in values.values()):
        return Markup(sentence) % values  # noqa: S704 (the sentence is ours; Markup escapes the values)
    return sentence % values


def register(app: Flask) -> None:
    """Give the templates the translation functions, `lang`, `labels`, and the filters for numbers, dates and texts.

    The functions are `_` and `ngettext`; the filters are number, tens, at_least, percent, date_long, duration,
    with_territory, markdown and language_name.
    """
    functions = {
        "_": gettext,
        "gettext": gettext,
        "ngettext": ngettext,
        "languages": tuple(i18n.LANGUAGES),
        "labels": labels,
    }
    app.jinja_env.globals.update(functions)
    app.jinja_env.filters["number"] = lambda n: i18n.number(n, spoken())
    app.jinja_env.filters["tens"] = daily_figures.tens
    app.jinja_env.filters["at_least"] = lambda tens: i18n.at_least(tens, spoken())
    app.jinja_env.filters["percent"] = lambda share: i18n.percent(share, spoken())
    app.jinja_env.filters["date_long"] = lambda day: i18n.date_long(day, spoken())
    app.jinja_env.filters["duration"] = lambda seconds: i18n.duration(seconds, spoken())
    app.jinja_env.filters["with_territory"] = i18n.with_territory
    app.jinja_env.filters["markdown"] = letter_html
    app.jinja_env.filters["language_name"] = lambda code: i18n.LANGUAGES.get(code, code)
    app.context_processor(lambda: {"lang": g.lang if "lang" in g else page_language(), "snapshot": None, "here": False})
