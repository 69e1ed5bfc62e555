"""Renders the pages that are made for one person: signing, the receipt, withdrawing, mail.

These pages are never stored, keep one language from step to step, and keep what was typed when a form is rejected.
Errors that are not in `REFUSALS` go on to `petition.web.errors`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from babel.lists import format_list
from flask import Response, render_template, url_for
from sqlalchemy import exc

from petition.core.errors import ExpectedError
from petition.core.i18n import LANGUAGES, interface_language
from petition.publication import Choice, Snapshot
from petition.web import page_cache
from petition.web.forms.base import BaseForm
from petition.web.forms.redraw import View, redraw
from petition.web.language import page_language
from petition.web.public.words import words_of
from petition.web.services import services

REFUSALS: Final[tuple[type[Exception], ...]] = (ExpectedError, exc.OperationalError, exc.TimeoutError)
"""The errors for which a page is rendered again. Each has a message in `petition.web.error_messages`."""


def find(slug: str) -> tuple[Snapshot, str]:
    """Returns the public snapshot of a campaign and the language of this page. Raises CampaignUnknown."""
    snapshot = page_cache.snapshot(slug)
    return snapshot, page_language(snapshot)


def render_page(
    template: str, snapshot: Snapshot, lang: str, form: BaseForm | None = None, **values: object
) -> Response:
    """Render a complete page, with its form and its current values."""
    words = interface_language(lang)
    context: dict[str, object] = {
        "snapshot": snapshot,
        "lang": lang,
        "here": False,
        "form": form or BaseForm(),
        "script_words": words_of(snapshot),
        "letter_url": letter_url(snapshot, lang),
        "roles": labelled(snapshot.roles, lang),
        "teams": labelled(snapshot.teams, lang),
        "mail_languages": [
            (code, LANGUAGES.get(code, code)) for code in dict.fromkeys((*snapshot.languages, *LANGUAGES))
        ],
        "domains": format_list([f"@{domain}" for domain in snapshot.domains], style="or", locale=words),
        "have_pass": False,
        "has_next_step": False,
        "language_form": "",
        "in_browser": False,
        "signature_status": "",
        "epoch": None,
        "found": None,
        "receipt_to_check": "",
        "shown": (),
    }
    page = render_template(f"public/{template}.html", **(context | values))
    return Response(page, headers={"Cache-Control": "no-store"}, content_type="text/html; charset=utf-8")


def redrawn(page: View, form: type[BaseForm], field: str) -> Callable[[View], View]:
    """Decorate a view so that for any of `REFUSALS` a page is rendered again with what was typed.

    A message without a field belongs to `field` if the status is 403 or 404, else to the form as a whole.
    """
    return redraw(page, *REFUSALS, form=form, field=field, statuses={403, 404})


def letter_url(snapshot: Snapshot, lang: str) -> str:
    """Returns the letter's full URL, for sharing."""
    other = None if lang == snapshot.languages[0] else lang
    return services().config.base_url.rstrip("/") + url_for("letter.letter", slug=snapshot.slug, lang=other)


def labelled(choices: tuple[Choice, ...], lang: str) -> list[tuple[str, str]]:
    """Returns the values of the organisers' list with their labels in a language."""
    return [(choice.value, choice.labels.get(lang) or choice.value) for choice in choices]
