"""Waiting for something to be so, by looking again and again; what never comes is named in the failure."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import text

from petition.core import db

Seen = TypeVar("Seen")
HELD = text(
    "SELECT pid FROM pg_locks JOIN pg_database ON pg_database.oid = database"
    " WHERE datname = current_database() AND locktype = 'advisory'"
)
AT_A_LOCK = text("SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")
PATIENCE = 120.0
"""Seconds after which it is a fault: many times what a machine at a third of its speed needs."""


def until(
    what: str,
    read: Callable[[], Seen],
    wanted: Callable[[Seen], object] = bool,
    seconds: float = PATIENCE,
    pause: float = 0.05,
) -> Seen:
    """What was read once it is as wanted; AssertionError with `what` and the last that was read after so many seconds."""
    end = time.monotonic() + seconds
    while not wanted(seen := read()):
        assert time.monotonic() < end, f"waited {seconds:.0f} s for {what}; last seen: {seen!r}"
        time.sleep(pause)
    return seen


def lock_waiters() -> list[int]:
    """The PostgreSQL processes that wait for a lock in this database."""
    with db.session() as session:
        return list(session.scalars(AT_A_LOCK))


def until_nobody_holds_a_lock() -> None:
    """After a process was killed: PostgreSQL gives its locks back once it sees that the connection is gone."""

    def holders() -> list[int]:
        with db.session() as session:
            return list(session.scalars(HELD))

    until("the locks of a killed process to be given back", holders, lambda found: not found)
