"""The answer to a request that the web server has no thread for: 503, when to try again, and that nothing was done.

The server's loop sends it (`petition.web.serving.answers`), so it touches no database and renders nothing. It looks the
same on every page: a neutral title, no word of a letter, because it may stay in the history of a signer's browser.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from html import escape
from itertools import cycle
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qs

from flask import Flask

from petition.core import i18n
from petition.core.i18n import marked as _
from petition.web.errors import FOR_MACHINES
from petition.web.headers import PROBLEM, PROBLEM_TYPE, SecurityHeaders
from petition.web.page import Page
from petition.web.page_cache import HTML
from petition.web.services import Services
from petition.web.serving.answers import EXTENSION, PAGE, STATUS, Overload

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

NAME: Final = "overloaded"
TITLE: Final = _("Too many people at once")
SENTENCE: Final = _("This site cannot answer everybody at this moment. Nothing was done. Try again in a few seconds.")
RELOAD: Final = _("What you typed is not lost: reload this page in a few seconds, and your browser sends it again.")
AGAIN: Final = cycle((3, 4, 5, 6, 7))
"""Seconds after which to try again: not the same for everybody, so that they do not all come back at once."""


class Overloaded:
    """A WSGI application that answers every request like this, in the language of `?lang=`, else of the letter."""

    def __init__(self, services: Services) -> None:
        self._page_cache = services.page_cache
        self._problems = {lang: _problem(lang) for lang in i18n.LANGUAGES}
        self._pages = {
            (lang, posted): _page(lang, posted=posted) for lang in i18n.LANGUAGES for posted in (False, True)
        }

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Send a problem document to programs, else a page. It tells who posted a form how to send it again."""
        lang, is_call = self._language(environ), environ["PATH_INFO"].startswith(FOR_MACHINES)
        posted = environ["REQUEST_METHOD"] == "POST"
        kind, body = (PROBLEM, self._problems[lang]) if is_call else (HTML, self._pages[lang, posted])
        headers = [("Content-Type", kind), ("Content-Length", str(len(body))), ("Content-Language", lang)]
        start_response(STATUS, [*headers, ("Retry-After", str(next(AGAIN))), ("Cache-Control", "no-store")])
        return [body]

    def _language(self, environ: WSGIEnvironment) -> str:
        asked = parse_qs(environ["QUERY_STRING"]).get("lang", [""])[0] if environ["QUERY_STRING"] else ""
        if asked in i18n.LANGUAGES:
            return str(asked)
        parts = environ["PATH_INFO"].split("/", 3)
        return i18n.interface_language(self._page_cache.known_language(parts[2]) if len(parts) > 2 else None)


def register(app: Flask, services: Services) -> None:
    """Give the web server this answer and the pages that exist as bytes, with the headers of every other response."""
    answer, send = (SecurityHeaders(each, services.config) for each in (Overloaded(services), _send_page))
    app.extensions[EXTENSION] = Overload(answer, services.page_cache.has_page, services.page_cache.ready, send)


def _send_page(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    page: Page = environ[PAGE]
    return page.send(environ, start_response)


def _problem(lang: str) -> bytes:
    gettext = i18n.gettext_for(lang)
    document: dict[str, Any] = {
        "type": PROBLEM_TYPE + NAME,
        "title": gettext(TITLE),
        "status": 503,
        "detail": gettext(SENTENCE),
    }
    return json.dumps(document, ensure_ascii=False).encode()


def _page(lang: str, *, posted: bool) -> bytes:
    gettext = i18n.gettext_for(lang)
    title, sentences = escape(gettext(TITLE)), [SENTENCE, *([RELOAD] if posted else [])]
    text = "".join(f"<p>{escape(gettext(each))}</p>" for each in sentences)
    return (
        f'<!doctype html>\n<html lang="{lang}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark"><meta name="robots" content="noindex">'
        f"<title>{title}</title></head>\n<body><main><h1>{title}</h1>{text}</main></body></html>\n"
    ).encode()
