"""Filters that normalize a text before it is checked, according to its kind of value.

Each filter accepts None for a field that was not sent.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from petition.core.normalization import MOST_MARKS, TooManyMarks, nfc
from petition.web.language import lazy_gettext as _

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


def digits(text: str | None) -> str:
    """Returns a code without spaces and dashes. The digits of any script become ASCII digits."""
    kept = (c for c in text or "" if not c.isspace() and unicodedata.category(c) != "Pd")
    return "".join(str(unicodedata.decimal(c, c)) for c in kept)


def _composed(text: str | None) -> str:
    try:
        return nfc(text or "")
    except TooManyMarks:
        raise ValueError(
            _("One letter has more than %(n)s accents or other marks. Remove some of them.", n=MOST_MARKS)
        ) from None
