"""Cells of a table that a spreadsheet will open: no cell can start a formula.

This protects organisers whose spreadsheet would execute what a signer wrote as a name. An apostrophe precedes
everything that a program may take for the beginning of a formula (OWASP, CSV injection): at the start of a cell, and
after any character that starts a cell under another separator. No text is rejected or shortened.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from typing import Any, Final, TextIO

# These characters are skipped or invisible before a sign: blanks and control characters, soft hyphens, zero-width
# marks, and quotes, which start a cell for a program that uses another separator.
UNSEEN: Final = r"[\s\"\x00-\x1f\x7f-\xa0\u00ad\u180e\u200b-\u200f\u2028-\u202f\u2060-\u2064\ufeff]*"
# These are = + - @, and every sign that becomes one of them in its narrow form or looks like one.
SIGNS: Final = r"[=+\-@＝＋－＠﹦﹢﹣﹫⁼₌⁺₊⁻₋−]"
STARTS: Final = re.compile(rf"(^|[;|\t\r\n])({UNSEEN})(?={SIGNS})")
BLANK_FIRST: Final = re.compile(r"^[\t\r\n\x00-\x1f]")
APOSTROPHE: Final = "'"


def cell(text: str) -> str:
    """Returns a text that is safe in a cell: an apostrophe precedes each sign that could start a formula."""
    marked = STARTS.sub(rf"\1\2{APOSTROPHE}", text)
    return APOSTROPHE + marked if BLANK_FIRST.match(marked) else marked


def writer(file: TextIO) -> Any:
    """Returns a CSV writer (RFC 4180) with all cells in quotes, so that a separator in a text has no effect."""
    return csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\r\n")


def row(values: Iterable[str | int]) -> list[str | int]:
    """Returns the cells of a row. Our own numbers stay numbers."""
    return [cell(value) if isinstance(value, str) else value for value in values]
