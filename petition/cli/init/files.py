"""Writes what `init` makes: folders, keys and the settings, for one owner, and all of it or nothing.

What was made is removed again if a later step fails or a signal ends the command. Nothing is overwritten but the
settings with `--force`; a key that is there is kept. The settings come last and appear as a whole, so if the machine
stops in the middle, there are keys that nobody uses yet, and the next `init` continues with them.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import NoReturn

from petition.bootstrap import CannotStart
from petition.config.secret_files import write_private

ENDING = (signal.SIGTERM, signal.SIGHUP)
PASS_THROUGH = 0o005


class Ended(BaseException):
    """A signal ends the command."""


@dataclass(frozen=True, slots=True)
class Owner:
    """Whom files belong to. Without ids they belong to the user who runs this."""

    user: int = -1
    group: int = -1

    def give(self, path: Path) -> None:
        """Give a file or folder to this owner."""
        os.chown(path, self.user, self.group, follow_symlinks=False)


@dataclass(slots=True)
class Making:
    """What this run has made so far, to be removed if it fails.

    `hands_over`: what is there already is given to the owner if only root can use it, such as keys that root copied from
    another machine. It is off if the settings were the owner's to write: then root gives away nothing that they name.
    """

    owner: Owner
    hands_over: bool = False
    undo: ExitStack = field(default_factory=ExitStack)

    def folder(self, path: Path, mode: int = 0o700) -> None:
        """Create a folder for the owner. Folders above it that are missing are made for everybody to pass through."""
        for above in reversed(path.parents):
            if not above.exists():
                self._folder(above, 0o755)
        if not path.exists():
            self._folder(path, mode)
            self.owner.give(path)
        elif path.stat().st_mode & PASS_THROUGH != PASS_THROUGH:
            self._hand_over(path)

    @contextmanager
    def alone(self, folder: Path) -> Iterator[None]:
        """Let one `init` at a time make keys in a folder, so that none removes what another one uses."""
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def data_folder(self, path: Path) -> None:
        """Create the data folder, or hand over an existing one with the files that root put into it. Raises CannotStart."""
        if not path.exists():
            self.folder(path)
        elif self.owner.user > 0 and path.stat().st_uid == 0:
            if not self.hands_over or any(each.is_dir() for each in path.iterdir()):
                raise CannotStart(
                    f"{path} belongs to root: give it to the user that the program runs as, or name another place."
                )
            for each in (path, *path.iterdir()):
                self._hand_over(each)

    def key(self, path: Path, make: Callable[[], bytes]) -> bytes:
        """Returns the content of a file with a secret, which is made if it is missing."""
        if path.exists():
            self._hand_over(path)
        else:
            self.file(path, make(), replace=False)
        return path.read_bytes()

    def file(self, path: Path, content: bytes, *, replace: bool) -> None:
        """Write a file that only the owner can read; it appears as a whole. Raises FileExistsError unless `replace`."""
        draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        write_private(draft, content, (self.owner.user, self.owner.group))
        try:
            if replace:
                draft.replace(path)
                return
            os.link(draft, path)
            self.undo.callback(path.unlink)
        finally:
            draft.unlink(missing_ok=True)

    def _hand_over(self, path: Path) -> None:
        about = path.lstat()
        if self.hands_over and about.st_uid == 0 and not path.is_symlink():
            self.owner.give(path)
            self.undo.callback(os.chown, path, about.st_uid, about.st_gid, follow_symlinks=False)

    def _folder(self, path: Path, mode: int) -> None:
        path.mkdir(mode=mode)
        self.undo.callback(_remove_empty, path)
        path.chmod(mode)


@contextmanager
def all_or_nothing(*, hands_over: bool) -> Iterator[Making]:
    """Keep what is made inside, or remove it if that fails or a signal ends the command."""
    making = Making(Owner(), hands_over)
    before = [signal.signal(number, _end) for number in ENDING]
    try:
        with making.undo:
            yield making
            making.undo.pop_all()
    finally:
        for number, handler in zip(ENDING, before, strict=True):
            signal.signal(number, handler)


def _remove_empty(path: Path) -> None:
    with suppress(OSError):  # somebody else put something there meanwhile
        path.rmdir()


def _end(_number: int, _frame: FrameType | None) -> NoReturn:
    raise Ended
