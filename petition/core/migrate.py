"""Migrations: they bring a database from any earlier version to the tables of this version."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, create_engine, text

from petition.core import database_roles
from petition.core.database_roles import Roles

BASE = "base"
HEAD = "head"
LOCK = 0x7065746974696F6E  # "petition" in ASCII; processes that start at the same time migrate one after the other


class DatabaseNewer(Exception):
    """The database holds the tables of a version that this one does not know. Nothing was changed."""

    def __init__(self) -> None:
        super().__init__(
            "The database holds tables of a newer version than this one: run that version, or a later one."
        )


class EncodingWrong(Exception):
    """The database stores text in another encoding than UTF-8. Nothing was changed."""

    def __init__(self, encoding: str) -> None:
        super().__init__(
            f"The database stores text as {encoding}, which cannot hold every name: create one with "
            "`CREATE DATABASE petition ENCODING 'UTF8' TEMPLATE template0`, and name it in DATABASE_URL."
        )


class LedgerOutdated(Exception):
    """The database holds the ledger of a letter in version 1 of the protocol. Nothing was changed."""

    def __init__(self) -> None:
        super().__init__(
            "The database holds letters of protocol version 1, whose ledgers this version cannot continue: run the "
            "version that made them, or use another database."
        )


def _alembic(url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parents[1] / "migrations"))
    config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    return config


def upgrade(url: str, to: str = HEAD, *, roles: Roles | None = None) -> None:
    """Apply all missing migrations and grant what is missing, or do nothing. Several processes may call this at once.

    `url` is the address for the role that owns the tables. Raises EncodingWrong, DatabaseNewer, RoleMissing.
    """
    # Without an encoding of its own a connection to a database in SQL_ASCII gives bytes for texts.
    engine = create_engine(url, hide_parameters=True, connect_args={"client_encoding": "utf8"})
    try:
        with engine.begin() as connection:
            _refuse_encoding(connection)
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
            _refuse_newer(revision(connection))
            within(connection, to)
            database_roles.grant(connection, roles)
    finally:
        engine.dispose()


def _refuse_encoding(connection: Connection) -> None:
    # This is a setting that the server reports when it is connected to, so a text of the database need not be read.
    raw = connection.connection.dbapi_connection
    encoding = raw.info.parameter_status("server_encoding") if raw is not None else None
    if encoding != "UTF8":
        raise EncodingWrong(str(encoding))


def _refuse_newer(held: str | None) -> None:
    if held is not None and not is_known(held):
        raise DatabaseNewer


def downgrade(url: str, to: str) -> None:
    """Undo migrations down to the named revision."""
    command.downgrade(_alembic(url), to)


def clear(url: str) -> None:
    """Drop all tables with what they hold, and the record of migrations."""
    engine = create_engine(url, hide_parameters=True)
    with engine.begin() as connection:
        within(connection, BASE)
    engine.dispose()


def is_current(url: str) -> bool:
    """Returns whether the database holds the newest tables."""
    engine = create_engine(url, hide_parameters=True)
    try:
        with engine.connect() as connection:
            return is_newest(revision(connection))
    finally:
        engine.dispose()


def within(connection: Connection, to: str) -> None:
    """Migrate a database to a revision, or down to `base` (no tables), inside the caller's transaction."""
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
    config = _alembic("")
    config.attributes["connection"] = connection
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
