"""Cells of a table that a spreadsheet will open: none may start a formula, whoever wrote it.

Guards the organiser whose spreadsheet would run what a signer wrote as a name. A mark stands before everything that a
program may take for the beginning of a formula (OWASP, CSV injection), at the start of a cell and after whatever may
start one where another separator is set. Refuses nothing: the text stays, behind an apostrophe.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable
from typing import Any, Final, TextIO

# What is skipped or not seen before a sign: blanks and control characters, soft hyphens, marks without width, and quotes,
# with which a cell begins to a reader who takes another separator for ours.
UNSEEN: Final = r"[\s\"\x00-\x1f\x7f-\xa0\u00ad\u180e\u200b-\u200f\u2028-\u202f\u2060-\u2064\ufeff]*"
# = + - @, and every sign that becomes one of them when it is made narrow, or already looks like one.
SIGNS: Final = r"[=+\-@＝＋－＠﹦﹢﹣﹫⁼₌⁺₊⁻₋−]"
STARTS: Final = re.compile(rf"(^|[;|\t\r\n])({UNSEEN})(?={SIGNS})")
BLANK_FIRST: Final = re.compile(r"^[\t\r\n\x00-\x1f]")
MARK: Final = "'"


def cell(text: str) -> str:
    """A text as it may stand in a cell: a mark before each sign that could start a formula."""
    marked = STARTS.sub(rf"\1\2{MARK}", text)
    return MARK + marked if BLANK_FIRST.match(marked) else marked


def writer(file: TextIO) -> Any:
    """A writer of rows as RFC 4180 has them, every cell in quotes, so that a separator in a text separates nothing."""
    return csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\r\n")


def row(values: Iterable[str | int]) -> list[str | int]:
    """A row's cells; our own numbers stay numbers."""
    return [cell(value) if isinstance(value, str) else value for value in values]
