"""Every place where a number may leave the program, found in the code: what the table of figures must list."""

from __future__ import annotations

import ast
import dataclasses
import re
import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from flask import Flask
from jinja2 import Environment, nodes

from petition.config.addresses import PROJECT
from petition.mailing.digests import DIGESTS
from petition.usecases import files
from petition.web import health
from petition.web.api.shapes import SHAPES
from petition.web.dashboard import audit_messages
from petition.web.dashboard.panels import PANELS
from tests.support.services import MONITOR

TEMPLATES: Final = PROJECT / "templates"
SHOWN_BY: Final = {"number", "at_least", "percent", "duration"}
"""The filters that write a number."""
SPOKEN: Final = {"ngettext", "gettext", "_"}
NUMBERS: Final = frozenset(
    "n count total share asked used sent refused complaints bounced added removed changed time how_long done epoch found high"
    " issued low lost max min most page pages signed size batch public before after interval".split()
)
"""Placeholders of sentences that are filled with a number."""
PLACEHOLDER: Final = re.compile(r"%\((\w+)\)")


def templates() -> Iterator[str]:
    """Each value that a template writes as a number: the file, and the value without its filters."""
    environment = Environment(extensions=["jinja2.ext.i18n"])
    for path in sorted(each for each in TEMPLATES.rglob("*") if each.suffix in {".html", ".txt", ".xml", ".svg"}):
        for found in environment.parse(path.read_text(encoding="utf-8")).find_all(nodes.Filter):
            if found.name in SHOWN_BY and found.node is not None:
                yield f"{path.relative_to(TEMPLATES)} {_value(found.node)}"


def _value(node: nodes.Node) -> str:
    if isinstance(node, nodes.Filter) and node.node is not None:
        return _value(node.node)
    if isinstance(node, nodes.CondExpr):
        return _value(node.expr1)
    if isinstance(node, nodes.Name):
        return node.name
    if isinstance(node, nodes.Getattr):
        return f"{_value(node.node)}.{node.attr}"
    if isinstance(node, nodes.BinExpr):
        return f"{_value(node.left)}{node.operator}{_value(node.right)}"
    if isinstance(node, nodes.Call):
        return f"{_value(node.node)}()"
    if isinstance(node, nodes.Getitem):
        return f"{_value(node.node)}[]"
    return repr(node.value) if isinstance(node, nodes.Const) else type(node).__name__


def sentences() -> Iterator[str]:
    """Each sentence of the code that has a number in it: the file, and the sentence's first words."""
    for package in ("web", "mailing", "usecases", "campaigns"):
        for path in sorted((PROJECT / "petition" / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and _called(node) in SPOKEN and node.args:
                    said = node.args[0]
                    if isinstance(said, ast.Constant) and NUMBERS & {*PLACEHOLDER.findall(str(said.value))}:
                        yield f"{path.relative_to(PROJECT / 'petition')} {slug(str(said.value))}"


def formatted() -> Iterator[str]:
    """Each file of the code that formats numbers, outside of the functions that do it: the file, and the function."""
    for package in ("web", "mailing", "usecases"):
        for path in sorted((PROJECT / "petition" / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and _called(node) in SHOWN_BY and path.name != "language.py":
                    yield f"{path.relative_to(PROJECT / 'petition')} {_called(node)}()"


def slug(sentence: str) -> str:
    """The first words of a sentence, without its placeholders."""
    return "-".join(re.findall(r"[a-z]+", re.sub(r"%(?:\(\w+\))?[a-z%]", " ", sentence).lower())[:5])


def _called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def calls() -> Iterator[str]:
    """Each whole number and each day in an answer of the API."""
    for name, shape in SHAPES.items():
        for path in _numbers(shape):
            yield f"api {name}{path}"


def _numbers(shape: dict[str, Any]) -> Iterator[str]:
    if shape.get("type") == "integer" or shape.get("format") == "date":
        yield ""
    for each in shape.get("anyOf", ()):
        yield from _numbers(each)
    for name, each in shape.get("properties", {}).items():
        yield from (f".{name}{path}" for path in _numbers(each))
    for key in ("items", "additionalProperties"):
        if isinstance(shape.get(key), dict):
            yield from (f"[]{path}" for path in _numbers(shape[key]))


def mails() -> Iterator[str]:
    """Each number among the facts of a mail."""
    for kind, digest in DIGESTS.items():
        for path in _facts(digest.shape):
            yield f"mail {kind}{path}"


def _facts(kind: Any) -> Iterator[str]:
    if kind in (int, float):
        yield ""
    elif dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        for each in dataclasses.fields(kind):
            yield from (f".{each.name}{path}" for path in _facts(hints[each.name]))
    elif isinstance(kind, types.UnionType) or typing.get_origin(kind) is not None:
        for part in typing.get_args(kind):
            yield from _facts(part)


def metrics(app: Flask) -> Iterator[str]:
    """Each figure of `/metrics`: those that are told now, and those that the code names and tells at other times."""
    yield from (f"metric {name}" for name in re.findall(r'"(undersigned_\w+)"', Path(health.__file__).read_text()))
    told = app.test_client().get("/metrics", headers=MONITOR).text
    yield from (f"metric {name}" for name in re.findall(r"^# TYPE (\w+) ", told, re.MULTILINE))


def lines_of_logs() -> Iterator[str]:
    """Each line that our code writes to a log: the file, and the line's first words."""
    for path in sorted([*(PROJECT / "petition").rglob("*.py"), *(PROJECT / "workers").rglob("*.py")]):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and isinstance(node.func.value, ast.Name)
            ):
                if node.func.value.id in {"log", "logger"} and node.func.attr in {
                    "info",
                    "warning",
                    "error",
                    "exception",
                    "critical",
                    "debug",
                }:
                    said = node.args[0]
                    yield f"log {path.relative_to(PROJECT)}:{slug(said.value) if isinstance(said, ast.Constant) else ast.unparse(said)}"


def the_rest() -> Iterator[str]:
    """Columns of exported files, figures of the audit log, and panels of the overview."""
    yield from (f"export {column}" for column in files.FIGURES)
    yield from (f"audit {key}" for key in audit_messages.FIGURES)
    yield from (f"panel {panel.name}" for panel in PANELS)


def everywhere(app: Flask) -> set[str]:
    """All of these."""
    return {*templates(), *sentences(), *formatted(), *calls(), *mails(), *metrics(app), *lines_of_logs(), *the_rest()}
