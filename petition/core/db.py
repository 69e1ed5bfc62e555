"""The database: one engine per process, one session per unit of work, one commit.

Guards the rule that only the edges (views, tasks and their loops, commands, seeds) open a `transaction()` and that domain
functions, which take the session first, never commit (decision 0045). Refuses naive datetimes. What happened inside a transaction is
delivered (`petition.core.events`) only after its commit.
"""

from __future__ import annotations

import enum
import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, TypeVar, TypeVarTuple

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
    """An aware UTC moment; a naive one is refused before it reaches the database."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is not None and value.tzinfo is None:
            raise ValueError("naive datetime")
        return value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value.astimezone(UTC) if value is not None else None


class Ordered(TypeDecorator[dict[str, Any]]):
    """An object whose order matters: JSON keeps it as it was written, where JSONB sorts the names by length."""

    impl = JSON
    cache_ok = True

    def compare_values(self, x: Any, y: Any) -> bool:
        """Another order is another value, though to Python the dictionaries are equal."""
        return x == y and (x is None or y is None or list(x) == list(y))


def values_of(kind: type[enum.Enum]) -> list[str]:
    """What an enum's members are stored as: their values, as code, API and pages spell them; not their names."""
    return [member.value for member in kind]


def stored(kind: type[enum.StrEnum], **settings: Any) -> Enum:
    """The type of a column for an enum whose type in the database has another name, or none (`native_enum=False`)."""
    return Enum(kind, values_callable=values_of, **settings)


class Base(DeclarativeBase):
    """Every table of both schemas."""

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
"""The same database, over connections on which each statement is a transaction."""


def connect(url: str, *, pool_size: int = 5) -> Engine:
    """Bind this process's sessions to a database; statements are never echoed, parameters never logged.

    Connections are opened when they are needed: up to `pool_size` + 5 for sessions, and as many in autocommit mode, which
    have a pool of their own because to switch one back and forth for each use costs as much as the use.
    """
    pool: dict[str, Any] = {"pool_size": pool_size, "max_overflow": 5, "hide_parameters": True}
    engine = create_engine(url, **pool)
    _sessions.configure(bind=engine, join_transaction_mode="conditional_savepoint")
    own = {"isolation_level": "AUTOCOMMIT", "skip_autocommit_rollback": True, "pool_reset_on_return": None}
    for each in (engine, _autocommit.set(create_engine(url, **pool, **own))):
        event.listen(each, "handle_error", _leave_old_plans)
    return engine


def _leave_old_plans(context: ExceptionContext) -> None:
    """A restored backup puts tables of the same names in place: connections with plans of the old ones are given up."""
    wrong = context.original_exception
    if getattr(wrong, "sqlstate", None) == FEATURE_NOT_SUPPORTED and "cached plan" in str(wrong):
        context.is_disconnect = True


def disconnect() -> None:
    """Close the connections that nobody is using."""
    engine().dispose()
    _autocommit.get().dispose()


def forked() -> None:
    """Leave the connections that were open before a fork to the parent."""
    engine().dispose(close=False)
    _autocommit.get().dispose(close=False)


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


@contextmanager
def joined(connection: Connection) -> Iterator[Session]:
    """A session for work inside the transaction of a connection, whose owner commits; nothing is delivered."""
    with Session(bind=connection, join_transaction_mode="create_savepoint", expire_on_commit=False) as joining:
        yield joining
        joining.commit()


class SecondStatement(Exception):
    """A second statement was to be written in autocommit mode: the two would be two transactions."""


@dataclass(slots=True)
class OneStatement:
    """What `autocommit` gives in place of a session: it writes one statement, reads values, keeps what is announced."""

    connection: Connection
    info: dict[Any, Any] = field(default_factory=dict)
    has_written: bool = False

    def write(self, statement: Select[*Row], values: Mapping[str, object]) -> CursorResult[*Row]:
        """Execute the one statement that writes; raises SecondStatement for another one."""
        if self.has_written:
            raise SecondStatement
        self.has_written = True
        return self.connection.execute(statement, values)

    def scalar(self, query: Select[T]) -> T | None:
        """The first column of the first row."""
        return self.connection.execute(query).scalar()


Writing = Session | OneStatement
"""What a domain function takes that may write with one statement."""


@contextmanager
def autocommit() -> Iterator[OneStatement]:
    """A `transaction` for work that writes with one statement: the server commits it, in one round trip, not three."""
    with autocommit_connection() as line:
        writing = OneStatement(line)
        yield writing
    events.deliver(events.taken(writing.info))


@contextmanager
def autocommit_connection() -> Iterator[Connection]:
    """A connection on which each statement is a transaction of its own, in one round trip.

    For loops that write a line at a time. Inside somebody's outer transaction they are part of it.
    """
    bound = _sessions.kw["bind"]
    if isinstance(bound, Connection):
        yield bound
        return
    with _autocommit.get().connect() as connection:
        yield connection


def run(session: Writing, statement: Select[*Row], values: Mapping[str, object]) -> CursorResult[*Row]:
    """Execute a statement that was built once, in the session's transaction but without the ORM's share of the work.

    For the statements of one signature, which are executed thousands of times a second.
    """
    if isinstance(session, OneStatement):
        return session.write(statement, values)
    session.flush()
    return session.connection().execute(statement, values)


def constraint_of(error: IntegrityError) -> str | None:
    """Name of the violated constraint, to be turned into the error named after what happened."""
    diag = getattr(error.orig, "diag", None)
    return getattr(diag, "constraint_name", None)


def is_away(error: DBAPIError) -> bool:
    """Whether the server was unreachable, shutting down or out of room, so that trying again may help."""
    state = getattr(error.orig, "sqlstate", None)
    if error.connection_invalidated or state is None:  # without a state nobody answered, or the driver refused to ask
        return error.connection_invalidated or isinstance(error, OperationalError | InterfaceError)
    return state[:2] in {"08", "53", "57", "58"} or state == "25006"


def lock_key(label: str, identity: bytes = b"") -> int:
    """A 63-bit advisory lock key from a label and an identity (stable across processes and versions)."""
    return int.from_bytes(hashlib.sha256(label.encode() + b"\0" + identity).digest()[:8]) >> 1


def hold(session: Session, key: int) -> None:
    """Take an advisory lock until the end of the transaction, waiting for it."""
    session.execute(select(func.pg_advisory_xact_lock(key)))


def try_hold(session: Session, key: int) -> bool:
    """Take an advisory lock if nobody has it; false otherwise."""
    return bool(session.scalar(select(func.pg_try_advisory_xact_lock(key))))
