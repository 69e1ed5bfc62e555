"""`python3 app.py test`: runs all checks in a row, even if one fails, and prints a table at the end."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from petition.bootstrap.environment import apt_install
from petition.bootstrap.progress import CannotStart
from petition.config.addresses import PROJECT

BIN = Path(sys.executable).parent
PYTHON = (sys.executable, "-m")
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
HEADLESS = "chromium-headless-shell"
"""The engine without a window: a quarter to a third less work per page. It lacks some functions of the whole browser."""
POOLER = "pgbouncer"
"""What many managed databases put before PostgreSQL."""
PROCESSES = "3"
"""One more than a small machine has cores, because tests wait a quarter of their time."""
PYTEST = (*PYTHON, "pytest", "-n", PROCESSES, "--durations=15", "tests")
STEPS: dict[str, Sequence[str | Path]] = {
    "ruff check": (*PYTHON, "ruff", "check"),
    "ruff format": (*PYTHON, "ruff", "format", "--check"),
    "mypy": (*PYTHON, "mypy", "--strict", "petition", "workers", "seeds", "undersigned", "app.py"),
    "lint-imports": (BIN / "lint-imports",),
    "djlint": (*PYTHON, "djlint", "templates", "--lint"),
    "codespell": (BIN / "codespell",),
    "pytest": PYTEST,
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of one step. `seconds` is wall-clock time."""

    name: str
    result: str
    seconds: float

    @property
    def failed(self) -> bool:
        """Returns whether the whole run fails because of this step."""
        return self.result.startswith("failed")


def run(arguments: list[str]) -> int:
    """Run all steps, or only pytest with these arguments. Returns 1 when any failed."""
    if arguments:
        browser()
        return _call([*PYTHON, "pytest", *arguments])
    outcomes = [_browser_step(), *(_step(name, argv) for name, argv in STEPS.items())]
    print(f"\n{'step':<14} {'result':<44} {'seconds':>8}\n{'-' * 68}")
    for outcome in outcomes:
        print(f"{outcome.name:<14} {outcome.result:<44} {outcome.seconds:8.1f}")
    failed = [outcome.name for outcome in outcomes if outcome.failed]
    print(f"{'-' * 68}\n{'failed: ' + ', '.join(failed) if failed else 'everything passed'}", flush=True)
    return 1 if failed else 0


def browser() -> str:
    """Returns the path of a browser for the tests.

    Root installs one if there is none. Raises CannotStart with the reason.
    """
    for name in BROWSERS:
        if found := shutil.which(name):
            return found
    if not _may_install():
        raise CannotStart(f"there is no browser (looked for {', '.join(BROWSERS)})")
    print("no browser: installing chromium with apt-get, as root …", flush=True)
    apt_install("chromium", "libatomic1")
    return shutil.which("chromium") or "chromium"


def _add(program: str) -> None:
    """Install a program that some tests use, if possible. They do without the cheaper browser, and skip without a pooler."""
    if shutil.which(program) or shutil.which(program, path="/usr/sbin") or not _may_install():
        return
    print(f"installing {program} with apt-get, as root …", flush=True)
    with suppress(CannotStart):
        apt_install(program)


def _may_install() -> bool:
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def _browser_step() -> Outcome:
    began = time.monotonic()
    try:
        result = browser()
        _add(HEADLESS)
        _add(POOLER)
    except CannotStart as reason:
        required = os.environ.get("CI", "").lower() in {"1", "true", "yes"}
        result = f"{'failed' if required else 'skipped'}: {reason}"
    return Outcome("browser", result, time.monotonic() - began)


def _step(name: str, argv: Sequence[str | Path]) -> Outcome:
    print(f"\n== {name}", flush=True)
    began = time.monotonic()
    code = _call(argv)
    return Outcome(name, "passed" if code == 0 else f"failed ({code})", time.monotonic() - began)


def _call(argv: Sequence[str | Path]) -> int:
    """Returns the exit code.

    Compiled modules are kept in any case, because tests start hundreds of Python processes.
    """
    env = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return subprocess.run([str(word) for word in argv], cwd=PROJECT, env=env, check=False).returncode
