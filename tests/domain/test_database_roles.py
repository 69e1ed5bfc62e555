"""P50: the application cannot change what protects the count and the audit log; each role has what it needs, and no more."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from petition import epochs
from petition.bootstrap import EmbeddedServices
from petition.config.addresses import APPLICATION_ROLE, MAINTENANCE_ROLE
from petition.core import clock, database_roles, db, migrate
from petition.core.database_roles import APPLICATION, MAINTENANCE, VERSION_TABLE, RoleMissing, Roles, expected
from petition.core.db import Base
from petition.organisers import audit_log
from petition.organisers.actor import Operator
from petition.organisers.audit_log import Action
from petition.privacy.scrub import REWRITTEN, Scrubbed, scrub
from tests import make
from tests.support.services import as_role, roles_of
from tests.support.work import counted_queries

WRITTEN_ONCE = {"journal", "entry", "spent"}
HELD = text(
    "SELECT table_schema, table_name, privilege_type FROM information_schema.table_privileges WHERE grantee = :role"
    " UNION SELECT table_schema, table_name, privilege_type || ' OF A COLUMN' FROM information_schema.column_privileges c"
    " WHERE grantee = :role AND NOT EXISTS (SELECT FROM information_schema.table_privileges t WHERE t.grantee = :role"
    " AND (t.table_schema, t.table_name, t.privilege_type) = (c.table_schema, c.table_name, c.privilege_type))"
)
REFUSED = (
    "UPDATE journal SET deed = 'joined'",
    "DELETE FROM journal",
    "DELETE FROM journal WHERE at < now() - interval '2 years'",
    "TRUNCATE journal",
    "ALTER TABLE journal DISABLE TRIGGER append_only",
    "ALTER TABLE journal ADD COLUMN note text",
    "DROP TRIGGER append_only ON journal",
    "DROP TABLE journal",
    "ALTER FUNCTION refuse_change() RENAME TO other",
    "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
    "CREATE RULE quiet AS ON INSERT TO journal DO INSTEAD NOTHING",
    "CREATE TRIGGER other BEFORE INSERT ON entry FOR EACH ROW EXECUTE FUNCTION refuse_change()",
    "SET session_replication_role = replica",
    "UPDATE entry SET line = ''",
    "DELETE FROM entry",
    "TRUNCATE entry",
    "DELETE FROM tile",
    "DELETE FROM head",
    "DELETE FROM epoch",
    "UPDATE spent SET hw = ''",
    "DELETE FROM spent",
    "TRUNCATE pending",
    "UPDATE alembic_version SET version_num = '0001'",
    "CREATE TABLE mine (n int)",
    "CREATE TABLE verification.mine (n int)",
    "CREATE TEMPORARY TABLE mine (n int)",
    "CREATE SCHEMA mine",
    "CREATE FUNCTION mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE ROLE mine SUPERUSER",
    "SET ROLE petition",
    "SET ROLE petition_maintenance",
    "COPY journal TO PROGRAM 'cat'",
    "COPY entry FROM '/etc/passwd'",
    "SELECT pg_read_file('/etc/passwd')",
)


@pytest.fixture
def granted(database_url: str) -> str:
    """A database of one's own whose grants were just made to match: the address for its owner."""
    migrate.upgrade(database_url, roles=roles_of(database_url))
    return database_url


@pytest.fixture
def application(granted: str) -> Iterator[Engine]:
    """The database as the application sees it, with a ledger and an audit log."""
    opened = db.connect(as_role(granted, APPLICATION_ROLE))
    with db.transaction() as session:
        made = make.campaign(session)
        make.signature(session, made)
        epochs.close_epoch(session, made, make.NOW)
        audit_log.write(session, made.id, Operator(make.NOW), Action.CAMPAIGN_CHANGED)
    yield opened
    db.disconnect()


def held(owner: Engine, role: str) -> dict[str, set[str]]:
    """The privileges of a role by table, as the server tells them."""
    found: dict[str, set[str]] = {}
    with owner.connect() as connection:
        for schema, table, privilege in connection.execute(HELD, {"role": role}):
            found.setdefault(table if schema == "public" else f"{schema}.{table}", set()).add(privilege)
    return found


@pytest.mark.parametrize(("part", "role"), [(APPLICATION, APPLICATION_ROLE), (MAINTENANCE, MAINTENANCE_ROLE)])
def test_each_role_has_on_every_table_what_the_table_declares(owner: Engine, part: str, role: str) -> None:
    """P50. A new table is in this list by itself."""
    declared = {table: set(expected(table, part)) for table in (*Base.metadata.tables, VERSION_TABLE)}
    assert held(owner, role) == {table: privileges for table, privileges in declared.items() if privileges}


def test_what_is_written_once_can_only_be_inserted_by_the_application() -> None:
    """P50."""
    inserted = {table for table in Base.metadata.tables if expected(table, APPLICATION) == {"SELECT", "INSERT"}}
    assert inserted == WRITTEN_ONCE
    assert not {each for table in Base.metadata.tables for each in expected(table, APPLICATION)} - database_roles.EDITED


def test_maintenance_reaches_what_it_rewrites_and_the_audit_log_and_nothing_else() -> None:
    """P50."""
    rewritten = {table for table in Base.metadata.tables if "TRUNCATE" in expected(table, MAINTENANCE)}
    reached = {table for table in Base.metadata.tables if expected(table, MAINTENANCE)}
    assert rewritten == {*REWRITTEN}
    assert reached == {*REWRITTEN, "journal"}
    assert expected("journal", MAINTENANCE) == {"SELECT", "DELETE"}


@pytest.mark.parametrize("statement", REFUSED)
def test_the_application_may_not(application: Engine, statement: str) -> None:
    """P50."""
    with application.connect() as connection, pytest.raises(DBAPIError) as caught:
        connection.exec_driver_sql(statement)
    assert getattr(caught.value.orig, "sqlstate", None) == "42501", caught.value
    with db.session() as session:
        assert session.scalars(text("SELECT count(*) FROM journal")).all() == [1]
        assert session.scalars(text("SELECT count(*) > 1 FROM entry")).all() == [True]


@pytest.mark.usefixtures("application")
@pytest.mark.parametrize(
    "statement",
    [
        "SELECT sealed_key FROM head",
        "SELECT line FROM entry",
        "SELECT * FROM organiser",
        "INSERT INTO entry SELECT * FROM entry",
        "UPDATE journal SET deed = 'joined'",
        "TRUNCATE journal",
        "TRUNCATE entry",
        "DROP TABLE spent",
        "ALTER TABLE journal DISABLE TRIGGER append_only",
        "CREATE TABLE mine (n int)",
    ],
)
def test_maintenance_may_not(maintenance: Engine, statement: str) -> None:
    """P50."""
    with maintenance.connect() as connection, pytest.raises(DBAPIError) as caught:
        connection.exec_driver_sql(statement)
    assert getattr(caught.value.orig, "sqlstate", None) == "42501", caught.value


@pytest.mark.usefixtures("application")
def test_maintenance_scrubs_and_deletes_lines_of_the_audit_log_only_after_a_year(maintenance: Engine) -> None:
    """P50: of a younger line even maintenance cannot take leave, because the trigger is in the way."""
    assert scrub(maintenance) == Scrubbed(rewritten=True, wal_switched=True, checkpointed=True)
    with db.transaction() as session:
        audit_log.write(session, None, Operator(clock.now() - timedelta(days=400)), Action.JOINED)
        audit_log.write(session, None, Operator(clock.now() - timedelta(days=300)), Action.JOINED)
    with maintenance.begin() as connection, db.joined(connection) as session:
        audit_log.forget_old(session, clock.now())
    with db.session() as session:
        assert session.scalar(text("SELECT count(*) FROM journal WHERE campaign_id IS NULL")) == 1
    with maintenance.connect() as connection, pytest.raises(DBAPIError, match="append-only"):
        connection.execute(text("DELETE FROM journal"))


def test_a_second_time_nothing_is_granted(granted: str, owner: Engine) -> None:
    with counted_queries(owner) as statements, owner.begin() as connection:
        database_roles.grant(connection, roles_of(granted))
    assert [each for each in statements if "SELECT" not in each.split()[0]] == []


def test_what_is_missing_is_granted_and_what_is_too_much_is_taken_back(granted: str, owner: Engine) -> None:
    with owner.begin() as connection:
        connection.execute(text(f"GRANT ALL ON journal, entry TO {APPLICATION_ROLE}"))
        connection.execute(text(f"REVOKE ALL ON pending FROM {APPLICATION_ROLE}"))
        connection.execute(text(f"GRANT SELECT ON signature TO {MAINTENANCE_ROLE}"))
    migrate.upgrade(granted, roles=roles_of(granted))
    test_each_role_has_on_every_table_what_the_table_declares(owner, APPLICATION, APPLICATION_ROLE)
    test_each_role_has_on_every_table_what_the_table_declares(owner, MAINTENANCE, MAINTENANCE_ROLE)


@pytest.fixture
def named(services: EmbeddedServices) -> Iterator[Callable[[], str]]:
    """Names of roles that are dropped at the end, with all that depends on them in the database of the test."""
    names: list[str] = []

    def name() -> str:
        names.append(f"role_{secrets.token_hex(4)}")
        return names[-1]

    yield name
    admin = create_engine(make_url(services.database_url).set(database="postgres"), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        for each in names:
            connection.execute(text(f"DROP ROLE IF EXISTS {each}"))
    admin.dispose()


def test_missing_roles_are_made_with_the_passwords_of_their_addresses(
    database_url: str, owner: Engine, named: Callable[[], str]
) -> None:
    """The password itself stands in no statement; a new password is set."""
    name = named()
    url = make_url(database_url).set(username=name, password="first password")
    address = url.render_as_string(hide_password=False)
    with counted_queries(owner) as statements, owner.begin() as connection:
        database_roles.grant(connection, Roles(address, address))
    assert "first password" not in "".join(statements)
    with owner.begin() as connection:
        kept = connection.scalar(text("SELECT rolpassword FROM pg_authid WHERE rolname = :name"), {"name": name})
    assert kept.startswith("SCRAM-SHA-256$")
    with create_engine(url).connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM journal")) == 0
    with owner.begin() as connection:
        connection.execute(text(f"DROP OWNED BY {name}"))


def test_an_owner_who_may_not_make_roles_gets_a_sentence_and_nothing_is_changed(
    services: EmbeddedServices, database_url: str, owner: Engine, named: Callable[[], str]
) -> None:
    lesser, missing = named(), as_role(database_url, f"missing_{secrets.token_hex(4)}")
    with owner.begin() as connection:
        connection.execute(text(f"CREATE ROLE {lesser} LOGIN"))
        connection.execute(text(f"ALTER TABLE {VERSION_TABLE} OWNER TO {lesser}"))
    with pytest.raises(RoleMissing, match=r"^The database role 'missing_\w+' does not exist .*: create it, .*\.$"):
        with create_engine(as_role(database_url, lesser)).begin() as connection:
            database_roles.grant(connection, Roles(missing, missing))
    with owner.begin() as connection:
        connection.execute(text(f"ALTER TABLE {VERSION_TABLE} OWNER TO {make_url(database_url).username}"))


def test_a_managed_server_without_a_superuser_has_three_roles_too(
    services: EmbeddedServices, owner: Engine, named: Callable[[], str]
) -> None:
    """P59: the operator made the roles; the owner of the database migrates and grants, and may make no checkpoint."""
    mine, database = named(), f"managed_{secrets.token_hex(4)}"
    admin = create_engine(make_url(services.database_url).set(database="postgres"), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE ROLE {mine} LOGIN"))
        connection.execute(text(f"CREATE DATABASE {database} OWNER {mine}"))
    url = make_url(services.database_url).set(username=mine, database=database).render_as_string(hide_password=False)
    migrate.upgrade(url, roles=roles_of(url))
    lesser = create_engine(as_role(url, MAINTENANCE_ROLE))
    assert scrub(lesser) == Scrubbed(rewritten=True, wal_switched=False, checkpointed=True)
    lesser.dispose()
    with create_engine(as_role(url, APPLICATION_ROLE)).connect() as connection:
        assert database_roles.is_separate(Session(connection))
        for statement in ("CREATE TEMPORARY TABLE mine (n int)", "DELETE FROM journal"):
            with pytest.raises(DBAPIError, match="permission denied"), connection.begin_nested():
                connection.exec_driver_sql(statement)
    with admin.connect() as connection:
        connection.execute(text(f"DROP DATABASE {database} WITH (FORCE)"))
    admin.dispose()


def test_one_role_for_everything_works_and_is_known(database_url: str, application: Engine) -> None:
    """P59: a provider that gives one role."""
    migrate.upgrade(database_url, roles=Roles(database_url, database_url))
    with Session(application) as session:
        assert database_roles.is_separate(session)
    everything = create_engine(database_url)
    with Session(everything) as session:
        assert not database_roles.is_separate(session)
    everything.dispose()
