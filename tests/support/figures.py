"""Long and short forms of the promises, and the table of figures against their bars.

A test marked `proof` compares times, needs luck to meet the moment that it is about, or repeats a walk in a further
combination of language, colours and width: it runs with `--long` only, in `python3 app.py proof`. In `python3 app.py test` its promise has a form that gives the same answer every time.

`--long` asks for the long form; a proof is told by the fixture `long`, and writes what it measured with `figure`. The
figures travel in the test's own report, so that they arrive from any process, and a proof that fails still shows them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Write = Callable[[str, object, str], None]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare --long."""
    parser.addoption("--long", action="store_true", help="promises in their long form, with a table of figures")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave what is marked `proof` to the long form."""
    if config.getoption("--long"):
        return
    measuring = [each for each in items if each.get_closest_marker("proof")]
    if measuring:
        config.hook.pytest_deselected(items=measuring)
        items[:] = [each for each in items if each not in set(measuring)]


@pytest.fixture(scope="session")
def long(request: pytest.FixtureRequest) -> bool:
    """Whether the long form was asked for."""
    return bool(request.config.getoption("--long"))


@pytest.fixture
def figure(record_property: Callable[[str, object], None]) -> Write:
    """Write down what was measured: a promise and what of it, the figure, its bar."""

    def write(promise: str, measured: object, bar: str) -> None:
        shown = f"{measured:,.2f}" if isinstance(measured, float) else str(measured)
        record_property("figure", [promise, shown, bar])

    return write


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """After a long run: each figure beside its bar."""
    if not config.getoption("--long"):
        return
    reports = [each for kind in ("passed", "failed") for each in terminalreporter.stats.get(kind, [])]
    rows = [(each.outcome, *told) for each in reports for name, told in each.user_properties if name == "figure"]
    terminalreporter.section("figures")
    for outcome, promise, measured, bar in sorted(rows, key=lambda row: _number(row[1])):
        terminalreporter.write_line(f"{promise:<66} {measured:>12}   {bar:<26} {outcome}")


def _number(promise: str) -> tuple[int, str]:
    digits = promise.partition(":")[0].removeprefix("P")
    return int(digits) if digits.isdigit() else 0, promise
