"""Letters of protocol version 1: their public records, and what stays of them in the tables."""

from __future__ import annotations

import hashlib
import json
import stat
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from sqlalchemy import Engine, create_engine, func, select, text
from sqlalchemy.orm import Session

from petition import backup, campaigns, epochs, organisers
from petition.backup import Order
from petition.campaigns import Campaign, CampaignState, DemandState
from petition.campaigns.milestones import PlannedMilestone
from petition.campaigns.tables import Update
from petition.core import migrate
from petition.core.db import Base
from petition.core.migrate import LedgerOutdated, RecordBroken, Records
from petition.ledger.entries import Visibility
from petition.mailing.queue.tables import Delivery
from petition.mailing.subscribers.tables import Subscriber
from petition.organisers import Role
from petition.organisers.audit_log import Action, AuditEntry
from petition.signatures import DisplayChoice
from petition.verification.tables import Tag
from tests import make
from tests.support import version_1
from tests.support.services import roles_of

NAMES = {"Suzie Example", "Later Example"}
"""The names that were public in `old-letter` last. The other four were hidden, withdrawn, waiting, or not public yet."""
NOT_PUBLIC = {"Hidden Example", "Gone Example", "Waiting Example", "Early Example"}


@pytest.fixture
def old(database_url: str) -> Iterator[Engine]:
    """A database of protocol version 1, as its owner."""
    version_1.fill(database_url)
    engine = create_engine(database_url)
    yield engine
    engine.dispose()


@pytest.fixture
def records(old: Engine, database_url: str, tmp_path: Path) -> Records:
    """The records of an upgrade."""
    made = Records(tmp_path / "records")
    migrate.upgrade(database_url, roles=roles_of(database_url), records=made)
    del old
    return made


def recount(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-I", "verify.py", "bundle.zip", *words]
    return subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=False)


def test_without_a_place_for_records_nothing_changes(old: Engine, database_url: str) -> None:
    """P58: also where everything would be brought to the newest tables in one step."""
    with pytest.raises(LedgerOutdated):
        migrate.upgrade(database_url)
    with old.connect() as connection:
        assert migrate.revision(connection) == version_1.REVISION
        assert connection.scalar(text("SELECT count(*) FROM entry")) == len(
            version_1.described()["tables"]["public.entry"]
        )


def test_a_record_is_what_was_published_and_recounts(records: Records) -> None:
    """P58."""
    assert sorted(records.written) == ["old-letter", "older-letter", "small-letter"]
    for slug, published in version_1.described()["bundles"].items():
        folder = records.written[slug]
        assert hashlib.sha256((folder / "bundle.zip").read_bytes()).hexdigest() == published
        assert recount(folder).stdout.splitlines()[0].split() == [
            "counted",
            {"old-letter": "5", "older-letter": "1"}[slug],
        ]
        subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=folder, check=True, capture_output=True)


def test_a_signer_proves_a_signature_of_version_1_with_the_receipt(records: Records, tmp_path: Path) -> None:
    """P58."""
    receipt = tmp_path / "receipt.json"
    receipt.write_text(json.dumps(version_1.described()["receipt"]))
    told = recount(records.written["old-letter"], "--receipt", str(receipt))
    assert (told.returncode, told.stdout.count(", counted")) == (0, 1)


def test_a_record_holds_nothing_that_was_not_public_and_nobody_else_reads_it(records: Records) -> None:
    found = set()
    for folder in records.written.values():
        files = list(folder.iterdir())
        assert {stat.S_IMODE(each.stat().st_mode) for each in files} == {0o600}
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        with zipfile.ZipFile(folder / "bundle.zip") as archive:
            texts = [archive.read(name).decode() for name in archive.namelist()]
        texts += [each.read_text() for each in files if each.suffix != ".zip"]
        found |= {name for name in NAMES | NOT_PUBLIC for each in texts if name in each}
    assert found == NAMES


def test_what_organisers_and_subscribers_made_stays_and_the_letter_is_a_draft(
    records: Records, database_url: str
) -> None:
    """P58: team, settings, texts, milestones, demands, updates, subscribers and the audit log."""
    engine = create_engine(database_url)
    with Session(engine) as session:
        states = {each.slug: each.state for each in session.scalars(select(Campaign))}
        assert set(states.values()) == {CampaignState.DRAFT}
        assert set(states) == {*records.written, "a-draft"}
        letter = session.scalars(select(Campaign).where(Campaign.slug == "old-letter")).one()
        assert [each.title for each in letter.letters] == ["A letter", "Une lettre"]
        assert [each.state for each in letter.demands] == [DemandState.PARTLY_MET]
        assert {each.value for each in session.scalars(select(PlannedMilestone))} == {2, 100}
        assert [each.text["en"] for each in session.scalars(select(Update))] == ["News."]
        assert [each.lang for each in session.scalars(select(Subscriber))] == ["fr"]
        assert [role for _, role in organisers.members(session, letter.id)] == [Role.OWNER]
        deeds = [each.action for each in session.scalars(select(AuditEntry).order_by(AuditEntry.number))]
        assert deeds[-3:] == [Action.BACK_TO_DRAFT] * 3
        assert session.scalars(select(Delivery.state).where(Delivery.state == "planned")).all() == []
    engine.dispose()


def test_a_backup_of_that_time_is_restored_as_an_upgrade_leaves_it(
    old: Engine, database_url: str, tmp_path: Path
) -> None:
    """P58: its letters have their public records, with a receipt that is found in them, and are drafts."""
    path, key, maker = tmp_path / "letters.backup", X25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    version_1.back_up(old, path, key.public_key(), maker)
    order = Order(path, key, [maker.public_key()], tmp_path / "home", replace=True, roles=roles_of(database_url))
    restored = backup.restore(old, order, make.NOW)
    assert sorted(restored.retired) == ["old-letter", "older-letter", "small-letter"]
    for slug, published in version_1.described()["bundles"].items():
        assert hashlib.sha256((restored.retired[slug] / "bundle.zip").read_bytes()).hexdigest() == published
    receipt = tmp_path / "receipt.json"
    receipt.write_text(json.dumps(version_1.described()["receipt"]))
    told = recount(restored.retired["old-letter"], "--receipt", str(receipt))
    assert (told.returncode, told.stdout.count(", counted")) == (0, 1)
    with Session(old) as session:
        assert {each.state for each in session.scalars(select(Campaign))} == {CampaignState.DRAFT}
        assert [each.lang for each in session.scalars(select(Subscriber))] == ["fr"]
        assert session.scalar(select(func.count()).select_from(Tag)) == 0


def test_nothing_of_the_old_ledger_stays_in_the_tables(records: Records, database_url: str) -> None:
    """Otherwise who was verified once could not be verified again."""
    gone = ("entry", "tile", "head", "epoch", "signature", "pending", "spent", "milestone", "publication", "owed")
    engine = create_engine(database_url)
    with Session(engine) as session:
        left = {name: session.scalar(select(func.count()).select_from(Base.metadata.tables[name])) for name in gone}
        assert left == dict.fromkeys(gone, 0)
        assert session.scalar(select(func.count()).select_from(Tag)) == 0
    engine.dispose()
    del records


def test_the_letter_opens_again_is_signed_and_recounts(records: Records, engine: Engine) -> None:
    """P58. The new ledger has a key of its own: a checkpoint of the old one is no earlier state of it."""
    del records
    with Session(engine) as session:
        letter = campaigns.find_any(session, "old-letter")
        assert letter is not None
        epochs.open_campaign(session, letter, make.NOW)
        for _ in range(2):
            make.signature(session, letter, DisplayChoice(Visibility.NAME, "Suzie Example"))
        epochs.close_epoch(session, letter, make.NOW + timedelta(days=1))
        audit = epochs.audit(session, letter)
        assert audit.faults == []


def test_a_ledger_that_does_not_recount_is_left_alone(old: Engine, database_url: str, tmp_path: Path) -> None:
    with old.begin() as connection:
        connection.execute(text('UPDATE entry SET line = replace(line, \'"d":["*"]\', \'"d":["d1"]\') WHERE index = 1'))
    with pytest.raises(
        RecordBroken, match=r"^The ledger of old-letter is one of protocol version 1, and .* nothing was"
    ):
        migrate.upgrade(database_url, records=Records(tmp_path))
    with old.connect() as connection:
        assert migrate.revision(connection) == version_1.REVISION


def test_a_disk_that_takes_no_record_leaves_everything_as_it_was(old: Engine, database_url: str) -> None:
    with pytest.raises(OSError, match=r"proc"):
        migrate.upgrade(database_url, records=Records(Path("/proc/records")))
    with old.connect() as connection:
        assert migrate.revision(connection) == version_1.REVISION


def test_a_second_try_replaces_what_the_first_one_wrote(old: Engine, database_url: str, tmp_path: Path) -> None:
    """An upgrade that fails after the records were written is tried again."""
    with old.begin() as connection:
        connection.execute(text("CREATE TABLE clock_look (in_the_way int)"))  # 0018 makes a table of this name
    with pytest.raises(Exception, match="clock_look"):
        migrate.upgrade(database_url, records=Records(tmp_path))
    with old.begin() as connection:
        connection.execute(text("DROP TABLE clock_look"))
    again = Records(tmp_path)
    migrate.upgrade(database_url, records=again)
    assert sorted(tmp_path.iterdir()) == sorted(again.written.values())
