"""Earlier code of this repository, from its own history: taken out of git, and started on a home folder.

It runs in the present environment if that has every package of the old lock file, in the same version. Otherwise one is
made from the old lock file, once, in the user's cache folder.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from petition.bootstrap import environment as environments
from petition.config.addresses import PROJECT, user_folder
from tests.support.installation import Running, announced_by, environment
from tests.support.served import free_port

PINNED: Final = re.compile(r"^[A-Za-z0-9_.-]+==[^ ;\\]+", re.MULTILINE)
VERSIONS: Final = "petition/migrations/versions"


def git(*words: str) -> str:
    """What git says in this repository; skips the test if there is no git or no such history."""
    if shutil.which("git") is None:
        pytest.skip("There is no git on PATH, so there is no earlier code to upgrade from.")
    done = subprocess.run(["git", "-C", str(PROJECT), *words], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"This copy of the project has no such history, so there is no earlier code: {done.stderr.strip()}")
    return done.stdout.strip()


def last_before_the_newest_tables() -> str:
    """The commit before the newest migration was added: the newest state that has other tables than this one."""
    added = git("log", "--diff-filter=A", "--format=%H", "-1", "--", VERSIONS)
    return git("rev-parse", "--short", f"{added}^")


@dataclass(frozen=True)
class Earlier:
    """The files of a commit in a folder, with an environment in which they run."""

    commit: str
    folder: Path

    @property
    def python(self) -> Path:
        """The interpreter of the environment."""
        return self.folder / ".venv" / "bin" / "python"

    @contextmanager
    def running(self, home: Path, port: int | None = None, **more: str) -> Iterator[Running]:
        """`python3 app.py` of this commit on a home folder, stopped in order at the end."""
        with tree(self.python, self.folder, home, port or free_port(), **more) as started:
            yield started

    def command(self, running: Running, *words: str, **more: str) -> str:
        """What a command of this commit says, beside the running tree."""
        return said(self.python, self.folder, running, *words, **more)


@contextmanager
def tree(python: Path | str, folder: Path, home: Path, port: int, **more: str) -> Iterator[Running]:
    """`app.py` of a folder on a home, until the block ends; it stops in order, as an operator stops it before an upgrade."""
    process = subprocess.Popen(
        [python, "app.py"], cwd=folder, env=environment(home, port) | more, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    try:
        found = announced_by(process)
        yield Running(found["ready"], home, process, found.get("sign in", ""), more=more)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def said(python: Path | str, folder: Path, running: Running, *words: str, **more: str) -> str:
    """What `app.py words…` of a folder prints beside a running tree; it must succeed."""
    done = subprocess.run(
        [python, "app.py", *words], cwd=folder, env=environment(running.home, int(running.url.rpartition(":")[2])) | running.more | more, capture_output=True,
        text=True, check=False, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def earlier(commit: str, folder: Path) -> Earlier:
    """The code of a commit in a folder of its own. Skips the test if the history or the network is missing."""
    whole = git("rev-parse", "--verify", f"{commit}^{{commit}}")
    archive = subprocess.run(["git", "-C", str(PROJECT), "archive", whole], capture_output=True, check=True)
    subprocess.run(["tar", "-x", "-C", str(folder)], input=archive.stdout, check=True)
    lock = folder / "requirements" / "run.lock"
    if _is_here(lock):
        _borrow(Path(sys.prefix), folder / ".venv", lock)
    else:
        _borrow(_made(lock), folder / ".venv", lock)
    return Earlier(commit, folder)


def _is_here(lock: Path) -> bool:
    """Whether the present lock file, whose packages are in the present environment, names all of another one's."""
    return _pins(lock) <= _pins(environments.RUN_LOCK)


def _pins(lock: Path) -> set[str]:
    return set(PINNED.findall(lock.read_text(encoding="utf-8")))


def _borrow(there: Path, folder: Path, lock: Path) -> None:
    """An environment of another folder that has the packages of one that exists, and the stamp of this lock file."""
    (folder / "bin").mkdir(parents=True)
    for name in ("python", "python3"):
        (folder / "bin" / name).symlink_to(Path(sys.executable).resolve())
    shutil.copy(there / "pyvenv.cfg", folder)
    (folder / "lib").symlink_to(there / "lib")
    (folder / environments.STAMP).write_text(f"{environments.stamp(lock)} {environments.PYTHON}\n")


def _made(lock: Path) -> Path:
    """An environment with exactly the packages of a lock file, made once."""
    place = (
        user_folder(os.environ, "XDG_CACHE_HOME", ".cache") / "undersigned" / "earlier" / environments.stamp(lock)[:16]
    )
    if not environments.is_good(place, lock):
        try:
            environments.make(place, lock)
        except environments.CannotStart as reason:
            pytest.skip(f"The environment of the earlier code cannot be made: {reason}")
    return place
