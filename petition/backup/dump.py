"""Writing a backup: every row as it stood at one moment, streamed out of the database into a sealed file.

Guards three things. One moment: the tables are locked against rewriting (the scrub truncates, which no snapshot
survives) before the snapshot is taken, and all is read in one transaction that cannot write. No order of arrival: each
table is written in the order of its keys. No half a file: it appears under its name when it is whole. Refuses a database
that this version did not migrate. The pepper and the master keys are not in the database, so they are not in the file;
what the database holds sealed stays sealed.
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
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from psycopg import sql
from sqlalchemy import Connection, Engine, Table, text
from sqlalchemy.exc import DBAPIError, OperationalError

import petition.tables  # noqa: F401 (every table is to be known here)
from petition.backup.errors import BackupBroken, BackupRefused
from petition.backup.stream import Sealing
from petition.core import migrate
from petition.core.db import Base
from petition.privacy.scrub import SAW_ARRIVALS

LEFT_OUT: Final = frozenset({"visit", "invitation", "export"})
"""What must not come to life again: who is signed in, links that work once, files that lived a day."""
FRAME: Final = 256 * 1024
VERSION: Final = 1


class Sink(Protocol):
    """Where frames go."""

    def write(self, data: bytes) -> object:
        """Take bytes."""


@dataclass(frozen=True, slots=True)
class Written:
    """What a backup holds: its size in bytes, and rows by table."""

    size: int
    rows: dict[str, int]


def write(engine: Engine, path: Path, public: X25519PublicKey, now: datetime) -> Written:
    """Back the database up into a new file of mode 0600; raises BackupRefused, OSError."""
    if path.exists() or path.is_symlink():
        raise BackupRefused(f"{path} is there already: choose another name.")
    with _whole_or_not_at_all(path) as file, _one_moment(engine) as connection:
        sealing = Sealing(file, public)
        rows = pour(connection, sealing, now)
        sealing.finish()
        size = file.tell()
    return Written(size, rows)


def pour(connection: Connection, sink: Sink, now: datetime) -> dict[str, int]:
    """Write head and tables as frames into something; gives rows by table."""
    tables = [table for table in Base.metadata.sorted_tables if table.fullname not in LEFT_OUT]
    described = [{"name": table.fullname, "columns": [column.name for column in table.columns]} for table in tables]
    head = {"v": VERSION, "revision": migrate.revision(connection), "made": now.isoformat(), "tables": described}
    frame(sink, json.dumps(head, sort_keys=True).encode())
    return {table.fullname: _pour_table(driver(connection), table, sink) for table in tables}


def frame(sink: Sink, data: bytes) -> None:
    """Four bytes of length, and the data; of no length, the end of a table."""
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
    """The driver's faults as those that everything else raises; rows that no table takes are the file's fault."""
    try:
        yield
    except (psycopg.DataError, psycopg.IntegrityError):
        raise BackupBroken("This backup was not written by this program.") from None
    except psycopg.Error as error:
        kind = OperationalError if isinstance(error, psycopg.OperationalError) else DBAPIError
        raise kind("COPY", None, error, hide_parameters=True) from error


def identifier(name: str) -> sql.Identifier:
    """A table's name, its schema included, as SQL spells it."""
    return sql.Identifier(*name.split(".")) if "." in name else sql.Identifier("public", name)


def driver(connection: Connection) -> psycopg.Connection:
    """The driver's connection, whose transaction is the same."""
    found = connection.connection.driver_connection
    assert isinstance(found, psycopg.Connection)
    return found


@contextmanager
def _one_moment(engine: Engine) -> Iterator[Connection]:
    """A transaction that sees one moment and cannot write; raises BackupRefused for tables of another version.

    The locks come first, in the scrub's order so that neither waits for the other in a circle: the snapshot is taken by
    the first statement after them. Tables of an older version cannot be locked, as some are missing: so the version is
    read before, in a transaction of its own, and once more under the locks.
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
    if not migrate.is_newest(migrate.revision(connection)):
        raise BackupRefused("The database holds tables of another version: run `python3 app.py migrate` first.")


@contextmanager
def _whole_or_not_at_all(path: Path) -> Iterator[BinaryIO]:
    """A file for its owner only, under another name until it is whole; a fault names the file that was asked for."""
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
