"""Acknowledgements: "this mail was taken, the next one is being tried", sent to the database at once, confirmed later.

This module keeps the order of P1: an acknowledgement is sent before anything else is done, and its commit is confirmed
before the next mail's first command. In between, the process only composes that mail. An acknowledgement is one
statement and a transaction of its own, so that one round trip commits both facts. It is compiled from the statements of
claims.py and passed directly to libpq, because SQLAlchemy and psycopg wait for each commit or need two more statements
to avoid that (decision 0046).
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

# This single statement ends the run of refusals, marks one mail as sent and begins the next.
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
    """Returns a constant of the statement in PostgreSQL's text form. Enums have the form that their column stores."""
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
        self._may_prepare = driver.prepare_threshold is not None
        self._is_prepared = False
        self._unconfirmed: tuple[Claim, Claim] | None = None

    def send(self, taken: Claim, following: Claim) -> None:
        """Send that one mail was taken and another is being tried.

        Inside an outer transaction it is confirmed at once.
        """
        self._unconfirmed = (taken, following)
        try:
            self._send_statement(_encoded(taken, following))
            _flush(self._libpq)
        except psycopg.Error:
            self.confirm()
        if self._is_shared:
            self.confirm()

    def _send_statement(self, values: list[bytes]) -> None:
        """Send the statement, which is prepared once, or with each execution where a pooler is in between."""
        if not self._may_prepare:
            self._libpq.send_query_params(NUMBERED, values, param_formats=FORMATS)
            return
        if not self._is_prepared:
            self._libpq.send_prepare(UNNAMED, NUMBERED)
            self._is_prepared = _is_done(self._libpq)
        self._libpq.send_query_prepared(UNNAMED, values, FORMATS)

    def confirm(self) -> None:
        """Wait until the last acknowledgement is committed.

        If it failed, SQLAlchemy executes it again and raises its errors.
        """
        unconfirmed, self._unconfirmed = self._unconfirmed, None
        if unconfirmed is None:
            return
        if not _is_done(self._libpq):
            self._is_prepared = False
            self._connection.execute(SENT_AND_BEGUN, _values(*unconfirmed))
        failpoints.reach("after_commit")


@contextmanager
def acknowledgements(connection: Connection) -> Iterator[Acknowledgements]:
    """Open the acknowledgements of one round, over a connection from `petition.core.db.autocommit_connection`."""
    acknowledging = Acknowledgements(connection)
    try:
        yield acknowledging
    finally:
        acknowledging.confirm()


def _values(taken: Claim, following: Claim) -> dict[str, str | bytes]:
    return named(taken, "taken") | named(following, "following")


def _encoded(taken: Claim, following: Claim) -> list[bytes]:
    """Returns the parameters of the statement in order, in libpq's form."""
    given = {name: _in_bytes(value) for name, value in _values(taken, following).items()}
    return [given[name] if name in given else CONSTANTS[name] for name in NAMES]


def _in_bytes(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode()


def _flush(libpq: PGconn) -> None:
    while libpq.flush():
        select.select([], [libpq.socket], [])


def _is_done(libpq: PGconn) -> bool:
    """Read a response to its end. Returns whether the statement succeeded."""
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
