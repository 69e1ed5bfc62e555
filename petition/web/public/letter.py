"""The page of a letter, and the two pages that explain it: how the count is verified, and the legal texts.

The letter's page has the status, addressee, count, demands, text, organisers, timeline and signers. The page of the
count has what is promised, the integrity report, and how to recount independently. The legal texts are the privacy
notice and the imprint, as the organisers wrote them.
"""

from __future__ import annotations

from flask import Blueprint, Response, abort, render_template

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
    return page_cache.cached_page(slug, lang, "letter", lambda snapshot: _render_letter(snapshot, lang))


@bp.get("/c/<slug>/count")
def count(slug: str) -> Response:
    """Returns the figures of one campaign and the way to check them. Raises CampaignUnknown."""
    lang = page_language(page_cache.snapshot(slug))
    return page_cache.cached_page(slug, lang, "count", _render_count)


@bp.get("/c/<slug>/legal")
def legal(slug: str) -> Response:
    """Returns the privacy notice and the imprint. Raises CampaignUnknown. Answers 404 if the campaign has neither."""
    snapshot = page_cache.snapshot(slug)
    lang = page_language(snapshot)
    if not snapshot.legal:
        abort(404)
    return page_cache.cached_page(slug, lang, "legal", lambda snapshot: _render_legal(snapshot, lang))


def _render_letter(snapshot: Snapshot, lang: str) -> str:
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


def _render_count(snapshot: Snapshot) -> str:
    return render_template("public/verify.html", snapshot=snapshot)


def _render_legal(snapshot: Snapshot, lang: str) -> str:
    chosen = {name: (_nearest(texts, lang, snapshot.languages[0]), texts) for name, texts in snapshot.legal.items()}
    shown = {name: (code, letter_html(texts[code], code)) for name, (code, texts) in chosen.items()}
    return render_template("public/legal.html", snapshot=snapshot, shown=shown)


def _nearest(texts: dict[str, str], lang: str, own: str) -> str:
    """Returns the language to show: the page's, else the letter's first, else any that there is."""
    return next((each for each in (lang, own) if each in texts), next(iter(texts)))
