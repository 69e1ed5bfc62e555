"""Clients that sign while servers fail: what they try, what they are told, and what became of it."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from http.client import HTTPException

import psutil
import redis
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from petition import campaigns
from petition.config import Config
from petition.core import db
from petition.ledger.merkle import leaf_hash
from petition.privacy import keyring
from petition.signatures.tables import Pending, Signature, Spent
from tests import make
from tests.proofs.load import in_threads
from tests.support.foreign_client import Answer, call, is_overloaded
from tests.support.installation import Running, environment
from tests.support.waiting import until

SLUG = "ice-letter"
SIGNING_THREADS = 4


def attach(tree: Running) -> Config:
    """Let this process read the installation's database."""
    config = Config.from_env(environment(tree.home, int(tree.url.rsplit(":", 1)[1])))
    db.connect(config.database_url, pool_size=2)
    keyring.connect(config.master_keys)
    return config


def passes_for(tree: Running, n: int) -> list[str]:
    """Passes, stamped by the installation's own key."""
    attach(tree)
    with db.transaction() as session:
        campaign = campaigns.find(session, SLUG)
        return [make.a_pass(session, campaign).held.encode() for _ in range(n)]


def forget_networks(redis_url: str) -> None:
    """Let the hour end for which the codes of each network are counted, as it would by itself."""
    server = redis.Redis.from_url(redis_url)
    for key in server.scan_iter("mails:*"):
        server.delete(key)


def sign(tree: Running, held: str) -> Answer | None:
    """Redeem a pass; None when nobody answered."""
    try:
        return call(f"{tree.url}/api/campaigns/{SLUG}/sign", {"pass": held, "show": "anonymous"})
    except (OSError, HTTPException):  # nobody there, or killed before the reply was whole
        return None


def in_the_ledger(answers: list[Answer], seconds: float) -> float:
    """Wait until every receipt's entry is in the ledger; gives how long it took."""
    leaves = [leaf_hash(answer.body["receipt"]["entry"].encode()) for answer in answers]
    began = time.monotonic()

    def found() -> int | None:
        with contextlib.suppress(OperationalError), db.session() as session:
            return session.scalar(select(func.count()).select_from(Signature).where(Signature.leaf.in_(leaves)))
        return None

    until(f"{len(leaves)} entries in the ledger", found, lambda n: n == len(leaves), seconds)
    return time.monotonic() - began


def spent() -> int:
    """Passes that the database holds as spent."""
    with db.session() as session:
        return session.scalar(select(func.count()).select_from(Spent)) or 0


@dataclass
class Load:
    """What clients saw: passes they tried, receipts and when, everything else but what a site with too much to do refused."""

    tried: list[str] = field(default_factory=list)
    receipts: list[Answer] = field(default_factory=list)
    signed_at: list[float] = field(default_factory=list)
    others: list[Answer] = field(default_factory=list)

    def redeem(self, tree: Running, held: str) -> None:
        """Until it is answered with 201 or 409; without an answer, or with another one, again."""
        self.tried.append(held)
        end = time.monotonic() + 60
        while time.monotonic() < end:
            answer = sign(tree, held)
            if answer is not None and answer.status == 201:
                self.signed_at.append(time.monotonic())
                self.receipts.append(answer)
                return
            if answer is not None and not is_overloaded(answer):
                self.others.append(answer)
                if answer.status == 409:
                    return
            time.sleep(0.05)
        raise AssertionError("a pass got no answer for a minute")

    def refused(self) -> Counter[tuple[int, str | None]]:
        """Answers that were neither a receipt nor "spent", by status and Retry-After."""
        return Counter((each.status, each.headers["Retry-After"]) for each in self.others if each.status != 409)


def recounted(tree: Running) -> int:
    """Wait for what is pending, recount with the command, give the number of signatures."""
    attach(tree)
    until("the batch of what is pending", nothing_pending)
    done = tree.command("ledger", "verify")
    assert (done.returncode, done.stderr) == (0, "")
    with db.session() as session:
        return session.scalar(select(func.count()).select_from(Signature)) or 0


def nothing_pending() -> bool:
    """Whether no signature waits for a batch."""
    with db.session() as session:
        return not session.scalar(select(func.count()).select_from(Pending))


def process(tree: Running, *words: str) -> psutil.Process:
    """The oldest process of the tree whose command line holds all the words; it may just be starting again."""

    def oldest() -> psutil.Process | None:
        with contextlib.suppress(psutil.NoSuchProcess):
            found = [each for each in psutil.Process(tree.process.pid).children(recursive=True) if runs(each, words)]
            return min(found, key=lambda each: each.create_time(), default=None)
        return None

    there = until(f"the process {words}", oldest)
    assert there is not None
    return there


def runs(each: psutil.Process, words: tuple[str, ...]) -> bool:
    """Whether a process lives and its command line holds all the words."""
    return each.status() != psutil.STATUS_ZOMBIE and all(word in " ".join(each.cmdline()) for word in words)


def kill_with_children(master: psutil.Process) -> None:
    """Kill -9, the children first; one that ended by itself meanwhile is as dead."""
    for each in [*master.children(), master]:
        with contextlib.suppress(psutil.NoSuchProcess):
            each.kill()


def under_load(tree: Running, held: list[str], strike: Callable[[], None], pause: float = 0.03) -> Load:
    """Redeem passes from four threads while `strike` happens, and a little longer.

    Each thread waits `pause` seconds after a pass. Where a strike does not hold up signing, the passes last for
    len(held) * pause / SIGNING_THREADS seconds at least.
    """
    load, lock, over = Load(), threading.Lock(), threading.Event()
    supply = iter(held)

    def one(_: int) -> None:
        while not over.is_set():
            with lock:
                mine = next(supply, None)
            assert mine is not None, "the passes did not last"
            load.redeem(tree, mine)
            time.sleep(pause)

    def struck(_: int) -> None:
        time.sleep(0.2)
        try:
            strike()
            time.sleep(0.3)
        finally:
            over.set()

    in_threads(lambda number: (struck if number == 0 else one)(number), 1 + SIGNING_THREADS)
    return load
