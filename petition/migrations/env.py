"""Alembic's entry point: the tables of every concept, in both schemas."""

from alembic import context
from sqlalchemy import Connection, create_engine, text

import petition.tables  # noqa: F401 (registers every table)
from petition.core.db import Base

URL = context.config.get_main_option("sqlalchemy.url")


def run() -> None:
    """Migrate over one connection: the caller's, inside its transaction, or a new one."""
    given = context.config.attributes.get("connection")
    if given is not None:
        over(given)
        return
    engine = create_engine(URL or "", hide_parameters=True)
    with engine.begin() as connection:
        over(connection)
    engine.dispose()


def over(connection: Connection) -> None:
    """Migrate over a connection. The verification schema comes first, because the version table may need it."""
    connection.execute(text("CREATE SCHEMA IF NOT EXISTS verification"))
    context.configure(connection=connection, target_metadata=Base.metadata, include_schemas=True)
    context.run_migrations()


run()
