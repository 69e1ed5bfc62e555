"""The embedded servers of one home folder, which are started together and shared with later commands.

A home folder has one owner at a time, through a lock that ends with its holder. A second set of servers is never
started on it; commands use the running ones instead.
"""

from __future__ import annotations

import fcntl
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from petition import config
from petition.bootstrap.postgres import Postgres
from petition.bootstrap.progress import CannotStart
from petition.bootstrap.valkey import Valkey
from petition.config import addresses

ATTACH_SECONDS = 40.0
DYING_SECONDS = 8.0  # the time for the processes of a killed supervisor to end (reaper.py: 4 s)
SOCKET_NAME = "valkey.sock"


@dataclass(frozen=True)
class Services:
    """The addresses of the database, for the role that owns it, and of Redis."""

    database_url: str
    redis_url: str


@dataclass(frozen=True)
class EmbeddedServices(Services):
    """Embedded servers, each of which can be stopped, killed and started again."""

    postgres: Postgres
    valkey: Valkey

    def stop(self) -> None:
        """Stop both in order."""
        self.valkey.stop()
        self.postgres.stop()


class HomeInUse(CannotStart):
    """Another process uses this home folder."""


class Home:
    """A home folder with its subfolders, private to its owner."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.run, self.logs = folder / "run", folder / "log"
        self.ready = self.run / "ready"
        self._lock: int | None = None

    def make(self) -> None:
        """Create what is missing. Raises CannotStart with the reason if that is impossible."""
        try:
            for folder in (self.folder, self.run, self.logs):
                folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _private(addresses.run_folder(self.folder))
        except OSError as error:
            raise CannotStart(
                f"{self.folder} cannot be used ({error.strerror}): set PETITION_HOME to a folder of your own."
            ) from None

    def lock(self, grace: float = DYING_SECONDS) -> None:
        """Lock the folder, waiting `grace` seconds for leftovers of a dead holder.

        Raises HomeInUse if a live one has it.
        """
        descriptor = os.open(self.run / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        deadline = time.monotonic() + grace
        while not _flock(descriptor):
            holder = os.pread(descriptor, 20, 0).decode().strip()
            if _alive(holder) or time.monotonic() > deadline:
                os.close(descriptor)
                raise HomeInUse(f"{self.folder} is already in use by process {holder}: stop it, or set PETITION_HOME.")
            time.sleep(0.05)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        self.ready.unlink(missing_ok=True)
        self._lock = descriptor

    def unlock(self) -> None:
        """Unlock the folder."""
        self.ready.unlink(missing_ok=True)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def embedded(
    folder: Path, *, fast: bool = False, environ: dict[str, str] | None = None
) -> tuple[Postgres | None, Valkey | None]:
    """Returns the servers that this home has to run, not yet started, and None for each that is given from outside."""
    database_url, redis_url = config.service_urls(folder, environ)
    run, logs, origin = addresses.run_folder(folder), folder / "log", config.servers(environ)
    size = config.size(environ)
    postgres = valkey = None
    if database_url == addresses.embedded_database_url(folder):
        data, log = folder / "postgres", logs / "postgres.log"
        postgres = Postgres(data, run / "pg", log, fast=fast, pg_bin=config.pg_bin(environ), servers=origin, size=size)
    if redis_url == addresses.embedded_redis_url(folder):
        valkey = Valkey(run / SOCKET_NAME, logs / "valkey.log", origin, size)
    return postgres, valkey


def start_services(root: Path, *, fast: bool = True) -> EmbeddedServices:
    """Start private servers in `root`, whatever DATABASE_URL and REDIS_URL are. The caller stops them."""
    Home(root).make()
    postgres, valkey = embedded(root, fast=fast, environ={})
    if postgres is None or valkey is None:  # pragma: no cover - an empty environment names no servers
        raise CannotStart("No embedded servers.")
    launch(postgres, valkey)
    urls = addresses.embedded_database_url(root, addresses.OWNER_ROLE), addresses.embedded_redis_url(root)
    return EmbeddedServices(*urls, postgres=postgres, valkey=valkey)


def launch(*servers: Postgres | Valkey | None) -> None:
    """Start several servers at once and wait for all. If one fails, all are killed."""
    ours = [server for server in servers if server is not None]
    try:
        for server in ours:
            server.launch()
        for server in ours:
            server.await_ready()
    except BaseException:
        for server in ours:
            server.kill()
        raise


@contextmanager
def services(folder: Path | None = None, *, fast: bool = False) -> Iterator[Services]:
    """Provide the database and Redis of a home folder for one command. They are started unless they are running."""
    home = Home(folder or config.home())
    urls = Services(config.owner_url(home.folder), config.service_urls(home.folder)[1])
    postgres, valkey = embedded(home.folder, fast=fast)
    if postgres is None and valkey is None:
        yield urls
        return
    home.make()
    try:
        home.lock()
    except HomeInUse as in_use:
        _attach(home, in_use)
        yield urls
        return
    try:
        launch(postgres, valkey)
        home.ready.touch()
        yield urls
    finally:
        for server in (valkey, postgres):
            if server is not None:
                server.stop()
        home.unlock()


def _attach(home: Home, in_use: HomeInUse) -> None:
    deadline = time.monotonic() + ATTACH_SECONDS
    while not home.ready.exists():
        if time.monotonic() > deadline:
            raise in_use
        time.sleep(0.05)


def _flock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _alive(holder: str) -> bool:
    try:
        state = Path(f"/proc/{int(holder)}/stat").read_text().rpartition(")")[2].split()[0]
    except (OSError, ValueError):
        return False
    return state not in "ZX"


def _private(folder: Path) -> None:
    """Create a folder that is private to this user. Raises OSError if it belongs to somebody else."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    about = folder.lstat()
    if not stat.S_ISDIR(about.st_mode) or about.st_uid != os.geteuid():
        raise PermissionError(13, f"{folder} belongs to somebody else")
    folder.chmod(0o700)
