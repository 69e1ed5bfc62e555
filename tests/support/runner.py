"""A worker that looks for due batches, as a process of its own.

It reads lines from its standard input, each a moment (ISO 8601), looks then at every open campaign, and answers with the
number of signatures that it wrote, or `-`. It dies as with kill -9 at the fail point that it is given.
"""

from __future__ import annotations

import subprocess
import sys
from datetime import datetime
from typing import IO

from petition import epochs
from petition.core import db, failpoints
from petition.epochs.batch import open_ids
from petition.privacy import keyring
from tests.support.services import MASTER_KEY


def started(url: str, failpoint: str = "") -> subprocess.Popen[str]:
    """A runner for a database, ready to look."""
    argv = [sys.executable, "-m", "tests.support.runner", url, MASTER_KEY, failpoint]
    runner = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert answer(runner) == "ready"
    return runner


def ask(runner: subprocess.Popen[str], now: datetime) -> None:
    """Have a runner look at a moment. `answer` waits until it did."""
    stdin: IO[str] | None = runner.stdin
    assert stdin
    print(now.isoformat(), file=stdin, flush=True)


def answer(runner: subprocess.Popen[str]) -> str:
    """What a runner wrote at its look: the number of signatures, `-` for no batch, or nothing if it died."""
    assert runner.stdout
    return runner.stdout.readline().strip()


def stop(*runners: subprocess.Popen[str]) -> None:
    """End runners and wait for them."""
    for runner in runners:
        runner.communicate()


def main(url: str, key: str, failpoint: str) -> None:
    """Look whenever a moment is read."""
    db.connect(url)
    keyring.connect([key])
    failpoints.arm(failpoint or None)
    print("ready", flush=True)
    for line in sys.stdin:
        with db.session() as session:
            (campaign_id,) = open_ids(session)
        with db.transaction() as session:
            closed = epochs.close_due(session, campaign_id, datetime.fromisoformat(line.strip()))
        print(closed.signatures if closed else "-", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
