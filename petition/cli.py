"""Commands: what an operator does from a terminal.

Guards that each command is one transaction and that bad input is one sentence and exit code 2. No rule lives here.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import click
from sqlalchemy.exc import OperationalError

from petition import bootstrap, campaigns, clock, db, epochs, keyring, migrate
from petition.bootstrap import commands
from petition.campaigns import CampaignFaulty, CampaignState, DemandState, StepSkipped
from petition.config import Config, ConfigIncomplete
from petition.config.addresses import PROJECT
from seeds.demo import SeedBroken, sow


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Undersigned: open letters, verified signatures, a count that anybody can recount."""


def refuse(sentence: str) -> NoReturn:
    """One line for the terminal, exit code 2."""
    click.echo(sentence, err=True)
    sys.exit(2)


@contextmanager
def opened() -> Iterator[Config]:
    """A command's surroundings: configuration, servers, database, keys; faults become one sentence."""
    try:
        config = Config.from_env()
        with bootstrap.services(config.home):
            clock.set_offset(config.now_offset)
            db.connect(config.database_url)
            keyring.connect(config.master_keys)
            yield config
    except ConfigIncomplete as incomplete:
        refuse("\n".join(incomplete.problems))
    except bootstrap.CannotStart as reason:
        refuse(str(reason))
    except OperationalError:
        refuse("The database cannot be reached: check DATABASE_URL and that the server is running.")
    except (CampaignFaulty, SeedBroken) as fault:
        refuse(str(fault))


@cli.command()
def prepare() -> None:
    """Bring the database up to date; in development, sow the demo campaign."""
    with opened() as config:
        _timed("migrations", lambda: migrate.upgrade(config.database_url))
        if config.env is not config.env.PRODUCTION:
            _timed("demo", lambda: sow(config))


def _timed(name: str, work: Callable[[], object]) -> None:
    began = time.monotonic()
    work()
    click.echo(f"{name:<12} {time.monotonic() - began:5.1f} s", err=True)


@cli.command("migrate")
def migrate_() -> None:
    """Bring the database's tables up to date."""
    with opened() as config:
        migrate.upgrade(config.database_url)


@cli.command()
@click.argument("file", required=False, type=click.Path(path_type=Path))
def seed(file: Path | None) -> None:
    """Sow the demo campaign, or the one a file describes; a second time changes nothing."""
    with opened() as config:
        migrate.upgrade(config.database_url)
        click.echo(sow(config, file) if file else sow(config))


@cli.group()
def campaign() -> None:
    """Campaigns: list, open, close, record what came of them."""


@campaign.command("list")
def list_() -> None:
    """Every campaign with its state."""
    with opened(), db.session() as session:
        for found in session.scalars(campaigns.every()):
            click.echo(f"{found.slug:<40} {found.state}")


@campaign.command()
@click.argument("slug")
@click.argument("state", type=click.Choice([state for state in CampaignState if state is not CampaignState.DRAFT]))
def move(slug: str, state: str) -> None:
    """Take a campaign to its next state."""
    with opened(), db.transaction() as session:
        found = campaigns.find_any(session, slug)
        if found is None:
            refuse(f"There is no campaign {slug!r}.")
        try:
            epochs.change(session, found, CampaignState(state), clock.now())
        except StepSkipped as skipped:
            refuse(f"A campaign takes one step at a time; this one cannot go from {skipped}.")


@campaign.command()
@click.argument("slug")
@click.argument("number", type=int)
@click.argument("state", type=click.Choice(list(DemandState)))
@click.argument("source")
def demand(slug: str, number: int, state: str, source: str) -> None:
    """Record what became of a demand, and who reports it."""
    with opened(), db.transaction() as session:
        found = campaigns.find_any(session, slug)
        if found is None:
            refuse(f"There is no campaign {slug!r}.")
        campaigns.judge_demand(found, number, DemandState(state), source, clock.now().date())


@cli.group()
def ledger() -> None:
    """The ledger: recount it."""


@ledger.command()
@click.argument("slug", required=False)
def verify(slug: str | None) -> None:
    """Recount from the entries; exit code 1 on any drift."""
    with opened(), db.session() as session:
        found = [one] if slug and (one := campaigns.find_any(session, slug)) else []
        if slug and not found:
            refuse(f"There is no campaign {slug!r}.")
        drifted = [_report(name) for name in (found or session.scalars(campaigns.every(but_drafts=True)).all())]
    sys.exit(1 if any(drifted) else 0)


def _report(found: campaigns.Campaign) -> bool:
    with db.session() as session:
        drift = epochs.audit(session, found)
    click.echo(f"{found.slug}: counted {drift.counted}, entries {drift.size}, root {drift.root}")
    for fault in drift.faults:
        click.echo(f"  {fault}")
    return bool(drift.faults)


@cli.command()
def web() -> None:
    """Run the web server in the foreground."""
    config = Config.from_env()
    _become(commands.web(config).argv, config)


@cli.command()
@click.argument("name", type=click.Choice(list(commands.WORKERS)))
def worker(name: str) -> None:
    """Run one worker in the foreground."""
    _become(commands.worker(name).argv, Config.from_env())


@cli.command()
def beat() -> None:
    """Run the clock that nudges in the foreground."""
    config = Config.from_env()
    (config.home / "run").mkdir(parents=True, exist_ok=True)
    _become(commands.beat(config).argv, config)


def _become(argv: Sequence[str], config: Config) -> NoReturn:
    os.chdir(PROJECT)
    os.execve(argv[0], list(argv), config.environment())  # noqa: S606 (no shell is wanted)


if __name__ == "__main__":
    cli()
