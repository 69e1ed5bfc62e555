"""Pages made for one person: signing, the receipt, withdrawing, mail.

Guards that they are never stored, speak one language all the way, and keep what was typed when something has to be
mended. Refuses to swallow: an error that is not among the foreseen ones goes on to `petition.web.errors`.
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
"""What a page answers by drawing itself again; all of it has a sentence in `petition.web.error_messages`."""


def find(slug: str) -> tuple[Snapshot, str]:
    """What is public of a campaign, and the language of this page; raises CampaignUnknown."""
    snapshot = page_cache.snapshot(slug)
    return snapshot, page_language(snapshot)


def render_page(
    template: str, snapshot: Snapshot, lang: str, form: BaseForm | None = None, **values: object
) -> Response:
    """A page, complete, with its form as it stands."""
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
        "tongues": [(code, LANGUAGES.get(code, code)) for code in dict.fromkeys((*snapshot.languages, *LANGUAGES))],
        "domains": format_list([f"@{domain}" for domain in snapshot.domains], style="or", locale=words),
        "have_pass": False,
        "leads_on": False,
        "asked_for": "",
        "turns": "",
        "in_browser": False,
        "standing": "",
        "epoch": None,
        "receipt_for_look": "",
        "token": "",
        "shown": "",
    }
    page = render_template(f"public/{template}.html", **(context | values))
    return Response(page, headers={"Cache-Control": "no-store"}, content_type="text/html; charset=utf-8")


def redrawn(page: View, form: type[BaseForm], field: str) -> Callable[[View], View]:
    """Draw a page again with what was typed, for all of `REFUSALS`.

    A sentence without a field belongs to `field` if something was not found or is not right, else to the form as a whole.
    """
    return redraw(page, *REFUSALS, form=form, field=field, statuses={403, 404})


def letter_url(snapshot: Snapshot, lang: str) -> str:
    """The letter's full address, to be passed on."""
    other = None if lang == snapshot.languages[0] else lang
    return services().config.base_url.rstrip("/") + url_for("letter.letter", slug=snapshot.slug, lang=other)


def labelled(choices: tuple[Choice, ...], lang: str) -> list[tuple[str, str]]:
    """Values of the organisers' list with their labels in a language."""
    return [(choice.value, choice.labels.get(lang) or choice.value) for choice in choices]
