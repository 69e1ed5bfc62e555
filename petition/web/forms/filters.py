"""Filters that normalize a text before it is checked, according to its kind of value.

Each filter accepts None for a field that was not sent.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from petition.core.normalization import MOST_MARKS, TooManyMarks, nfc
from petition.web.language import lazy_gettext as _

CODE: Final = re.compile("(?:[0-9]{8}){1,2}")
CODE_IN_SENTENCE: Final = re.compile(r"(?<![0-9])(?<![0-9][\s-])[0-9]{4}(?:[\s-]?[0-9]{4}){1,3}(?![\s-]?[0-9])")
SPACES: Final = re.compile("[ \u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]+")


def stripped(text: str | None) -> str:
    """Returns a text without white space around it."""
    return (text or "").strip()


def without_spaces(text: str | None) -> str:
    """Returns a text without plain spaces around it. Other white space stays, for a check to refuse it."""
    return (text or "").strip(" ")


def one_line(text: str | None) -> str:
    """Returns a text in composed form (NFC), with single plain spaces. Raises ValueError with a message."""
    return SPACES.sub(" ", _composed(text)).strip(" ")


def lines(text: str | None) -> str:
    """Returns a text in composed form (NFC), with plain line ends. Raises ValueError with a message."""
    return _composed(text).replace("\r\n", "\n").replace("\r", "\n").strip()


def code_in(text: str | None) -> str:
    """Returns the code in what was typed or pasted, also in a sentence such as "Your code: 1234 5678", without spaces and dashes.

    The digits of any script become ASCII digits. A text without a code stays as it is, without spaces and dashes.
    """
    plain = "".join(_plain(c) for c in text or "")
    whole = _joined(plain)
    found = None if CODE.fullmatch(whole) else CODE_IN_SENTENCE.search(plain)
    return _joined(found[0]) if found and CODE.fullmatch(_joined(found[0])) else whole


def _plain(character: str) -> str:
    """Returns a digit of any script as an ASCII digit, and a dash of any kind as a hyphen."""
    if unicodedata.category(character) == "Pd":
        return "-"
    return str(unicodedata.decimal(character, character))


def _joined(text: str) -> str:
    return re.sub(r"[\s-]", "", text)


def _composed(text: str | None) -> str:
    try:
        return nfc(text or "")
    except TooManyMarks:
        raise ValueError(
            _("One letter has more than %(n)s accents or other marks. Remove some of them.", n=MOST_MARKS)
        ) from None
