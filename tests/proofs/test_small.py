"""The small size (decision 0076): each of its processes is killed while people sign, and it stays as small as it says."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import psutil
import pytest
from sqlalchemy import func, select

from petition.core import db
from petition.core.outbox import OutboxItem
from tests.proofs import bench
from tests.proofs.footprint import pss, seconds_of, tree
from tests.support.clients import (
    SIGNING_THREADS,
    SLUG,
    attach,
    in_the_ledger,
    passes_for,
    recounted,
    sign,
    spent,
    under_load,
)
from tests.support.figures import Write
from tests.support.foreign_client import call
from tests.support.installation import Running, installation
from tests.support.waiting import until

pytestmark = pytest.mark.xdist_group("small")
BACK_WITHIN = 20.0
MEGABYTES, IDLE_PERCENT = 450.0, 2.0


@dataclass(frozen=True)
class Victim:
    """A process: the child of the supervisor with this name, or what that one started."""

    name: str
    of_it: bool = False

    def find(self, running: Running) -> psutil.Process | None:
        """The process, if it is there."""
        supervisor = psutil.Process(running.process.pid)
        for child in supervisor.children():
            if child.name() == self.name:
                below = child.children() if self.of_it else [child]
                return below[0] if below else None
        return None


VICTIMS = {
    "the web server": Victim("web"), "its process": Victim("web", of_it=True),
    "the prompt worker": Victim("worker-prompt"), "its child": Victim("worker-prompt", of_it=True),
    "the bulk worker": Victim("worker-bulk"), "the bulk worker's child": Victim("worker-bulk", of_it=True),
    "beat": Victim("beat"), "PostgreSQL": Victim("postgres"), "a process of PostgreSQL": Victim("postgres", of_it=True),
    "Valkey": Victim("valkey-server"),
}  # fmt: skip


@pytest.fixture(scope="module")
def small() -> Iterator[Running]:
    """A small installation of these tests alone."""
    with installation(PETITION_SIZE="small") as started:
        attach(started)
        yield started


def test_it_is_the_same_program_in_fewer_processes(small: Running) -> None:
    """Each kind of process is there once, a child of the supervisor that leads its own session."""
    supervisor = psutil.Process(small.process.pid)
    ours = {each.name(): each for each in supervisor.children()}
    assert {"web", "worker-prompt", "worker-bulk", "beat"} <= ours.keys()
    for name in ("web", "worker-prompt", "worker-bulk"):
        until(f"the child of {name}", lambda name=name: ours[name].children(), lambda found: len(found) == 1)
    assert call(f"{small.url}/c/{SLUG}").status == 200


@pytest.mark.parametrize("who", VICTIMS)
def test_nothing_is_lost_when_a_process_is_killed_while_people_sign(small: Running, who: str, figure: Write) -> None:
    """P2–P5: every receipt is in the ledger; refusals are 503 with Retry-After; the process is back within seconds."""
    victim, before = until(who, lambda: VICTIMS[who].find(small)), spent()
    held = passes_for(small, 300)

    def strike() -> None:
        victim.kill()
        victim.wait(10)
        until(f"{who} again", lambda: back(small, VICTIMS[who], victim.pid))

    began = time.monotonic()
    load = under_load(small, held[:-1], strike, pause=SIGNING_THREADS * BACK_WITHIN / len(held[:-1]))
    after = sign(small, held[-1])
    assert after is not None
    assert after.status == 201
    in_the_ledger([*load.receipts, after], 60)
    took = time.monotonic() - began
    figure(f"small size: seconds until {who} was back and all was in the ledger", took, f"≤ {BACK_WITHIN:.0f}")
    assert took <= BACK_WITHIN
    assert set(load.refused()) <= {(503, each) for each in "34567"}
    assert spent() - before == len(load.tried) + 1


def back(running: Running, victim: Victim, pid: int) -> bool:
    """Whether another process is in the place of a killed one, and the site answers."""
    found = victim.find(running)
    return found is not None and found.pid != pid and answers(f"{running.url}/readyz")


def answers(url: str) -> bool:
    try:
        return call(url).status == 200
    except OSError:
        return False


def test_after_all_of_it_the_ledger_is_recounted(small: Running) -> None:
    counted = recounted(small)
    assert call(f"{small.url}/api/campaigns/{SLUG}/count").body["count"] == counted


@pytest.mark.proof
def test_it_takes_as_little_memory_and_time_as_it_says(long: bool, figure: Write) -> None:
    seconds: Callable[[], float] = time.monotonic
    with installation(PETITION_SIZE="small") as fresh:
        time.sleep(20 if long else 10)
        before, began = seconds_of(tree(fresh.process.pid)), seconds()
        time.sleep(60 if long else 10)
        percent = 100 * (seconds_of(tree(fresh.process.pid)) - before) / (seconds() - began)
        megabytes = pss(tree(fresh.process.pid))
    figure("small size: MB (PSS) of the whole tree", megabytes, f"≤ {MEGABYTES:.0f}")
    figure("small size: per cent of one core while nothing happens", percent, f"≤ {IDLE_PERCENT:g}")
    assert megabytes <= MEGABYTES
    assert percent <= IDLE_PERCENT


@pytest.mark.proof
@pytest.mark.parametrize("size", ["normal", "small"])
def test_a_large_batch_leaves_no_large_process(size: str, long: bool, figure: Write) -> None:
    """A worker that needed much memory for one batch gives it back."""
    many = 100_000 if long else 40_000
    with installation(PETITION_SIZE=size) as fresh:
        attach(fresh)
        bench.filled(SLUG, many)
        until("the batch", lambda: call(f"{fresh.url}/api/campaigns/{SLUG}/count").body["count"], lambda n: n >= many)
        until("its bundle", outbox_is_empty, seconds=300)
        worker = next(each for each in psutil.Process(fresh.process.pid).children() if is_prompt(each))
        largest = until(
            "its processes to be small",
            lambda: max(pss([each.pid]) for each in worker.children()),
            lambda megabytes: megabytes < 150,
            seconds=120,
        )
    figure(f"{size} size: MB of the largest process of the prompt worker after a batch of {many:,}", largest, "≤ 150")


def is_prompt(process: psutil.Process) -> bool:
    return process.name() == "worker-prompt" or "prompt@" in " ".join(process.cmdline())


def outbox_is_empty() -> bool:
    with db.session() as session:
        return not session.scalar(select(func.count()).select_from(OutboxItem))
