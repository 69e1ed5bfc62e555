"""The bench runs from end to end and gives every figure beside a limit."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from sqlalchemy import Engine

from petition import campaigns, epochs
from petition.config.addresses import PROJECT
from petition.core import clock, db
from tests.proofs import bench

pytestmark = pytest.mark.xdist_group("bench")


@pytest.mark.proof
def test_a_quick_bench_measures_every_row() -> None:
    argv = [sys.executable, "-m", "tests.proofs.bench", "--quick", "--json"]
    done = subprocess.run(argv, cwd=PROJECT, capture_output=True, text=True, check=False, timeout=900)
    assert done.stdout, done.stderr[-2000:]
    rows = json.loads(done.stdout)
    words = [
        "stamps",
        "letter page",
        "count, GET",
        "count, 304",
        "redemptions",
        "full signings",
        "epoch",
        "linear",
        "planning",
        "one sender",
        "two",
        "first screen",
        "export of",
    ]
    assert [word for word in words if not any(word in row["what"] for row in rows)] == []
    assert [row for row in rows if row["figure"] <= 0 or row["limit"] <= 0] == []


def test_rows_that_the_bench_fills_in_bulk_become_a_batch(engine: Engine) -> None:
    """In the suite, so that a new column is noticed before somebody measures."""
    slug = bench.opened("bulk")
    bench.filled(slug, 3)
    with db.transaction() as session:
        assert epochs.close_epoch(session, campaigns.find(session, slug), clock.now()).signatures == 3
