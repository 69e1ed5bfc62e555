"""The QR code of a letter's address: for posters, slides and leaflets.

Guards that a scanned code leads to exactly one address, ours, without a stop on the way: a quarter of it may be dirty or
torn (level Q), and the quiet zone of four modules is part of the picture (ISO/IEC 18004).
"""

from __future__ import annotations

from io import BytesIO
from typing import Final

import segno

LEVEL: Final = "q"
QUIET_ZONE: Final = 4
INK: Final = "#15181d"
PIXELS_A_MODULE: Final = 20


def qr_svg(url: str, title: str) -> bytes:
    """The code as SVG, two millimetres a module; it names itself for those who cannot see it."""
    drawn = BytesIO()
    _code(url).save(
        drawn, kind="svg", scale=2, unit="mm", border=QUIET_ZONE, dark=INK, light="#fff", title=title, desc=url
    )
    return drawn.getvalue()


def qr_png(url: str) -> bytes:
    """The code as PNG, large enough for a poster of A3."""
    drawn = BytesIO()
    _code(url).save(drawn, kind="png", scale=PIXELS_A_MODULE, border=QUIET_ZONE, dark=INK, light="#fff")
    return drawn.getvalue()


def _code(url: str) -> segno.QRCode:
    return segno.make_qr(url, error=LEVEL, boost_error=False)
