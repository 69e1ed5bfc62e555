"""Words that the glossary replaced (`petition/__init__.py`) do not come back in names."""

from __future__ import annotations

import ast
import re
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
WORDS = frozenset(
    """
    deed deeds desk desks door doors doorstep goal goals guise halt halted halts journal journals lane lanes mend mended mouthful
    office owe owed owes patience pen regret regrets rhythm roll rolling rolls room rooms said say says sheet sheets standing
    standings tell telling tells told unveil wave waves whoever wish wishes
    """.split()
)
"""No name of a function, class, argument, variable or attribute contains one of these words."""
PUBLIC = frozenset({"deed", "halted", "oldest_owed_seconds"})
"""These fields are public: a name in the query of the audit log's page, and two names of metrics that monitors read."""
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


def names_made_in(path: Path) -> Iterator[str]:
    """Every name that a module gives: to functions, classes, arguments, variables, attributes and imports."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name) | ast.arg(arg=name):
                yield name
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                yield name
            case ast.alias(asname=str(name)):
                yield name


def words_of(name: str) -> set[str]:
    """The words of a name in snake_case, CamelCase or CAPITALS, in lower case."""
    return {word.lower() for word in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)}


def test_the_words_of_a_name_are_found_in_each_way_of_writing_it() -> None:
    assert words_of("_settle_regrets") == {"settle", "regrets"}
    assert words_of("GoalUnknown") == {"goal", "unknown"}
    assert words_of("TOLD_EVERY") == {"told", "every"}


def test_no_name_contains_a_word_that_was_replaced() -> None:
    files = (*FILES, *sorted((PROJECT / "seeds").rglob("*.py")), PROJECT / "app.py")
    checked = [path for path in files if "versions" not in path.parts]
    found = {(path.name, name) for path in checked for name in names_made_in(path) if words_of(name) & WORDS}
    assert sorted((file, name) for file, name in found if name not in PUBLIC) == []


def sentences_of(path: Path) -> Iterator[str]:
    """Every text of a module, without its docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    documented = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        if node.body and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documented:
            yield node.value


def test_a_sentence_names_the_program_as_it_is_called_here() -> None:
    """Installed, it is `undersigned`: a sentence takes PROGRAM (`petition/config/addresses.py`)."""
    found = {path.name for path in FILES for sentence in sentences_of(path) if "python3 app.py" in sentence}
    assert found == {"addresses.py", "figure.py"}  # the second one writes docs/figures.md
    assert [path.name for path in (PROJECT / "templates").rglob("*.*") if "app.py" in path.read_text()] == []
