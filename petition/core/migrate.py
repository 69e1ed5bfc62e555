"""Migrations: they bring a database from any earlier version to the tables of this version."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.exc import DBAPIError

from petition.core import database_roles
from petition.core.database_roles import Roles
from petition.migrations.version_1 import RecordBroken, Records

__all__ = ["RecordBroken", "Records"]

BASE = "base"
HEAD = "head"
CONNECT_SECONDS = 5
OLDEST_SERVER, NEWEST_SERVER = 15, 18
"""The major versions of PostgreSQL that this program promises (tests/journeys/test_postgresql_versions.py)."""
LOCK = 0x7065746974696F6E  # "petition" in ASCII; processes that start at the same time migrate one after the other


class DatabaseUnfit(Exception):
    """This version must not work with the database. Nothing was changed."""


class DatabaseNewer(DatabaseUnfit):
    """The database holds the tables of a version that this one does not know. Nothing was changed."""

    def __init__(self) -> None:
        super().__init__(
            "The database holds tables of a newer version than this one: run that version, or a later one."
        )


class EncodingWrong(DatabaseUnfit):
    """The database stores text in another encoding than UTF-8. Nothing was changed."""

    def __init__(self, encoding: str) -> None:
        super().__init__(
            f"The database stores text as {encoding}, which cannot hold every name: create one with "
            "`CREATE DATABASE petition ENCODING 'UTF8' TEMPLATE template0`, and name it in DATABASE_URL."
        )


class ServerTooOld(DatabaseUnfit):
    """The database server is of a version with which this program does not work. Nothing was changed."""

    def __init__(self, version: int) -> None:
        super().__init__(
            f"The database server is PostgreSQL {version}: this program works with PostgreSQL {OLDEST_SERVER} to "
            f"{NEWEST_SERVER}."
        )


class LedgerOutdated(Exception):
    """The database holds the ledger of a letter in version 1 of the protocol. Nothing was changed."""

    def __init__(self) -> None:
        super().__init__(
            "The database holds letters of protocol version 1, whose ledgers this version cannot continue: people would "
            "have to sign these letters again."
        )


def _alembic(url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parents[1] / "migrations"))
    config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    return config


def upgrade(url: str, to: str = HEAD, *, roles: Roles | None = None, records: Records | None = None) -> int:
    """Apply all missing migrations and grant what is missing, or do nothing. Several processes may call this at once.

    Returns the major version of the server.

    `url` is the address for the role that owns the tables. Letters of protocol version 1 become drafts if `records` says
    where their public records go. Raises DatabaseUnfit and RoleMissing; without `records` LedgerOutdated, with
    them RecordBroken or OSError.
    """
    # Without an encoding of its own a connection to a database in SQL_ASCII gives bytes for texts.
    engine = create_engine(url, hide_parameters=True, connect_args={"client_encoding": "utf8"})
    try:
        with engine.begin() as connection:
            version = refuse_server(connection)
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
            _refuse_newer(revision(connection))
            within(connection, to, records)
            database_roles.grant(connection, roles)
        return version
    finally:
        engine.dispose()


def refuse_server(connection: Connection) -> int:
    """Returns the major version of the server. Raises ServerTooOld, and EncodingWrong for the database's encoding."""
    # The server reports both when it is connected to, so that no text of the database need be read.
    raw = connection.connection.dbapi_connection
    info = raw.info if raw is not None else None
    version = info.server_version // 10_000 if info is not None else 0
    if version < OLDEST_SERVER:
        raise ServerTooOld(version)
    encoding = info.parameter_status("server_encoding") if info is not None else None
    if encoding != "UTF8":
        raise EncodingWrong(str(encoding))
    return version


def _refuse_newer(held: str | None) -> None:
    if held is not None and not is_known(held):
        raise DatabaseNewer


def downgrade(url: str, to: str) -> None:
    """Undo migrations down to the named revision."""
    command.downgrade(_alembic(url), to)


def refuse_unfit(url: str) -> None:
    """Raises DatabaseUnfit for a database with which this version must not work.

    A server that is away is no fault.
    """
    arguments = {"connect_timeout": CONNECT_SECONDS, "client_encoding": "utf8"}
    engine = create_engine(url, hide_parameters=True, connect_args=arguments)
    try:
        with engine.connect() as connection:
            refuse_server(connection)
            _refuse_newer(revision(connection))
    except DBAPIError:
        return  # whoever works with the database then says what is wrong with it
    finally:
        engine.dispose()


def is_current(url: str) -> bool:
    """Returns whether the database holds the newest tables."""
    engine = create_engine(url, hide_parameters=True)
    try:
        with engine.connect() as connection:
            return is_newest(revision(connection))
    finally:
        engine.dispose()


def within(connection: Connection, to: str, records: Records | None = None) -> None:
    """Migrate a database to a revision, or down to `base` (no tables), inside the caller's transaction.

    `records` as for `upgrade`.
    """
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
    config = _alembic("")
    config.attributes |= {"connection": connection, "records": records}
    (command.downgrade if to == BASE else command.upgrade)(config, to)


def revision(connection: Connection) -> str | None:
    """Returns the revision of the tables in a database, or None if it holds none of them."""
    return MigrationContext.configure(connection).get_current_revision()


def is_newest(revision: str | None) -> bool:
    """Returns whether a revision is the one of this version's tables."""
    return revision == ScriptDirectory.from_config(_alembic("")).get_current_head()


def is_known(revision: str) -> bool:
    """Returns whether this version has the migrations from that revision to its own tables."""
    try:
        return ScriptDirectory.from_config(_alembic("")).get_revision(revision) is not None
    except CommandError:
        return False
