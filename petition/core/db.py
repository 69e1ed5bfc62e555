"""Database access: one engine per process, one session and one commit per unit of work.

Only the edges (views, tasks and their loops, commands, seeds) open a `transaction()`. Domain functions take the session
as their first argument and never commit (decision 0045). Naive datetimes are rejected. Events that were announced
inside a transaction are delivered (`petition.core.events`) only after its commit.
"""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, TypeVar, TypeVarTuple

import psycopg
from sqlalchemy import (
    JSON,
    BigInteger,
    Connection,
    CursorResult,
    DateTime,
    Dialect,
    Engine,
    Enum,
    LargeBinary,
    MetaData,
    Select,
    create_engine,
    event,
    func,
    select,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DBAPIError, IntegrityError, InterfaceError, OperationalError
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker
from sqlalchemy.types import TypeDecorator

from petition.core import events
from petition.core.ids import CampaignId, OrganiserId
from petition.core.process import ProcessValue

Row = TypeVarTuple("Row")
T = TypeVar("T")
NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "pk": "pk_%(table_name)s",
}


class UTCDateTime(TypeDecorator[datetime]):
    """A column type for aware UTC datetimes. It rejects a naive datetime before it reaches the database."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("naive datetime")
        return value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value.astimezone(UTC) if value is not None else None


class Ordered(TypeDecorator[dict[str, Any]]):
    """A column type for a JSON object whose key order matters. JSON keeps that order; JSONB sorts keys by length."""

    impl = JSON
    cache_ok = True

    def compare_values(self, x: Any, y: Any) -> bool:
        """Returns whether both values are equal and have the same key order, which `==` ignores for dictionaries."""
        return x == y and (x is None or y is None or list(x) == list(y))


def values_of(kind: type[enum.Enum]) -> list[str]:
    """Returns the values of an enum's members. The database stores these, as code, API and pages do, not the names."""
    return [member.value for member in kind]


def stored(kind: type[enum.StrEnum], **settings: Any) -> Enum:
    """Returns the column type for an enum whose database type has another name, or none (`native_enum=False`)."""
    return Enum(kind, values_callable=values_of, **settings)


class Base(DeclarativeBase):
    """The base class of every table, in both schemas."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {  # noqa: RUF012 (SQLAlchemy reads it from the class)
        bytes: LargeBinary,
        CampaignId: LargeBinary,
        OrganiserId: LargeBinary,
        int: BigInteger,
        datetime: UTCDateTime,
        dict[str, Any]: JSONB,
        dict[str, str]: JSONB,
        dict[str, int]: JSONB,
        list[str]: JSONB,
        enum.Enum: Enum(enum.Enum, values_callable=values_of),
    }


FEATURE_NOT_SUPPORTED: Final = "0A000"

_sessions: sessionmaker[Session] = sessionmaker(expire_on_commit=False)
_autocommit = ProcessValue[Engine]("database")
"""An engine for the same database. On its connections each statement is a transaction of its own."""


def connect(url: str, *, pool_size: int = 5) -> Engine:
    """Bind this process's sessions to a database. Statements and their parameters are never logged.

    Connections are opened on demand: up to `pool_size` + 5 for sessions, and as many in autocommit mode. The autocommit
    connections have their own pool, because switching one connection back and forth for each use costs as much as the
    use itself.
    """
    pool: dict[str, Any] = {"pool_size": pool_size, "max_overflow": 5, "hide_parameters": True}
    engine = create_engine(url, **pool)
    _sessions.configure(bind=engine, join_transaction_mode="conditional_savepoint")
    own = {"isolation_level": "AUTOCOMMIT", "skip_autocommit_rollback": True, "pool_reset_on_return": None}
    for each in (engine, _autocommit.set(create_engine(url, **pool, **own))):
        event.listen(each, "connect", _prepare_nothing_behind_a_pooler)
        event.listen(each, "handle_error", _leave_old_plans)
    return engine


def _prepare_nothing_behind_a_pooler(connection: psycopg.Connection, _: object) -> None:
    """Prepare no statements on a connection to a pooler, whose next transaction may run in another server process.

    A pooler such as pgbouncer answers with a process id of its own, so the server names another one. The question is a
    simple query, outside every transaction.
    """
    process_id = connection.pgconn.exec_(b"SELECT pg_backend_pid()").get_value(0, 0)
    if process_id != str(connection.pgconn.backend_pid).encode():
        connection.prepare_threshold = None


def _leave_old_plans(context: ExceptionContext) -> None:
    """Close a connection whose cached plans belong to old tables, after a restored backup replaced them."""
    wrong = context.original_exception
    if getattr(wrong, "sqlstate", None) == FEATURE_NOT_SUPPORTED and "cached plan" in str(wrong):
        context.is_disconnect = True


def disconnect() -> None:
    """Close the connections that nobody uses."""
    engine().dispose()
    _autocommit.get().dispose()


def forked() -> None:
    """Drop the connections that were open before a fork, without closing them: the parent process still uses them."""
    engine().dispose(close=False)
    _autocommit.get().dispose(close=False)


def bind(connection: Connection) -> None:
    """Bind sessions to one connection inside an outer transaction. Their commits become savepoints."""
    _sessions.configure(bind=connection, join_transaction_mode="create_savepoint")


def engine() -> Engine:
    """Returns the engine of this process. Calling it before `connect` is a programming error."""
    bound = _sessions.kw["bind"]
    assert isinstance(bound, Engine)
    return bound


@contextmanager
def session() -> Iterator[Session]:
    """Open a session for reading. Everything that was done in it is rolled back."""
    with _sessions() as reading:
        yield reading


@contextmanager
def transaction() -> Iterator[Session]:
    """Open a session that is committed once, at the end.

    Events that were announced in it are delivered after the commit.
    """
    with _sessions() as writing:
        yield writing
        writing.commit()
        announced = events.taken(writing.info)
    events.deliver(announced)


@contextmanager
def joined(connection: Connection) -> Iterator[Session]:
    """Open a session inside a connection's transaction.

    The owner of the connection commits; no events are delivered.
    """
    with Session(bind=connection, join_transaction_mode="create_savepoint", expire_on_commit=False) as joining:
        yield joining
        joining.commit()


class SecondStatement(Exception):
    """A second statement was about to be written in autocommit mode. The two would have been two transactions."""


@dataclass(slots=True)
class OneStatement:
    """What `autocommit` yields instead of a session.

    It writes one statement, reads values and collects announced events.
    """

    connection: Connection
    info: dict[Any, Any] = field(default_factory=dict)
    has_written: bool = False

    def write(self, statement: Select[*Row], values: Mapping[str, object]) -> CursorResult[*Row]:
        """Execute the one statement that writes. Raises SecondStatement for any further one."""
        if self.has_written:
            raise SecondStatement
        self.has_written = True
        return self.connection.execute(statement, values)

    def scalar(self, query: Select[T]) -> T | None:
        """Returns the first column of the first row."""
        return self.connection.execute(query).scalar()


Writing = Session | OneStatement
"""The argument type of domain functions that can write with a single statement."""


@contextmanager
def autocommit() -> Iterator[OneStatement]:
    """Like `transaction`, for work that writes one statement.

    The server commits it in one round trip instead of three.
    """
    with autocommit_connection() as line:
        writing = OneStatement(line)
        yield writing
    events.deliver(events.taken(writing.info))


@contextmanager
def autocommit_connection() -> Iterator[Connection]:
    """Open a connection on which each statement is a transaction of its own and takes one round trip.

    It is for loops that write one row at a time. Inside an outer transaction the statements are part of that
    transaction.
    """
    bound = _sessions.kw["bind"]
    if isinstance(bound, Connection):
        yield bound
        return
    with _autocommit.get().connect() as connection:
        yield connection


def run(session: Writing, statement: Select[*Row], values: Mapping[str, object]) -> CursorResult[*Row]:
    """Execute a prepared statement in the session's transaction, without the overhead of the ORM.

    The statements of a single signature use it, because they are executed thousands of times a second.
    """
    if isinstance(session, OneStatement):
        return session.write(statement, values)
    session.flush()
    return session.connection().execute(statement, values)


def constraint_of(error: IntegrityError) -> str | None:
    """Returns the name of the violated constraint, so that the caller can raise the matching domain error."""
    diag = getattr(error.orig, "diag", None)
    return getattr(diag, "constraint_name", None)


def is_away(error: DBAPIError) -> bool:
    """Returns whether the server was unreachable, shutting down or out of resources, so that a retry may succeed."""
    state = getattr(error.orig, "sqlstate", None)
    # Without a state, the server did not answer or the driver did not send the statement.
    if error.connection_invalidated or state is None:
        return error.connection_invalidated or isinstance(error, OperationalError | InterfaceError)
    return state[:2] in {"08", "53", "57", "58"} or state == "25006"


def lock_key(label: str, identity: bytes = b"") -> int:
    """Returns a 63-bit advisory lock key for a label and an identity. It is stable across processes and versions."""
    return int.from_bytes(hashlib.sha256(label.encode() + b"\0" + identity).digest()[:8]) >> 1


def hold(session: Session, key: int) -> None:
    """Wait for an advisory lock and hold it until the end of the transaction."""
    session.execute(select(func.pg_advisory_xact_lock(key)))


def try_hold(session: Session, key: int) -> bool:
    """Take an advisory lock if it is free. Returns whether it was taken."""
    return bool(session.scalar(select(func.pg_try_advisory_xact_lock(key))))
