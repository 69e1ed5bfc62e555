"""Migrations: from whatever a database holds to the tables of this version."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, create_engine, text

BASE = "base"
HEAD = "head"
LOCK = 0x7065746974696F6E  # "petition": two starting processes migrate one after the other


class DatabaseNewer(Exception):
    """The database holds tables of a version that this one does not know; nothing was changed."""

    def __init__(self) -> None:
        super().__init__(
            "The database holds tables of a newer version than this one: run that version, or a later one."
        )


def _alembic(url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parents[1] / "migrations"))
    config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    return config


def upgrade(url: str, to: str = "head") -> None:
    """Apply what is missing, all of it or nothing; any number of processes may ask at once. Raises DatabaseNewer."""
    engine = create_engine(url, hide_parameters=True)
    try:
        with engine.connect() as connection:
            connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": LOCK})
            _refuse_newer(revision(connection))
            command.upgrade(_alembic(url), to)
    finally:
        engine.dispose()  # the connection holds the lock as long as it is open


def _refuse_newer(held: str | None) -> None:
    if held is not None and not is_known(held):
        raise DatabaseNewer


def downgrade(url: str, to: str) -> None:
    """Take migrations back, down to one that is named."""
    command.downgrade(_alembic(url), to)


def is_current(url: str) -> bool:
    """Whether the database holds the newest tables."""
    engine = create_engine(url, hide_parameters=True)
    try:
        with engine.connect() as connection:
            return is_newest(revision(connection))
    finally:
        engine.dispose()


def within(connection: Connection, to: str) -> None:
    """Take a database up to a revision, or down to `base` (none of our tables), inside the caller's transaction."""
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK})
    config = _alembic("")
    config.attributes["connection"] = connection
    (command.downgrade if to == BASE else command.upgrade)(config, to)


def revision(connection: Connection) -> str | None:
    """The revision of the tables that a database holds; None when it holds none of ours."""
    return MigrationContext.configure(connection).get_current_revision()


def is_newest(revision: str | None) -> bool:
    """Whether a revision is that of this version's tables."""
    return revision == ScriptDirectory.from_config(_alembic("")).get_current_head()


def is_known(revision: str) -> bool:
    """Whether this version has the steps from that revision to its own tables."""
    try:
        return ScriptDirectory.from_config(_alembic("")).get_revision(revision) is not None
    except CommandError:
        return False
