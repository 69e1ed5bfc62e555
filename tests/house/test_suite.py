"""Rules of the suite itself: helpers live in `tests/support`, fixtures come from the plugin."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from hypothesis import settings

from petition.config.addresses import PROJECT
from tests import plugins
from tests.proofs.proof import PROOFS

MODULES = sorted((PROJECT / "tests").rglob("*.py"))


def imports(path: Path) -> Iterator[tuple[str, str]]:
    """Every module of ours that a file imports from, with the name."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("tests"):
            yield from ((node.module or "", each.name) for each in node.names)


def test_no_module_imports_from_a_test_module() -> None:
    wrong = [(path.name, module) for path in MODULES for module, _ in imports(path) if ".test_" in module]
    assert wrong == []


def fixtures() -> set[tuple[str, str]]:
    """Each fixture of `tests/support`: its module and its name."""
    return {
        (f"tests.support.{path.stem}", node.name)
        for path in (PROJECT / "tests/support").glob("*.py")
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef) and any("fixture" in ast.unparse(each) for each in node.decorator_list)
    }


def test_the_plugin_lists_every_module_with_a_fixture() -> None:
    assert {module for module, _ in fixtures()} - set(plugins.pytest_plugins) == set()


def test_no_module_imports_a_fixture() -> None:
    shared = fixtures()
    assert [(path.name, each) for path in MODULES for each in imports(path) if each in shared] == []


def marked_proof() -> Iterator[str]:
    """Each test that is left to `proof`, wholly or for some of its parameters, as "folder/file.py::name"."""
    for path in MODULES:
        place = path.relative_to(PROJECT / "tests")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and any(
                "mark.proof" in ast.unparse(each) for each in node.decorator_list
            ):
                yield f"{place}::{node.name}"


def test_proof_runs_every_test_that_is_left_to_it() -> None:
    left = list(marked_proof())
    assert len(left) > 20
    assert [
        each for each in left if not any(each == run or each.startswith((f"{run}/", f"{run}::")) for run in PROOFS)
    ] == []


def test_generated_examples_are_the_same_each_time_unless_the_long_form_was_asked_for(long: bool) -> None:
    assert (settings.default.derandomize, settings.default.deadline) == (not long, None)
