"""Generated examples: the same ones each time in `python3 app.py test`, new ones each time in `proof`; no time limit for one."""

from __future__ import annotations

from pathlib import Path

import pytest


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> None:
    """Before a module that generates examples is imported: say which. Hypothesis itself is imported for such modules only."""
    if b"hypothesis" not in module_path.read_bytes():
        return
    from hypothesis import settings

    settings.register_profile("new", settings.get_profile("default"), deadline=None, database=None, derandomize=False)
    settings.load_profile("new" if parent.config.getoption("--long") else "ci")
