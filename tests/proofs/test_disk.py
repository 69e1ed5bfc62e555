"""P15: a disk without room, and what is left of the promises on it."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from petition.config.addresses import PROJECT
from tests.support.clients import SLUG, Load, in_the_ledger, passes_for, recounted, sign
from tests.support.figures import Write
from tests.support.foreign_client import call
from tests.support.installation import Running, environment, installation
from tests.support.served import free_port

pytestmark = pytest.mark.xdist_group("disk")


@contextlib.contextmanager
def disk(place: Path, megabytes: int) -> Iterator[Path]:
    """A disk of so many megabytes, mounted."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", place], check=False)
    if mounted.returncode != 0:
        pytest.skip("a small disk cannot be mounted here")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 90 MB."""
    with disk(tmp_path / "d", 90) as place:
        yield place


@pytest.mark.parametrize("megabytes", [8, 40, 46])
def test_a_disk_that_is_too_small_for_the_first_start_is_one_sentence(tmp_path: Path, megabytes: int) -> None:
    """Too small for the files of PostgreSQL, for its first databases, for the tables."""
    with disk(tmp_path / "d", megabytes) as place:
        done = subprocess.run(
            [sys.executable, "app.py"], cwd=PROJECT, env=environment(place / "home", free_port()), capture_output=True,
            text=True, check=False, timeout=120,
        )  # fmt: skip
    assert done.returncode == 2, done.stderr
    last = done.stderr.splitlines()[-1]
    assert last.endswith(("the disk is full.", "The database has no room left on its disk: make room and try again."))
    assert "Traceback" not in done.stderr


def fill(disk: Path) -> Path:
    """Take the last byte of a disk; gives the file to be deleted."""
    ballast = disk / "ballast"
    with ballast.open("wb", 0) as file, contextlib.suppress(OSError):
        while True:
            for size in (1 << 20, 1 << 12, 1):
                with contextlib.suppress(OSError):
                    file.write(b"x" * size)
                    break
            else:
                break
    return ballast


@pytest.mark.proof
def test_a_full_disk_is_a_503_and_pages_are_served_until_there_is_room(
    small_disk: Path, long: bool, figure: Write
) -> None:
    """P15: 503 and never 500, pages still served, everything acknowledged counted, no hand needed."""
    with installation(PETITION_HOME=str(small_disk / "home")) as started:
        tree = Running(started.url, small_disk / "home", started.process, started.sign_in)
        held, load = passes_for(tree, 600), Load()
        ballast, seen = fill(small_disk), Counter[int]()
        end, last = time.monotonic() + (30 if long else 6), time.monotonic() + 60
        while time.monotonic() < (end if seen[503] else last):
            answer = sign(tree, held[-1])
            seen[answer.status if answer else 0] += 1
            if answer and answer.status == 201:
                load.receipts.append(answer)
                held.pop()
            assert call(f"{tree.url}/c/{SLUG}").status == 200
            time.sleep(0.05)
        ballast.unlink()
        began = time.monotonic()
        load.redeem(tree, held.pop())
        recovered = time.monotonic() - began
        took = in_the_ledger(load.receipts, 60)
        assert recounted(tree) == 249 + len(load.receipts)
    figure(
        "P15: answers to sign on a full disk that are neither 201 nor 503", seen.total() - seen[201] - seen[503], "0"
    )
    figure("P15: seconds until the first signature once there is room", recovered, "≤ 30")
    figure("P15: seconds until all of them are counted", took, "≤ 60")
    assert seen[503] > 0
    assert set(seen) == {503} | set(seen) & {201}
    assert recovered <= 30
