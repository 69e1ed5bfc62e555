"""The list of letters. If there is only one letter, the page redirects to it."""

from __future__ import annotations

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for

from petition.publication import Listed
from petition.web import page_cache
from petition.web.language import page_language
from petition.web.page import PAGES_CACHED

bp = Blueprint("home", __name__)


@bp.get("/")
def home() -> Response:
    """Returns the list of all public letters, or redirects to the only one."""
    listing = page_cache.listing()
    if len(listing) == 1:
        return _redirect_to(listing[0])
    return page_cache.cached_listing(page_language(), "home", _render)


def _render(listing: tuple[Listed, ...]) -> str:
    return render_template("public/home.html", campaigns=listing)


def _redirect_to(campaign: Listed) -> Response:
    asked = request.args.get("lang")
    lang = asked if asked in campaign.languages[1:] else None
    answer = redirect(url_for("letter.letter", slug=campaign.slug, lang=lang), 302, Response)
    answer.headers["Cache-Control"] = PAGES_CACHED
    return make_response(answer)
