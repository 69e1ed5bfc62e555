"""docs/promises.md: every guarantee that is cited stands there, and every test that it names is there and cites it."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from petition.config.addresses import PROJECT

DOCUMENT = (PROJECT / "docs/promises.md").read_text()
ROWS = {
    int(number): (text, held)
    for number, text, held in re.findall(r"^\| P([0-9]+) \| (.+?) \| (.+) \|$", DOCUMENT, re.MULTILINE)
}
FOLDERS = ("petition", "workers", "seeds", "templates", "tests", "docs")
KINDS = {".py", ".js", ".html", ".md"}
CITED = re.compile(r"\bP(?![12]\.[A-Za-z0-9 \"`])([1-9][0-9]?)\b(?:[–-]P([1-9][0-9]?)\b)?")  # not the "P1." of a pass
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def numbers(text: str) -> set[int]:
    """The guarantees that a text cites: P4, P4 and P5, P2–P6."""
    return {number for first, last in CITED.findall(text) for number in range(int(first), int(last or first) + 1)}


@cache
def functions(path: Path) -> tuple[str, dict[str, str]]:
    """What a file says of itself, and the source of each of its functions."""
    text = path.read_text()
    tree = ast.parse(text)
    found = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    return ast.get_docstring(tree) or "", {node.name: ast.get_source_segment(text, node) or "" for node in found}


def test_all_sixty_are_there_once_and_in_order() -> None:
    assert re.findall(r"^\| P([0-9]+) \|", DOCUMENT, re.MULTILINE) == [str(number) for number in range(1, 61)]
    assert list(ROWS) == list(range(1, 61))


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_guarantee_that_is_cited_stands_in_the_document(folder: str) -> None:
    files = [path for path in (PROJECT / folder).rglob("*") if path.suffix in KINDS]
    cited = {number: path.name for path in files for number in numbers(path.read_text())}
    assert {number: name for number, name in cited.items() if number not in ROWS} == {}


@pytest.mark.parametrize("number", ROWS)
def test_a_guarantee_names_tests_that_cite_it_or_says_that_it_is_not_held(number: int) -> None:
    _, held = ROWS[number]
    named = NAMED.findall(held)
    assert bool(named) != held.startswith("Not held yet.")
    silent = []
    for place, name in named:
        about, sources = functions(PROJECT / place)
        if number not in numbers(about) | numbers(sources[name]):
            silent.append(f"{place}::{name}")
    assert silent == []


@pytest.mark.parametrize(("text", "cited"), [
    ("P1", {1}), ("P4 and P5:", {4, 5}), ("P2–P6 and P8:", {2, 3, 4, 5, 6, 8}), ("(P34).", {34}), ("P9.", {9}), ('P34."', {34}),
    ("from P1. to its end", set()), ('"P1."', set()), ("P1.x", set()), ("P2." + "A" * 4, set()),
])  # fmt: skip
def test_the_text_of_a_pass_is_no_citation(text: str, cited: set[int]) -> None:
    assert numbers(text) == cited
