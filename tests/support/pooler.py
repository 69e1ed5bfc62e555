"""pgbouncer in transaction mode, between the product and the PostgreSQL of the tests."""

from __future__ import annotations

import shutil
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from petition.bootstrap.process import Process
from petition.bootstrap.root import run_as
from petition.config.addresses import APPLICATION_ROLE, MAINTENANCE_ROLE, OWNER_ROLE
from tests.support.waiting import until

PORT = 6432
SERVERS = 2
"""Connections of the pooler to a database, for one user: fewer than the product opens to the pooler."""
ENV = {"PATH": "/usr/bin:/bin:/usr/sbin"}


@contextmanager
def pooler(url: str, folder: Path) -> Iterator[str]:
    """Start pgbouncer before a server, and give the database's address through it, for the same user."""
    program = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
    if program is None:
        pytest.skip("pgbouncer is not installed")
    how = run_as(folder)
    settings, users = folder / "pgbouncer.ini", folder / "users"
    settings.write_text(
        f"[databases]\n* = host={make_url(url).query['host']}\n[pgbouncer]\npool_mode = transaction\n"
        f"listen_addr =\nlisten_port = {PORT}\nunix_socket_dir = {folder}\nauth_type = trust\nauth_file = {users}\n"
        f"default_pool_size = {SERVERS}\nmax_client_conn = 300\nlogfile = {folder / 'log'}\n"
    )
    users.write_text("".join(f'"{name}" ""\n' for name in (OWNER_ROLE, APPLICATION_ROLE, MAINTENANCE_ROLE)))
    for each in (folder, settings, users):
        shutil.chown(each, how.owner, how.owner)
    argv = [*how.prefix("INT"), program, str(settings)]
    process = Process(argv, folder / "output", ENV, death_signal=signal.SIGINT, become=how.become())
    try:
        until("pgbouncer", lambda: answers(folder / f".s.PGSQL.{PORT}"))
        yield make_url(url).set(port=PORT).update_query_dict({"host": str(folder)}).render_as_string(False)
    finally:
        process.kill()


def answers(path: Path) -> bool:
    """Whether somebody listens at a socket."""
    with socket.socket(socket.AF_UNIX) as trial:
        return trial.connect_ex(str(path)) == 0
