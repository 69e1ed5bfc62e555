"""Acknowledgements: "this mail was taken, the next is being tried", sent to the database at once and confirmed a moment later.

Guards the order of P1: an acknowledgement has left this process before anything else is done, and is known to be
committed before a word about the next mail leaves. In between its sender may compose that mail, and nothing else. It is one statement,
so that one round trip commits both, and a transaction of its own. It is compiled from the statements of claims.py and
given to libpq itself: SQLAlchemy and psycopg wait for each commit, or pay for it with two statements more (decision 0046).
"""

from __future__ import annotations

import select
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import psycopg
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGconn
from sqlalchemy import BindParameter, Connection, Dialect, LargeBinary
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

from petition.core import failpoints
from petition.mailing.queue.claims import Claim, begun_statement, named, row_of, sent_statement
from petition.mailing.queue.refusals import ROW_ENDED

# One statement: the row of refusals ends, one mail was sent, the next is begun.
SENT_AND_BEGUN: Final = begun_statement(row_of("following")).add_cte(
    ROW_ENDED.cte("row_of_refusals_ended"), sent_statement(row_of("taken")).cte("sent")
)
DIALECT: Final[Dialect] = PGDialect_psycopg(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]  # SQLAlchemy does not annotate it
COMPILED: Final = SENT_AND_BEGUN.compile(dialect=DIALECT)
NUMBERED: Final = str(COMPILED).encode()
NAMES: Final = tuple(COMPILED.positiontup or ())
FORMATS: Final = [int(isinstance(COMPILED.binds[name].type, LargeBinary)) for name in NAMES]
UNNAMED: Final = b""


def constant(parameter: BindParameter[object]) -> bytes:
    """A value that is part of the statement, as PostgreSQL reads it: an enum is spelled as its column stores it."""
    process = parameter.type.dialect_impl(DIALECT).bind_processor(DIALECT)
    return str(process(parameter.value) if process else parameter.value).encode()


CONSTANTS: Final = {name: constant(COMPILED.binds[name]) for name in NAMES if not COMPILED.binds[name].required}


class Acknowledgements:
    """The acknowledgements of one round, one after another, on a connection that does nothing else meanwhile."""

    def __init__(self, connection: Connection) -> None:
        driver = connection.connection.driver_connection
        assert isinstance(driver, psycopg.Connection)
        self._connection, self._libpq = connection, driver.pgconn
        self._is_shared = not driver.autocommit
        self._is_prepared = False
        self._unconfirmed: tuple[Claim, Claim] | None = None

    def send(self, taken: Claim, following: Claim) -> None:
        """Write that one mail was taken and another is being tried. Inside an outer transaction it is confirmed at once."""
        self._unconfirmed = (taken, following)
        try:
            if not self._is_prepared:
                self._libpq.send_prepare(UNNAMED, NUMBERED)
                self._is_prepared = _is_done(self._libpq)
            self._libpq.send_query_prepared(UNNAMED, _encoded(taken, following), FORMATS)
            _flush(self._libpq)
        except psycopg.Error:
            self.confirm()
        if self._is_shared:
            self.confirm()

    def confirm(self) -> None:
        """Wait until what was sent is committed. If it failed, SQLAlchemy executes it again, and raises as always."""
        unconfirmed, self._unconfirmed = self._unconfirmed, None
        if unconfirmed is None:
            return
        if not _is_done(self._libpq):
            self._is_prepared = False
            self._connection.execute(SENT_AND_BEGUN, _values(*unconfirmed))
        failpoints.reach("after_commit")


@contextmanager
def acknowledgements(connection: Connection) -> Iterator[Acknowledgements]:
    """For one round of sending, over a connection in autocommit mode (`petition.core.db.autocommit_connection`)."""
    acknowledging = Acknowledgements(connection)
    try:
        yield acknowledging
    finally:
        acknowledging.confirm()


def _values(taken: Claim, following: Claim) -> dict[str, str | bytes]:
    return named(taken, "taken") | named(following, "following")


def _encoded(taken: Claim, following: Claim) -> list[bytes]:
    """The parameters of the statement in its order, as libpq takes them."""
    given = {name: _in_bytes(value) for name, value in _values(taken, following).items()}
    return [given[name] if name in given else CONSTANTS[name] for name in NAMES]


def _in_bytes(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode()


def _flush(libpq: PGconn) -> None:
    while libpq.flush():
        select.select([], [libpq.socket], [])


def _is_done(libpq: PGconn) -> bool:
    """Read an answer to its end; gives whether the statement succeeded."""
    good = False
    try:
        while True:
            while libpq.is_busy():
                select.select([libpq.socket], [], [])
                libpq.consume_input()
            result = libpq.get_result()
            if result is None:
                return good
            good = result.status == ExecStatus.COMMAND_OK
    except psycopg.Error:
        return False
