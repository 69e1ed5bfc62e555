"""The only clock. Guards that "now" is aware, in UTC and shifted once for the whole process; refuses local time.

Everything below the edges takes `now` as an argument; views, tasks and commands ask here.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from petition.core.process import ProcessValue

_offset = ProcessValue("offset of the clock", timedelta(0))


def set_offset(seconds: int) -> None:
    """Shift every later `now()` by so many seconds (Config.now_offset; always 0 in production)."""
    _offset.set(timedelta(seconds=seconds))


def now() -> datetime:
    """The present moment, aware, in UTC."""
    return datetime.now(UTC) + _offset.get()
