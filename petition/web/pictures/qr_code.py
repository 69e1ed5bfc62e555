"""The QR code of a letter's URL, for posters, slides and leaflets.

A scanned code leads directly to our URL, without a redirect through another site. A quarter of it may be dirty or torn
(level Q), and the quiet zone of four modules is part of the picture (ISO/IEC 18004).
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
    """Returns the code as SVG, two millimetres a module, with a title for people who cannot see it."""
    output = BytesIO()
    _code(url).save(
        output, kind="svg", scale=2, unit="mm", border=QUIET_ZONE, dark=INK, light="#fff", title=title, desc=url
    )
    return output.getvalue()


def qr_png(url: str) -> bytes:
    """Returns the code as PNG, large enough for an A3 poster."""
    output = BytesIO()
    _code(url).save(output, kind="png", scale=PIXELS_A_MODULE, border=QUIET_ZONE, dark=INK, light="#fff")
    return output.getvalue()


def _code(url: str) -> segno.QRCode:
    return segno.make_qr(url, error=LEVEL, boost_error=False)
