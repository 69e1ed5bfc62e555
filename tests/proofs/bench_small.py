"""Bench rows of the small size: the memory of the whole tree, and what it costs while nothing happens."""

from __future__ import annotations

import time
from typing import Any

from tests.proofs.footprint import pss, seconds_of, tree
from tests.support.installation import installation

MEGABYTES = 450.0
IDLE_PERCENT = 2.0


def small_rows(bench: Any) -> None:
    """Start `up --size small` with the demonstration, and look at it while nobody does anything."""
    with installation(PETITION_SIZE="small") as running:
        time.sleep(bench.size["settling"])
        pids = tree(running.process.pid)
        before, began = seconds_of(pids), time.monotonic()
        time.sleep(bench.size["idle"])
        share = (seconds_of(tree(running.process.pid)) - before) / (time.monotonic() - began)
        bench.add(f"small size: memory of {len(pids)} processes", pss(pids), "MB", MEGABYTES, 1, least=False)
        bench.add("small size, idle: share of one core", 100 * share, "%", IDLE_PERCENT, 1, least=False)
