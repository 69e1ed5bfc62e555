"""Pictures of a letter that other sites and printers show: the share card, the badge, the QR code.

Guards that they tell what the letter's page tells everybody, and no more: each is drawn from a snapshot, is the same for
whoever asks, and fetches nothing. Refuses rules: what is public was decided when the snapshot was drawn.
"""

from __future__ import annotations

from petition.web.pictures.badge import badge
from petition.web.pictures.card import HEIGHT, WIDTH, Card, card_of, png
from petition.web.pictures.code import qr_png, qr_svg
from petition.web.pictures.lines import have_signed, shortened

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
