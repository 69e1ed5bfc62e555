"""Fail points: named places in the code where a test kills the process, to prove that nothing is lost there.

PETITION_FAILPOINT=`name[:n]` is read once, and Config rejects it in production. A fail point that is not armed costs
nothing. A process that dies at one dies as with kill -9: nothing is cleaned up.
"""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass


@dataclass(slots=True)
class _Armed:
    """The armed fail point, and the number of times it must still be reached before the process dies."""

    name: str = ""
    left: int = 0


_armed = _Armed()


def arm(failpoint: str | None) -> None:
    """Arm the fail point `name`, or with `name:n` its n-th passing. None disarms."""
    name, _, times = (failpoint or "").partition(":")
    _armed.name, _armed.left = name, int(times or "1")


def reach(name: str) -> None:
    """Pass a fail point. The process ends here if this point is armed."""
    if _armed.name != name:
        return
    _armed.left -= 1
    if _armed.left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
