"""P14: web and workers are restarted one after the other while people read and sign: no request fails, nothing is lost."""

from __future__ import annotations

import json
import signal
import threading
from collections import Counter

import psutil
import pytest

from tests.proofs.crowd import Answered
from tests.proofs.news_hour import load, named
from tests.support.clients import SLUG, attach, passes_for, recounted, spent
from tests.support.figures import Write
from tests.support.foreign_client import call
from tests.support.installation import Running, installation
from tests.support.waiting import until

PAGES, SIGNINGS = 40, 15
SECONDS_EACH = 12


def child(tree: Running, name: str, word: str) -> psutil.Process | None:
    """The child of the supervisor with this name (small size) or this word in its command (normal size)."""
    for each in psutil.Process(tree.process.pid).children():
        if each.name() == name or word in " ".join(each.cmdline()):
            return each
    return None


@pytest.mark.proof
@pytest.mark.parametrize("size", ["normal", "small"])
def test_no_request_fails_while_web_and_workers_are_restarted(size: str, long: bool, figure: Write) -> None:
    times = 10 if long else 2
    seconds = times * SECONDS_EACH
    with installation(PETITION_SIZE=size) as tree:
        attach(tree)
        held, before = passes_for(tree, SIGNINGS * seconds + 1), spent()
        answers: list[Answered] = []
        people = threading.Thread(
            target=lambda: answers.extend(load(tree, seconds, iter(held), pages=PAGES, signings=SIGNINGS))
        )
        people.start()
        for _ in range(times):
            restart_web(tree)
            for worker in ("prompt", "bulk"):
                restart(tree, f"worker-{worker}", f"{worker}@")
        assert people.is_alive(), "the restarts took longer than the load"
        people.join()
        receipts = named(answers, "sign", 201)
        failed = Counter((each.name, each.status) for each in answers if each.status not in {200, 201})
        entries = {json.loads(each.body)["receipt"]["entry"] for each in receipts}
        figure(f"P14: {size} size: failed of {len(answers)} requests, {times} rounds", failed.total(), "0")
        figure(f"P14: {size} size: receipts minus spent passes", len(entries) - (spent() - before), "0")
        assert failed == {}
        assert len(entries) == len(receipts) == spent() - before
        assert recounted(tree) == call(f"{tree.url}/api/campaigns/{SLUG}/count").body["count"]


def restart_web(tree: Running) -> None:
    """SIGHUP, as for a new version: new processes first, then the old ones end."""
    master = until("the web", lambda: child(tree, "web", "gunicorn"))
    old = {each.pid for each in master.children()}
    master.send_signal(signal.SIGHUP)
    until("new processes", lambda: {each.pid for each in master.children()}, lambda now: now and not now & old)


def restart(tree: Running, name: str, word: str) -> None:
    """SIGTERM: it ends after its task, and the supervisor starts another one."""
    old = until(name, lambda: child(tree, name, word))
    old.send_signal(signal.SIGTERM)
    until(f"another {name}", lambda: child(tree, name, word), lambda found: found and found.pid != old.pid)
