"""Long and short forms of the promises, and the table of figures against their bars.

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
