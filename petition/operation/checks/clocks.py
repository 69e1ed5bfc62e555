"""The check of this machine's clock against those of the database, of Redis and of the public site."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

import redis
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from petition.core import steady_clock
from petition.operation import outside
from petition.operation.context import Context
from petition.operation.dns import DnsSilent
from petition.operation.findings import Finding, fault, ok, warning
from petition.operation.outside import OutsideError

MUCH: Final = 60.0
SOME: Final = 5.0


def clocks(context: Context, _about: str) -> Finding:
    """Looks how far this machine's clock is from others, and whether it jumped lately."""
    known = (("the database", _database), ("Redis", _redis), ("the public site", _site))
    apart = {name: seconds for name, look in known if (seconds := look(context)) is not None}
    if not apart:
        return warning(
            "There is no other clock to compare this one with: see the lines “database”, “redis” and “address”."
        )
    name = max(apart, key=lambda each: abs(apart[each]))
    ahead = "ahead of" if apart[name] < 0 else "behind"
    sentence = (
        f"This machine’s clock is {abs(apart[name]):.0f} seconds {ahead} that of {name}: have both keep time (NTP)."
    )
    if abs(apart[name]) > MUCH:
        return fault(sentence)
    if abs(apart[name]) > SOME:
        return warning(sentence)
    if not _is_steady(context):
        return warning(
            "A worker noticed that the clock jumped or stood still: what cannot be undone waits for ten minutes (decision 0069)."
        )
    return ok(f"The clock agrees with that of {' and that of '.join(apart)}.")


def _apart(context: Context, read: Callable[[], datetime]) -> float:
    """Returns how many seconds another clock is ahead of ours, in the middle of the time that asking took."""
    before = context.clock()
    there = read()
    after = context.clock()
    return (there - before).total_seconds() - (after - before).total_seconds() / 2


def _database(context: Context) -> float | None:
    with suppress(SQLAlchemyError), context.reading() as session:
        return _apart(context, lambda: session.execute(text("SELECT clock_timestamp()")).scalar_one())
    return None


def _redis(context: Context) -> float | None:
    with suppress(redis.RedisError), context.asking() as client:
        client.ping()
        return _apart(context, lambda: _moment(client))
    return None


def _moment(client: redis.Redis) -> datetime:
    seconds, micros = client.time()
    return datetime.fromtimestamp(int(seconds) + int(micros) / 1e6, UTC)


def _site(context: Context) -> float | None:
    """Returns the same for the site, whose Date header has whole seconds: it is off by half a second at most."""
    if not context.is_public:
        return None
    with suppress(OutsideError, DnsSilent, ValueError, TypeError, IndexError):
        shift = context.clock().timestamp() - time.time()  # in tests the clock may be set to another day
        reply = outside.get(context, f"{context.config.base_url}/healthz")
        there = parsedate_to_datetime(reply.values("date")[0])
        return there.timestamp() + 0.5 - (reply.sent + reply.received) / 2 - shift
    return None


def _is_steady(context: Context) -> bool:
    with suppress(SQLAlchemyError), context.reading() as session:
        return steady_clock.is_steady(session, context.clock())
    return True
