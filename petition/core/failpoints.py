"""Fail points: named places where a test kills this process, to prove that nothing is lost there.

Guards that such places exist by name and cost nothing: PETITION_FAILPOINT=`name[:n]` is read once, and Config refuses
it in production. Refuses to clean up: what dies here dies as with kill -9.
"""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass


@dataclass(slots=True)
class _Armed:
    """The point to fail at, and how often it must still be passed before it does."""

    name: str = ""
    left: int = 0


_armed = _Armed()


def arm(failpoint: str | None) -> None:
    """Fail at `name`, or at the n-th passing of it with `name:n`; None disarms."""
    name, _, times = (failpoint or "").partition(":")
    _armed.name, _armed.left = name, int(times or "1")


def reach(name: str) -> None:
    """Pass a point; the process ends here if it was armed for it."""
    if _armed.name != name:
        return
    _armed.left -= 1
    if _armed.left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
