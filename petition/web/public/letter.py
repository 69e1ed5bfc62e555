"""The page of a letter: status, addressee, count, demands, text, organisers, timeline and signers."""

from __future__ import annotations

from flask import Blueprint, Response, render_template

from petition.core.markdown import letter_html
from petition.publication import Snapshot
from petition.web import page_cache, pictures
from petition.web.language import page_language
from petition.web.public.share import card_url
from petition.web.services import services

bp = Blueprint("letter", __name__)


@bp.get("/c/<slug>")
def letter(slug: str) -> Response:
    """Returns the page of one campaign's letter, made once for each version and language. Raises CampaignUnknown."""
    lang = page_language(page_cache.snapshot(slug))
    return page_cache.cached_page(slug, lang, "letter", lambda snapshot: _render(snapshot, lang))


def _render(snapshot: Snapshot, lang: str) -> str:
    view = snapshot.letter(lang)
    return render_template(
        "public/letter.html",
        snapshot=snapshot,
        letter=view,
        text=letter_html(view.markdown, view.lang),
        base_url=services().config.base_url.rstrip("/"),
        card_url=card_url(snapshot, lang),
        card_words=pictures.card_of(snapshot, lang).words(),
    )
