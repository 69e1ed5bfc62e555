"""What other sites show of a letter: the share card, the badge, the QR code, and the counter, which any page may frame.

They are the same bytes for everybody, cacheable and without a cookie, and show no count before it is public. Only the
counter has a policy that allows framing (`petition.web.headers`).
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

Renderer = Callable[[Snapshot, str], str | bytes]

bp = Blueprint("share", __name__)


@bp.get("/c/<slug>/card.png")
def card(slug: str) -> Response:
    """Returns the share card in a language, rendered once for each milestone. Raises CampaignUnknown."""
    return _cached(slug, "card", lambda snapshot, lang: pictures.png(pictures.card_of(snapshot, lang)), PNG)


@bp.get("/c/<slug>/badge.svg")
def badge(slug: str) -> Response:
    """Returns the title and the count as a small picture. Raises CampaignUnknown."""
    return _cached(slug, "badge", pictures.badge, SVG)


@bp.get("/c/<slug>/qr.svg")
def qr_svg(slug: str) -> Response:
    """Returns the letter's URL as a QR code in SVG, for print. Raises CampaignUnknown."""
    return _cached(slug, "qr.svg", lambda it, lang: pictures.qr_svg(letter_url(it, lang), _qr_title(it, lang)), SVG)


@bp.get("/c/<slug>/qr.png")
def qr_png(slug: str) -> Response:
    """Returns the letter's URL as a QR code in PNG, for programs without SVG. Raises CampaignUnknown."""
    return _cached(slug, "qr.png", lambda it, lang: pictures.qr_png(letter_url(it, lang)), PNG)


@bp.get("/c/<slug>/embed")
def embed(slug: str) -> Response:
    """Returns the counter, a page of a few lines that any other page may frame. Raises CampaignUnknown."""
    return _cached(slug, "embed", _counter, page_cache.HTML)


def address(endpoint: str, snapshot: Snapshot, lang: str, at: str | None = None) -> str:
    """Returns the full URL of a page or picture of a letter. For the letter's first language, it has no `lang`."""
    asked = None if lang == snapshot.languages[0] else lang
    return services().config.base_url.rstrip("/") + url_for(endpoint, slug=snapshot.slug, lang=asked, at=at)


def letter_url(snapshot: Snapshot, lang: str) -> str:
    """Returns the URL of the letter, for sharing."""
    return address("letter.letter", snapshot, lang)


def card_url(snapshot: Snapshot, lang: str) -> str:
    """Returns the URL of the share card. Other sites cache a picture by its URL, so each milestone gives a new one."""
    return address("share.card", snapshot, lang, at=pictures.card_of(snapshot, lang).at or None)


def _cached(slug: str, name: str, render: Renderer, kind: str) -> Response:
    lang = page_language(page_cache.snapshot(slug))
    return page_cache.cached_page(slug, lang, name, lambda snapshot: render(snapshot, lang), kind=kind)


def _counter(snapshot: Snapshot, lang: str) -> str:
    return render_template(
        "public/embed.html", snapshot=snapshot, letter=snapshot.letter(lang), url=letter_url(snapshot, lang)
    )


def _qr_title(snapshot: Snapshot, lang: str) -> str:
    return gettext("QR code of the address of “%(title)s”", title=pictures.shortened(snapshot.title(lang), 150))
