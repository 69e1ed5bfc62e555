"""Pages about no single campaign: the list of letters, safety before signing, and what a seizure would reveal."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for

from petition.core.markdown import typeset
from petition.privacy.data_elsewhere import FILES, KEYS
from petition.privacy.data_map import DATA_MAP, Datum, Kind
from petition.privacy.retention import RETENTION, TITLES, Whose
from petition.publication import Listed
from petition.web import page_cache
from petition.web.language import page_language
from petition.web.page import PAGES_CACHED

AWAY: Final = "https://duckduckgo.com/"
CLEARED: Final = '"cache", "storage"'

bp = Blueprint("pages", __name__)
bp.add_app_template_filter(typeset)

Group = tuple[Kind, list[tuple[Datum, dict[str, list[str]]]]]
KINDS_BY_SENSITIVITY = (Kind.personal, Kind.keyed, Kind.sealed, Kind.operational, Kind.public)


@bp.get("/")
def home() -> Response:
    """Returns the list of all public letters, or redirects to the only one."""
    listing = page_cache.listing()
    if len(listing) == 1:
        return _redirect_to(listing[0])
    return page_cache.cached_listing(page_language(), "home", _render_list)


@bp.get("/safety")
def safety() -> Response:
    """Explains what to do before signing, and who sees what."""
    values = {"kept": {Whose.SIGNERS: RETENTION[Whose.SIGNERS]}, "titles": TITLES}
    return page_cache.cached_text(page_language(), "safety", lambda _: render_template("public/safety.html", **values))


@bp.get("/seizure")
def seizure() -> Response:
    """Explains how long everything is kept, then lists every column, Redis key and file, from the data map."""
    values = {"kept": RETENTION, "titles": TITLES, "groups": by_kind(), "keys": KEYS, "files": FILES}
    return page_cache.cached_text(
        page_language(), "seizure", lambda _: render_template("public/seizure.html", **values)
    )


@bp.get("/leave")
def leave() -> Response:
    """Redirect to a neutral page on another site. The browser deletes what it kept of this site."""
    answer = make_response(redirect(AWAY, 303))
    answer.headers.update({"Clear-Site-Data": CLEARED, "Cache-Control": "no-store"})
    return answer


def by_kind() -> list[Group]:
    """Returns the data map in groups, with the data that reveals most about people first.

    Columns with the same description share a row.
    """
    rows: dict[Datum, dict[str, list[str]]] = {}
    for column, datum in DATA_MAP.items():
        table, _, name = column.rpartition(".")
        rows.setdefault(datum, {}).setdefault(table, []).append(name)
    groups = [(kind, [row for row in rows.items() if row[0].kind is kind]) for kind in KINDS_BY_SENSITIVITY]
    return [group for group in groups if group[1]]


def _render_list(listing: tuple[Listed, ...]) -> str:
    return render_template("public/home.html", campaigns=listing)


def _redirect_to(campaign: Listed) -> Response:
    asked = request.args.get("lang")
    lang = asked if asked in campaign.languages[1:] else None
    answer = redirect(url_for("letter.letter", slug=campaign.slug, lang=lang), 302, Response)
    answer.headers["Cache-Control"] = PAGES_CACHED
    return make_response(answer)
