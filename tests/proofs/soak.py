"""`python3 app.py proof soak`: light mixed traffic for two hours, and the memory and descriptors of every process.

`--minutes N` takes another time, `--size small` the small size. People read what there is and what there is not,
sign from the address to the receipt, and subscribe. The first quarter warms up. A kind of process is flat if the last
quarter's mean is within `GROWTH` and `SLACK` of the second quarter's, and if it has not more files open. The exit code is
1 if one is not, if an answer was no answer, or if the count is not that of the ledger.
"""

from __future__ import annotations

import argparse
import json
import random
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from statistics import mean
from urllib.parse import urlsplit

import psutil
from rich.console import Console
from rich.table import Table

from petition import campaigns
from petition.campaigns import Campaign
from petition.core import db
from tests.proofs.bench_signing import one_signing
from tests.proofs.footprint import descriptors, pss
from tests.proofs.load import Driver, Mailbox, codes_sink
from tests.support.clients import SLUG, attach, forget_networks, recounted
from tests.support.installation import Running, installation
from tests.support.served import free_port

GROWTH, SLACK = 1.05, 4.0
MORE_FILES = 4.0
PAGES_A_SECOND, SIGNINGS_A_SECOND = 20.0, 1.0
LOOK_EVERY = 10.0
PATHS = (f"/c/{SLUG}", f"/c/{SLUG}?lang=fr", f"/api/campaigns/{SLUG}/count", f"/c/{SLUG}/signers", f"/c/{SLUG}/count",
         f"/c/{SLUG}/sign", f"/c/{SLUG}/badge.svg", "/", "/healthz", "/readyz", "/not-there", f"/api/campaigns/{SLUG}")  # fmt: skip
EXPECTED = {200, 201, 202, 304, 404}


@dataclass
class Samples:
    """Megabytes and open files of each kind of process, one entry a look."""

    megabytes: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    files: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def look(self, root: int) -> None:
        """Add one entry for each kind."""
        kinds: dict[str, list[int]] = defaultdict(list)
        with suppress(psutil.NoSuchProcess):
            supervisor = psutil.Process(root)
            kinds["supervisor"].append(root)
            for child in supervisor.children():
                with suppress(psutil.NoSuchProcess):
                    kinds[kind_of(child)] += [child.pid, *(each.pid for each in child.children(recursive=True))]
        for kind, pids in kinds.items():
            self.megabytes[kind].append(pss(pids))
            self.files[kind].append(float(sum(map(descriptors, pids))))


def kind_of(child: psutil.Process) -> str:
    """What a child of the supervisor is."""
    words = " ".join(child.cmdline())
    if "gunicorn" in words:
        return "web"
    found = [name for name in ("prompt@", "bulk@", " beat ") if name in words]
    return found[0].strip(" @") if found else child.name()


@dataclass
class Traffic:
    """People who come and go until they are told to stop."""

    driver: Driver
    campaign: Campaign
    mailbox: Mailbox
    redis_url: str
    over: threading.Event = field(default_factory=threading.Event)
    answers: Counter[int] = field(default_factory=Counter)
    signed: int = 0
    faults: list[str] = field(default_factory=list)

    def read(self) -> None:
        """Somebody who reads."""
        while not self.over.wait(random.expovariate(PAGES_A_SECOND)):
            self.answers[self.driver.get(random.choice(PATHS))[0]] += 1

    def sign(self) -> None:
        """Somebody who signs, and now and then somebody who subscribes."""
        number = 0
        while not self.over.wait(random.expovariate(SIGNINGS_A_SECOND)):
            number += 1
            if number % 30 == 1:
                forget_networks(self.redis_url)
            one_signing(self.driver, self.campaign, self.mailbox, f"person{number}@salesforce.example")
            self.signed += 1
            if number % 10 == 0:
                self.driver.post(f"/api/campaigns/{SLUG}/subscribe", {"address": f"reader{number}@home.example"}, 202)

    def guarded(self, work: object) -> None:
        """Do work, and keep what went wrong."""
        try:
            work()  # type: ignore[operator]
        except Exception as wrong:
            self.faults.append(f"{type(wrong).__name__}: {wrong}")


def main(argv: Sequence[str]) -> int:
    """Run, and print the table."""
    parser = argparse.ArgumentParser(prog="python3 app.py proof soak")
    parser.add_argument("--minutes", type=float, default=120.0)
    parser.add_argument("--size", choices=("normal", "small"), default="normal")
    given = parser.parse_args(argv)
    mailbox, smtp = Mailbox(), free_port()
    more = {"PETITION_SIZE": given.size, "SMTP_URL": f"smtp://127.0.0.1:{smtp}"}
    with codes_sink(smtp, mailbox), installation(**more) as running:
        samples, traffic = soaked(running, mailbox, given.minutes * 60)
        counted = recounted(running)
        shown = int(json.loads(traffic.driver.get(f"/api/campaigns/{SLUG}/count")[1])["count"])
    good = flat(samples)
    Console(width=120).print(drawn(samples, good))
    strange = {status: n for status, n in traffic.answers.items() if status not in EXPECTED}
    print(f"{traffic.answers.total()} pages, {traffic.signed} signings; other answers: {strange or 'none'}; "
          f"faults: {traffic.faults or 'none'}; count {shown}, ledger {counted}")  # fmt: skip
    return 0 if all(good.values()) and not strange and not traffic.faults and shown == counted else 1


def soaked(running: Running, mailbox: Mailbox, seconds: float) -> tuple[Samples, Traffic]:
    """Traffic for so many seconds, and what was seen meanwhile."""
    config = attach(running)
    with db.session() as session:
        campaign = campaigns.find(session, SLUG)
    where = urlsplit(running.url)
    traffic = Traffic(Driver(where.port or 0, where.netloc), campaign, mailbox, config.redis_url)
    threads = [threading.Thread(target=traffic.guarded, args=(work,)) for work in (traffic.read, traffic.sign)]
    for thread in threads:
        thread.start()
    samples, end = Samples(), time.monotonic() + seconds
    while time.monotonic() < end and not traffic.faults:
        time.sleep(min(LOOK_EVERY, seconds / 40))
        samples.look(running.process.pid)
    traffic.over.set()
    for thread in threads:
        thread.join()
    return samples, traffic


def quarter(values: Sequence[float], number: int) -> float:
    """The mean of one quarter of the looks."""
    each = max(1, len(values) // 4)
    return mean(values[number * each : (number + 1) * each] or values[-1:])


def flat(samples: Samples) -> dict[str, bool]:
    """Whether each kind of process stayed as large as it was."""
    return {
        kind: quarter(values, 3) <= GROWTH * quarter(values, 1) + SLACK
        and quarter(samples.files[kind], 3) <= quarter(samples.files[kind], 1) + MORE_FILES
        for kind, values in samples.megabytes.items()
    }


def drawn(samples: Samples, good: dict[str, bool]) -> Table:
    """The table for a terminal."""
    table = Table("process", "MB, second quarter", "last quarter", "most", "files, second quarter", "last quarter", "")
    for kind, values in samples.megabytes.items():
        files = samples.files[kind]
        figures = (quarter(values, 1), quarter(values, 3), max(values), quarter(files, 1), quarter(files, 3))
        table.add_row(kind, *(f"{each:.1f}" for each in figures), "flat" if good[kind] else "GROWS")
    return table
