"""Backups from a terminal: create a key, write a backup, restore it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import click
from sqlalchemy import create_engine

from petition import backup as backups
from petition.backup import BackupRefused, DatabaseHoldsData, Order, Replayed, Restored, keys
from petition.cli.common import opened, refuse, refuse_to_delete, report_retired
from petition.config import Config
from petition.core import clock, db
from petition.core.database_roles import RoleMissing, Roles
from petition.operation import backups as backup_runs

KEPT_PUBLIC: Final = "backup.pub"
FILE: Final = click.Path(path_type=Path)


class FileOrCommand(click.Group):
    """A group in which every word except `key` and `maker` is the name of a file to write."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Insert the command `write` where it was left out."""
        known = bool(args) and args[0] in {"key", "maker", "write", *ctx.help_option_names}
        return super().parse_args(ctx, args if known or not args else ["write", *args])


@click.group(cls=FileOrCommand)
def backup() -> None:
    """Back up the database: `backup key FILE` makes a key, `backup FILE` writes a backup that is encrypted for it."""


@contextmanager
def _surroundings() -> Iterator[Config]:
    with opened() as config:
        try:
            yield config
        except (BackupRefused, RoleMissing) as reason:
            refuse(str(reason))


@backup.command()
@click.argument("private", metavar="FILE", type=FILE)
def key(private: Path) -> None:
    """Make a key pair. FILE gets the private key and belongs elsewhere; the public key is printed and kept here."""
    with _surroundings() as config:
        public = keys.make(private)
        (config.home / KEPT_PUBLIC).write_text(f"{public}\n", encoding="ascii")
        click.echo(public)
    click.echo(f"{private} opens every backup that is sealed to this key: keep it somewhere else, and twice.", err=True)
    click.echo("Keep what `backup maker` prints with it: it proves who made a backup.", err=True)


@backup.command()
def maker() -> None:
    """Print the public key that shows that this installation made a backup."""
    with _surroundings() as config:
        click.echo(keys.write_maker(keys.makers(config.master_keys)[0]))


@backup.command()
@click.argument("file", type=FILE)
@click.option("--to", metavar="PUBLICKEY", help="whom to seal it to; without it, the key made here last")
def write(file: Path, to: str | None) -> None:
    """Write all data of the database into FILE, as of one moment."""
    with _surroundings() as config:
        public, signing = keys.read_public(to or _kept(config)), keys.maker(config.master_keys[0])
        written = backups.write(db.engine(), file, public, signing, clock.now())
        with db.transaction() as session:
            backup_runs.record(session, clock.now())
        rows = sum(written.rows.values())
        click.echo(f"{file}: {rows} rows of {len(written.rows)} tables, {written.size} bytes.")


def _kept(config: Config) -> str:
    try:
        return (config.home / KEPT_PUBLIC).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        refuse("There is no key to seal it to: make one with `backup key FILE`, or give one with --to.")


@click.command()
@click.argument("file", type=FILE)
@click.option("--key", "private", required=True, metavar="FILE", type=FILE, help="the private key's file")
@click.option("--replace", is_flag=True, help="Delete what the database holds now. Needs --yes.")
@click.option("--yes", is_flag=True, help="With --replace: do it, which cannot be undone.")
@click.option(
    "--ledger", "ledgers", multiple=True, metavar="BUNDLE", type=FILE, help="A newer bundle.zip, once a campaign."
)
@click.option("--keep-sealed", is_flag=True, help="With --ledger: keep bodies that were under seal in the backup.")
@click.option("--from", "made_by", metavar="MAKERKEY", help="who made it; without it, this installation")
@click.option("--unsigned", is_flag=True, help="Take a backup of an earlier version, which does not prove who made it.")
def restore(
    file: Path,
    private: Path,
    ledgers: tuple[Path, ...],
    made_by: str | None,
    *,
    replace: bool,
    yes: bool,
    keep_sealed: bool,
    unsigned: bool,
) -> None:
    """Restore the backup in FILE completely or not at all. No mail is sent until `sending resume`."""
    with _surroundings() as config:
        roles = Roles(config.database_url, config.maintenance_database_url)
        makers = [keys.read_maker(made_by)] if made_by else keys.makers(config.master_keys)
        opens = keys.read_private(private)
        order = Order(file, opens, makers, config.home, replace and yes, ledgers, keep_sealed, roles, unsigned)
        restored = _restored(config, order, replace=replace)
        click.echo(f"Restored as of {restored.made:%Y-%m-%d %H:%M} UTC: {sum(restored.rows.values())} rows.")
        for slug, brought in restored.replayed.items():
            click.echo(_summary(slug, brought))
        for slug, folder in restored.retired.items():
            report_retired(slug, folder)
        for slug in restored.without:
            click.echo(
                f"{slug}: what was hidden or withdrawn after the backup is back; --ledger BUNDLE takes it out again."
            )
    click.echo(
        "What waited for a second organiser, approved openings and near closing dates were taken back: ask again."
    )
    click.echo(
        "Organisers, their passkeys and their recovery codes are those of the backup: who was removed or disabled since is"
        " back. See `organiser list`; `organiser disable NAME --yes` keeps somebody out."
    )
    click.echo("No mail is sent until `sending resume`. People who unsubscribed after the backup are subscribed again.")


def _restored(config: Config, order: Order, *, replace: bool) -> Restored:
    # Without an encoding of its own a connection to a database in SQL_ASCII gives bytes for texts.
    owner = create_engine(config.owner_database_url, hide_parameters=True, connect_args={"client_encoding": "utf8"})
    try:
        return backups.restore(owner, order, clock.now())
    except DatabaseHoldsData as held:
        if replace:
            refuse_to_delete(held.lost)
        raise


def _summary(slug: str, brought: Replayed) -> str:
    lines = [
        f"{slug}: {brought.signed} signatures and {brought.ended} withdrawals and removals came after the backup.",
        f"  {brought.bodies} bodies that the newer ledger does not show were deleted.",
    ]
    if brought.late:
        lines.append(f"  {brought.late} signatures waited in the backup and are lost: the ledger is closed.")
    if brought.passes:
        lines.append(f"  {brought.passes} passes were issued after the backup; their holders could get another.")
    return "\n".join(lines)
