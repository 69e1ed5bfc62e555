"""Unicode normalization (NFC, UAX #15) of texts that strangers typed, in a time that grows with their length alone.

Guards the processor: putting combining marks into canonical order takes a time that grows with the square of a run of
them (32,000 in a row: 3 s), so a run longer than any script needs is refused before anything is normalized. What
passes costs half a microsecond a character at most. Everything that is normalized passes here; a length limit comes first.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

MOST_MARKS: Final = 8
"""Marks in a row. Hebrew and Vietnamese need three or four, a Sanskrit stack in Tibetan letters seven."""
# No character before U+0300 is a mark: most texts are passed by this expression alone.
_MAYBE_MARKS: Final = re.compile(f"[\u0300-\U0010ffff]{{{MOST_MARKS + 1},}}")


class TooManyMarks(ValueError):
    """More combining marks stand in a row than any script needs."""


def nfc(text: str) -> str:
    """In composed form (NFC). Raises TooManyMarks."""
    if any(_is_piled(found[0]) for found in _MAYBE_MARKS.finditer(text)):
        raise TooManyMarks
    return unicodedata.normalize("NFC", text)


def _is_piled(text: str) -> bool:
    """Whether too many marks follow one another.

    By general category, not by combining class: U+0F73 has class 0 and is made of two that have another. No character
    outside of category M begins with one that has a class other than 0.
    """
    run = 0
    for character in text:
        run = run + 1 if unicodedata.category(character)[0] == "M" else 0
        if run > MOST_MARKS:
            return True
    return False
