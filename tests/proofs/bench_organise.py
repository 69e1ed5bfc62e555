"""Bench rows of the dashboard: the first screen of a large campaign beside a small one, and an export of many names.

The limit of the first screen is the same page of a campaign with 100 signatures, in the same run. The export is made in a
process of its own, for its memory: `python -m tests.proofs.bench_organise <database> <home> <export>` is such a process.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from sqlalchemy import text

from petition import campaigns
from petition.campaigns import Campaign
from petition.config import Config
from petition.config.addresses import PROJECT
from petition.core import clock, db
from petition.organisers.actor import Actor
from petition.privacy import keyring
from petition.usecases import exports, files
from petition.usecases.tables import ExportKind
from petition.web.app import build
from tests import make
from tests.support.many import peak_megabytes, signed
from tests.support.omar import Omar, signed_in
from workers.loops.exports import make_export

MODULE = "tests.proofs.bench_organise"
FEW = 100
TURNS = 31


def organise_rows(bench: Any) -> None:
    """The first screen, then the export."""
    first_screen(bench, bench.size["many"])
    export(bench, bench.size["exported"])


def first_screen(bench: Any, many: int) -> None:
    """Milliseconds of the first screen, in turns, so that both meet the same machine."""
    app = build(bench.config)
    few, full = (signed_in(app, grown(n).slug, name=f"Omar {n}") for n in (FEW, many))
    with db.engine().execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(text("ANALYZE"))
    took: dict[str, list[float]] = {few.slug: [], full.slug: []}
    for _ in range(TURNS):
        for each in (few, full):
            took[each.slug].append(milliseconds(each))
    limit, figure = (statistics.median(took[each.slug]) for each in (few, full))
    bench.add(f"first screen, {many:,} against {FEW} signatures", figure, "ms", limit, 1.5, least=False)


def milliseconds(omar: Omar) -> float:
    """Milliseconds of the overview."""
    began = time.perf_counter()
    assert omar.sees("~").status_code == 200
    return (time.perf_counter() - began) * 1000


def grown(n: int) -> Campaign:
    """A campaign with so many signatures."""
    with db.transaction() as session:
        campaign = make.campaign(session, interval=3600, batch_min=10**6)
        signed(session, campaign, n)
        return campaign


def export(bench: Any, n: int) -> None:
    """Peak memory and seconds of a file with so many names."""
    campaign = grown(n)
    with db.transaction() as session:
        found = campaigns.find(session, campaign.slug)
        promised = exports._promise(session, found, ExportKind.SIGNERS, Actor(bytes(16), clock.now()))
    with tempfile.TemporaryDirectory() as home:
        argv = [sys.executable, "-m", MODULE, bench.config.database_url, home, promised.id.hex()]
        done = subprocess.run(
            argv, cwd=PROJECT, env=os.environ, capture_output=True, text=True, check=True, timeout=300
        )
        with files.path(Path(home), promised.id).open("rb") as file:
            assert sum(1 for _ in file) == n + 1
    seconds, megabytes = map(float, done.stdout.split())
    bench.add(f"export of {n:,} names: seconds", seconds, "s", 26, 1, least=False)
    bench.add(f"export of {n:,} names: peak memory", megabytes, "MB", 200, 1, least=False)


def main(url: str, home: str, export_id: str) -> int:
    """In a child: make one file; prints seconds and the peak of memory in MB."""
    db.connect(url)
    keyring.connect(Config.from_env(os.environ).master_keys)
    began = time.perf_counter()
    make_export(bytes.fromhex(export_id), Path(home), clock.now())
    print(time.perf_counter() - began, peak_megabytes())
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4]))
