"""The legal texts of a campaign: its privacy notice and imprint, as the organisers wrote them."""

from __future__ import annotations

from flask import Blueprint, Response, abort, render_template

from petition.core.markdown import letter_html
from petition.publication import Snapshot
from petition.web import page_cache
from petition.web.language import page_language

bp = Blueprint("legal", __name__)


@bp.get("/c/<slug>/legal")
def legal(slug: str) -> Response:
    """Returns the privacy notice and the imprint. Raises CampaignUnknown. Answers 404 if the campaign has neither."""
    snapshot = page_cache.snapshot(slug)
    lang = page_language(snapshot)
    if not snapshot.legal:
        abort(404)
    return page_cache.cached_page(slug, lang, "legal", lambda snapshot: _render(snapshot, lang))


def _render(snapshot: Snapshot, lang: str) -> str:
    chosen = {name: (_nearest(texts, lang, snapshot.languages[0]), texts) for name, texts in snapshot.legal.items()}
    shown = {name: (code, letter_html(texts[code], code)) for name, (code, texts) in chosen.items()}
    return render_template("public/legal.html", snapshot=snapshot, shown=shown)


def _nearest(texts: dict[str, str], lang: str, own: str) -> str:
    return next((each for each in (lang, own) if each in texts), next(iter(texts)))
