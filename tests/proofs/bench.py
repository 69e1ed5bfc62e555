"""`python3 app.py bench`: each figure beside a limit measured in the same run by the same driver, and the ratio.

Everything on loopback, bounded in time and number, under six minutes on two cores. `--json` prints JSON, `--quick`
small numbers. Limits: a bare Flask view with the same bytes, and one that parses the same JSON, inserts one row and
commits (`limits.py`), both under the same gunicorn.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import psycopg
from rich.console import Console
from rich.table import Table

from petition import campaigns, epochs
from petition.blindsign import passes, rsabssa
from petition.bootstrap import EmbeddedServices, commands, start_services
from petition.config import Config, Environment
from petition.config.addresses import PROJECT
from petition.core import clock, db, migrate
from petition.ledger import merkle
from petition.ledger.entries import SignEntry, Visibility
from petition.privacy import keyring
from petition.signatures import SignatureState
from tests import make
from tests.proofs.bench_mail import mail_rows
from tests.proofs.bench_organise import organise_rows
from tests.proofs.bench_overload import overload_rows
from tests.proofs.bench_signing import full_signings, redemptions
from tests.proofs.bench_small import small_rows
from tests.proofs.load import Driver, process
from tests.support.many import peak_megabytes
from tests.support.served import free_port

QUICK = {
    "seconds": 0.5,
    "redeem": 80,
    "full": 30,
    "stamps": 100,
    "epochs": (100, 1_000),
    "many": 1_000,
    "exported": 20_000,
    "deliveries": 2_000,
    "sent": 300,
    "knee": 0.5,
    "settling": 5.0,
    "idle": 3.0,
}
WHOLE = {
    "seconds": 4.0,
    "redeem": 2_500,
    "full": 600,
    "stamps": 1_500,
    "epochs": (1_000, 10_000, 100_000),
    "many": 100_000,
    "exported": 1_000_000,
    "deliveries": 100_000,
    "sent": 5_000,
    "knee": 3.0,
    "settling": 20.0,
    "idle": 30.0,
}


@dataclass(frozen=True)
class Row:
    """One line of the table; `ratio` is figure to limit, `bar` what it has to be."""

    what: str
    figure: float
    unit: str
    limit: float
    bar: str
    good: bool

    @property
    def ratio(self) -> float:
        """The figure as a share of its limit."""
        return self.figure / self.limit if self.limit else 0.0


@dataclass
class Bench:
    """One run: its numbers, its servers, its rows."""

    size: dict
    config: Config
    services: EmbeddedServices
    rows: list[Row]

    def add(self, what: str, figure: float, unit: str, limit: float, bar: float, *, least: bool = True) -> None:
        """Note a row: the figure must be at least, or at most, so many times its limit."""
        good = figure >= bar * limit if least else figure <= bar * limit
        self.rows.append(Row(what, figure, unit, limit, f"{'≥' if least else '≤'} {bar:g}", good))


def main(argv: Sequence[str]) -> int:
    """Run everything and print the table; 1 if a bar was missed."""
    if argv[:1] == ["epoch"]:
        return one_epoch(*argv[1:])
    size = QUICK if "--quick" in argv else WHOLE
    rows = measured(size)
    if "--json" in argv:
        print(json.dumps([row.__dict__ | {"ratio": row.ratio} for row in rows], indent=1))
    else:
        Console(width=110).print(drawn(rows))
    return 0 if all(row.good for row in rows) else 1


def measured(size: dict) -> list[Row]:
    """All rows."""
    home = Path(tempfile.mkdtemp(prefix="u-"))
    services = start_services(home, fast=True)
    try:
        bench = Bench(size, configured(home, services), services, [])
        migrate.upgrade(bench.config.database_url)
        db.connect(bench.config.database_url)
        keyring.connect(bench.config.master_keys)
        stamps(bench)
        web_rows(bench)
        epoch_rows(bench)
        mail_rows(bench)
        organise_rows(bench)
        small_rows(bench)
        return bench.rows
    finally:
        services.stop()
        shutil.rmtree(home, ignore_errors=True)


def configured(home: Path, services: EmbeddedServices) -> Config:
    """The settings of the installation that is measured."""
    port = free_port()
    environ = {
        "PETITION_ENV": Environment.DEVELOPMENT.value,
        "PETITION_HOME": str(home),
        "PETITION_PORT": str(port),
        "DATABASE_URL": services.database_url,
        "REDIS_URL": services.redis_url,
        "SMTP_URL": f"smtp://127.0.0.1:{free_port()}",
    }
    os.environ.update(environ)
    return Config.from_env(os.environ)


def stamps(bench: Bench) -> None:
    """Rows of blind signatures, against bare modular powers."""
    key = rsabssa.generate_key()
    blinded = passes.begin(key.public, bytes(16)).blinded
    number = int.from_bytes(blinded)
    times = bench.size["stamps"]

    def rate(work: Callable[[], object]) -> float:
        began = time.perf_counter()
        for _ in range(times):
            work()
        return times / (time.perf_counter() - began)

    limit = rate(lambda: rsabssa.rsasp1(key, rsabssa.mpz(number)))
    bench.add(
        "stamps, against the raw private operation", rate(lambda: rsabssa.blind_sign(key, blinded)), "/s", limit, 0.7
    )


def web_rows(bench: Bench) -> None:
    """Rows of the web server, against a bare one that gives the same bytes."""
    config, size = bench.config, bench.size
    slug = opened("bench")
    filled(slug, 1_000)
    with db.transaction() as session:
        epochs.close_epoch(session, campaigns.find(session, slug), clock.now())
    page = f"/c/{slug}"
    ours = Driver(config.port, f"localhost:{config.port}")
    with process(commands.web(config).argv, config.environment(), lambda: ours.status("/healthz") == 200) as web:
        body = config.home / "page"
        body.write_bytes(ours.get(page)[1])
        other = replace(config, port=free_port())
        bare = Driver(other.port, f"localhost:{other.port}")
        dsn = config.database_url.replace("postgresql+psycopg", "postgresql")
        with psycopg.connect(dsn) as connection:
            connection.execute("CREATE TABLE bench_row (id bigserial PRIMARY KEY, text text)")
        env = os.environ | {"BENCH_PAGE": str(body), "BENCH_DSN": dsn}
        argv = [*commands.web(other).argv[:-1], "tests.proofs.limits:create()"]
        with process(argv, env, lambda: bare.status("/page") == 200):
            pages = page_rows(bench, ours, bare, slug)
            limit = redemptions(bench, ours, bare, slug)
        thousand = ours.gets(page, size["seconds"])
        filled(slug, size["many"])
        with db.transaction() as session:
            epochs.close_epoch(session, campaigns.find(session, slug), clock.now())
        time.sleep(1.5)
        ours.get(page)
        many = ours.gets(page, size["seconds"])
        bench.add(f"letter page with {size['many']:,} signatures, against 1,000", many, "/s", thousand, 0.9)
        full_signings(bench, ours, slug, limit, web)
        overload_rows(bench, ours, slug, pages, limit)


def page_rows(bench: Bench, ours: Driver, bare: Driver, slug: str) -> float:
    """Rows of what the public reads. Returns the limit: pages a second of the bare server."""
    seconds, page, count = bench.size["seconds"], f"/c/{slug}", f"/api/campaigns/{slug}/count"
    limit = max(bare.gets("/page", seconds) for _ in range(2))
    bench.add("letter page, GET", max(ours.gets(page, seconds) for _ in range(2)), "/s", limit, 0.8)
    bench.add("count, GET", ours.gets(count, seconds), "/s", limit, 0.8)
    etag = ours.header(count, "etag")
    bench.add("count, 304", ours.gets(count, seconds, {"If-None-Match": etag}), "/s", limit, 0.8)
    return limit


def epoch_rows(bench: Bench) -> None:
    """Each in a process of its own, for its memory; the smallest one's time per signature is the limit of the others."""
    each: list[tuple[int, float, float]] = []
    for n in bench.size["epochs"]:
        slug = opened(f"epoch-{n}")
        filled(slug, n)
        argv = [sys.executable, "-m", "tests.proofs.bench", "epoch", bench.config.database_url, slug]
        done = subprocess.run(argv, cwd=PROJECT, env=os.environ, capture_output=True, text=True, check=True)
        seconds, megabytes = map(float, done.stdout.split())
        each.append((n, seconds, megabytes))
        bench.add(f"closing an epoch of {n:,}: seconds", seconds, "s", max(3.0, 3.0 * n / 10_000), 1, least=False)
        bench.add(f"closing an epoch of {n:,}: peak memory", megabytes, "MB", 300, 1, least=False)
    (_, _, _), (n, before, _), (m, after, _) = ([(0, 0.0, 0.0), *each])[-3:]
    bench.add(
        f"time per signature, {m:,} against {n:,} (linear)", after / m * 1e6, "µs", before / n * 1e6, 1.5, least=False
    )


def one_epoch(url: str, slug: str) -> int:
    """In a child: close an epoch; prints seconds and the peak of memory in MB."""
    db.connect(url)
    keyring.connect(Config.from_env(os.environ).master_keys)
    began = time.perf_counter()
    with db.transaction() as session:
        epochs.close_epoch(session, campaigns.find(session, slug), clock.now())
    print(time.perf_counter() - began, peak_megabytes())
    return 0


def opened(slug: str) -> str:
    """An open campaign that writes no batch by itself; its short name."""
    with db.transaction() as session:
        make.campaign(session, slug=slug, interval=3600, batch_min=10**6)
    return slug


def filled(slug: str, n: int) -> None:
    """Signatures that wait, of the right size but without real passes: the epoch does not look at them again."""
    with db.transaction() as session:
        campaign = campaigns.find(session, slug)
        raw = session.connection().connection.driver_connection
        assert raw is not None
        columns = "campaign_id, hw, leaf, line, show, name, role, team, comment, publish_at, sealed_until, state, salt, ticket, used"
        with raw.cursor().copy(f"COPY pending ({columns}) FROM STDIN") as copy:
            for _ in range(n):
                hw = secrets.token_bytes(32)
                line = SignEntry(secrets.token_bytes(32), hw, secrets.token_bytes(32), secrets.token_bytes(256)).line()
                rest = (
                    Visibility.ANONYMOUS.value,
                    "",
                    "",
                    "",
                    "",
                    0,
                    0,
                    SignatureState.PENDING.value,
                    secrets.token_bytes(32),
                    secrets.token_bytes(32),
                    0,
                )
                copy.write_row((campaign.id, hw, merkle.leaf_hash(line), line.decode(), *rest))


def drawn(rows: list[Row]) -> Table:
    """The table for a terminal."""
    table = Table("what", "figure", "limit", "ratio", "bar", "", title="Bench")
    for row in rows:
        good = "good" if row.good else "MISSED"
        table.add_row(row.what, f"{row.figure:,.2f} {row.unit}", f"{row.limit:,.2f}", f"{row.ratio:.2f}", row.bar, good)
    return table


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
