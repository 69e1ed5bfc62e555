"""Words that the glossary replaced (`petition/__init__.py`) do not come back as names of modules, classes or functions."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from petition.config.addresses import PROJECT

MODULES = frozenset(
    """
    asked closing continuing deeds deliveries desk door frame goals guard halts journal lanes marking organising owed parts
    patience publishing regret roll room rooms scrubbed sheets snapshots standing two_keys volatile waves
    """.split()
)
NAMES = frozenset(
    """
    Continuing Deed Desk Halt JournalLine KeyAct KeyRequest Lane LaneName Marks Mouthful Owed Parts Pen Regrets Remembered
    Rhythm Sheet Show Standing Visit Volatile VolatileAway Wave WaveState Wish halt halts lane_of owe parts pen roll sheet_of
    mend said standing tell tell_at_once told went_well went_wrong
    """.split()
)
FILES = [path for root in ("petition", "workers") for path in sorted((PROJECT / root).rglob("*.py"))]


def test_no_module_has_a_name_that_was_replaced() -> None:
    parts = {path: {*path.relative_to(PROJECT).parent.parts, path.stem} for path in FILES}
    assert [str(path) for path, names in parts.items() if names & MODULES] == []


def public_names(path: Path) -> Iterator[str]:
    """The classes and functions at the top of a module."""
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            yield node.name


def test_no_class_and_no_function_has_a_name_that_was_replaced() -> None:
    assert [(path.name, name) for path in FILES for name in public_names(path) if name in NAMES] == []
