"""One installation for all journeys; the tests that use it stay in one process."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.journeys.tree import Running, installation


@pytest.fixture(scope="session")
def running() -> Iterator[Running]:
    """An installation with the founding campaign and its 249 signatures."""
    with installation() as started:
        yield started
