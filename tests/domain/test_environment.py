"""The Python environment is brought to a new lock by the Python inside it, as in a terminal where it is activated."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from petition.bootstrap import environment
from petition.bootstrap.root import run_as
from petition.config.addresses import PROJECT, user_folder

MAKE = "import sys, pathlib; from petition.bootstrap import environment; environment.make(*map(pathlib.Path, sys.argv[1:]))"
OLDER = f"stamp-of-an-older-lock {environment.PYTHON}\n"


@pytest.mark.parametrize("written", [OLDER, None], ids=["of an older lock", "half made"])
def test_a_python_inside_the_environment_brings_it_to_a_new_lock(tmp_path: Path, written: str | None) -> None:
    folder, lock = tmp_path / "venv", tmp_path / "run.lock"
    lock.write_text("# no packages\n")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    if written:
        (folder / environment.STAMP).write_text(written)
    inside = {**os.environ, "PYTHONPATH": str(PROJECT)}
    done = subprocess.run(
        [folder / "bin" / "python", "-c", MAKE, folder, lock], env=inside, capture_output=True, text=True, check=False
    )
    assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr
    assert environment.is_good(folder, lock)
    assert subprocess.run([folder / "bin" / "python", "-c", ""], check=False).returncode == 0


NOBODY = 65534
UNNAMED = 54_321


def as_user(user: int, work: Callable[[], object]) -> str:
    """What some work gives, or how it fails, in a process of another user. Only root can become one."""
    receiving, sending = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.setgroups([])
            os.setgid(user)
            os.setuid(user)
            said = str(work())
        except BaseException as error:
            said = f"{type(error).__name__}: {error}"
        os.write(sending, said.encode())
        os._exit(0)
    os.close(sending)
    os.waitpid(child, 0)
    with os.fdopen(receiving) as answer:
        return answer.read()


def finished(folder: Path, lock: Path) -> None:
    """An environment with its stamp, whose interpreter is in a folder of its maker alone."""
    lock.write_text("# no packages\n")
    private = folder.parent / "private"
    private.mkdir(mode=0o700)
    (private / "python").write_text("#!/bin/sh\n")
    (private / "python").chmod(0o755)
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python").symlink_to(private / "python")
    (folder / environment.STAMP).write_text(f"{environment.stamp(lock)} {environment.PYTHON}\n")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_an_environment_whose_interpreter_is_anothers_is_not_used() -> None:
    with TemporaryDirectory() as place:
        folder, lock = Path(place) / "venv", Path(place) / "run.lock"
        finished(folder, lock)
        Path(place).chmod(0o755)
        assert environment.is_good(folder, lock)
        assert as_user(NOBODY, lambda: environment.is_good(folder, lock)) == "False"
        assert as_user(NOBODY, lambda: environment._same_python(folder)) == "False"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_user_without_a_name_is_told_the_way_out() -> None:
    said = as_user(UNNAMED, lambda: run_as(Path("/tmp/nothing-here")))
    assert said.startswith(f"CannotStart: User {UNNAMED} is not in /etc/passwd")
    assert "DATABASE_URL" in said
    assert as_user(NOBODY, lambda: run_as(Path("/tmp/nothing-here"))) == "plain"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_a_user_without_a_home_gets_a_folder_and_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOME", raising=False)
    assert as_user(UNNAMED, lambda: user_folder({}, "XDG_DATA_HOME", ".local/share")) == "/.local/share"
    assert user_folder({"XDG_DATA_HOME": "/data"}, "XDG_DATA_HOME", ".local/share") == Path("/data")
