"""Restores a backup in one transaction: all its rows in the tables of this version, or no change at all.

A restored copy is harmless: it sends nothing until an operator allows it, nobody is signed in, nothing that waited for
a second organiser or for a date takes effect, and no ledger starts a second history beside the public one. Before anything is committed, these are rejected: replacing data without being
asked to, files of a newer version, keys that it cannot decrypt, and altered files.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from psycopg import sql
from sqlalchemy import Connection, Engine, column, func, inspect, select, table, text
from sqlalchemy.orm import Session

from petition import campaigns, publication
from petition.backup import replay
from petition.backup.dump import FRAME, VERSION, copying, driver, identifier
from petition.backup.errors import BackupBroken, BackupRefused, DatabaseHoldsData
from petition.backup.stream import Opening
from petition.core import database_roles, db, migrate, outbox
from petition.core.database_roles import Roles
from petition.core.db import Base
from petition.core.ids import CampaignId
from petition.core.outbox import OutboxKind
from petition.ledger import log
from petition.mailing.queue.pauses import disown
from petition.privacy import SealBroken, keyring
from petition.publication import Publication, bundle_file
from petition.usecases import approval_rules

SCHEMAS: Final = ("public", "verification")
LONGEST_HEAD: Final = 1_000_000
LOCK_TIMEOUT: Final = "10s"
LEAP: Final = 1_000_000
WORTH: Final = {
    "campaign": "campaigns",
    "signature": "signatures",
    "pending": "waiting signatures",
    "subscriber": "subscribers",
    "organiser": "organisers",
}


@dataclass(frozen=True, slots=True)
class Order:
    """What to restore, and how. `ledgers` are newer bundles; `home` is this installation's own home folder.

    The file must be signed by one of `makers`, or be of the first version and `unsigned` be set. `roles` are the roles
    that use the restored tables; without them the owner of the tables uses them.
    """

    path: Path
    private: X25519PrivateKey
    makers: Sequence[Ed25519PublicKey]
    home: Path
    replace: bool = False
    ledgers: Sequence[Path] = ()
    keep_sealed: bool = False
    roles: Roles | None = None
    unsigned: bool = False

    def opening(self, file: BinaryIO) -> Opening:
        """Begin to read the file. Raises BackupRefused."""
        return Opening(file, self.private, self.makers, unsigned=self.unsigned)


@dataclass(frozen=True, slots=True)
class Restored:
    """When the backup was made, rows by table, the effect of newer ledgers by campaign, and campaigns without one.

    `retired`: letters of protocol version 1, which are drafts now, each with the folder of its public record.
    """

    made: datetime
    rows: Mapping[str, int]
    replayed: Mapping[str, replay.Replayed]
    without: Sequence[str]
    retired: Mapping[str, Path]


@dataclass(frozen=True, slots=True)
class _Head:
    revision: str
    made: datetime
    tables: Sequence[tuple[str, Sequence[str]]]


def restore(engine: Engine, order: Order, now: datetime) -> Restored:
    """Replace the data in the database with a backup, as the owner of its tables. Raises BackupRefused, RoleMissing.

    Letters of protocol version 1 become drafts; what was public of them is written to `order.home` before.
    """
    try:
        file = order.path.open("rb")
    except OSError as error:
        raise BackupRefused(f"{order.path} cannot be read: {error.strerror}.") from None
    with file:
        # The whole file is checked before the database is changed and locked.
        order.opening(file).read_through()
        file.seek(0)
        restored = _restore(engine, order.opening(file), order, now)
    for slug in restored.retired:
        bundle_file.forget(order.home, slug)
    engine.dispose()  # Open connections have cached plans for tables that no longer exist.
    return restored


def _restore(engine: Engine, opening: Opening, order: Order, now: datetime) -> Restored:
    with engine.begin() as connection:
        _refuse_server(connection)
        head = _read_head(opening)
        connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'"))
        versions = _drop_tables(connection, replace=order.replace)
        migrate.within(connection, head.revision)
        rows = _fill(connection, opening, head)
        _count_on(connection)  # before the migrations, which may write lines of the audit log
        records = migrate.Records(order.home / "records")
        try:
            migrate.within(connection, migrate.HEAD, records)
        except migrate.RecordBroken as reason:
            raise BackupRefused(str(reason)) from None
        database_roles.grant(connection, order.roles)
        with db.joined(connection) as session:
            replayed = {}
            _try_keys(session)
            for path in order.ledgers:
                slug, replayed[slug] = replay.replay(session, path, now, keep_sealed=order.keep_sealed)
            without = _settle(session, order.home, versions, replayed, now)
        return Restored(head.made, rows, replayed, without, records.written)


def _refuse_server(connection: Connection) -> None:
    try:
        migrate.refuse_server(connection)
    except migrate.DatabaseUnfit as reason:
        raise BackupRefused(str(reason)) from None


def _read_head(opening: Opening) -> _Head:
    try:
        document = json.loads(_frame(opening, LONGEST_HEAD))
        tables = [(str(each["name"]), [str(name) for name in each["columns"]]) for each in document["tables"]]
        head = _Head(str(document["revision"]), datetime.fromisoformat(document["made"]), tables)
        version = document["v"]
    except (ValueError, KeyError, TypeError):
        raise BackupBroken("This backup was not written by this program.") from None
    if version != VERSION or not migrate.is_known(head.revision):
        raise BackupRefused("This backup was made by a newer version: install that one, or a later one, first.")
    return head


def _frame(opening: Opening, longest: int) -> bytes:
    length = int.from_bytes(opening.read(4), "big")
    if length > longest:
        raise BackupBroken("This backup was not written by this program.")
    return opening.read(length)


def _frames(opening: Opening) -> Iterator[bytes]:
    """Yields the frames of one table."""
    while data := _frame(opening, FRAME):
        yield data


def _drop_tables(connection: Connection, *, replace: bool) -> dict[CampaignId, int]:
    """Drop our tables from the database. Raises DatabaseHoldsData if they hold data, unless `replace` is set.

    Returns the versions of the public pages that were dropped.
    """
    held = migrate.revision(connection)
    ours = {table.fullname for table in Base.metadata.tables.values()}
    if held is None and ours & _names(connection):
        raise BackupRefused("The database holds tables of another program: restore into one of its own.")
    if held is not None and not migrate.is_known(held):
        raise BackupRefused("The database holds tables of a newer version: install that one, or a later one, first.")
    lost = {what: n for name, what in WORTH.items() if (n := _count(connection, name))}
    if lost and not replace:
        raise DatabaseHoldsData(", ".join(f"{n} {what}" for what, n in lost.items()))
    pages = select(Publication.campaign_id, Publication.version)
    versions = {campaign: version for campaign, version in connection.execute(pages)} if lost else {}
    migrate.within(connection, migrate.BASE)
    return versions


def _names(connection: Connection) -> set[str]:
    looking = inspect(connection)
    public, other = (looking.get_table_names(schema) for schema in SCHEMAS)
    return {*public, *(f"{SCHEMAS[1]}.{name}" for name in other)}


def _count(connection: Connection, name: str) -> int:
    there = connection.scalar(select(func.to_regclass(f"public.{name}"))) is not None
    return int(connection.scalar(select(func.count()).select_from(table(name, schema="public"))) or 0) if there else 0


def _fill(connection: Connection, opening: Opening, head: _Head) -> dict[str, int]:
    """COPY each table of the file into the table of that name. Raises BackupBroken for unknown names."""
    looking, there, rows = inspect(connection), _names(connection), {}
    for name, columns in head.tables:
        schema, bare = name.split(".") if "." in name else (SCHEMAS[0], name)
        if name not in there or name == "alembic_version" or name in rows:
            raise BackupBroken(f"This backup holds a table {name!r} that its version does not have.")
        if {each["name"] for each in looking.get_columns(bare, schema)} != {*columns}:
            raise BackupBroken(f"This backup holds other columns of {name!r} than its version has.")
        rows[name] = _fill_table(connection, name, columns, opening)
    opening.finish()
    return rows


def _fill_table(connection: Connection, name: str, columns: Sequence[str], opening: Opening) -> int:
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    query = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(identifier(name), names)
    with copying(), driver(connection).cursor() as cursor:
        with cursor.copy(query) as copy:
            for data in _frames(opening):
                copy.write(data)
        return cursor.rowcount


def _count_on(connection: Connection) -> None:
    """Set the sequences of the database to continue after the last number."""
    found = connection.execute(
        text("SELECT table_schema, table_name, column_name FROM information_schema.columns WHERE is_identity = 'YES'")
    )
    for schema, name, numbered in found.all():
        if schema in SCHEMAS:
            last = connection.scalar(select(func.max(column(numbered))).select_from(table(name, schema=schema)))
            sequence = func.pg_get_serial_sequence(f'"{schema}"."{name}"', numbered)
            connection.execute(select(func.setval(sequence, last or 1, last is not None)))


def _settle(
    session: Session, home: Path, versions: Mapping[CampaignId, int], replayed: Collection[str], now: datetime
) -> list[str]:
    """Take back what was pending, render the pages, queue the bundles, and disable sending.

    Returns campaigns without a newer ledger.
    """
    approval_rules.forget_in_copy(session, now)
    public = session.scalars(campaigns.every(but_drafts=True)).all()
    for found in public:
        _refuse_small_batches(found)
    without = [found for found in public if found.slug not in replayed]
    for found in without:
        _refuse_second_history(session, found, home)
    for found in public:
        _render_again(session, found, versions.get(found.id, 0))
        outbox.add(session, OutboxKind.BUNDLE, found.id, log.head_of(session, found.id).epoch, now)
    disown(session)
    return [found.slug for found in without]


def _render_again(session: Session, campaign: campaigns.Campaign, version: int) -> None:
    """Raise the page's version so that a cached page of the original is never taken for one of the copy."""
    row = session.get_one(Publication, campaign.id)
    row.version = max(row.version, version) + LEAP
    session.flush()
    publication.refresh(session, campaign)


def _try_keys(session: Session) -> None:
    try:
        for sealed in session.scalars(select(log.Head.sealed_key)):
            keyring.unsealed(sealed)
    except SealBroken:
        raise BackupRefused(
            "PETITION_MASTER_KEY does not open the keys in this backup: set the one of that time."
        ) from None


def _refuse_small_batches(campaign: campaigns.Campaign) -> None:
    """Raise BackupRefused for an open letter that this installation would not have opened."""
    if campaign.state is campaigns.CampaignState.OPEN and campaigns.has_small_batches(campaign):
        raise BackupRefused(
            f"The letter {campaign.slug} is open, and its batches may hold fewer than {campaigns.LEAST_BATCH} signatures: "
            "production takes no such letter."
        )


def _refuse_second_history(session: Session, campaign: campaigns.Campaign, home: Path) -> None:
    """Raise BackupRefused if the published ledger went on, because a second continuation would contradict it."""
    path, head = bundle_file.bundle_path(home, campaign.slug), log.head_of(session, campaign.id)
    size = replay.size_of(path)
    if size > head.size:
        raise BackupRefused(
            f"The ledger of {campaign.slug} went on after this backup: add --ledger {path}, or move that file away."
        )
