"""Backups from the terminal: what is said, what is refused in one line with exit code 2, and what a close would destroy."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import create_engine, select, text

from petition import epochs
from petition.backup import keys
from petition.bootstrap import EmbeddedServices
from petition.campaigns import Campaign, CampaignState
from petition.core import clock, db, migrate
from petition.ledger import log
from petition.organisers.audit_log import Action, AuditEntry
from petition.publication import bundle_file
from petition.verification.tables import Issuer, Tag
from tests import make
from tests.support.terminal import NOWHERE, run, told

PENDING = "What waited for a second organiser, approved openings and near closing dates were taken back: ask again.\n"
ORGANISERS = (
    "Organisers, their passkeys and their recovery codes are those of the backup: who was removed or disabled since is back. "
    "See `organiser list`; `organiser disable NAME --yes` keeps somebody out.\n"
)
RESUME = (
    PENDING
    + ORGANISERS
    + "No mail is sent until `sending resume`. People who unsubscribed after the backup are subscribed again.\n"
)


@pytest.fixture
def slug(environ: dict[str, str]) -> Iterator[str]:
    """A campaign with a signature in the ledger and one that waits."""
    run(environ, "campaign", "list")
    with db.transaction() as session:
        made = make.campaign(session)
        make.signature(session, made)
        epochs.close_epoch(session, made, clock.now())
        make.signature(session, made)
    yield made.slug
    db.disconnect()


@pytest.fixture
def key(environ: dict[str, str], tmp_path: Path) -> Path:
    """A private key's file, its public half kept by the installation."""
    made = run(environ, "backup", "key", str(tmp_path / "private.key"))
    assert made.exit_code == 0, made.output
    return tmp_path / "private.key"


def test_a_key_is_made_once_and_only_its_public_half_is_printed(environ: dict[str, str], tmp_path: Path) -> None:
    private = tmp_path / "private.key"
    made = run(environ, "backup", "key", str(private))
    assert made.stdout.startswith(keys.PUBLIC)
    assert private.stat().st_mode & 0o777 == 0o600
    assert private.read_text() not in made.output
    line = told(environ, "backup", "key", str(private))
    assert line == f"{private} is there already: choose another name.\n"
    line = told(environ, "backup", "key", str(tmp_path / "no" / "where"))
    assert line == f"{tmp_path}/no/where cannot be written: No such file or directory.\n"


def test_a_backup_goes_out_and_comes_back(environ: dict[str, str], slug: str, key: Path, tmp_path: Path) -> None:
    file = tmp_path / "monday.backup"
    done = run(environ, "backup", str(file))
    assert done.exit_code == 0, done.output
    assert done.output.startswith(f"{file}: ")
    assert done.output.endswith(f"{file.stat().st_size} bytes.\n")
    line = told(environ, "restore", str(file), "--key", str(key))
    lost = "1 campaigns, 1 signatures, 1 waiting signatures"
    assert line == f"The database is not empty; --replace --yes would delete {lost}.\n"
    line = told(environ, "restore", str(file), "--key", str(key), "--replace")
    assert line == f"This deletes {lost}, which cannot be undone: nothing was changed. Add --yes to do it.\n"
    line = told(environ, "restore", str(file), "--key", str(key), "--yes")
    assert line.startswith("The database is not empty; "), "--yes alone replaces nothing"
    with db.session() as session:
        assert session.scalars(select(Campaign.slug)).all() == [slug]
    again = run(environ, "restore", str(file), "--key", str(key), "--replace", "--yes")
    assert again.exit_code == 0, again.output
    back = f"{slug}: what was hidden or withdrawn after the backup is back; --ledger BUNDLE takes it out again.\n"
    assert again.output.endswith(back + RESUME)
    assert run(environ, "sending", "status").output == "not sent: restored copy\n"
    assert run(environ, "ledger", "verify", slug).exit_code == 0


def test_a_backup_counts_by_the_master_key_of_its_maker(
    environ: dict[str, str], slug: str, key: Path, tmp_path: Path
) -> None:
    """The maker's key comes from the master key and stays good while that one is listed; another installation needs --from."""
    file = tmp_path / "monday.backup"
    assert run(environ, "backup", str(file)).exit_code == 0
    first = (tmp_path / "secrets" / "master_key").read_text()
    maker = run(environ, "backup", "maker").stdout.strip()
    assert maker == keys.write_maker(keys.maker(first).public_key())
    fresh = Fernet.generate_key().decode()
    restoring = ("restore", str(file), "--key", str(key), "--replace", "--yes")
    assert told(environ | {"PETITION_MASTER_KEY": fresh}, *restoring).startswith("This installation did not make this")
    line = told(environ | {"PETITION_MASTER_KEY": fresh}, *restoring, "--from", maker)
    assert line.startswith("PETITION_MASTER_KEY does not open the keys in this backup")
    assert run(environ | {"PETITION_MASTER_KEY": f"{fresh},{first}"}, *restoring).exit_code == 0
    assert "the maker's one is needed here" in told(environ, *restoring, "--from", key.read_text())
    assert "This is no maker's key" in told(environ, *restoring, "--from", "nonsense")


def test_a_backup_comes_back_with_the_newer_ledger(
    environ: dict[str, str], slug: str, key: Path, tmp_path: Path
) -> None:
    file, newer = tmp_path / "monday.backup", tmp_path / "newer.zip"
    assert run(environ, "backup", str(file)).exit_code == 0
    with db.transaction() as session:
        found = session.scalars(select(Campaign).where(Campaign.slug == slug)).one()
        make.signature(session, found)
        epochs.close_epoch(session, found, clock.now() + timedelta(seconds=60))
    with db.session() as session:
        found = session.scalars(select(Campaign).where(Campaign.slug == slug)).one()
        bundle_file.write_bundle(session, found, tmp_path)
        root = log.head_of(session, found.id).root
    shutil.copy(bundle_file.bundle_path(tmp_path, slug), newer)
    line = told(environ, "restore", str(file), "--key", str(key), "--replace", "--yes")
    assert line.startswith(f"The ledger of {slug} went on after this backup: add --ledger ")
    done = run(environ, "restore", str(file), "--key", str(key), "--replace", "--yes", "--ledger", str(newer))
    assert done.output.splitlines()[1:] == [
        f"{slug}: 2 signatures and 0 withdrawals and removals came after the backup.",
        "  0 bodies that the newer ledger does not show were deleted.",
        "  1 passes were issued after the backup; their holders could get another.",
        *RESUME.splitlines(),
    ]
    with db.session() as session:
        assert session.scalars(select(log.Head.root)).one() == root
    assert run(environ, "ledger", "verify").exit_code == 0


def test_what_cannot_be_written_or_read_is_one_line(
    environ: dict[str, str], slug: str, key: Path, tmp_path: Path
) -> None:
    file = tmp_path / "monday.backup"
    assert run(environ, "backup", str(file)).exit_code == 0
    public = (tmp_path / "backup.pub").read_text().strip()
    assert told(environ, "backup", str(file)) == f"{file} is there already: choose another name.\n"
    assert told(environ, "backup", str(tmp_path / "no" / "where")).endswith(
        " cannot be written: No such file or directory.\n"
    )
    assert "the public one is needed" in told(environ, "backup", "x", "--to", key.read_text())
    assert "This is no public key" in told(environ, "backup", "x", "--to", "nonsense")
    assert told(environ | {"DATABASE_URL": NOWHERE}, "backup", "x", "--to", public).startswith("The database cannot be")
    pub = tmp_path / "public.key"
    pub.write_text(public)
    empty = tmp_path / "empty"
    empty.touch()
    assert "the private one is needed" in told(environ, "restore", str(file), "--key", str(pub))
    assert "This is no private key" in told(environ, "restore", str(file), "--key", str(file))
    assert (
        told(environ, "restore", str(file), "--key", "nowhere")
        == "nowhere cannot be read: No such file or directory.\n"
    )
    assert (
        told(environ, "restore", "nowhere", "--key", str(key)) == "nowhere cannot be read: No such file or directory.\n"
    )
    assert told(environ, "restore", str(empty), "--key", str(key)) == "This file is not a backup.\n"
    assert told(environ, "restore", str(tmp_path), "--key", str(key)) == f"{tmp_path} cannot be read: Is a directory.\n"
    cut = tmp_path / "cut"
    cut.write_bytes(file.read_bytes()[:-1])
    assert (
        told(environ, "restore", str(cut), "--key", str(key), "--replace", "--yes")
        == "This backup was altered or cut off.\n"
    )
    assert not Path("x").exists()
    with db.session() as session:
        assert session.scalars(select(Campaign.slug)).all() == [slug]


def test_a_database_that_somebody_is_using_is_one_line(
    environ: dict[str, str], slug: str, key: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "monday.backup"
    assert run(environ, "backup", str(file)).exit_code == 0
    monkeypatch.setattr("petition.backup.load.LOCK_TIMEOUT", "100ms")
    with db.transaction() as session:
        session.scalars(select(Campaign.slug)).all()
        line = told(environ, "restore", str(file), "--key", str(key), "--replace", "--yes")
    assert line == "Something else is using the database: stop it, or try again.\n"


def test_without_a_key_nothing_is_written(environ: dict[str, str], tmp_path: Path) -> None:
    line = told(environ, "backup", str(tmp_path / "monday.backup"))
    assert line == "There is no key to seal it to: make one with `backup key FILE`, or give one with --to.\n"


def test_a_bare_database_is_told_how_to_get_its_tables(
    environ: dict[str, str], services: EmbeddedServices, key: Path, tmp_path: Path
) -> None:
    from sqlalchemy.engine import make_url

    bare = make_url(services.database_url).set(database="postgres").render_as_string(hide_password=False)
    line = told(environ | {"DATABASE_URL": bare}, "backup", str(tmp_path / "monday.backup"))
    assert line == "The database does not hold this version’s tables: run `python3 app.py migrate`.\n"
    assert not (tmp_path / "monday.backup").exists()


def test_a_close_says_what_it_destroys_and_does_it_only_with_yes(
    environ: dict[str, str], slug: str, tmp_path: Path
) -> None:
    with db.transaction() as session:
        make.a_pass(session, session.scalars(select(Campaign).where(Campaign.slug == slug)).one())
    pepper = tmp_path / "secrets" / "pepper"
    figures = [
        "       1 waiting signatures get their last batch",
        "       0 waiting withdrawals and removals are written with it",
        "       1 issuer key is destroyed: no pass can be issued any more",
        "       3 tags of verified people are deleted",
        "       1 of 3 passes were not used, and cannot be any more",
        "       0 subscribers get the final digest; their addresses are deleted half a year later",
        "Backups from before the close still hold the tags and the sealed key: destroy them, too.",
        "No other campaign is open. The pepper then serves only the list of subscribers: after the last mail, destroy it,",
        f"and every copy, by overwriting {pepper} with 32 new random bytes.",
    ]
    rehearsed = run(environ, "close", slug)
    assert rehearsed.exit_code == 2
    assert rehearsed.stdout.splitlines() == [f"Closing {slug} cannot be undone:", *figures]
    assert rehearsed.stderr == (
        "This bypasses the second organiser who would have to approve the close: nothing was changed. Add --yes to do it.\n"
    )
    with db.session() as session:
        assert session.scalars(select(Campaign.state)).one() is CampaignState.OPEN
        assert len(session.scalars(select(Tag.tag)).all()) == 3
    done = run(environ, "close", slug, "--yes")
    assert done.output.splitlines() == [f"{slug} is closed for good.", *figures]
    with db.session() as session:
        assert session.scalars(select(Campaign.state)).one() is CampaignState.CLOSED
        assert session.scalars(select(Tag.tag)).all() == session.scalars(select(Issuer.sealed_key)).all() == []
        assert session.scalars(select(AuditEntry.action)).all() == [Action.CAMPAIGN_CLOSED]
    assert told(environ, "close", slug) == f"{slug} is closed: only an open campaign can be closed.\n"
    assert told(environ, "close", "nothing", "--yes") == "There is no campaign 'nothing'.\n"


def test_the_pepper_is_named_only_with_the_last_open_campaign(environ: dict[str, str], slug: str) -> None:
    with db.transaction() as session:
        make.campaign(session)
    assert "pepper" not in run(environ, "close", slug).output


SENTENCES = {"9999": "The database holds tables of a newer version than this one: run that version, or a later one.\n"}


@pytest.mark.parametrize("change", ["0001", "0006", "9999"], ids=["oldest", "older", "newer"])
def test_tables_of_another_version_are_not_backed_up(
    environ: dict[str, str], database_url: str, key: Path, tmp_path: Path, change: str
) -> None:
    """So a backup is made by the version that is in use, before its files are replaced."""
    move_tables(database_url, change)
    line = told(environ, "backup", str(tmp_path / "monday.backup"))
    assert line == SENTENCES.get(
        change, "The database holds tables of another version: run `python3 app.py migrate` first.\n"
    )
    assert not (tmp_path / "monday.backup").exists()


def test_a_backup_does_not_replace_tables_of_a_newer_version(
    environ: dict[str, str], database_url: str, key: Path, tmp_path: Path
) -> None:
    file = tmp_path / "monday.backup"
    assert run(environ, "backup", str(file)).exit_code == 0
    move_tables(database_url, "9999")
    line = told(environ, "restore", str(file), "--key", str(key), "--replace", "--yes")
    assert line == "The database holds tables of a newer version than this one: run that version, or a later one.\n"


def move_tables(url: str, revision: str) -> None:
    """Have the database hold tables of a version: an older one as it was, a newer one in name only."""
    if revision != "9999":
        migrate.downgrade(url, revision)
        return
    with create_engine(url).begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
