"""Progress for the person at the terminal: one line per step with its time, and one sentence for a failure."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager


class CannotStart(Exception):
    """Something outside this program prevents the start. The message is one plain sentence for a terminal."""


class AlreadyReported(CannotStart):
    """Something prevents the start, and its sentence is already in the terminal."""


class Step:
    """A running step. `outcome` is the text of its line when it is done."""

    def __init__(self, outcome: str) -> None:
        self.outcome = outcome


@contextmanager
def step(name: str, outcome: str = "", *, quiet: bool = False) -> Iterator[Step]:
    """Time a step and print its line on standard error once it is done. `quiet` prints nothing."""
    began = time.monotonic()
    current = Step(outcome)
    yield current
    if not quiet:
        report(f"  {name:<12} {current.outcome:<52} {time.monotonic() - began:6.1f} s")


def report(line: str) -> None:
    """Print one line for the person at the terminal. Standard output stays free for results."""
    sys.stderr.write(line + "\n")
    sys.stderr.flush()
