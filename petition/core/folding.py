"""Folding of text for searches: two spellings of the same words become the same text.

Python folds both what is stored and what is searched for. PostgreSQL's `lower` depends on the collation of the database
and knows neither accents nor apostrophes, so it would fold one side differently.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from petition.core.normalization import has_piled_marks

_LETTERS: Final = str.maketrans(
    {
        "ø": "o",
        "ł": "l",
        "đ": "d",
        "ð": "d",
        "þ": "th",
        "æ": "ae",
        "œ": "oe",
        "ħ": "h",
        "ŧ": "t",
        "ı": "i",
        "ŋ": "n",
        "ĸ": "k",
    }
)
"""Letters that Unicode does not take apart, and how people type them without the keyboard for it."""
_SIGNS: Final = str.maketrans(dict.fromkeys("‘’‚‛′´`ʹʻʼʽˈ＇", "'") | dict.fromkeys("“”„‟″«»", '"'))
_LEAST_MARK: Final = 10
"""The lowest combining class of an accent, of a Hebrew point or of an Arabic vowel. Lower ones are parts of letters."""


def fold(text: str) -> str:
    """Returns a text without case, accents, invisible characters, and differences of apostrophes, dashes and spaces.

    The result is only compared with other results, never shown. It may be empty, and is for a run of combining marks
    that no stored text has: to fold it takes time that grows with the square of its length (`normalization`).
    """
    if has_piled_marks(text):
        return ""
    parts = unicodedata.normalize("NFKD", text.translate(_SIGNS)).casefold().translate(_LETTERS)
    kept = "".join(_folded(each) for each in unicodedata.normalize("NFKD", parts))
    return re.sub(r"\s+", " ", unicodedata.normalize("NFC", kept)).strip()


def _folded(character: str) -> str:
    if character.isascii():
        return character
    category = unicodedata.category(character)
    if category in {"Cf", "Cc"} or unicodedata.combining(character) >= _LEAST_MARK:
        return ""
    return "-" if category == "Pd" else character
