"""The user that an installation runs as, when root sets it up."""

from __future__ import annotations

import pwd
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from petition.bootstrap import CannotStart
from petition.cli.init.files import Making, Owner
from petition.config.addresses import PROJECT

USER: Final = "undersigned"
NOBODY: Final = 65534
EVERYBODYS: Final = "/usr/bin:/usr/local/bin:/bin"


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
    places = {Path(sys.executable), Path(sys.executable).resolve(), PROJECT / "petition" / "__init__.py"}
    if user not in {None, "root"} and not _reaches(NOBODY, NOBODY, places):
        raise CannotStart(
            f"Only root can read this program in {PROJECT}, and it runs as a user of its own: put it where everybody may read "
            "it, such as /opt/undersigned."
        )


def require_reach(user: str | None, folders: Iterable[Path]) -> None:
    """Raises CannotStart if a user cannot enter these folders, such as those below root's home folder."""
    about = owner(user)
    for folder in folders:
        if about.user > 0 and not _reaches(about.user, about.group, [folder / "."]):
            raise CannotStart(f"The user {user!r} cannot reach {folder}: name another place.")


def _reaches(user: int, group: int, places: Iterable[Path]) -> bool:
    """Returns whether a user may read these files and folders. It is tried in a process of that user."""
    test = "import os, sys; sys.exit(not all(os.access(place, os.R_OK) for place in sys.argv[1:]))"
    words = [shutil.which("python3", path=EVERYBODYS) or sys.executable, "-c", test, *map(str, places)]
    try:
        done = subprocess.run(words, user=user, group=group, extra_groups=[], capture_output=True, check=False, cwd="/")
    except OSError:
        return False
    return done.returncode == 0
