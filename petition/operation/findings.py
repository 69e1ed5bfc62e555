"""What a check found: OK, a warning or a fault, in one sentence that says what to do.

Sentences may quote what a DNS or mail server answered, so each of them becomes one printable line of limited length.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

LONGEST: Final = 600
UNPRINTABLE: Final = frozenset({"Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp"})


class Verdict(StrEnum):
    """The result of a check. Only a fault makes `doctor` end with exit code 1."""

    OK = "ok"
    WARNING = "warning"
    FAULT = "fault"


SEVERITY: Final = tuple(Verdict)


@dataclass(frozen=True, slots=True)
class Finding:
    """One line: the name of the check, its subject (a domain, or empty), the verdict and a sentence."""

    verdict: Verdict
    sentence: str
    name: str = ""
    about: str = ""


def ok(sentence: str) -> Finding:
    """Returns a finding that needs nothing to be done."""
    return Finding(Verdict.OK, printable(sentence))


def warning(sentence: str) -> Finding:
    """Returns a finding that somebody should look at."""
    return Finding(Verdict.WARNING, printable(sentence))


def fault(sentence: str) -> Finding:
    """Returns a finding that breaks something that the product promises."""
    return Finding(Verdict.FAULT, printable(sentence))


def worst(verdicts: Iterable[Verdict]) -> Verdict:
    """Returns the most severe verdict, or OK if there is none."""
    return max(verdicts, key=SEVERITY.index, default=Verdict.OK)


def printable(text: str) -> str:
    """Returns the text in one line, without control characters, of at most `LONGEST` characters."""
    seen = (" " if unicodedata.category(each) in UNPRINTABLE else each for each in text[: 4 * LONGEST])
    line = " ".join("".join(seen).split())
    return line if len(line) <= LONGEST else line[: LONGEST - 1].rstrip() + "…"
