"""The bench runs from end to end and gives every figure beside a limit."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from petition.config.addresses import PROJECT

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
