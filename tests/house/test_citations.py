"""What documents name is there: tests by `path::name`, and other documents by their links."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from petition.config.addresses import PROJECT

DOCUMENTS = sorted([*PROJECT.glob("*.md"), *(PROJECT / "docs").rglob("*.md")])


@cache
def names_in(path: Path) -> frozenset[str]:
    """The names of a file's test functions."""
    if not path.exists():
        return frozenset()
    return frozenset(node.name for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(PROJECT)))
def test_every_test_that_a_document_names_is_there(document: Path) -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", document.read_text())
    assert [f"{path}::{name}" for path, name in named if name not in names_in(PROJECT / path)] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(PROJECT)))
def test_every_link_of_a_document_leads_to_a_file(document: Path) -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", document.read_text())
    assert [link for link in links if not (document.parent / link).exists()] == []
