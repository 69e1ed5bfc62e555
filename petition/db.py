"""The database: one engine per process, one session per unit of work, one commit.

Guards the rule that only the edges (views, tasks, commands) open a `transaction()` and that domain functions,
which take the session first, never commit. Refuses naive datetimes. What happened inside a transaction is
delivered (`petition.events`) only after its commit.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Connection,
    DateTime,
    Dialect,
    Engine,
    LargeBinary,
    MetaData,
    create_engine,
    func,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker
from sqlalchemy.types import TypeDecorator

from petition import events

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "pk": "pk_%(table_name)s",
}


class UTCDateTime(TypeDecorator[datetime]):
    """An aware UTC moment; a naive one is refused before it reaches the database."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("naive datetime")
        return value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value.astimezone(UTC) if value is not None else None


class Base(DeclarativeBase):
    """Every table of both schemas."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {  # noqa: RUF012 (SQLAlchemy reads it from the class)
        bytes: LargeBinary,
        int: BigInteger,
        datetime: UTCDateTime,
        dict[str, Any]: JSONB,
        dict[str, str]: JSONB,
        dict[str, int]: JSONB,
        list[str]: JSONB,
    }


_sessions: sessionmaker[Session] = sessionmaker(expire_on_commit=False)


def connect(url: str, *, pool_size: int = 5) -> Engine:
    """Bind this process's sessions to a database; statements are never echoed, parameters never logged."""
    engine = create_engine(url, pool_size=pool_size, max_overflow=5, pool_pre_ping=False, hide_parameters=True)
    _sessions.configure(bind=engine, join_transaction_mode="conditional_savepoint")
    return engine


def bind(connection: Connection) -> None:
    """Bind sessions to one connection inside somebody's outer transaction; their commits become savepoints."""
    _sessions.configure(bind=connection, join_transaction_mode="create_savepoint")


def engine() -> Engine:
    """The engine of this process; a programming error if `connect` was never called."""
    bound = _sessions.kw["bind"]
    assert isinstance(bound, Engine)
    return bound


@contextmanager
def session() -> Iterator[Session]:
    """A session for reading; whatever it did is rolled back."""
    with _sessions() as reading:
        yield reading


@contextmanager
def transaction() -> Iterator[Session]:
    """A session whose work is committed once, at the end; then what it announced is delivered."""
    with _sessions() as writing:
        yield writing
        writing.commit()
        announced = events.taken(writing.info)
    events.deliver(announced)


def constraint_of(error: IntegrityError) -> str | None:
    """Name of the violated constraint, to be turned into the error named after what happened."""
    diag = getattr(error.orig, "diag", None)
    return getattr(diag, "constraint_name", None)


def is_away(error: DBAPIError) -> bool:
    """Whether the server was unreachable, shutting down or out of room, so that trying again may help."""
    state = getattr(error.orig, "sqlstate", None)
    return error.connection_invalidated or state is None or state[:2] in {"08", "53", "57", "58"} or state == "25006"


def lock_key(label: str, identity: bytes = b"") -> int:
    """A 63-bit advisory lock key from a label and an identity (stable across processes and versions)."""
    return int.from_bytes(hashlib.sha256(label.encode() + b"\0" + identity).digest()[:8]) >> 1


def hold(session: Session, key: int) -> None:
    """Take an advisory lock until the end of the transaction, waiting for it."""
    session.execute(select(func.pg_advisory_xact_lock(key)))


def hold_shared(session: Session, key: int) -> None:
    """Take the shared form of an advisory lock until the end of the transaction."""
    session.execute(select(func.pg_advisory_xact_lock_shared(key)))


def try_hold(session: Session, key: int) -> bool:
    """Take an advisory lock if nobody has it; false otherwise."""
    return bool(session.scalar(select(func.pg_try_advisory_xact_lock(key))))
