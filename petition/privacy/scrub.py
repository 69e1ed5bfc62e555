"""The scrub: the order in which people came is taken out of the files (docs/protocol.md §4.6).

PostgreSQL keeps rows in the order of arrival and marks each with its transaction; together these re-link tags to
signatures. So the tables that saw arrivals are rewritten in the order of their keys inside one transaction: afterwards
every row stands in random order and bears one and the same transaction. Refuses to wait long for its locks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from petition.core.db import Base

SAW_ARRIVALS: Final = (
    "spent",
    "pending",
    "withdrawal",
    "verification.tag",
    "verification.stamped",
    "verification.mail_cap",
    "verification.issued",
    "verification.code_day",
    "subscriber",
)
NOT_ALLOWED: Final = "42501"
"""PostgreSQL's code for what a role has no right to."""


@dataclass(frozen=True, slots=True)
class Scrubbed:
    """Which steps the database role was allowed to do; what is missing is shown to the organisers."""

    rewritten: bool
    wal_switched: bool
    checkpointed: bool


def scrub(engine: Engine) -> Scrubbed:
    """Rewrite the tables, then push old pages out of the log and the data files; what the role may not do is told."""
    rewritten = _rewritten(engine)
    return Scrubbed(rewritten, _allowed(engine, "SELECT pg_switch_wal()"), _allowed(engine, "CHECKPOINT"))


def _rewritten(engine: Engine) -> bool:
    try:
        with engine.begin() as connection:
            _rewrite(connection)
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) == NOT_ALLOWED:
            return False
        raise
    return True


def _rewrite(connection: Connection) -> None:
    connection.execute(text("SET LOCAL lock_timeout = '2s'"))
    connection.execute(text(f"LOCK TABLE {', '.join(SAW_ARRIVALS)} IN ACCESS EXCLUSIVE MODE"))
    for name in SAW_ARRIVALS:
        keys = ", ".join(column.name for column in Base.metadata.tables[name].primary_key)
        connection.execute(text(f"CREATE TEMP TABLE kept ON COMMIT DROP AS TABLE {name}"))
        connection.execute(text(f"TRUNCATE {name}"))
        connection.execute(text(f"INSERT INTO {name} SELECT * FROM kept ORDER BY {keys}"))  # noqa: S608 (names of ours)
        connection.execute(text("DROP TABLE kept"))


def _allowed(engine: Engine, statement: str) -> bool:
    try:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text(statement))
    except DBAPIError:
        return False
    return True
