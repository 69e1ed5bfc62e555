"""This module is the only clock of the process.

It guarantees that the current time is an aware UTC datetime and that the configured shift is applied once, for the
whole process. It never returns local time. Views, tasks and commands call `now()`; everything below them takes `now` as
an argument.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from petition.core.process import ProcessValue

_offset = ProcessValue("offset of the clock", timedelta(0))


def set_offset(seconds: int) -> None:
    """Shift every later `now()` by this many seconds (Config.now_offset, which is always 0 in production)."""
    _offset.set(timedelta(seconds=seconds))


def now() -> datetime:
    """Returns the current time as an aware UTC datetime."""
    return datetime.now(UTC) + _offset.get()
