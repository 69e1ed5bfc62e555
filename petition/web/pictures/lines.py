"""Sentences and lengths that the pictures share: what has been reached, in words, and texts cut to fit.

Guards that a picture below the least number says so in words, and that a title of any length or script fits.
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
    """Where the letter stands, in words."""
    sentence = campaign_state(snapshot.state, paused=snapshot.signing_stopped())
    return gettext_for(interface_language(lang))(sentence)


def note(snapshot: Snapshot, lang: str, longest: int) -> str:
    """What the organisers want to be read with the letter, as of a demonstration that it is one."""
    return shortened(typeset(snapshot.notice.get(lang) or next(iter(snapshot.notice.values()), ""), lang), longest)


def have_signed(n: int, lang: str) -> str:
    """How many have signed, in words."""
    spoken = interface_language(lang)
    said = ngettext_for(spoken)("%(n)s verified employee has signed", "%(n)s verified employees have signed", n)
    return said % {"n": number(n, spoken)}


def shortened(text: str, longest: int) -> str:
    """A text on one line and of at most so many characters, cut between words if there are any."""
    line = " ".join("".join(each for each in text if each.isspace() or is_seen(each)).split())
    if len(line) <= longest:
        return line
    cut = line[: longest - 1]
    words = cut.rpartition(" ")[0]
    return (words if len(words) > longest // 2 else cut).rstrip(" ,;:.–—-") + "…"


def breakable(text: str) -> str:
    """The same with places to break in words that no line would hold."""
    return " ".join(_in_pieces(word) for word in text.split(" "))


def width(text: str, size: float) -> int:
    """About how wide a text is in pixels; a picture's reader may have any font."""
    wide = sum(1.0 if unicodedata.east_asian_width(each) in "WF" else 0.56 for each in text)
    return round(wide * size)


def _in_pieces(word: str) -> str:
    if len(word) <= LONGEST_WORD:
        return word
    return BREAK.join(word[start : start + PIECE] for start in range(0, len(word), PIECE))
