"""What others show of a letter: the share card, the badge, the QR code, and the counter that any page may frame.

Guards that they are the same bytes for everybody, cacheable, without a cookie, and tell no count before it is public.
Refuses to frame anything else: only the counter carries a policy that lets it be framed (`petition.web.headers`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from flask import Blueprint, Response, render_template, url_for

from petition.publication import Snapshot
from petition.web import page_cache, pictures
from petition.web.language import gettext, page_language
from petition.web.services import services

SVG: Final = "image/svg+xml; charset=utf-8"
PNG: Final = "image/png"

Drawn = Callable[[Snapshot, str], str | bytes]

bp = Blueprint("share", __name__)


@bp.get("/c/<slug>/card.png")
def card(slug: str) -> Response:
    """The share card of a language, drawn once for each milestone; raises CampaignUnknown."""
    return _shown(slug, "card", lambda snapshot, lang: pictures.png(pictures.card_of(snapshot, lang)), PNG)


@bp.get("/c/<slug>/badge.svg")
def badge(slug: str) -> Response:
    """Title and count as a small picture; raises CampaignUnknown."""
    return _shown(slug, "badge", pictures.badge, SVG)


@bp.get("/c/<slug>/qr.svg")
def qr_svg(slug: str) -> Response:
    """The letter's address as a QR code, for print; raises CampaignUnknown."""
    return _shown(slug, "qr.svg", lambda it, lang: pictures.qr_svg(letter_url(it, lang), _named(it, lang)), SVG)


@bp.get("/c/<slug>/qr.png")
def qr_png(slug: str) -> Response:
    """The same for programs that take no SVG; raises CampaignUnknown."""
    return _shown(slug, "qr.png", lambda it, lang: pictures.qr_png(letter_url(it, lang)), PNG)


@bp.get("/c/<slug>/embed")
def embed(slug: str) -> Response:
    """The counter: a page of a few lines that any other page may frame; raises CampaignUnknown."""
    return _shown(slug, "embed", _counter, page_cache.HTML)


def address(endpoint: str, snapshot: Snapshot, lang: str, at: str | None = None) -> str:
    """A whole address of a page or picture about a letter; in its first language without a word about it."""
    asked = None if lang == snapshot.languages[0] else lang
    return services().config.base_url.rstrip("/") + url_for(endpoint, slug=snapshot.slug, lang=asked, at=at)


def letter_url(snapshot: Snapshot, lang: str) -> str:
    """Where the letter is, as it is given away."""
    return address("letter.letter", snapshot, lang)


def card_url(snapshot: Snapshot, lang: str) -> str:
    """Where its card is; the address changes with each milestone, for sites keep a picture as long as its address."""
    return address("share.card", snapshot, lang, at=pictures.card_of(snapshot, lang).at or None)


def _shown(slug: str, name: str, drawn: Drawn, kind: str) -> Response:
    lang = page_language(page_cache.snapshot(slug))
    return page_cache.cached_page(slug, lang, name, lambda snapshot: drawn(snapshot, lang), kind=kind)


def _counter(snapshot: Snapshot, lang: str) -> str:
    return render_template(
        "public/embed.html", snapshot=snapshot, letter=snapshot.letter(lang), url=letter_url(snapshot, lang)
    )


def _named(snapshot: Snapshot, lang: str) -> str:
    return gettext("QR code of the address of “%(title)s”", title=pictures.shortened(snapshot.title(lang), 150))
