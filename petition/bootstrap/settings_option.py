"""The option `--settings FILE` of every command, and the user that such a command runs as.

A command of root becomes the owner of the settings file before it reads it: what another user wrote is never carried
out with root's rights, and no file in the data folder belongs to root afterwards (decision 0073).
"""

from __future__ import annotations

import os
import pwd
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NoReturn

from petition.bootstrap.progress import CannotStart
from petition.config import addresses, settings_file
from petition.config.addresses import PROJECT

OPTION: Final = "--settings"
OWN: Final = frozenset({"init"})
"""Commands that write the file."""
PASSED_ON: Final = frozenset({"test", "bench", "proof"})
"""Commands whose arguments belong to another program."""


def enter(argv: Sequence[str]) -> list[str]:
    """Read the settings of `--settings FILE` or PETITION_SETTINGS into the environment. Returns the other arguments.

    An installed program reads the file at the usual place if neither is given and no setting is in the environment.

    Raises SettingsFileWrong or CannotStart. If this process is root and the file is another user's, the same command is
    started again as that user, and this function does not return.
    """
    path, rest = take(argv)
    if rest[:1] and rest[0] in PASSED_ON:
        return list(argv)
    if rest[:1] and rest[0] in OWN:
        return [*rest, *([OPTION, str(path)] if path else [])]
    path = path or settings_file.given(os.environ) or _usual()
    if path is not None:
        _leave_root(path)
        settings_file.apply(path, os.environ)
    return rest


def _usual() -> Path | None:
    """Returns the settings that `init` wrote at the usual place, for an installed program that nobody told anything else."""
    if not addresses.INSTALLED or any(name.startswith("PETITION_") for name in os.environ):
        return None
    path = addresses.settings_path(os.geteuid() == 0)
    return path if path.exists() else None


def take(argv: Sequence[str]) -> tuple[Path | None, list[str]]:
    """Returns the file of the option and the other arguments. Raises CannotStart if the option has no file or two."""
    path, rest, words = None, list[str](), iter(argv)
    for word in words:
        name, equals, value = word.partition("=")
        if name != OPTION:
            rest.append(word)
            continue
        value = value if equals else next(words, "")
        if not value or path is not None:
            raise CannotStart(f"{OPTION} takes one file.")
        path = Path(value)
    return path, rest


def _leave_root(path: Path) -> None:
    try:
        owner = path.stat().st_uid
    except OSError:
        return  # the reader says why
    if os.geteuid() == 0 and owner != 0:
        _again_as(owner, path)


def _again_as(user: int, path: Path) -> NoReturn:
    """Start this command again as the user that owns the settings."""
    try:
        about = pwd.getpwuid(user)
    except KeyError:
        raise CannotStart(f"The settings {path} belong to user {user}, who is not in /etc/passwd.") from None
    os.initgroups(about.pw_name, about.pw_gid)
    os.setresgid(about.pw_gid, about.pw_gid, about.pw_gid)
    os.setresuid(user, user, user)
    for needed in (Path(sys.executable), PROJECT / "petition" / "__init__.py"):
        if not os.access(needed, os.R_OK):
            raise CannotStart(
                f"{needed} cannot be read by {about.pw_name}, who owns {path}: install the program where that user may "
                "read it, such as in /opt."
            )
    named = {settings_file.SETTINGS: str(path.absolute())}  # another user would look for the usual settings elsewhere
    env = {**os.environ, **named, "HOME": about.pw_dir, "USER": about.pw_name, "LOGNAME": about.pw_name}
    sys.stdout.flush()
    os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], env)  # noqa: S606 (no shell is wanted)
