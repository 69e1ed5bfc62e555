"""Which tests stay in one process: those whose module is marked with the same `xdist_group`.

pytest-xdist 3.8 tells its scheduler the group by rewriting a test's name, which pytest 9.2 no longer lets it do: the
marks are silently ignored (pytest-dev/pytest-xdist issue 1386), and every process starts an installation of its own for
tests that were to share one. So the groups are read where they are written, in the first lines of a module.
"""

from __future__ import annotations

import re
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
