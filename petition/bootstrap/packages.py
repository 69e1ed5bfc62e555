"""Installs PostgreSQL and Valkey or Redis from the packages of Debian and Ubuntu, as root.

An installation runs its own servers from these programs, in its data folder. The cluster and the services that the
packages would start by themselves are not needed: nothing is started while the packages are installed, no cluster is
created, and the service of a newly installed Valkey or Redis is not started at the next boot either. What was
installed before is left as it is.
"""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from petition.bootstrap import programs
from petition.bootstrap.environment import apt_install
from petition.bootstrap.progress import CannotStart

POSTGRES: Final = "postgresql"
COMMON: Final = "postgresql-common"
NO_CLUSTER: Final = Path("/etc/postgresql-common/createcluster.d/undersigned.conf")
"""Read by pg_createcluster(1) when a package of a PostgreSQL server is installed."""
NO_START: Final = Path("/usr/sbin/policy-rc.d")
"""Asked by invoke-rc.d(8) before a package starts its service; 101 means no."""
CANDIDATE: Final = re.compile(r"^  Candidate: (?:\d+:)?(\d+)", re.MULTILINE)


def can_install() -> bool:
    """Returns whether this process may install packages here."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def missing() -> list[str]:
    """Returns the packages to install so that the programs of both servers are there. Raises CannotStart.

    A package whose version is not supported is never named; if there is no other, this says so.
    """
    packages = []
    if not programs.system_postgres():
        if _candidate(POSTGRES) not in programs.POSTGRES_VERSIONS:
            raise CannotStart(f"This system has no package of PostgreSQL 15 to 18. {_needed()}")
        packages.append(POSTGRES)
    if not programs.system_stores():
        stores = [name for name, known in programs.STORES.items() if _candidate(name) in known]
        if not stores:
            raise CannotStart(f"This system has no package of Valkey 8 to 9 or Redis 7. {_needed()}")
        packages.append(stores[0])
    return packages


def install(packages: list[str]) -> None:
    """Install these packages without starting anything. Raises CannotStart if that fails."""
    with ExitStack() as around:
        around.enter_context(_temporary(NO_START, "#!/bin/sh\nexit 101\n", 0o755))
        if POSTGRES in packages:
            apt_install(COMMON)
            around.enter_context(_temporary(NO_CLUSTER, "create_main_cluster = false\n", 0o644))
        apt_install(*packages)
    for name in set(packages) & set(programs.STORES):
        _disable(name)


def _needed() -> str:
    return f"Undersigned needs {programs.PROMISED}: use servers of your own, or another system."


def _candidate(package: str) -> int:
    """Returns the major version of a package that apt-get would install, or 0. A fresh machine has to ask for the lists."""
    found = _listed(package)
    if not found and can_install():
        _fetch_lists()
        found = _listed(package)
    return found


@functools.cache
def _fetch_lists() -> None:
    subprocess.run(["apt-get", "update"], capture_output=True, check=False)  # noqa: S607 (root's own PATH)


def _listed(package: str) -> int:
    command = ["apt-cache", "policy", package]
    env = {**os.environ, "LC_ALL": "C.UTF-8"}
    answer = subprocess.run(command, capture_output=True, text=True, check=False, env=env)
    found = CANDIDATE.search(answer.stdout)
    return int(found[1]) if found else 0


@contextmanager
def _temporary(file: Path, content: str, mode: int) -> Iterator[None]:
    """Let a configuration file exist for a while. One that is there already is left as it is."""
    if file.exists():
        yield
        return
    folders = [folder for folder in file.parents if not folder.exists()]
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        file.write_text(content)
        file.chmod(mode)
        yield
    finally:
        file.unlink(missing_ok=True)
        for folder in folders:
            folder.rmdir()


def _disable(service: str) -> None:
    """Keep a service from starting with the machine, under systemd and without it."""
    for command in (["systemctl", "disable", "--quiet", service], ["update-rc.d", service, "disable"]):
        if shutil.which(command[0]):
            subprocess.run(command, capture_output=True, check=False)
