"""The badge: title and count in one small SVG, for pages that show a picture but no frame."""

from __future__ import annotations

from typing import Final

from flask import render_template

from petition.publication import Snapshot
from petition.web.pictures import lines

LONGEST_TITLE: Final = 56
HEIGHT: Final = 56
MARGIN: Final = 16
TITLE_SIZE: Final = 16
WORDS_SIZE: Final = 14
LONGEST_NOTE: Final = 76
NOTE_SIZE: Final = 12
NOTE_HEIGHT: Final = 20


def badge(snapshot: Snapshot, lang: str) -> str:
    """Returns the picture in a language. Below the least number it shows the status instead of a count."""
    title = lines.shortened(snapshot.title(lang), LONGEST_TITLE)
    words = lines.state(snapshot, lang) if snapshot.count is None else lines.have_signed(snapshot.count, lang)
    note = lines.notice(snapshot, lang, LONGEST_NOTE)
    sizes = ((title, TITLE_SIZE), (words, WORDS_SIZE), (note, NOTE_SIZE))
    widths = [lines.width(text, size) for text, size in sizes]
    return render_template(
        "public/badge.svg",
        title=title,
        words=words,
        note=note,
        own=snapshot.letter(lang).lang,
        widths=widths,
        width=max(widths) + 2 * MARGIN,
        height=HEIGHT + NOTE_HEIGHT if note else HEIGHT,
    )
