"""The Python environment is brought to a new lock by the Python inside it, as in a terminal where it is activated."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from petition.bootstrap import environment
from petition.config.addresses import PROJECT

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
