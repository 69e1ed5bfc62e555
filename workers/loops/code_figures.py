"""Moves the figures of codes of a day that is over from Redis into the database."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

from petition import verification
from petition.core import db, steady_clock
from petition.core.redis_store import RedisStore, RedisUnavailable
from petition.privacy import daily_figures


def record_codes(redis_store: RedisStore, now: datetime) -> None:
    """Write the figures of the last day (UTC), unless that was done. Several processes may call this at once.

    While Redis is away, or the clock may be wrong, nothing is written; a later call tries again.
    """
    day = daily_figures.last_day(now)
    with suppress(RedisUnavailable):
        with db.transaction() as session:
            believed = steady_clock.is_steady(session, now)
            is_new = believed and verification.record_codes(session, redis_store, day)
        if is_new:
            redis_store.forget_codes(day)
