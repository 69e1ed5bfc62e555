"""One command, one tree: it starts in order, stops in order, outlives nothing and is outlived by nothing."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest
import redis

from petition.bootstrap import commands, services, start_services
from petition.bootstrap.postgres import HAS_ROLES
from petition.bootstrap.root import RunAs
from petition.config import Config, Size, addresses
from tests.support.served import free_port
from tests.support.waiting import until

# A tree with stand-ins: a web server with a worker of its own, a queue worker that ignores SIGTERM, a beat.
STAND_IN = '''
import os, sys
from petition.bootstrap import commands, entry, supervisor
from petition.bootstrap.process import Child

WEB = """
import http.server, os, sys
if os.fork() == 0:
    sys.argv[0] = "worker"; import time; time.sleep(600)
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(b"ok")
    def log_message(self, *_): pass
http.server.HTTPServer(("127.0.0.1", int(os.environ["PETITION_PORT"])), Page).serve_forever()
"""
SLEEP = "import time; time.sleep(600)"
STUBBORN = "import signal, os, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); os.fork(); time.sleep(600)"
def python(text): return (sys.executable, "-c", text)
def children(settings):
    return [
        Child("web", python(os.environ.get("STAND_IN_WEB", WEB)), 2.0, 0),
        Child("worker-prompt", python(STUBBORN), float(os.environ.get("STAND_IN_PATIENCE", 0.3))),
        Child("beat", python(SLEEP), 1.0, 1),
    ]
commands.children = children
supervisor.FIRST_AGAIN = 0.05
entry.PREPARE = python("import sys; print('  prepared', flush=True)")
os.environ.setdefault("PETITION_ENV", "development")
sys.exit(entry.guarded(lambda: entry.up([])))
'''


def environment(home: Path, port: int, **more: str) -> dict[str, str]:
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("PETITION_", "DATABASE_", "REDIS_"))
    }
    return {
        **kept,
        "PETITION_HOME": str(home),
        "PETITION_PORT": str(port),
        "PYTHONPATH": str(addresses.PROJECT),
        **more,
    }


class Running:
    """A tree under way, its output and every process it ever had."""

    def __init__(self, home: Path, port: int, **more: str) -> None:
        self.home, self.port = home, port
        self.output = home.with_suffix(".out")
        with self.output.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-c", STAND_IN],
                env=environment(home, port, **more),
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=addresses.PROJECT,
            )

    def said(self) -> str:
        return self.output.read_text()

    def until_ready(self) -> Running:
        ready = f"ready http://localhost:{self.port}\n"
        until("the line `ready`", lambda: ready in self.said() or self.process.poll() is not None)
        assert self.process.poll() is None, self.said()
        return self

    def family(self) -> set[int]:
        return descendants(self.process.pid)


def descendants(pid: int) -> set[int]:
    """Every living process below this one, by /proc (Linux), zombies left out."""
    children: dict[int, set[int]] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            state, parent = (folder / "stat").read_text().rpartition(")")[2].split()[:2]
        except OSError:
            continue
        if state not in "ZX":
            children.setdefault(int(parent), set()).add(int(folder.name))
    found, new = set[int](), {pid}
    while new:
        new = set().union(*(children.get(one, set()) for one in new)) - found
        found |= new
    return found


def children_named(parent: int, *names: str) -> set[int]:
    """The direct children of a process that run one of these programs: the servers it started itself."""
    return {pid for pid in descendants(parent) if any(is_called(pid, name, parent) for name in names)}


def living(pids: set[int]) -> set[int]:
    alive = set()
    for pid in pids:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if state not in "ZX":
            alive.add(pid)
    return alive


@contextmanager
def tree(home: Path, port: int | None = None, **more: str) -> Iterator[Running]:
    running = Running(home, port or free_port(), **more)
    try:
        yield running.until_ready()
    finally:
        family = running.family()
        running.process.terminate()
        running.process.wait(30)
        until("the end of every process", lambda: living(family), lambda left: not left)


def query(url: str, sql: str) -> object:
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        answer = connection.execute(sql.encode())
        row = answer.fetchone() if answer.description else None
    return row[0] if row else None


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_stops_everything_in_order_within_ten_seconds(tmp_path: Path, number: int) -> None:
    with tree(tmp_path / "home") as running:
        until("the whole tree", running.family, lambda family: len(family) > 8)
        family = running.family()
        began = time.monotonic()
        running.process.send_signal(number)
        assert running.process.wait(10) == 0
        assert time.monotonic() - began < 10
        assert living(family) == set()
        assert re.findall(r"^ready (.*)$", running.said(), re.MULTILINE) == [f"http://localhost:{running.port}"]
        log = (running.home / "log" / "postgres.log").read_text()
        assert log.rstrip().endswith("database system is shut down")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
def test_ctrl_c_before_everything_is_there_is_no_success(tmp_path: Path, number: int, code: int) -> None:
    """Otherwise `python3 app.py && next` would go on."""
    running = Running(tmp_path / "home", free_port())
    until("the first start", (running.home / "run" / "lock").exists)
    until("its lock", lambda: (running.home / "run" / "lock").read_text())
    family = running.family()
    running.process.send_signal(number)
    assert running.process.wait(60) == code
    assert "ready http" not in running.said()
    until("the end of every process", lambda: living(family), lambda left: not left)


def test_a_second_signal_does_not_wait(tmp_path: Path) -> None:
    """After one alone, a worker would be waited for as long as everything may take: nine seconds and a half."""
    with tree(tmp_path / "home", STAND_IN_PATIENCE="60") as running:
        running.process.send_signal(signal.SIGINT)
        until("the web to be gone", lambda: refuses(running.port))
        began = time.monotonic()
        running.process.send_signal(signal.SIGINT)
        assert running.process.wait(30) == 0
        assert time.monotonic() - began < 5


def refuses(port: int) -> bool:
    """Whether the web server, the first to be stopped, is gone."""
    with socket.socket() as line:
        return line.connect_ex(("127.0.0.1", port)) != 0


def test_kill_nine_leaves_no_child_and_the_next_start_is_clean(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with tree(home) as running:
        urls = addresses.embedded_database_url(home, addresses.OWNER_ROLE)
        query(urls, "CREATE TABLE kept AS SELECT 1 AS one")
        family = running.family()
        running.process.kill()
        running.process.wait()
        with tree(home, running.port) as second:  # at once: it waits for what is left of the first
            assert living(family) == set()
            assert query(urls, "SELECT one FROM kept") == 1
            assert second.said().count("ready ") == 1


def test_files_left_by_a_power_cut_do_not_matter(tmp_path: Path) -> None:
    servers = start_services(tmp_path / "home", fast=True)
    servers.stop()
    (tmp_path / "home/postgres/postmaster.pid").write_text(f"{os.getpid()}\n/somewhere\n1\n5432\n/tmp\n\n\nready\n")
    (tmp_path / "home/run/pg/.s.PGSQL.5432").touch()
    (tmp_path / "home/run/pg/.s.PGSQL.5432.lock").write_text(f"{os.getpid()}\n")
    (tmp_path / "home/run/valkey.sock").touch()
    (tmp_path / "home/run/lock").write_text(f"{os.getpid()}\n")
    (tmp_path / "home/run/ready").touch()
    with services(tmp_path / "home", fast=True) as found:
        assert query(found.database_url, "SELECT 1") == 1
        assert redis.Redis.from_url(found.redis_url).ping()


def test_two_copies_run_side_by_side(tmp_path: Path) -> None:
    with tree(tmp_path / "one") as one, tree(tmp_path / "two") as two:
        assert one.family() & two.family() == set()
        assert {query(addresses.embedded_database_url(copy.home), "SELECT 1") for copy in (one, two)} == {1}


def test_a_taken_port_is_one_line_and_nothing_starts(tmp_path: Path) -> None:
    with tree(tmp_path / "one") as one:
        same_port = Running(tmp_path / "two", one.port)
        assert same_port.process.wait(60) == 2
        assert same_port.said() == (
            f"Port {one.port} on 127.0.0.1 cannot be used (Address already in use): set PETITION_PORT to another.\n"
        )
        assert not (tmp_path / "two" / "postgres").exists()


def test_a_taken_home_is_one_line(tmp_path: Path) -> None:
    with tree(tmp_path / "one") as one:
        one.output.rename(tmp_path / "first.out")
        same_home = Running(one.home, free_port())
        assert same_home.process.wait(60) == 2
        assert same_home.said() == (
            f"{one.home} is already in use by process {one.process.pid}: stop it, or set PETITION_HOME.\n"
        )


def test_a_command_uses_the_servers_of_the_running_tree(tmp_path: Path) -> None:
    with tree(tmp_path / "home") as running:
        query(
            addresses.embedded_database_url(running.home, addresses.OWNER_ROLE),
            "CREATE TABLE here AS SELECT 7 AS seven",
        )
        before = children_named(os.getpid(), "postgres", "valkey-server")
        with services(running.home) as found:
            assert query(found.database_url, "SELECT seven FROM here") == 7
            assert children_named(os.getpid(), "postgres", "valkey-server") == before
        assert query(addresses.embedded_database_url(running.home, addresses.OWNER_ROLE), "SELECT seven FROM here") == 7


def test_a_dead_process_is_started_again_and_so_are_the_servers(tmp_path: Path) -> None:
    with tree(tmp_path / "home") as running:
        for name in ("beat", "postgres", "valkey-server"):
            (victim,) = [pid for pid in descendants(running.process.pid) if is_called(pid, name, running.process.pid)]
            os.kill(victim, signal.SIGKILL)
            until("the end of what was killed", lambda victim=victim: victim not in living({victim}))  # type: ignore[misc]
        database, queue = addresses.service_urls(running.home, {})
        until("both servers", lambda: answers(database, queue))
        until("the whole tree", running.family, lambda family: len(family) > 8)
        assert "beat ended; starting it again" in running.said()


def is_called(pid: int, name: str, parent: int) -> bool:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        about = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:  # it ended meanwhile
        return False
    stand_in = name == "beat" and words[-2:-1] == [b"import time; time.sleep(600)"]
    return int(about[1]) == parent and (stand_in or Path(f"/proc/{pid}/exe").readlink().name == name)


def answers(database: str, queue: str) -> bool:
    try:
        return query(database, "SELECT 1") == 1 and bool(redis.Redis.from_url(queue).ping())
    except (psycopg.Error, redis.RedisError):
        return False


def test_a_process_that_keeps_dying_stops_the_tree_and_names_its_log(tmp_path: Path) -> None:
    running = Running(tmp_path / "home", free_port(), STAND_IN_WEB="raise SystemExit('no')")
    assert running.process.wait(90) == 2
    last = running.said().splitlines()[-1]
    assert last == f"web ended 5 times in a row right after its start: read {tmp_path}/home/log/web.log"
    assert (tmp_path / "home/log/web.log").read_text() == "no\n" * 5


def test_once_ready_a_process_that_keeps_dying_is_started_again_and_the_rest_goes_on(tmp_path: Path) -> None:
    with tree(tmp_path / "home") as running:
        for death in range(1, 6):
            (beat,) = [pid for pid in descendants(running.process.pid) if is_called(pid, "beat", running.process.pid)]
            os.kill(beat, signal.SIGKILL)
            until(
                "beat to be started again",
                lambda: running.said().count("beat ended; starting it again"),
                lambda n, death=death: n == death,
            )
            if death < 5:
                until("beat", lambda: any(is_called(pid, "beat", running.process.pid) for pid in running.family()))
        assert running.process.poll() is None
        assert answers(*addresses.service_urls(running.home, {}))


def test_a_database_that_cannot_come_back_is_tried_until_it_can(tmp_path: Path) -> None:
    with tree(tmp_path / "home") as running:
        control, hidden = (running.home / "postgres/global" / name for name in ("pg_control", "hidden"))
        control.rename(hidden)
        (postmaster,) = [
            pid for pid in descendants(running.process.pid) if is_called(pid, "postgres", running.process.pid)
        ]
        os.kill(postmaster, signal.SIGKILL)
        until("the sentence", lambda: "PostgreSQL does not start" in running.said())
        assert running.process.poll() is None
        hidden.rename(control)
        until("both servers", lambda: answers(*addresses.service_urls(running.home, {})))


def test_data_of_another_postgresql_are_refused_in_one_sentence(tmp_path: Path) -> None:
    start_services(tmp_path / "home").stop()
    (tmp_path / "home/postgres/PG_VERSION").write_text("17\n")
    running = Running(tmp_path / "home", free_port())
    assert running.process.wait(60) == 2
    assert "are of PostgreSQL 17, this server is 18" in running.said()
    assert running.said().count("\n") == 1


def test_missing_settings_are_named_before_anything_starts(tmp_path: Path) -> None:
    running = Running(tmp_path / "home", free_port(), PETITION_ENV="production")
    assert running.process.wait(60) == 2
    assert "PETITION_SECRET_KEY is missing.\n" in running.said()
    assert not (tmp_path / "home").exists()


def test_what_signers_send_never_reaches_the_log_of_the_database(tmp_path: Path) -> None:
    servers = start_services(tmp_path / "home")
    query(servers.database_url, "CREATE TABLE one (mark text UNIQUE)")
    query(servers.database_url, "INSERT INTO one VALUES ('suzie')")
    for sql in ("INSERT INTO one VALUES ('suzie')", "SELECT 'suzie'::int"):
        with pytest.raises(psycopg.Error):
            query(servers.database_url, sql)
    servers.stop()
    assert "suzie" not in (tmp_path / "home/log/postgres.log").read_text()


def test_a_data_folder_of_an_earlier_version_gets_its_roles_and_keeps_its_rows(tmp_path: Path) -> None:
    """P58, P50: once, also after that version was killed."""
    data, servers = tmp_path / "home/postgres", start_services(tmp_path / "home", fast=True)
    query(servers.database_url, "CREATE TABLE kept AS SELECT 7 AS seven")
    for role in (addresses.APPLICATION_ROLE, addresses.MAINTENANCE_ROLE):
        query(servers.database_url, f"DROP ROLE {role}")
    query(servers.database_url, "CHECKPOINT")
    servers.postgres.kill()
    servers.valkey.stop()
    (data / HAS_ROLES).unlink()
    for _ in range(2):
        with services(tmp_path / "home", fast=True) as found:
            assert query(found.database_url, "SELECT seven FROM kept") == 7
            for role in (addresses.APPLICATION_ROLE, addresses.MAINTENANCE_ROLE):
                url = addresses.embedded_database_url(tmp_path / "home", role)
                assert query(url, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") is False
    assert (data / HAS_ROLES).exists()


def test_servers_can_be_killed_and_started_one_by_one_and_valkey_forgets(tmp_path: Path) -> None:
    servers = start_services(tmp_path / "home", fast=True)
    try:
        cache = redis.Redis.from_url(servers.redis_url)
        cache.set("code", "12345678")
        servers.valkey.kill()
        servers.postgres.kill()
        assert (servers.valkey.alive(), servers.postgres.alive()) == (False, False)
        servers.postgres.start()
        servers.valkey.start()
        assert cache.get("code") is None
        assert query(servers.database_url, "SELECT 1") == 1
        assert cache.config_get("save") == {"save": ""}
        assert servers.postgres.stop()
        servers.postgres.start()
        assert query(servers.database_url, "SELECT 1") == 1
    finally:
        servers.stop()
    assert sorted(path.name for path in (tmp_path / "home/run").rglob("*")) == ["pg"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has another user to run as")
def test_where_namespaces_are_refused_nobody_runs_the_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("petition.bootstrap.root._namespaces_work", lambda: False)
    servers = start_services(tmp_path / "home", fast=True)
    try:
        assert query(servers.database_url, "SELECT 1") == 1
        assert (tmp_path / "home/postgres").stat().st_uid == RunAs.NOBODY.owner
    finally:
        servers.stop()


def test_a_home_with_a_long_path_works(tmp_path: Path) -> None:
    with services(tmp_path / ("long " * 20).strip() / ("x" * 60), fast=True) as found:
        assert query(found.database_url, "SELECT 1") == 1
        assert redis.Redis.from_url(found.redis_url).ping()


def test_every_queue_has_one_worker_process_and_each_child_its_command(tmp_path: Path) -> None:
    config = Config.from_env({"PETITION_ENV": "test", "PETITION_HOME": str(tmp_path)})
    names = [child.name for child in commands.children(config)]
    assert names == ["web", "worker-prompt", "worker-bulk", "beat"]
    assert commands.QUEUES == ("codes", "ledger", "mail", "upkeep")
    consumed = [queue for queues, _ in commands.WORKERS.values() for queue in queues]
    assert sorted(consumed) == sorted(commands.QUEUES)


def test_a_small_installation_has_the_same_children_with_one_process_each(tmp_path: Path) -> None:
    config = Config.from_env({"PETITION_ENV": "test", "PETITION_HOME": str(tmp_path), "PETITION_SIZE": "small"})
    normal, small = commands.children(replace(config, size=Size.NORMAL)), commands.children(config)
    changed = {
        (child.name, before, after)
        for child, other in zip(small, normal, strict=True)
        for before, after in zip(other.argv, child.argv, strict=True)
        if before != after
    }
    assert changed == {("web", "2", "1"), ("worker-prompt", "2", "1")}
    assert [child.env for child in small] == [child.env for child in normal]


def test_app_py_knows_its_commands_and_refuses_others(tmp_path: Path) -> None:
    def app(*argv: str) -> tuple[int, str]:
        done = subprocess.run(
            [sys.executable, "app.py", *argv],
            env=environment(tmp_path, 8000),
            cwd=addresses.PROJECT,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    code, text = app("--help")
    assert code == 0
    assert [word for word in ("up", "test", "bench", "proof") if f"  {word} " not in text] == []
    assert app("frobnicate") == (
        2,
        "There is no command 'frobnicate'; `python3 app.py --help` lists them all.\n",
    )
    assert app("up", "now") == (2, "`up` takes `--size small` or `--size normal`; 'now' was given.\n")
    wrong = "PETITION_SIZE is 'tiny'; it must be normal or small.\n"
    assert app("up", "--size", "tiny") == app("up", "--size=tiny") == (2, wrong)
