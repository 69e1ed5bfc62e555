"""Restoring a backup: one transaction that ends with every row of it, in the tables of this version, or with nothing changed.

Guards that a restored copy is harmless: it sends nothing until somebody says so, nobody is signed in, and no ledger begins
a second history beside the one that the public knows. Refuses to take the place of data unless it is told to, files of a
newer version, keys that it cannot open, and whatever was altered; all of it before anything is committed.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from psycopg import sql
from sqlalchemy import Connection, Engine, column, func, inspect, select, table, text
from sqlalchemy.orm import Session

from petition import campaigns, publication
from petition.backup import replay
from petition.backup.dump import FRAME, VERSION, copying, driver, identifier
from petition.backup.errors import BackupBroken, BackupRefused, DatabaseHoldsData
from petition.backup.stream import Opening
from petition.core import db, migrate, outbox
from petition.core.db import Base
from petition.core.ids import CampaignId
from petition.core.outbox import OutboxKind
from petition.ledger import log
from petition.mailing.queue.pauses import disown
from petition.privacy import SealBroken, keyring
from petition.publication import Publication, bundle_file

SCHEMAS: Final = ("public", "verification")
LONGEST_HEAD: Final = 1_000_000
PATIENCE: Final = "10s"
LEAP: Final = 1_000_000
WORTH: Final = {
    "campaign": "campaigns",
    "signature": "signatures",
    "pending": "waiting signatures",
    "subscriber": "readers",
    "organiser": "organisers",
}


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be restored, and how: `ledgers` are newer bundles; `home` is where this installation keeps its own."""

    path: Path
    private: X25519PrivateKey
    home: Path
    replace: bool = False
    ledgers: Sequence[Path] = ()
    keep_sealed: bool = False


@dataclass(frozen=True, slots=True)
class Restored:
    """When the backup was made, rows by table, what each newer ledger brought, by campaign, and campaigns without one."""

    made: datetime
    rows: Mapping[str, int]
    replayed: Mapping[str, replay.Replayed]
    without: Sequence[str]


@dataclass(frozen=True, slots=True)
class _Head:
    revision: str
    made: datetime
    tables: Sequence[tuple[str, Sequence[str]]]


def restore(engine: Engine, order: Order, now: datetime) -> Restored:
    """Put a backup in the place of what the database holds; raises BackupRefused."""
    try:
        file = order.path.open("rb")
    except OSError as error:
        raise BackupRefused(f"{order.path} cannot be read: {error.strerror}.") from None
    with file:
        Opening(file, order.private).read_through()  # before the database is touched, and locked
        file.seek(0)
        restored = _restore(engine, Opening(file, order.private), order, now)
    engine.dispose()  # open connections know the tables that are gone
    return restored


def _restore(engine: Engine, opening: Opening, order: Order, now: datetime) -> Restored:
    with engine.begin() as connection:
        head = _read_head(opening)
        connection.execute(text(f"SET LOCAL lock_timeout = '{PATIENCE}'"))
        versions = _make_room(connection, replace=order.replace)
        migrate.within(connection, head.revision)
        rows = _fill(connection, opening, head)
        migrate.within(connection, migrate.HEAD)
        _count_on(connection)
        with db.joined(connection) as session:
            replayed = {}
            _try_keys(session)
            for path in order.ledgers:
                slug, replayed[slug] = replay.replay(session, path, now, keep_sealed=order.keep_sealed)
            without = _settle(session, order.home, versions, replayed, now)
        return Restored(head.made, rows, replayed, without)


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
    """The frames of one table."""
    while data := _frame(opening, FRAME):
        yield data


def _make_room(connection: Connection, *, replace: bool) -> dict[CampaignId, int]:
    """Take down what the database holds of ours; raises DatabaseHoldsData unless that is nothing, or was asked for.

    Gives the numbers of the public pages that went.
    """
    held = migrate.revision(connection)
    ours = {table.fullname for table in Base.metadata.tables.values()}
    if held is None and ours & _names(connection):
        raise BackupRefused("The database holds tables of another program: restore into one of its own.")
    if held is not None and not migrate.is_known(held):
        raise BackupRefused("The database holds tables of a newer version: install that one, or a later one, first.")
    lost = {what: n for name, what in WORTH.items() if (n := _count(connection, name))}
    if lost and not replace:
        document = ", ".join(f"{n} {what}" for what, n in lost.items())
        raise DatabaseHoldsData(f"The database is not empty; --replace would delete {document}.")
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
    """COPY each table of the file into the table of that name; raises BackupBroken for names that are not there."""
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
    """Numbers that the database gives go on after the last one."""
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
    """Draw the pages again, queue the bundles, send nothing until somebody says so; gives campaigns without a newer ledger."""
    public = session.scalars(campaigns.every(but_drafts=True)).all()
    without = [found for found in public if found.slug not in replayed]
    for found in without:
        _refuse_second_history(session, found, home)
    for found in public:
        _render_again(session, found, versions.get(found.id, 0))
        outbox.add(session, OutboxKind.BUNDLE, found.id, log.head_of(session, found.id).epoch, now)
    disown(session)
    return [found.slug for found in without]


def _render_again(session: Session, campaign: campaigns.Campaign, version: int) -> None:
    """A page that was kept somewhere under a number of the original is never taken for one of the copy's."""
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


def _refuse_second_history(session: Session, campaign: campaigns.Campaign, home: Path) -> None:
    """A ledger that was published and then goes on from an earlier head would contradict itself."""
    path, head = bundle_file.bundle_path(home, campaign.slug), log.head_of(session, campaign.id)
    size = replay.size_of(path)
    if size > head.size:
        raise BackupRefused(
            f"The ledger of {campaign.slug} went on after this backup: add --ledger {path}, or move that file away."
        )
