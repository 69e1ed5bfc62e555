"""Waiting for something to be so, by looking again and again; what never comes is named in the failure."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Seen = TypeVar("Seen")
PATIENCE = 120.0
"""Seconds after which it is a fault: many times what a machine at a third of its speed needs."""


def until(
    what: str, read: Callable[[], Seen], wanted: Callable[[Seen], object] = bool, seconds: float = PATIENCE
) -> Seen:
    """What was read once it is as wanted; AssertionError with `what` and the last that was read after so many seconds."""
    end = time.monotonic() + seconds
    while not wanted(seen := read()):
        assert time.monotonic() < end, f"waited {seconds:.0f} s for {what}; last seen: {seen!r}"
        time.sleep(0.05)
    return seen
