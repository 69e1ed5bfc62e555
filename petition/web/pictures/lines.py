"""Sentences and lengths that the pictures share: the status in words, and texts cut to fit.

A picture below the least number says so in words, and a title of any length or script fits.
"""

from __future__ import annotations

import unicodedata
from typing import Final

from petition.campaigns.labels import campaign_state
from petition.core.i18n import gettext_for, interface_language, ngettext_for, number
from petition.core.markdown import typeset
from petition.publication import Snapshot
from petition.web.forms.validators import is_seen

LONGEST_WORD: Final = 28
PIECE: Final = 7
BREAK: Final = "\u200b"


def state(snapshot: Snapshot, lang: str) -> str:
    """Returns the letter's status in words."""
    sentence = campaign_state(snapshot.state, paused=snapshot.signing_stopped())
    return gettext_for(interface_language(lang))(sentence)


def notice(snapshot: Snapshot, lang: str, longest: int) -> str:
    """Returns the organisers' notice for the letter, such as that it is a demonstration."""
    return shortened(typeset(snapshot.notice.get(lang) or next(iter(snapshot.notice.values()), ""), lang), longest)


def have_signed(n: int, lang: str) -> str:
    """Returns how many people have signed, in words."""
    interface = interface_language(lang)
    sentence = ngettext_for(interface)("%(n)s verified employee has signed", "%(n)s verified employees have signed", n)
    return sentence % {"n": number(n, interface)}


def shortened(text: str, longest: int) -> str:
    """Returns a text on one line and of at most `longest` characters. It is cut between words if possible."""
    line = " ".join("".join(each for each in text if each.isspace() or is_seen(each)).split())
    if len(line) <= longest:
        return line
    cut = line[: longest - 1]
    words = cut.rpartition(" ")[0]
    return (words if len(words) > longest // 2 else cut).rstrip(" ,;:.–—-") + "…"


def breakable(text: str) -> str:
    """Returns a text with places to break in words that are longer than a line."""
    return " ".join(_in_pieces(word) for word in text.split(" "))


def width(text: str, size: float) -> int:
    """Returns the approximate width of a text in pixels. The viewer's font is unknown."""
    wide = sum(1.0 if unicodedata.east_asian_width(each) in "WF" else 0.56 for each in text)
    return round(wide * size)


def _in_pieces(word: str) -> str:
    if len(word) <= LONGEST_WORD:
        return word
    return BREAK.join(word[start : start + PIECE] for start in range(0, len(word), PIECE))
