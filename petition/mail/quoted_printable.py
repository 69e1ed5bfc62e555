"""Forms: quoted-printable texts for many recipients, in which each mail only fills in the blanks.

The bytes equal those of the filled text. A blank is encoded as a word of the same length that needs no encoding, and is
later split wherever the end of a line split that word.
"""

from __future__ import annotations

import re
from binascii import b2a_qp
from collections.abc import Mapping
from hashlib import sha512
from typing import Final, NamedTuple

SOFT_BREAK: Final = b"=\r\n"
WORD: Final = re.compile(r"[A-Za-z0-9._-]+", re.ASCII)


class Blank(NamedTuple):
    """A part of a word that is on one line."""

    placeholder: str
    begin: int
    end: int


class Form:
    """A text in which the keys of `lengths` are replaced by words of that many letters, digits, dots and dashes."""

    def __init__(self, text: str, lengths: Mapping[str, int]) -> None:
        self._lengths = dict(lengths)
        stands_for = {_stand_in(placeholder, length): placeholder for placeholder, length in lengths.items()}
        for word, placeholder in stands_for.items():
            text = text.replace(placeholder, word)
        encoded, at = encode(text), 0
        self._pieces: list[bytes | Blank] = []
        for found in _anywhere(stands_for).finditer(encoded):
            first, _, second = found.group().partition(SOFT_BREAK)
            placeholder, cut = stands_for[(first + second).decode()], len(first)
            self._pieces += [encoded[at : found.start()], Blank(placeholder, 0, cut)]
            if second:
                self._pieces += [SOFT_BREAK, Blank(placeholder, cut, lengths[placeholder])]
            at = found.end()
        self._pieces.append(encoded[at:])

    def filled(self, words: Mapping[str, str]) -> bytes:
        """Returns `encode` of the text with `words` in place of the placeholders. Each word needs its promised length."""
        for placeholder, length in self._lengths.items():
            if len(words[placeholder]) != length or WORD.fullmatch(words[placeholder]) is None:
                raise ValueError("a word that does not fit its blank")
        values = {placeholder: words[placeholder].encode("ascii") for placeholder in self._lengths}
        return b"".join(
            piece if isinstance(piece, bytes) else values[piece.placeholder][piece.begin : piece.end]
            for piece in self._pieces
        )


def encode(text: str) -> bytes:
    """Returns the body of a part: quoted-printable, with CRLF, one at the end."""
    return b2a_qp(("\r\n".join(text.rstrip().splitlines()) + "\r\n").encode(), istext=True)


def _stand_in(placeholder: str, length: int) -> str:
    return sha512(placeholder.encode()).hexdigest()[:length]


def _anywhere(words: Mapping[str, str]) -> re.Pattern[bytes]:
    """Returns a pattern for each of the words, even if the end of a line splits it."""
    return re.compile("|".join(f"(?:{SOFT_BREAK.decode()})?".join(word) for word in words).encode())
