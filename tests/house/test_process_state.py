"""State of a process has one form: `petition.core.process.ProcessValue`."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from petition.config.addresses import PROJECT

MODULES = sorted(path for folder in ("petition", "workers", "seeds") for path in (PROJECT / folder).rglob("*.py"))


def _empty_lists(tree: ast.Module) -> Iterator[int]:
    """Lines of a module that name an empty list, which something would have to fill later."""
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.List) and not node.value.elts:
            yield node.lineno


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PROJECT)))
def test_no_module_keeps_state_in_a_list_or_a_global(path: Path) -> None:
    tree = ast.parse(path.read_text())
    assert [node.lineno for node in ast.walk(tree) if isinstance(node, ast.Global)] == []
    assert list(_empty_lists(tree)) == []
