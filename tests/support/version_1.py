"""A database as the last code of protocol version 1 left it: its rows stand in a file (tests/domain/data/version_1.json).

Four letters: `old-letter` is open, with five public bodies once and one signature that waits; `older-letter` was answered;
of `small-letter` nothing is public yet; `a-draft` never opened.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from sqlalchemy import Connection, Engine, MetaData, create_engine, text

from petition import backup
from petition.backup import dump
from petition.core import migrate
from petition.core.db import Base
from tests.make import NOW

DATA: Final = Path(__file__).parents[1] / "domain" / "data" / "version_1.json"
REVISION: Final = "0013"
FIRST: Final = ("public.campaign", "public.organiser")
"""Tables that others refer to."""


def described() -> dict[str, Any]:
    """The file: `tables`, a signer's `receipt` for `old-letter`, SHA-256 of the `bundles` as they were published."""
    found: dict[str, Any] = json.loads(DATA.read_text(encoding="utf-8"))
    return found


def fill(url: str) -> None:
    """Take a database without rows back to the tables of that time, and insert the rows."""
    migrate.downgrade(url, REVISION)
    engine = create_engine(url)
    with engine.begin() as connection:
        rows = described()["tables"]
        for table in (*FIRST, *(each for each in rows if each not in FIRST)):
            _insert(connection, table, rows[table])
        connection.execute(text("SELECT setval(pg_get_serial_sequence('journal', 'number'), max(number)) FROM journal"))
    engine.dispose()


def _insert(connection: Connection, table: str, rows: list[dict[str, Any]]) -> None:
    schema, name = table.split(".")
    statement = (
        f'INSERT INTO {schema}."{name}" OVERRIDING SYSTEM VALUE'
        f' SELECT * FROM json_populate_recordset(NULL::{schema}."{name}", :rows)'
    )
    connection.execute(text(statement), {"rows": json.dumps(rows)})


def back_up(engine: Engine, path: Path, public: X25519PublicKey, maker: Ed25519PrivateKey) -> None:
    """Write a backup of that database as the last code of version 1 did it: with the tables and columns of its time."""
    tables = MetaData()
    for schema in (None, "verification"):
        tables.reflect(engine, schema)
    tables.remove(tables.tables["alembic_version"])
    with pytest.MonkeyPatch.context() as older:
        older.setattr(Base, "metadata", tables)
        older.setattr(dump, "SAW_ARRIVALS", tuple(name for name in dump.SAW_ARRIVALS if name in tables.tables))
        older.setattr(migrate, "is_newest", lambda _: True)
        backup.write(engine, path, public, maker, NOW)
