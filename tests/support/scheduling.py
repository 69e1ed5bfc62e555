"""Which tests stay in one process: those whose module is marked with the same `xdist_group`.

pytest-xdist 3.8 tells its scheduler the group by rewriting a test's name, which pytest 9.2 no longer lets it do: the
marks are silently ignored (pytest-dev/pytest-xdist issue 1386), and every process starts an installation of its own for
tests that were to share one. So the groups are read where they are written, in the first lines of a module.
"""

from __future__ import annotations

import re
import time
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

MARK = re.compile(r'^pytestmark = pytest\.mark\.xdist_group\("([^"]+)"\)', re.MULTILINE)


@cache
def group_of(module: Path) -> str:
    """The group of a test module, or nothing."""
    found = MARK.search(module.read_text(encoding="utf-8"))
    return found[1] if found else ""


class Groups(LoadScopeScheduling):
    """Gives each group to one process, and every other test to the next that is free."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(self.config.rootpath / nodeid.partition("::")[0]) or nodeid


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Groups | None:
    """Ours, wherever groups were asked for."""
    return Groups(config, log) if config.getvalue("dist") == "loadgroup" else None


class Ends:
    """When each process of a run was done with its last test, in seconds from the first test that any of them ended."""

    def __init__(self) -> None:
        self._began = 0.0
        self._ended: dict[str, float] = {}

    def pytest_runtest_logreport(self, report: Any) -> None:
        """A test's set-up, call or tear-down was reported to the process that deals the tests out."""
        node = getattr(report, "node", None)
        if node is not None:
            self._began = self._began or time.monotonic()
            self._ended[node.gateway.id] = time.monotonic() - self._began

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """A line a process, so that one that works alone for long at the end is seen."""
        for name, seconds in sorted(self._ended.items()):
            terminalreporter.write_line(f"process {name}: last test ended after {seconds:.0f} s")


def pytest_configure(config: pytest.Config) -> None:
    """Say when each process was done."""
    if config.getvalue("dist") != "no" and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Ends())
