"""The table of figures is whole: no number leaves the program that it does not list, and the document is what it says."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase

from flask import Flask

from petition.config.addresses import PROJECT
from petition.core.i18n import TRANSLATIONS
from petition.privacy import figures
from petition.privacy.figures import FIGURES
from tests.support import figure_sources
from tests.support.figure_sources import NUMBERS

TEXTS = frozenset(
    "about act action address addressee canonical day deliverable details domain domains every first goal hosts hour language languages"
    " last letter mark name names organisation provider q role state step title url week whose why words zone".split()
)
"""Placeholders of sentences that are filled with a text, a day or a duration of the settings."""


def declared() -> set[str]:
    """Every source of the table; a `*` stands for anything."""
    return {source for figure in FIGURES for source in figure.places()}


def covers(pattern: str, source: str) -> bool:
    return fnmatchcase(source, pattern.replace("[", "[[]"))


def test_every_number_that_leaves_the_program_is_in_the_table(app: Flask) -> None:
    """P42, P43: a new one in a template, sentence, call, mail, metric, log or file fails here."""
    patterns = declared()
    found = figure_sources.everywhere(app)
    assert len(found) > 250
    assert sorted(each for each in found if not any(covers(pattern, each) for pattern in patterns)) == []


def test_the_table_lists_no_number_that_is_gone(app: Flask) -> None:
    found = figure_sources.everywhere(app)
    assert sorted(each for each in declared() if not any(covers(each, source) for source in found)) == []


def test_every_placeholder_of_a_sentence_is_known_as_a_number_or_a_text() -> None:
    """A new one has to be put among the numbers, or among the texts here."""
    catalogue = (TRANSLATIONS / "messages.pot").read_text(encoding="utf-8")
    assert {*re.findall(r"%\((\w+)\)", catalogue)} - NUMBERS - TEXTS == set()


def test_the_document_is_what_the_table_says() -> None:
    """To write it anew: `python -c "from petition.privacy.figures import *; print(document(FIGURES), end='')"`."""
    assert (PROJECT / "docs/figures.md").read_text(encoding="utf-8") == figures.document(FIGURES)


def test_no_two_figures_have_the_same_name() -> None:
    assert len({figure.name for figure in FIGURES}) == len(FIGURES)
