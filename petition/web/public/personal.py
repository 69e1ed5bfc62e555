"""Pages made for one person: signing, the receipt, withdrawing, mail.

Guards that they are never stored, speak one language all the way, and keep what was typed when something has to be
mended. Refuses to swallow: an error that is not among the foreseen ones goes on to `petition.web.errors`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from babel.lists import format_list
from flask import Response, render_template, url_for
from sqlalchemy import exc

from petition.core.errors import ExpectedError
from petition.core.i18n import LANGUAGES, interface_language
from petition.publication import Choice, Snapshot
from petition.web import errors, page_cache
from petition.web.fields import EMPTY, Filled
from petition.web.language import page_language
from petition.web.public.words import words_of
from petition.web.services import services

REFUSALS: Final[tuple[type[Exception], ...]] = (ExpectedError, exc.OperationalError, exc.TimeoutError)
"""What a page answers by drawing itself again; all of it has a sentence in `petition.web.error_messages`."""


def find(slug: str) -> tuple[Snapshot, str]:
    """What is public of a campaign, and the language of this page; raises CampaignUnknown."""
    snapshot = page_cache.snapshot(slug)
    return snapshot, page_language(snapshot)


def render_page(template: str, snapshot: Snapshot, lang: str, form: Filled = EMPTY, **values: object) -> Response:
    """A page, complete, with nothing to mend."""
    words = interface_language(lang)
    context: dict[str, object] = {
        "snapshot": snapshot,
        "lang": lang,
        "here": False,
        "form": form,
        "empty": EMPTY,
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


def render_again(
    error: Exception,
    field: str,
    template: str,
    snapshot: Snapshot,
    lang: str,
    typed: Mapping[str, str],
    **values: object,
) -> Response:
    """The same page with what was typed and what is to mend; `field` is where a sentence without a field belongs."""
    fault = errors.explain(error)
    shown = field if fault.status in {403, 404} else ""
    filled = Filled(typed, fault.errors or {shown: [fault.sentence]})
    page = render_page(template, snapshot, lang, filled, **values)
    page.status_code = fault.status
    if fault.retry_after is not None:
        page.headers["Retry-After"] = str(fault.retry_after)
    return page


def letter_url(snapshot: Snapshot, lang: str) -> str:
    """The letter's full address, to be passed on."""
    other = None if lang == snapshot.languages[0] else lang
    return services().config.base_url.rstrip("/") + url_for("letter.letter", slug=snapshot.slug, lang=other)


def labelled(choices: tuple[Choice, ...], lang: str) -> list[tuple[str, str]]:
    """Values of the organisers' list with their labels in a language."""
    return [(choice.value, choice.labels.get(lang) or choice.value) for choice in choices]
