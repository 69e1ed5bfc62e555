"""Checks of the database: version, roles, pooler, encoding, tables, and what the scrub may do."""

from __future__ import annotations

import time
from typing import Final

import psycopg
from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session

from petition.config.addresses import PROGRAM
from petition.core import database_roles, migrate
from petition.operation.context import Context
from petition.operation.findings import Finding, fault, ok, warning
from petition.privacy import scrub_state
from petition.privacy.scrub import REWRITTEN

OLDEST: Final = 15
NEWEST: Final = 18
SCRUB_SECONDS: Final = 2 * 3600
MIGRATE: Final = f"run `{PROGRAM} migrate`"
_SETTINGS: Final = text(
    "SELECT pg_encoding_to_char(encoding), datcollate FROM pg_database WHERE datname = current_database()"
)
_MAY_REWRITE: Final = text(
    "SELECT has_table_privilege(:name, 'TRUNCATE') AND has_table_privilege(:name, 'SELECT') AND has_table_privilege(:name, 'INSERT')"
)
_MAY_COPY: Final = text("SELECT has_database_privilege(current_database(), 'TEMPORARY')")
_MAY_CLEAR: Final = text(
    "SELECT has_function_privilege('pg_switch_wal()', 'EXECUTE') AND pg_has_role('pg_checkpoint', 'USAGE')"
)


def version(context: Context, _about: str) -> Finding:
    """Looks whether the database answers, and how old PostgreSQL is."""
    try:
        with context.reading() as session:
            began = time.perf_counter()
            number = int(str(session.scalar(text("SHOW server_version_num"))))
            took = round((time.perf_counter() - began) * 1000)
    except OperationalError as error:
        return fault(reason(error))
    return judge_version(number, took)


def judge_version(number: int, took: int) -> Finding:
    """Returns what a version means, given as `server_version_num`. `took`: milliseconds for the answer."""
    major = number // 10_000
    if major < OLDEST:
        return fault(f"PostgreSQL {major} is too old: use one of the versions {OLDEST} to {NEWEST}.")
    if major > NEWEST:
        return warning(f"PostgreSQL {major} was not tried with this version, which knows {OLDEST} to {NEWEST}.")
    return ok(f"PostgreSQL {major}.{number % 10_000} answers in {took} ms.")


def reason(error: DBAPIError, setting: str = "DATABASE_URL") -> str:
    """Returns why there is no connection to the address of a setting.

    A server's own words may quote the address, so they are not repeated.
    """
    state = getattr(error.orig, "sqlstate", None)
    words = str(error.orig)
    if state in {"28P01", "28000"} or "authentication failed" in words or "no password supplied" in words:
        return f"The database does not accept the user and password of {setting}: correct them."
    if state == "3D000" or ("database" in words and "does not exist" in words):
        return f"The database that {setting} names does not exist: create it, or correct the name."
    if "too many" in words or state == "53300":
        return "The database has no connection left for another client: raise its limit, or start fewer processes."
    return f"The database cannot be reached: check {setting} and that the server is running."


def encoding(context: Context, _about: str) -> Finding:
    """Looks how the database stores text. Nothing here depends on the collation: names are compared by Python."""
    with context.reading() as session:
        stored, collation = session.execute(_SETTINGS).one()
    if stored != "UTF8":
        return fault(str(migrate.EncodingWrong(stored)))
    return ok(f"Text is stored as UTF-8; the collation is {collation}, and any will do.")


def tables(context: Context, _about: str) -> Finding:
    """Looks whether the database holds the tables of this version."""
    with context.reading() as session:
        held = migrate.revision(session.connection())
    if held is None:
        return fault(f"The database holds no tables: {MIGRATE}.")
    if migrate.is_newest(held):
        return ok(f"The tables are those of this version ({held}).")
    if migrate.is_known(held):
        return fault(f"The tables are those of an earlier version ({held}): {MIGRATE} (docs/upgrade.md).")
    return fault(str(migrate.DatabaseNewer()))


def roles(context: Context, _about: str) -> Finding:
    """Looks whether three roles share the work, and whether the addresses of the other two are right."""
    config = context.config
    with context.reading() as session:
        separate = database_roles.is_separate(session)
    for name, url in (
        ("PETITION_OWNER_DATABASE_URL", config.owner_database_url),
        ("PETITION_MAINTENANCE_DATABASE_URL", config.maintenance_database_url),
    ):
        if url != config.database_url and not _opens(context, url):
            return fault(f"The role of {name} cannot sign in: correct its address, or {MIGRATE}.")
    if not separate:
        return warning(database_roles.LOST)
    names = {make_url(url).username for url in (config.owner_database_url, config.maintenance_database_url)}
    if make_url(config.database_url).username in names:
        return warning("The application can change neither the audit log nor the ledger; not every role is known here.")
    return ok(
        "Owner, application and maintenance are three roles; the application can change neither audit log nor ledger."
    )


def _opens(context: Context, url: str) -> bool:
    try:
        with context.reading(url):
            return True
    except OperationalError:
        return False


def pooler(context: Context, _about: str) -> Finding:
    """Looks whether a pooler stands before the database: the process that answers has another number then."""
    with context.reading() as session:
        raw = session.connection().connection.driver_connection
        assert isinstance(raw, psycopg.Connection)
        pooled = session.scalar(text("SELECT pg_backend_pid()")) != raw.info.backend_pid
    if pooled:
        return ok("Connections come through a pooler: nothing is prepared on them. It must be pgbouncer 1.18 or newer.")
    return ok("Connections reach the database without a pooler.")


def scrub(context: Context, _about: str) -> Finding:
    """Looks when the order of arrival was last removed, and whether the role may do every step of it."""
    with context.reading() as session:
        last = scrub_state.last(session)
    missing = _missing_rights(context)
    if missing:
        return fault(f"The order in which people came stays in the database's files: the maintenance role {missing}.")
    if last is None:
        return warning(
            "The order of arrival was never removed: it is due at seven minutes past each hour (`worker bulk`)."
        )
    late = int(abs((context.clock() - last.at).total_seconds()))
    if late > SCRUB_SECONDS:
        return fault(
            f"The order of arrival was last removed {late // 3600} hours ago: look whether `beat` and `worker bulk` run."
        )
    if last.refused:
        return warning(
            "The last scrub lacked a privilege that the role has by now: look again after the next full hour."
        )
    return ok(f"The order of arrival was removed {late // 60} minutes ago, and the maintenance role may do every step.")


def _missing_rights(context: Context) -> str:
    """Returns what the maintenance role may not do, as the end of a sentence. A role of less than all steps is named."""
    with context.reading(context.config.maintenance_database_url) as session:
        try:
            rewrites = all(session.scalar(_MAY_REWRITE, {"name": name}) for name in REWRITTEN)
        except DBAPIError:
            return f"cannot see the tables ({MIGRATE})"
        if not rewrites or not session.scalar(_MAY_COPY):
            return f"may not rewrite the tables ({MIGRATE})"
        if not _is_superuser(session) and not session.scalar(_MAY_CLEAR):
            return (
                "may not clear old pages; have a superuser run GRANT pg_checkpoint and GRANT EXECUTE ON FUNCTION "
                "pg_switch_wal() for it (docs/production.md, “Database roles”)"
            )
    return ""


def _is_superuser(session: Session) -> bool:
    return bool(session.scalar(text("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")))
