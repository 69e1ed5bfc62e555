"""The scrub: removes the order in which people came from the database files (docs/protocol.md §4.6).

PostgreSQL keeps rows in the order of arrival and marks each with its transaction. Together these could link tags to
signatures. The scrub therefore rewrites the tables that record arrivals in a random order, inside one transaction.
Afterwards all rows carry the same transaction. The scrub waits only briefly for its locks.

Each act of a signer changes a row of other tables, whose transactions would link acts to visits. They are rewritten, too,
each in a transaction of its own, so that signing does not wait for the large one (decision 0067). Among them are the
snapshots of the pages, whose earlier versions hold names that were hidden since, and the outbox, where each act has left
a row with its time.

The order is drawn anew each time and not that of the keys. After rows in the order of their keys, those that came since
would stand out in a dump, because they break it: their number, and the time of the last scrub, would tell how many
people were verified within the hour. Rows with random keys in a random order, and more such rows behind them, look like
one random order (decision 0059).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

SAW_ARRIVALS: Final = (
    "spent",
    "pending",
    "waiting_act",
    "verification.tag",
    "verification.mail_cap",
    "verification.issued",
    "subscriber",
)
SAW_ACTS: Final = ("signature", "waiting_removal", "publication", "owed")
REWRITTEN: Final = (*SAW_ARRIVALS, *SAW_ACTS)
NOT_ALLOWED: Final = "42501"
"""PostgreSQL's error code for a missing privilege."""
LOCKED: Final = "55P03"
"""PostgreSQL's error code for a lock that was not free in time."""
ATTEMPTS: Final = 10
"""A long read, such as that of a bundle, holds its table for many times the two seconds that the scrub waits."""


@dataclass(frozen=True, slots=True)
class Scrubbed:
    """The steps that the database role was allowed to do. Organisers see the missing ones."""

    rewritten: bool
    wal_switched: bool
    checkpointed: bool


def scrub(engine: Engine) -> Scrubbed:
    """Rewrite the tables, then remove old pages from the log and the data files. Returns which steps were allowed."""
    rewritten = _rewritten(engine)
    return Scrubbed(rewritten, _allowed(engine, "SELECT pg_switch_wal()"), _allowed(engine, "CHECKPOINT"))


def _rewritten(engine: Engine) -> bool:
    try:
        for tables in (SAW_ARRIVALS, *((table,) for table in SAW_ACTS)):
            _rewrite_soon(engine, tables)
    except DBAPIError as error:
        if _code(error) == NOT_ALLOWED:
            return False
        raise
    return True


def _code(error: DBAPIError) -> str | None:
    return getattr(error.orig, "sqlstate", None)


def _rewrite_soon(engine: Engine, tables: Sequence[str]) -> None:
    """Try several times. Between two attempts, those who queued behind the scrub get their turn."""
    for attempts_left in reversed(range(ATTEMPTS)):
        try:
            with engine.begin() as connection:
                _rewrite(connection, tables)
        except DBAPIError as error:
            if _code(error) != LOCKED or not attempts_left:
                raise
        else:
            return


def _rewrite(connection: Connection, tables: Sequence[str]) -> None:
    connection.execute(text("SET LOCAL lock_timeout = '2s'"))
    connection.execute(text(f"LOCK TABLE {', '.join(tables)} IN ACCESS EXCLUSIVE MODE"))
    for name in tables:
        connection.execute(text(f"CREATE TEMP TABLE kept ON COMMIT DROP AS TABLE {name}"))
        connection.execute(text(f"TRUNCATE {name}"))
        connection.execute(text(f"INSERT INTO {name} SELECT * FROM kept ORDER BY gen_random_uuid()"))  # noqa: S608 (names of ours)
        connection.execute(text("DROP TABLE kept"))


def _allowed(engine: Engine, statement: str) -> bool:
    try:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text(statement))
    except DBAPIError:
        return False
    return True
