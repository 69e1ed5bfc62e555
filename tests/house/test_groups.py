"""Tests that share an installation run in one process, whatever pytest and its plugins make of the mark."""

from __future__ import annotations

import pytest

from petition.config.addresses import PROJECT
from tests.support.scheduling import Groups, group_of


def test_every_mark_of_a_group_is_read() -> None:
    modules = [path for path in (PROJECT / "tests").rglob("test_*.py") if path.name != "test_groups.py"]
    marked = {path for path in modules if "xdist_group" in path.read_text(encoding="utf-8")}
    assert {path for path in modules if group_of(path)} == marked != set()


def test_modules_of_one_group_are_one_piece_of_work_and_other_tests_are_one_each(pytestconfig: pytest.Config) -> None:
    groups = object.__new__(Groups)
    groups.config = pytestconfig
    names = ["tests/journeys/test_raw.py::a[x::y]", "tests/journeys/test_pages.py::b", "tests/house/test_groups.py::c"]
    assert [groups._split_scope(name) for name in names] == ["tree", "tree", names[2]]
