"""P28: what was hidden is deleted, from PostgreSQL's files as well: the scrub leaves no older version of it there."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Engine, text

from petition import epochs, signatures
from petition.campaigns import Campaign, OpenCampaign
from petition.core import db
from petition.ledger.entries import Visibility
from petition.privacy.data_map import DATA_MAP, Kind
from petition.privacy.scrub import SAW_ACTS, scrub
from petition.signatures import DisplayChoice
from tests import make

NAME = "Qzvsuzie"
UNPACKED = "ALTER TABLE publication ALTER COLUMN data SET STORAGE EXTERNAL"
FILES = text(
    "SELECT current_setting('data_directory') || '/' || pg_relation_filepath(oid), relname FROM pg_class"
    " WHERE pg_relation_filepath(oid) IS NOT NULL"
)
DELETED = text(
    "SELECT relname, attname FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid"
    " WHERE relkind = 'r' AND attname = ANY(:columns) AND relname IN ('pending', 'signature', 'waiting_act') AND attstattarget = 0"
)


def relations_with(owner: Engine, word: bytes) -> set[str]:
    """The tables and indexes of this database in whose files a word lies."""
    with owner.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("CHECKPOINT"))  # it writes what is in memory, and unlinks what was replaced
        relations = connection.execute(FILES).all()
    there = [(Path(path), name) for path, name in relations if Path(path).exists()]
    return {name for path, name in there if word in path.read_bytes()}


def test_a_name_that_was_hidden_is_in_no_file_of_the_database_after_the_scrub(
    engine: Engine, owner: Engine, maintenance: Engine
) -> None:
    """The first page of names is in the snapshot; PostgreSQL samples columns for its statistics, and keeps the sample."""
    del engine
    with owner.begin() as connection:
        connection.execute(text(UNPACKED))
    with db.transaction() as session:
        campaign = make.campaign(session)
        names = [DisplayChoice(Visibility.NAME, name=f"{NAME} {n} Example") for n in range(30)]
        receipts = [make.signature(session, campaign, name) for name in names]
        epochs.close_epoch(session, campaign, make.NOW)
    with owner.begin() as connection:
        connection.execute(text("ANALYZE"))
    with db.transaction() as session:
        letter = OpenCampaign.of(session.get_one(Campaign, campaign.id))
        for receipt in receipts:
            signatures.hide(session, letter, receipt.withdraw)
    with db.transaction() as session:
        epochs.refresh_stale(session, make.NOW)
    before = relations_with(owner, NAME.encode())
    assert "signature" in before, "the search finds a name"
    assert any(name.startswith("pg_toast") for name in before), "and one in an earlier snapshot"
    assert scrub(maintenance).rewritten
    assert relations_with(owner, NAME.encode()) | relations_with(owner, NAME.lower().encode()) == set()


def test_no_statistics_are_kept_of_what_signers_may_delete(owner: Engine) -> None:
    """With a salt that is left there and a list of the staff, the commitment in the ledger would say what was hidden."""
    tables = ("pending", "signature", "waiting_act")
    of_signers = (each.removeprefix("public.signature.") for each in DATA_MAP if each.startswith("public.signature."))
    body = {name for name in of_signers if DATA_MAP[f"public.signature.{name}"].kind is Kind.personal}
    wanted = {(table, name) for table in tables for name in body | {"salt"} if f"public.{table}.{name}" in DATA_MAP}
    with owner.connect() as connection:
        found = {tuple(row) for row in connection.execute(DELETED, {"columns": [*body, "salt"]})}
    assert found == wanted


def test_what_acts_leave_behind_is_rewritten() -> None:
    """Each act has the pages rendered again, and a row of the outbox with its time."""
    assert {"publication", "owed"} <= {*SAW_ACTS}
