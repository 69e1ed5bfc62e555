"""Values of a process: set once, read anywhere, and named when they are missing."""

from __future__ import annotations

import pytest

from petition.core.process import NotSetUp, ProcessValue


def test_a_value_is_read_after_it_was_set() -> None:
    colour = ProcessValue[str]("colour")
    assert colour.set("red") == "red"
    assert colour.get() == "red"


def test_a_later_value_replaces_an_earlier_one() -> None:
    colour = ProcessValue("colour", "red")
    colour.set("blue")
    assert colour.get() == "blue"


def test_a_value_that_is_false_is_a_value() -> None:
    assert ProcessValue("number", 0).get() == 0


def test_what_was_never_set_is_an_error_that_names_it() -> None:
    with pytest.raises(NotSetUp, match=r"^This process has no colour yet\.$"):
        ProcessValue[str]("colour").get()
