"""Runs a server that refuses to run as root: in a user namespace of one process, else as nobody.

Source: user_namespaces(7). In the namespace the server believes that it is user 65534, while its files stay root's own.
If namespaces are not available (in some containers), `nobody` runs it and can still reach folders below root's home.
"""

from __future__ import annotations

import ctypes
import os
import pwd
import shutil
import subprocess
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path

from petition.bootstrap.progress import CannotStart

NOBODY = 65534
CLONE_NEWUSER = 0x10000000
LIBC = ctypes.CDLL(None, use_errno=True)


class RunAs(StrEnum):
    """The ways to run a server that refuses root."""

    PLAIN = "plain"
    NAMESPACE = "namespace"
    NOBODY = "nobody"

    @property
    def owner(self) -> int:
        """Returns the user id of its files on disk."""
        return NOBODY if self is RunAs.NOBODY else os.geteuid()

    def become(self) -> Callable[[], None] | None:
        """Returns the function to call between fork and exec."""
        return enter_namespace if self is RunAs.NAMESPACE else None

    def prefix(self, death_signal: str) -> list[str]:
        """Returns the words before the command.

        Changing the user clears the parent-death signal, so it is set again.
        """
        if self is not RunAs.NOBODY:
            return []
        reach = ["--inh-caps=+dac_override", "--ambient-caps=+dac_override"]
        return [
            "setpriv",
            f"--reuid={NOBODY}",
            f"--regid={NOBODY}",
            "--clear-groups",
            *reach,
            "--pdeathsig",
            death_signal,
        ]

    def give(self, folder: Path) -> None:
        """Create a private folder for the server."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self is RunAs.NOBODY:
            os.chown(folder, NOBODY, NOBODY)

    def mark(self, file: Path) -> None:
        """Create an empty file that belongs to the server."""
        file.touch(mode=0o600)
        if self is RunAs.NOBODY:
            os.chown(file, NOBODY, NOBODY)


def enter_namespace() -> None:
    """Move this process into a user namespace where it is user 65534. Raises OSError if that is not allowed."""
    user, group = os.geteuid(), os.getegid()
    if LIBC.unshare(CLONE_NEWUSER) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    Path("/proc/self/uid_map").write_text(f"{NOBODY} {user} 1")
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/gid_map").write_text(f"{NOBODY} {group} 1")


def run_as(existing: Path) -> RunAs:
    """Returns how to run the server, given an existing data folder. Raises CannotStart if another user owns it, or this one has no name."""
    owner = existing.stat().st_uid if existing.exists() else os.geteuid()
    if owner not in {os.geteuid(), NOBODY if os.geteuid() == 0 else owner}:
        raise CannotStart(f"{existing} belongs to another user: set PETITION_HOME to a folder of your own.")
    if os.geteuid() != 0:
        _require_name(os.geteuid())
        return RunAs.PLAIN
    if owner == 0 and _namespaces_work():
        return RunAs.NAMESPACE
    return _nobody(existing)


def _require_name(user: int) -> None:
    """Raises CannotStart if a user has no name, as in a container that runs with any number: initdb asks for one."""
    try:
        pwd.getpwuid(user)
    except KeyError:
        raise CannotStart(
            f"User {user} is not in /etc/passwd, and PostgreSQL does not start without a name: add the user, "
            "run as one that is there, or set DATABASE_URL."
        ) from None


def _nobody(existing: Path) -> RunAs:
    if shutil.which("setpriv") is None:
        raise CannotStart("PostgreSQL refuses to run as root here: start as an ordinary user, or set DATABASE_URL.")
    if existing.exists():
        for path in (existing, *existing.rglob("*")):
            os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
    return RunAs.NOBODY


def _namespaces_work() -> bool:
    try:
        subprocess.run(["/bin/true"], preexec_fn=enter_namespace, check=True, cwd="/")
    except (OSError, subprocess.SubprocessError):
        return False
    return True
