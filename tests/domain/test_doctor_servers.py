"""`doctor`: database and Redis, against real ones of every state that it judges."""

from __future__ import annotations

import secrets
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import redis
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from petition.bootstrap import EmbeddedServices
from petition.bootstrap.valkey import Valkey
from petition.config import Config
from petition.core import clock, db, heartbeats, steady_clock
from petition.operation import CHECKS, Context, Dns, Verdict, run
from petition.operation.checks import database, redis_server
from petition.privacy import scrub_state
from petition.privacy.scrub import REWRITTEN, Scrubbed
from tests.support.doctor import is_, look
from tests.support.places import in_memory
from tests.support.pooler import pooler
from tests.support.services import as_role

OK, WARNING, FAULT = Verdict
NOBODY = "postgresql+psycopg://nobody@127.0.0.1:9/nothing"


@pytest.fixture
def context(config: Config) -> Context:
    return Context(config, clock.now, Dns("127.0.0.1:9"))


def of(context: Context, **changed: str) -> Context:
    return replace(context, config=replace(context.config, **changed))  # type: ignore[arg-type]


def test_a_database_that_is_in_order_is_ok_in_every_line(context: Context) -> None:
    is_(look(context, "database"), OK, "PostgreSQL 1")
    is_(look(context, "encoding"), OK, "UTF-8")
    is_(look(context, "tables"), OK, "this version")
    is_(look(context, "roles"), OK, "three roles")
    is_(look(context, "pooler"), OK, "without a pooler")


def test_a_database_that_is_away_is_one_fault_and_its_other_lines_are_not_ok(context: Context) -> None:
    away = of(context, database_url=NOBODY)
    is_(look(away, "database"), FAULT, "cannot be reached")
    names = {"encoding", "tables", "roles", "pooler", "scrub", "processes", "backup"}
    for finding in run(away, [each for each in CHECKS if each.name in names]):
        is_(finding, WARNING, "Not checked", "“database”")


def test_room_on_the_disk_is_judged_without_the_database_too(context: Context) -> None:
    is_(look(of(context, database_url=NOBODY), "disk"), OK, "are free in", "not known what the database holds")


def test_a_database_that_is_not_there_is_told_apart_from_a_server_that_is_away(context: Context) -> None:
    gone = make_url(context.config.database_url).set(database="nothing").render_as_string(False)
    is_(look(of(context, database_url=gone), "database"), FAULT, "does not exist")


@pytest.mark.parametrize(
    ("number", "verdict", "words"),
    [("140012", FAULT, "too old"), ("150003", OK, "15.3"), ("180001", OK, "18.1"), ("190000", WARNING, "not tried")],
)
def test_versions_of_postgresql(number: str, verdict: Verdict, words: str) -> None:
    is_(database.judge_version(int(number), 3), verdict, words)


def test_text_that_is_not_utf_8_is_a_fault(context: Context, services: EmbeddedServices) -> None:
    name = f"latin_{secrets.token_hex(4)}"
    admin = create_engine(services.database_url, isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0"))
        latin = make_url(context.config.database_url).set(database=name).render_as_string(False)
        is_(look(of(context, database_url=latin), "encoding"), FAULT, "LATIN1", "CREATE DATABASE")
        is_(look(of(context, database_url=latin), "tables"), FAULT, "holds no tables")
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
    admin.dispose()


@pytest.mark.parametrize(("revision", "words"), [("0004", "earlier version"), ("9999", "newer version")])
def test_tables_of_another_version_are_a_fault(context: Context, database_url: str, revision: str, words: str) -> None:
    execute(database_url, f"UPDATE alembic_version SET version_num = '{revision}'")
    is_(look(context, "tables"), FAULT, words)


def execute(url: str, *statements: str) -> None:
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


def test_one_role_for_everything_is_a_warning_that_says_what_is_lost(context: Context, database_url: str) -> None:
    one = of(context, database_url=database_url, owner_database_url=database_url, maintenance_database_url=database_url)
    is_(look(one, "roles"), WARNING, "can change the audit log and the ledger")


def test_a_role_that_cannot_sign_in_is_a_fault(context: Context) -> None:
    url = make_url(context.config.database_url).set(username="not_there").render_as_string(False)
    is_(look(of(context, maintenance_database_url=url), "roles"), FAULT, "PETITION_MAINTENANCE_DATABASE_URL")


def test_a_hung_statement_ends_within_its_time(context: Context, database_url: str) -> None:
    """A lock that somebody holds for long costs one line."""
    holder = create_engine(database_url)
    with holder.begin() as connection:
        connection.execute(text("LOCK TABLE heartbeat IN ACCESS EXCLUSIVE MODE"))
        finding = look(context, "processes", seconds=1.0)
    holder.dispose()
    is_(finding, FAULT, "no answer within 1 seconds")


def test_connections_through_a_pooler_are_known_as_such(context: Context) -> None:
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="p-", dir=in_memory()))
        through = stack.enter_context(pooler(context.config.database_url, Path(folder)))
        behind = of(context, database_url=through)
        is_(look(behind, "database"), OK)
        is_(look(behind, "pooler"), OK, "through a pooler")


def test_when_the_order_of_arrival_was_removed(context: Context, config: Config, database_url: str) -> None:
    db.connect(config.database_url)
    is_(look(context, "scrub"), WARNING, "never removed")
    for ago, verdict, words in ((10, OK, "10 minutes ago"), (300, FAULT, "5 hours ago")):
        with db.transaction() as session:
            scrub_state.record(session, Scrubbed(True, True, True), clock.now() - timedelta(minutes=ago))
        is_(look(context, "scrub"), verdict, words)
    with db.transaction() as session:
        scrub_state.record(session, Scrubbed(True, False, False), clock.now())
    is_(look(context, "scrub"), WARNING, "lacked a privilege")
    db.disconnect()


def test_a_maintenance_role_that_may_not_scrub_is_a_fault_that_names_the_grant(
    context: Context, database_url: str
) -> None:
    name = f"role_{secrets.token_hex(4)}"
    execute(database_url, f"CREATE ROLE {name} LOGIN")
    lesser = of(context, maintenance_database_url=as_role(database_url, name))
    is_(look(lesser, "scrub"), FAULT, "migrate`")
    base = make_url(database_url).database
    tables = ", ".join(REWRITTEN)
    execute(
        database_url,
        f"GRANT USAGE ON SCHEMA verification TO {name}",
        f"GRANT SELECT, INSERT, TRUNCATE ON {tables} TO {name}",
        f"GRANT TEMPORARY ON DATABASE {base} TO {name}",
    )
    is_(look(lesser, "scrub"), FAULT, "GRANT pg_checkpoint")
    execute(database_url, f"GRANT pg_checkpoint TO {name}", f"GRANT EXECUTE ON FUNCTION pg_switch_wal() TO {name}")
    is_(look(lesser, "scrub"), WARNING, "never removed")
    execute(database_url, f"DROP OWNED BY {name}", f"DROP ROLE {name}")


def test_who_gave_a_sign_of_life(context: Context, config: Config) -> None:
    db.connect(config.database_url)
    is_(look(context, "processes"), FAULT, "Neither worker")
    with db.transaction() as session:
        heartbeats.beat(session, "prompt", clock.now())
    is_(look(context, "processes"), FAULT, "`worker bulk`")
    with db.transaction() as session:
        heartbeats.beat(session, "bulk", clock.now())
    is_(look(context, "processes"), OK)
    is_(look(replace(context, clock=lambda: clock.now() + timedelta(minutes=3)), "processes"), FAULT, "Neither worker")
    db.disconnect()


@pytest.mark.parametrize(
    ("seconds", "verdict", "words"),
    [(0, OK, "agrees"), (20, WARNING, "20 seconds ahead of"), (-20, WARNING, "20 seconds behind"), (3600, FAULT, "3600 seconds ahead")],
)  # fmt: skip
def test_a_clock_that_is_wrong(context: Context, seconds: int, verdict: Verdict, words: str) -> None:
    wrong = replace(context, clock=lambda: clock.now() + timedelta(seconds=seconds))
    is_(look(wrong, "clock"), verdict, words)


def test_a_clock_that_jumped_lately_is_a_warning(context: Context, config: Config) -> None:
    db.connect(config.database_url)
    with db.transaction() as session:
        steady_clock.look(session, clock.now() - timedelta(hours=1))
        steady_clock.look(session, clock.now())
    is_(look(context, "clock"), WARNING, "jumped")
    db.disconnect()


def test_without_another_clock_nothing_is_said_to_agree(context: Context) -> None:
    alone = of(context, database_url=NOBODY, redis_url="redis://127.0.0.1:9/0")
    is_(look(alone, "clock"), WARNING, "no other clock")


@pytest.fixture
def valkey() -> Iterator[redis.Redis]:
    """A Valkey of one's own, whose settings may be changed."""
    with tempfile.TemporaryDirectory(prefix="v-", dir=in_memory()) as folder:
        path = Path(folder) / "valkey.sock"
        server = Valkey(path, Path(folder) / "log")
        server.launch()
        server.await_ready()
        try:
            with redis.Redis(unix_socket_path=str(path)) as client:
                client.connection_pool.connection_kwargs["path"] = str(path)
                yield client
        finally:
            server.stop()


def at(context: Context, client: redis.Redis, who: str = "") -> Context:
    path = client.connection_pool.connection_kwargs["path"]
    return of(context, redis_url=f"unix://{who}{path}?db=0")


def test_a_redis_that_is_in_order_is_ok_in_every_line(context: Context) -> None:
    is_(look(context, "redis"), OK, "Valkey")
    is_(look(context, "eviction"), OK, "noeviction")
    is_(look(context, "persistence"), OK, "Nothing is written")
    is_(look(context, "rights"), OK, "commands")


def test_a_redis_that_is_away_is_one_fault_and_its_other_lines_are_not_ok(context: Context) -> None:
    away = of(context, redis_url="redis://127.0.0.1:9/0")
    is_(look(away, "redis"), FAULT, "cannot be reached")
    for name in ("eviction", "persistence", "rights"):
        is_(look(away, name), WARNING, "Not checked", "“redis”")


@pytest.mark.parametrize(
    ("info", "verdict", "words"),
    [
        ({"redis_version": "6.2.14"}, FAULT, "Redis 6.2.14 is too old"),
        ({"redis_version": "7.4.1"}, OK, "Redis 7.4.1"),
        ({"redis_version": "8.0.2"}, OK, "Redis 8.0.2"),
        ({"redis_version": "9.0.0"}, WARNING, "not tried"),
        ({"redis_version": "7.2.4", "valkey_version": "8.1.0"}, OK, "Valkey 8.1.0"),
        ({"redis_version": "7.2.4", "valkey_version": "7.2.9"}, FAULT, "Valkey 7.2.9 is too old"),
        ({"redis_version": "banana"}, WARNING, "banana"),
        ({}, WARNING, "which version"),
    ],
)  # fmt: skip
def test_versions_of_redis_and_valkey(info: dict[str, str], verdict: Verdict, words: str) -> None:
    is_(redis_server.judge_version(info, 3), verdict, words)


def test_what_a_full_server_deletes(context: Context, valkey: redis.Redis) -> None:
    valkey.config_set("maxmemory-policy", "allkeys-lru")
    valkey.config_set("maxmemory", "0")
    is_(look(at(context, valkey), "eviction"), WARNING, "allkeys-lru", "noeviction")
    valkey.config_set("maxmemory", "100mb")
    is_(look(at(context, valkey), "eviction"), FAULT, "allkeys-lru", "noeviction")


@pytest.mark.parametrize(("setting", "value"), [("save", "3600 1"), ("appendonly", "yes")])
def test_a_server_that_writes_to_a_disk_is_a_fault(
    context: Context, valkey: redis.Redis, setting: str, value: str
) -> None:
    """P44."""
    valkey.config_set(setting, value)
    is_(look(at(context, valkey), "persistence"), FAULT, "to a disk", 'save ""', "appendonly no")
    valkey.config_set(setting, "" if setting == "save" else "no")


def test_a_wrong_password_is_a_fault_without_the_password(context: Context, valkey: redis.Redis) -> None:
    valkey.acl_setuser("app", enabled=True, passwords=["+right"], commands=["+@all"], keys=["*"])
    finding = look(at(context, valkey, "app:hunter2@"), "redis")
    is_(finding, FAULT, "does not accept the user and password")
    assert "hunter2" not in finding.sentence


def test_rights_that_are_missing_are_named_and_nothing_is_written(context: Context, valkey: redis.Redis) -> None:
    commands = ["+@all", "-hincrby", "-brpop", "-script|load"]
    valkey.acl_setuser("app", enabled=True, passwords=["+right"], commands=commands, keys=["*"], channels=["*"])
    finding = look(at(context, valkey, "app:right@"), "rights")
    is_(finding, FAULT, "may not use brpop, hincrby, script with")
    valkey.acl_setuser("app", enabled=True, commands=["+@all"], keys=["other:*"], reset_keys=True)
    is_(look(at(context, valkey, "app:right@"), "rights"), FAULT, "lpush")
    valkey.acl_setuser("app", enabled=True, commands=["+@all"], keys=["*"], reset_channels=True)
    is_(look(at(context, valkey, "app:right@"), "rights"), FAULT, "may not use publish with")
    valkey.acl_setuser("app", enabled=True, channels=["*"])
    is_(look(at(context, valkey, "app:right@"), "rights"), OK)
    assert valkey.dbsize() == 0


def test_a_user_who_may_not_ask_the_server_about_itself_gets_warnings(context: Context, valkey: redis.Redis) -> None:
    valkey.acl_setuser("app", enabled=True, passwords=["+right"], commands=["+@all", "-info", "-config"], keys=["*"])
    mine = at(context, valkey, "app:right@")
    is_(look(mine, "redis"), WARNING, "INFO")
    is_(look(mine, "eviction"), WARNING, "INFO")
    is_(look(mine, "persistence"), WARNING, "INFO")
    valkey.acl_setuser("app", enabled=True, commands=["+info"])
    is_(look(mine, "persistence"), WARNING, "CONFIG GET")
