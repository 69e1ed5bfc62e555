"""Writes a backup: every row as of one moment, streamed from the database into an encrypted file.

Three properties hold. All data is from one moment: the tables are locked against rewriting (the scrub truncates them,
which no snapshot survives) before the snapshot is taken, and everything is read in one read-only transaction. The order
of arrival is not stored: each table is written in the order of its keys. No partial file exists: the file gets its name
when it is complete. A database that this version did not migrate is rejected. The pepper and the master keys are not in
the database, so they are not in the file; data that is encrypted in the database stays encrypted.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Final, Protocol

import psycopg
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from psycopg import sql
from sqlalchemy import Connection, Engine, Table, text
from sqlalchemy.exc import DBAPIError, OperationalError

import petition.tables  # noqa: F401 (every table is to be known here)
from petition.backup.errors import BackupBroken, BackupRefused
from petition.backup.stream import Sealing
from petition.config.addresses import PROGRAM
from petition.core import migrate
from petition.core.db import Base
from petition.privacy.scrub import SAW_ARRIVALS

LEFT_OUT: Final = frozenset({"visit", "invitation", "export", "unread_report", "check_result"})
"""Rows that must not be restored: sessions, links that work once, what is kept for a day or a week only, and results of
checks, which are about the machine that made them."""
FRAME: Final = 256 * 1024
VERSION: Final = 1


class Sink(Protocol):
    """The target of frames."""

    def write(self, data: bytes) -> object:
        """Write bytes."""


@dataclass(frozen=True, slots=True)
class Written:
    """The content of a backup: its size in bytes, and rows by table."""

    size: int
    rows: dict[str, int]


def write(engine: Engine, path: Path, public: X25519PublicKey, maker: Ed25519PrivateKey, now: datetime) -> Written:
    """Back up the database into a new file of mode 0600: sealed for `public`, signed by `maker`.

    Raises BackupRefused, OSError.
    """
    if path.exists() or path.is_symlink():
        raise BackupRefused(f"{path} is there already: choose another name.")
    with _whole_or_not_at_all(path) as file, _one_moment(engine) as connection:
        sealing = Sealing(file, public, maker)
        rows = pour(connection, sealing, now)
        sealing.finish()
        size = file.tell()
    return Written(size, rows)


def pour(connection: Connection, sink: Sink, now: datetime) -> dict[str, int]:
    """Write header and tables as frames to a sink. Returns the rows by table."""
    tables = [table for table in Base.metadata.sorted_tables if table.fullname not in LEFT_OUT]
    described = [{"name": table.fullname, "columns": [column.name for column in table.columns]} for table in tables]
    head = {"v": VERSION, "revision": migrate.revision(connection), "made": now.isoformat(), "tables": described}
    frame(sink, json.dumps(head, sort_keys=True).encode())
    return {table.fullname: _pour_table(driver(connection), table, sink) for table in tables}


def frame(sink: Sink, data: bytes) -> None:
    """Write four bytes of length, then the data. Length 0 marks the end of a table."""
    sink.write(len(data).to_bytes(4, "big"))
    sink.write(data)


def _pour_table(driver: psycopg.Connection, table: Table, sink: Sink) -> int:
    """COPY one table in the order of its keys, in portions of some rows."""
    columns = sql.SQL(", ").join(sql.Identifier(column.name) for column in table.columns)
    keys = sql.SQL(", ").join(sql.Identifier(column.name) for column in table.primary_key)
    query = sql.SQL("COPY (SELECT {} FROM {} ORDER BY {}) TO STDOUT (FORMAT BINARY)")
    held = bytearray()
    with copying(), driver.cursor() as cursor:
        with cursor.copy(query.format(columns, identifier(table.fullname), keys)) as copy:
            for data in copy:
                held += data
                while len(held) >= FRAME:
                    frame(sink, bytes(held[:FRAME]))
                    del held[:FRAME]
        if held:
            frame(sink, bytes(held))
        frame(sink, b"")
        return cursor.rowcount


@contextmanager
def copying() -> Iterator[None]:
    """Convert errors of the driver to those of SQLAlchemy.

    Rows that no table accepts mean that the backup is broken.
    """
    try:
        yield
    except (psycopg.DataError, psycopg.IntegrityError):
        raise BackupBroken("This backup was not written by this program.") from None
    except psycopg.Error as error:
        kind = OperationalError if isinstance(error, psycopg.OperationalError) else DBAPIError
        raise kind("COPY", None, error, hide_parameters=True) from error


def identifier(name: str) -> sql.Identifier:
    """Returns a table's name with its schema as an SQL identifier."""
    return sql.Identifier(*name.split(".")) if "." in name else sql.Identifier("public", name)


def driver(connection: Connection) -> psycopg.Connection:
    """Returns the driver's connection, which shares the transaction."""
    found = connection.connection.driver_connection
    assert isinstance(found, psycopg.Connection)
    return found


@contextmanager
def _one_moment(engine: Engine) -> Iterator[Connection]:
    """Open a read-only transaction with a snapshot of one moment. Raises BackupRefused for tables of another version.

    The locks are taken first, in the scrub's order so that no deadlock occurs; the first statement after them takes the
    snapshot. Tables of an older version cannot be locked, because some are missing. The version is therefore read
    before, in a separate transaction, and once more under the locks.
    """
    with engine.connect() as looking:
        _refuse_other_version(looking)
    options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    others = sorted(table.fullname for table in Base.metadata.tables.values() if table.fullname not in SAW_ARRIVALS)
    names = ", ".join(f'"{name}"'.replace(".", '"."') for name in (*SAW_ARRIVALS, *others))
    with engine.connect().execution_options(**options) as connection:
        connection.execute(text(f"LOCK TABLE {names} IN ACCESS SHARE MODE"))
        _refuse_other_version(connection)
        yield connection


def _refuse_other_version(connection: Connection) -> None:
    found = migrate.revision(connection)
    if found is None:
        raise BackupRefused(f"The database does not hold this version’s tables: run `{PROGRAM} migrate`.")
    if not migrate.is_newest(found):
        raise BackupRefused(f"The database holds tables of another version: run `{PROGRAM} migrate` first.")


@contextmanager
def _whole_or_not_at_all(path: Path) -> Iterator[BinaryIO]:
    """Open a file for its owner only, which gets its name when it is complete. Errors contain the requested name."""
    draft = None
    try:
        number, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        draft = Path(name)
        with os.fdopen(number, "wb") as file:
            yield file
            file.flush()
            os.fsync(number)
        draft.replace(path)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None
    finally:
        if draft is not None:
            draft.unlink(missing_ok=True)
