"""The page about verifying the count: what is promised, the integrity report, and how to recount independently."""

from __future__ import annotations

from flask import Blueprint, Response, render_template

from petition.publication import Snapshot
from petition.web import page_cache
from petition.web.language import page_language

bp = Blueprint("verify", __name__)


@bp.get("/c/<slug>/count")
def count(slug: str) -> Response:
    """Returns the figures of one campaign and the way to check them. Raises CampaignUnknown."""
    lang = page_language(page_cache.snapshot(slug))
    return page_cache.cached_page(slug, lang, "count", _render)


def _render(snapshot: Snapshot) -> str:
    return render_template("public/verify.html", snapshot=snapshot)
