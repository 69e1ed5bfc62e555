"""P50: the processes of compose.yaml work with exactly what that file gives them, on real servers, without a container."""

from __future__ import annotations

import http.client
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil
from sqlalchemy import create_engine, select, text
from sqlalchemy.engine import make_url

from petition.bootstrap import EmbeddedServices
from petition.config.addresses import MAINTENANCE_URL, OWNER_URL, PROJECT
from petition.core.heartbeats import Heartbeat
from petition.core.redis_store import RedisStore
from tests.support.compose import HELD, NAMES, OURS, environ
from tests.support.served import free_port
from tests.support.waiting import until

PROCESSES = ("web", "worker-prompt", "worker-bulk", "beat")
ROLES = {OWNER_URL: "petition", "DATABASE_URL": "application", MAINTENANCE_URL: "maintenance"}


def given(name: str, folder: Path, services: EmbeddedServices, database_url: str, port: int) -> dict[str, str]:
    """What compose gives a service, with the addresses of the servers of this run and nothing else."""
    env = environ(name, folder) | {"PETITION_PORT": str(port), "PETITION_HOST": "127.0.0.1"}
    for setting in ROLES.keys() & env.keys():
        url = make_url(database_url).set(username=ROLES[setting])
        env[setting] = url.render_as_string(hide_password=False)
    if "REDIS_URL" in env:
        env["REDIS_URL"] = services.redis_url
    return {"PATH": os.environ["PATH"], **env}


@contextmanager
def running(name: str, env: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """A service in the foreground, as its container runs it."""
    argv = [sys.executable, "-m", "petition.cli", *OURS[name]["command"]]
    process = subprocess.Popen(argv, cwd=PROJECT, env=env, start_new_session=True, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(60)


def ready(port: int) -> bool:
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        line.request("GET", "/readyz")
        return line.getresponse().status == 200
    except OSError:
        return False
    finally:
        line.close()


def test_migrate_and_every_process_work_with_what_compose_gives_them(
    services: EmbeddedServices, database_url: str, redis_store: RedisStore, tmp_path: Path
) -> None:
    """The clock reaches both workers through the queue, and they write as the application."""
    del redis_store
    envs = {name: given(name, tmp_path, services, database_url, free_port()) for name in ("migrate", *PROCESSES)}
    migrate = [sys.executable, "-m", "petition.cli", "migrate"]
    done = subprocess.run(migrate, cwd=PROJECT, env=envs["migrate"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    owner = create_engine(database_url)

    def beats() -> set[str]:
        with owner.connect() as connection:
            return {*connection.scalars(select(Heartbeat.worker))}

    with ExitStack() as stack:
        started = {name: stack.enter_context(running(name, envs[name])) for name in PROCESSES}
        until("the web", lambda: ready(int(envs["web"]["PETITION_PORT"])))
        until("a heartbeat of each worker", beats, lambda seen: seen == {"prompt", "bulk"})
        assert [name for name, process in started.items() if process.poll() is not None] == []
        for name, process in started.items():
            held = {NAMES[each] for each in psutil.Process(process.pid).environ() if each in NAMES}
            assert held - {"valkey"} <= HELD[name] - {"valkey"} | ({"application"} if name == "beat" else set()), name
        with owner.connect() as connection:
            used = {
                *connection.scalars(
                    text("SELECT usename::text FROM pg_stat_activity WHERE datname = current_database()")
                )
            }
    owner.dispose()
    assert used <= {"application", "maintenance", "petition"}
    with create_engine(database_url).begin() as connection:
        for role in ("application", "maintenance"):
            connection.execute(text(f"DROP OWNED BY {role}"))
