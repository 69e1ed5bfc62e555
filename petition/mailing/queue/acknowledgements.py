"""Acknowledgements: "this mail was taken, the next is being tried", sent to the database at once and confirmed a moment later.

Guards the order of P1: a mark has left this process before anything else is done, and is known to be committed before
a word about the next mail leaves. In between its sender may compose that mail, and nothing else. It is one statement,
so that one round trip commits both, and a transaction of its own. Spoken to libpq itself: SQLAlchemy cannot say
something now and hear of it later.
"""

from __future__ import annotations

import select
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import psycopg
from psycopg.pq import ExecStatus
from psycopg.pq.abc import PGconn
from sqlalchemy import Connection

from petition.core import db, failpoints
from petition.mailing.queue.claims import Claim

SENT_AND_BEGUN: Final = """
    WITH row_of_refusals_ended AS (
        DELETE FROM refusal
    ), sent AS (
        UPDATE delivery SET state = 'SENT', fault = '' WHERE kind = %s AND recipient = %s AND period = %s RETURNING kind
    )
    UPDATE delivery SET tries = tries + 1, unanswered = unanswered + 1 WHERE kind = %s AND recipient = %s AND period = %s
"""
NUMBERED: Final = (SENT_AND_BEGUN % ("$1", "$2", "$3", "$4", "$5", "$6")).encode()
UNNAMED: Final = b""
TEXT_AND_BYTES: Final = [0, 1, 0, 0, 1, 0]


class Acknowledgements:
    """The marks of one round, one after another, on a connection that says nothing else meanwhile."""

    def __init__(self, connection: Connection) -> None:
        driver = connection.connection.driver_connection
        assert isinstance(driver, psycopg.Connection)
        self._connection, self._line = connection, driver.pgconn
        self._is_shared = not driver.autocommit
        self._is_prepared = False
        self._told: tuple[Claim, Claim] | None = None

    def send(self, taken: Claim, following: Claim) -> None:
        """Say that one mail was taken and another is being tried. Inside somebody's transaction it is awaited at once."""
        self._told = (taken, following)
        try:
            if not self._is_prepared:
                self._line.send_prepare(UNNAMED, NUMBERED)
                self._is_prepared = _is_done(self._line)
            told = [*_in_bytes(taken), *_in_bytes(following)]
            self._line.send_query_prepared(UNNAMED, told, TEXT_AND_BYTES)
            _flush(self._line)
        except psycopg.Error:
            self.confirm()
        if self._is_shared:
            self.confirm()

    def confirm(self) -> None:
        """Wait until what was told is committed; what failed is said again as always, and raises as always."""
        told, self._told = self._told, None
        if told is None:
            return
        if not _is_done(self._line):
            self._is_prepared = False
            self._connection.exec_driver_sql(SENT_AND_BEGUN, (*told[0].key, *told[1].key))
        failpoints.reach("after_commit")


@contextmanager
def acknowledgements() -> Iterator[Acknowledgements]:
    """For one round of sending."""
    with db.statements() as connection:
        told = Acknowledgements(connection)
        try:
            yield told
        finally:
            told.confirm()


def _in_bytes(claimed: Claim) -> tuple[bytes, bytes, bytes]:
    kind, recipient, period = claimed.key
    return kind.encode(), recipient, period.encode()


def _flush(line: PGconn) -> None:
    while line.flush():
        select.select([], [line.socket], [])


def _is_done(line: PGconn) -> bool:
    """Wait for an answer and read it to its end; whether it was a good one."""
    good = False
    try:
        while True:
            while line.is_busy():
                select.select([line.socket], [], [])
                line.consume_input()
            result = line.get_result()
            if result is None:
                return good
            good = result.status == ExecStatus.COMMAND_OK
    except psycopg.Error:
        return False
