"""Pictures of a letter that other sites and printers show: the share card, the badge, the QR code.

They show what the letter's public page shows, and no more: each is rendered from a snapshot, is the same for everybody
and fetches nothing. This package has no rules about what is public; the snapshot already decided that.
"""

from __future__ import annotations

from petition.web.pictures.badge import badge
from petition.web.pictures.card import HEIGHT, WIDTH, Card, card_of, png
from petition.web.pictures.lines import have_signed, shortened
from petition.web.pictures.qr_code import qr_png, qr_svg

__all__ = [
    "HEIGHT",
    "WIDTH",
    "Card",
    "badge",
    "card_of",
    "have_signed",
    "png",
    "qr_png",
    "qr_svg",
    "shortened",
]
