"""What a person sees while things start: one line a step, with its time; and one sentence when it cannot go on."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager


class CannotStart(Exception):
    """Something outside this program stands in the way; the message is one plain sentence for a terminal."""


class AlreadyTold(CannotStart):
    """The same, and the sentence stands in the terminal already."""


class Step:
    """One step under way; `outcome` is what its line says when it is done."""

    def __init__(self, outcome: str) -> None:
        self.outcome = outcome


@contextmanager
def step(name: str, outcome: str = "", *, quiet: bool = False) -> Iterator[Step]:
    """Time a step and print its line on standard error once it is done; `quiet` prints nothing."""
    began = time.monotonic()
    current = Step(outcome)
    yield current
    if not quiet:
        report(f"  {name:<12} {current.outcome:<52} {time.monotonic() - began:6.1f} s")


def report(line: str) -> None:
    """One line for the person at the terminal; standard output stays free for results."""
    sys.stderr.write(line + "\n")
    sys.stderr.flush()
