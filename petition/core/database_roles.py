"""Database roles: who may do what with which table, declared beside the tables (decision 0052).

Three roles share a database. The owner has the tables: it migrates and restores. The application reads and writes rows.
It cannot create, alter or drop anything, and it cannot change or delete what is written once: the audit log, the entries
of the ledger, and the passes that were redeemed. Maintenance rewrites the tables that record arrivals and acts (the scrub) and
deletes lines of the audit log that are older than a year; it reads nothing else.

A table declares what is special about it in its `info`: APPEND_ONLY, KEPT, REWRITTEN or OUTDATED. Without a
declaration the application may insert, change and delete its rows. `grant` makes a database match the declarations and
changes only what differs. If one role is all three, only the program protects the audit log; `is_separate` tells.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import psycopg
from psycopg import sql
from sqlalchemy import Connection, NullPool, create_engine, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session

from petition.core.db import Base

APPLICATION: Final = "application"
MAINTENANCE: Final = "maintenance"
EDITED: Final = frozenset({"SELECT", "INSERT", "UPDATE", "DELETE"})
APPEND_ONLY: Final[dict[Any, Any]] = {APPLICATION: frozenset({"SELECT", "INSERT"})}
"""The application inserts rows, and never changes or deletes one."""
KEPT: Final[dict[Any, Any]] = {APPLICATION: EDITED - {"DELETE"}}
"""The application inserts and changes rows, and never deletes one."""
REWRITTEN: Final[dict[Any, Any]] = {MAINTENANCE: frozenset({"SELECT", "INSERT", "TRUNCATE"})}
"""The scrub rewrites the table in a random order."""
OUTDATED: Final[dict[Any, Any]] = {MAINTENANCE: frozenset({"SELECT", "DELETE"})}
"""Rows end by their age alone, and maintenance deletes them."""
VERSION_TABLE: Final = "alembic_version"
SCHEMAS: Final = ("public", "verification")
LOST: Final = (
    "One database role does everything, so whoever takes over a process of the application can change the audit log and "
    "the ledger: set PETITION_OWNER_DATABASE_URL and PETITION_MAINTENANCE_DATABASE_URL."
)

_THERE: Final = text("SELECT schemaname, tablename FROM pg_tables WHERE schemaname = ANY(:schemas)")
_HELD: Final = text(
    "SELECT n.nspname, c.relname, r.rolname, a.privilege_type FROM pg_class c"
    " JOIN pg_namespace n ON n.oid = c.relnamespace CROSS JOIN LATERAL aclexplode(c.relacl) a"
    " JOIN pg_roles r ON r.oid = a.grantee"
    " WHERE c.relkind = 'r' AND n.nspname = ANY(:schemas) AND r.rolname = ANY(:names)"
)
_OPEN: Final = text("SELECT has_schema_privilege(:name, 'verification', 'USAGE')")
_EVERYBODY_MAKES_TABLES: Final = text(
    "SELECT EXISTS (SELECT FROM pg_database, aclexplode(coalesce(datacl, acldefault('d', datdba))) a"
    " WHERE datname = current_database() AND a.grantee = 0 AND a.privilege_type = 'TEMPORARY')"
)
_MAKES_TABLES: Final = text("SELECT has_database_privilege(:name, current_database(), 'TEMPORARY')")
_CLEARS_PAGES: Final = text(
    "SELECT has_function_privilege(:name, 'pg_switch_wal()', 'EXECUTE') AND pg_has_role(:name, 'pg_checkpoint', 'USAGE')"
)
_CAN_CHANGE: Final = text(
    "SELECT has_table_privilege('public.journal', 'UPDATE, DELETE') OR has_table_privilege('public.entry', 'UPDATE, DELETE')"
)


class RoleMissing(Exception):
    """A role of the settings does not exist, and the owner may not create it. Nothing was changed."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"The database role {name!r} does not exist or has another password, and the owner of the tables may not "
            "create roles: create it, or set its password, and try again."
        )


@dataclass(frozen=True, slots=True)
class Roles:
    """The addresses of one database for the application and for maintenance."""

    application: str
    maintenance: str

    def urls(self) -> Mapping[str, URL]:
        """Returns the address of each role."""
        return {APPLICATION: make_url(self.application), MAINTENANCE: make_url(self.maintenance)}


def expected(name: str, role: str) -> frozenset[str]:
    """Returns the privileges that a role has on a table. Its name includes the schema unless that is `public`."""
    if name == VERSION_TABLE:
        return frozenset({"SELECT"}) if role == APPLICATION else frozenset()
    declared: frozenset[str] | None = Base.metadata.tables[name].info.get(role)
    if declared is not None:
        return declared
    return EDITED if role == APPLICATION else frozenset()


def grant(connection: Connection, roles: Roles | None) -> None:
    """Give each role exactly its privileges, in the caller's transaction. Raises RoleMissing.

    A missing role is created with the password of its address. A role that is the owner itself is left alone.
    """
    owner = connection.scalar(text("SELECT current_user"))
    parts: dict[str, set[str]] = defaultdict(set)
    for role, url in (roles.urls() if roles else {}).items():
        if url.username and url.username != owner:
            parts[url.username].add(role)
            _create(connection, url)
    for name, its in parts.items():
        _open(connection, name, its)
    if parts:
        _grant_tables(connection, parts)


def is_separate(session: Session) -> bool:
    """Returns whether the role of this session can change neither the audit log nor the entries of the ledger."""
    return not session.scalar(_CAN_CHANGE)


def _create(connection: Connection, url: URL) -> None:
    """Create a role, or set the password of an address that the server does not accept."""
    name = url.username or ""
    exists = connection.scalar(text("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = :name)"), {"name": name})
    if exists and (url.password is None or _connects(url)):
        return
    verb = "ALTER" if exists else "CREATE"
    statement = sql.SQL(verb + " ROLE {} LOGIN").format(sql.Identifier(name))
    if url.password is not None:
        raw = connection.connection.driver_connection
        assert isinstance(raw, psycopg.Connection)
        # The server gets the password's SCRAM verifier, so that no log of statements can hold the password.
        verifier = raw.pgconn.encrypt_password(str(url.password).encode(), name.encode(), b"scram-sha-256").decode()
        statement += sql.SQL(" PASSWORD {}").format(sql.Literal(verifier))
    if not _run(connection, statement):
        raise RoleMissing(name)


def _connects(url: URL) -> bool:
    engine = create_engine(url, poolclass=NullPool, hide_parameters=True)
    try:
        engine.connect().close()
    except OperationalError:
        return False
    return True


def _open(connection: Connection, name: str, its: set[str]) -> None:
    """Let a role reach the tables. Only maintenance makes temporary tables and clears old pages, if the owner may."""
    who = sql.Identifier(name)
    if not connection.scalar(_OPEN, {"name": name}):
        _run(connection, sql.SQL("GRANT USAGE ON SCHEMA verification TO {}").format(who))
    base = sql.Identifier(str(connection.scalar(text("SELECT current_database()"))))
    if connection.scalar(_EVERYBODY_MAKES_TABLES):
        _run(connection, sql.SQL("REVOKE TEMPORARY ON DATABASE {} FROM PUBLIC").format(base))
    if MAINTENANCE not in its:
        return
    if not connection.scalar(_MAKES_TABLES, {"name": name}):
        _run(connection, sql.SQL("GRANT TEMPORARY ON DATABASE {} TO {}").format(base, who))
    if not connection.scalar(_CLEARS_PAGES, {"name": name}):
        _run(connection, sql.SQL("GRANT EXECUTE ON FUNCTION pg_switch_wal() TO {}").format(who))
        _run(connection, sql.SQL("GRANT pg_checkpoint TO {}").format(who))


def _grant_tables(connection: Connection, parts: Mapping[str, set[str]]) -> None:
    names, there = [*parts], {_full(*row) for row in connection.execute(_THERE, {"schemas": [*SCHEMAS]})}
    held: dict[tuple[str, str], set[str]] = defaultdict(set)
    for schema, table, name, privilege in connection.execute(_HELD, {"schemas": [*SCHEMAS], "names": names}):
        held[name, _full(schema, table)].add(privilege)
    known = there & {*Base.metadata.tables, VERSION_TABLE}
    for name, its in parts.items():
        for table in sorted(known):
            due = frozenset().union(*(expected(table, role) for role in its))
            for statement in _changes(name, table, due, held[name, table]):
                connection.exec_driver_sql(statement.as_string())


def _changes(name: str, table: str, due: frozenset[str], held: set[str]) -> Iterator[sql.Composed]:
    who, place = sql.Identifier(name), sql.Identifier(*(table if "." in table else f"public.{table}").split("."))
    if extra := sorted(held - due):
        yield sql.SQL("REVOKE {} ON {} FROM {}").format(sql.SQL(", ".join(extra)), place, who)
    if missing := sorted(due - held):
        yield sql.SQL("GRANT {} ON {} TO {}").format(sql.SQL(", ".join(missing)), place, who)


def _full(schema: str, table: str) -> str:
    return table if schema == "public" else f"{schema}.{table}"


def _run(connection: Connection, statement: sql.Composable) -> bool:
    """Run a statement that the owner may lack the privilege for. Returns whether it was allowed."""
    try:
        with connection.begin_nested():
            connection.exec_driver_sql(statement.as_string())
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) == "42501":
            return False
        raise
    return True
