"""Migrations: from whatever a database holds to the tables of this version."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text

LOCK = 0x7065746974696F6E  # "petition": two starting processes migrate one after the other


def _alembic(url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    return config


def upgrade(url: str, to: str = "head") -> None:
    """Apply what is missing; any number of processes may ask at once."""
    engine = create_engine(url, hide_parameters=True)
    with engine.connect() as connection:
        connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": LOCK})
        command.upgrade(_alembic(url), to)
    engine.dispose()


def downgrade(url: str, to: str) -> None:
    """Take migrations back, down to one that is named."""
    command.downgrade(_alembic(url), to)


def is_current(url: str) -> bool:
    """Whether the database holds the newest tables."""
    newest = ScriptDirectory.from_config(_alembic(url)).get_current_head()
    engine = create_engine(url, hide_parameters=True)
    try:
        with engine.connect() as connection:
            return MigrationContext.configure(connection).get_current_revision() == newest
    finally:
        engine.dispose()
