"""The user that an installation runs as, when root sets it up."""

from __future__ import annotations

import pwd
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from petition.bootstrap import CannotStart
from petition.cli.init.files import Making, Owner
from petition.config.addresses import PROJECT

USER: Final = "undersigned"
NOBODY: Final = 65534


def owner(name: str | None) -> Owner:
    """Returns whom the files belong to: an existing user, or without a name whoever runs this. Raises CannotStart."""
    if name is None:
        return Owner()
    try:
        about = pwd.getpwnam(name)
    except KeyError:
        raise CannotStart(f"There is no user {name!r}.") from None
    return Owner(about.pw_uid, about.pw_gid)


def exists(name: str) -> bool:
    """Returns whether there is a user of that name."""
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def create(name: str, home: Path, making: Making) -> None:
    """Create a user of the system that nobody can sign in as. It is removed again if a later step fails."""
    if shutil.which("useradd") is None:
        raise CannotStart(
            f"There is no user {name!r}, and no program `useradd` to create one: create it, or name another."
        )
    command = ["useradd", "--system", "--user-group", "--home-dir", str(home), "--shell", "/usr/sbin/nologin", name]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise CannotStart(f"The user {name!r} cannot be created: {done.stderr.strip()}")
    making.undo.callback(subprocess.run, ["userdel", name], capture_output=True, check=False)


def require_readable(user: str | None) -> None:
    """Raises CannotStart if the program runs as a user of its own and only root can read it, as in root's home folder."""
    if user in {None, "root"}:
        return
    places = {Path(sys.executable), Path(sys.executable).resolve(), PROJECT / "petition" / "__init__.py"}
    test = "import os, sys; sys.exit(not all(os.access(place, os.R_OK) for place in sys.argv[1:]))"
    words = [shutil.which("python3") or sys.executable, "-c", test, *map(str, places)]
    try:
        readable = (
            subprocess.run(words, user=NOBODY, group=NOBODY, extra_groups=[], check=False, cwd="/").returncode == 0
        )
    except OSError:
        readable = False
    if not readable:
        raise CannotStart(
            f"Only root can read this program in {PROJECT}, and it runs as a user of its own: put it where everybody may read "
            "it, such as /opt/undersigned."
        )
