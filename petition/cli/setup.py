"""Set-up and running: tables, the demo, and each process in the foreground."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, NoReturn

import click
from sqlalchemy.engine import make_url

from petition import campaigns, organisers
from petition.bootstrap import commands, leave_sign_in
from petition.bootstrap.process import Child
from petition.cli.common import YES, configured, opened, refuse, refuse_unfit, report_retired, require_yes
from petition.config import Config, Process
from petition.config.addresses import PROGRAM, PROJECT
from petition.core import clock, db, migrate
from petition.core.database_roles import LOST, RoleMissing, Roles
from petition.organisers import Role
from petition.publication import bundle_file
from seeds.demo import FOUNDING, SeedBroken, sow

OWNER: Final = "Owner"
UNTESTED: Final = (
    "The database server is PostgreSQL {version}: this version of the program was tested with servers up to {newest}."
)
REFUSALS: Final = (migrate.DatabaseUnfit, migrate.RecordBroken, RoleMissing)


@click.command()
def prepare() -> None:
    """Bring the database up to date and, in development, insert the demo campaign."""
    with opened() as config:
        _timed("migrations", lambda: _migrate(config))
        if config.env is not config.env.PRODUCTION:
            _timed("demo", lambda: _sown(config))
            _timed("owner", lambda: _leave_a_link(config))


def _leave_a_link(config: Config) -> None:
    """Create a link that signs the demo's owner in once, for the process that announces it."""
    with db.transaction() as session:
        owner = organisers.named(session, OWNER) or organisers.enrol(session, OWNER, "en", clock.now())
        mine = organisers.campaigns_of(session, owner.id)
        for found in session.scalars(campaigns.every()):
            if found.id not in mine and not organisers.members(session, found.id):
                organisers.join(session, found.id, owner.id, Role.OWNER, clock.now())
        link = organisers.let_in(session, owner.id, clock.now())
    leave_sign_in(config.home, f"{config.base_url}/organise/enter/{link}")


def _sown(config: Config, file: Path = FOUNDING) -> str:
    try:
        return sow(config, file)
    except SeedBroken as broken:
        refuse(str(broken))


def _migrate(config: Config, *, retire: bool = False) -> None:
    """Migrate as the owner of the tables, and give the other two roles what they need.

    `retire` makes drafts of letters that this version cannot continue, after their public records are on the disk.
    """
    roles = Roles(config.database_url, config.maintenance_database_url)
    records = migrate.Records(config.home / "records") if retire else None
    try:
        version = migrate.upgrade(config.owner_database_url, roles=roles, records=records)
    except REFUSALS as reason:
        refuse(str(reason))
    except migrate.LedgerOutdated as outdated:
        refuse(
            f"{outdated} `{PROGRAM} migrate --yes` writes what was public of each to {config.home / 'records'}, makes "
            "drafts of them and keeps the rest. Make a backup with the version in use before."
        )
    for slug, folder in (records.written if records else {}).items():
        bundle_file.forget(config.home, slug)
        report_retired(slug, folder)
    if version > migrate.NEWEST_SERVER:
        click.echo(UNTESTED.format(version=version, newest=migrate.NEWEST_SERVER), err=True)
    if make_url(config.owner_database_url).username == make_url(config.database_url).username:
        click.echo(LOST, err=True)


def _timed(name: str, work: Callable[[], object]) -> None:
    began = time.monotonic()
    work()
    click.echo(f"{name:<12} {time.monotonic() - began:5.1f} s", err=True)


@click.command("migrate")
@click.option(
    "--yes", is_flag=True, help="Make drafts of letters that this version cannot continue; people sign them again."
)
def migrate_(*, yes: bool) -> None:
    """Bring the database's tables up to date."""
    with opened(Process.MIGRATE) as config:
        _migrate(config, retire=yes)


@click.command()
@click.argument("file", required=False, type=click.Path(path_type=Path))
@YES
def seed(file: Path | None, *, yes: bool) -> None:
    """Insert and open the demo campaign, or, with --yes, the one that a file describes. A second time changes nothing."""
    if file is not None:
        require_yes("the opening", yes=yes)
    with opened() as config:
        _migrate(config)
        click.echo(_sown(config, file or FOUNDING))


@click.command()
def web() -> None:
    """Run the web server in the foreground."""
    config = configured(Process.WEB)
    refuse_unfit(config)
    _become(commands.web(config), config)


@click.command()
@click.argument("name", type=click.Choice(list(commands.WORKERS)))
def worker(name: str) -> None:
    """Run one worker in the foreground."""
    config = configured(Process(f"worker-{name}"))
    refuse_unfit(config)
    _become(commands.worker(name, config), config)


@click.command()
def beat() -> None:
    """Run Celery beat, which starts periodic tasks, in the foreground."""
    config = configured(Process.BEAT)
    (config.home / "run").mkdir(parents=True, exist_ok=True)
    _become(commands.beat(config), config)


def _become(process: Child, config: Config) -> NoReturn:
    os.chdir(PROJECT)
    env = {**config.environment(), **process.env}
    os.execve(process.argv[0], list(process.argv), env)  # noqa: S606 (no shell is wanted)
