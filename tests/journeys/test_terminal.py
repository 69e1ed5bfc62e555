"""Bad input at the terminal: one sentence that says what to do, exit code 2, and never a stack trace."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import click
import pytest
from sqlalchemy import Engine, create_engine, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError

from petition import campaigns, epochs, organisers
from petition.bootstrap import EmbeddedServices
from petition.campaigns import CampaignState, DemandState
from petition.cli import cli
from petition.config import addresses
from petition.core import clock, db
from petition.core.database_roles import LOST
from petition.core.redis_store import RedisStore
from petition.core.security_events import SecurityEvent
from petition.ledger import log
from petition.organisers import Role
from petition.organisers.audit_log import AuditEntry
from petition.privacy import scrub
from tests import make
from tests.support import version_1
from tests.support.served import free_port
from tests.support.terminal import NOWHERE, run, told

NEWER = "The database holds tables of a newer version than this one: run that version, or a later one."
REACHED = "The database cannot be reached: check DATABASE_URL and that the server is running.\n"


@pytest.mark.parametrize(
    "words", [("ledger", "verify"), ("campaign", "list"), ("prepare",), ("migrate",), ("seed",)], ids=" ".join
)
def test_a_database_that_cannot_be_reached_is_one_line(environ: dict[str, str], words: tuple[str, ...]) -> None:
    nowhere = {"DATABASE_URL": NOWHERE, "PETITION_OWNER_DATABASE_URL": NOWHERE}
    assert told(environ | nowhere, *words) == REACHED


@pytest.mark.parametrize("words", [("ledger", "verify"), ("campaign", "list")], ids=" ".join)
def test_a_database_without_tables_says_how_to_make_them(
    environ: dict[str, str], services: EmbeddedServices, words: tuple[str, ...]
) -> None:
    bare = make_url(services.database_url).set(database="postgres").render_as_string(hide_password=False)
    line = told(environ | {"DATABASE_URL": bare}, *words)
    assert line == "The database does not hold this version’s tables: run `python3 app.py migrate`.\n"


WITHOUT_DATABASE = {"amend", "beat", "hide", "init", "receipt", "sbom", "sign", "withdraw"}
WORDS: dict[str, list[str]] = {
    "campaign demand": ["a", "1", "met", "https://a.example"],
    "campaign move": ["a", "closed", "--yes"],
    "restore": ["file", "--key", "file"],
    "subscriber lift": ["suzie@corp.example"],
    "update publish": ["a", "--text", "file"],
}
"""What a command needs besides its name, where that is more than its required arguments."""


def every_command(group: click.Group = cli, *before: str) -> Iterator[tuple[str, ...]]:
    """The words of every command that works with the database."""
    context = click.Context(group)
    for name in group.list_commands(context):
        found = group.get_command(context, name)
        if isinstance(found, click.Group):
            yield from every_command(found, *before, name)
        elif name not in WITHOUT_DATABASE:
            yield (*before, name)


def needs(words: tuple[str, ...]) -> list[str]:
    """What stands behind the name of a command so that it is complete."""
    if given := WORDS.get(" ".join(words)):
        return given
    found: click.Command | None = cli
    for word in words:
        assert isinstance(found, click.Group)
        found = found.get_command(click.Context(found), word)
    assert found is not None
    required = [each.type for each in found.params if isinstance(each, click.Argument) and each.required]
    return [str(kind.choices[0]) if isinstance(kind, click.Choice) else "a" for kind in required]


@pytest.mark.parametrize("words", list(every_command()), ids=" ".join)
def test_a_database_of_a_newer_version_is_one_line(
    environ: dict[str, str], database_url: str, words: tuple[str, ...]
) -> None:
    """P58: whoever goes back to an older version is told what to do, by every command and process."""
    with create_engine(database_url).begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    assert told(environ, *words, *needs(words)) == f"{NEWER}\n"


def test_a_migration_with_one_role_says_what_is_lost_and_with_three_says_nothing(
    environ: dict[str, str], database_url: str
) -> None:
    """P59."""
    assert run(environ, "migrate").output == ""
    single = {**environ, "DATABASE_URL": database_url, "PETITION_OWNER_DATABASE_URL": ""}
    assert run({**single, "PETITION_MAINTENANCE_DATABASE_URL": ""}, "migrate").output == f"{LOST}\n"


def test_letters_that_cannot_be_continued_become_drafts_only_with_yes_and_in_production_too(
    environ: dict[str, str], database_url: str
) -> None:
    """P58."""
    version_1.fill(database_url)
    for words in (["migrate"], ["prepare"], ["seed"]):
        assert "`python3 app.py migrate --yes` writes what was public of each to" in told(environ, *words)
    live = {"PETITION_ENV": "production", "PETITION_BASE_URL": "https://letters.undersigned.org"}
    live |= {"MAIL_FROM": "letters@undersigned.org", "CODE_MAIL_FROM": "codes@accounts.undersigned.org"}
    published = Path(environ["PETITION_HOME"]) / "public" / "old-letter" / "bundle.zip"
    published.parent.mkdir(parents=True)
    published.touch()
    done = run(environ | live, "migrate", "--yes")
    assert done.exit_code == 0, done.output
    lines = done.output.splitlines()
    assert [line.split(" is a draft again")[0] for line in lines] == ["old-letter", "older-letter", "small-letter"]
    assert all((Path(line.rpartition(" ")[2].rstrip(".")) / "SHA256SUMS").exists() for line in lines)
    assert not published.exists(), "the next ledger would be offered with the bundle of the old one"
    assert run(environ, "ledger", "verify").exit_code == 0


def test_a_campaign_goes_on_step_by_step_and_says_which_it_cannot_take(environ: dict[str, str]) -> None:
    run(environ, "migrate")
    with db.transaction() as session:
        slug = make.campaign(session).slug
    assert run(environ, "campaign", "move", slug, "closed", "--yes").exit_code == 0
    assert run(environ, "campaign", "demand", slug, "1", "partly_met", "A newspaper").exit_code == 0
    with db.session() as session:
        found = campaigns.find(session, slug)
        assert (found.state, found.demands[0].state) == (CampaignState.CLOSED, DemandState.PARTLY_MET)
    assert "cannot go from closed to answered" in told(environ, "campaign", "move", slug, "answered")
    assert told(environ, "campaign", "demand", slug, "9", "met", "A newspaper") == "There is no demand 9.\n"
    for words in (("move", "nothing", "closed", "--yes"), ("demand", "nothing", "1", "met", "A newspaper")):
        assert told(environ, "campaign", *words) == "There is no campaign 'nothing'.\n"
    assert told(environ, "ledger", "verify", "nothing") == "There is no campaign 'nothing'.\n"


BYPASSES: dict[tuple[str, ...], str] = {
    ("close", "OPEN"): "the close",
    ("campaign", "move", "OPEN", "closed"): "the close",
    ("campaign", "move", "DRAFT", "open"): "the opening",
    ("update", "publish", "OPEN", "--text", "en=TEXT", "--text", "fr=TEXT", "--mail"): "the mail to subscribers",
    ("organiser", "disable", "Omar"): "the removal of an owner",
    ("seed", "TEXT"): "the opening",
}


@pytest.mark.parametrize("words", BYPASSES, ids=" ".join)
def test_a_command_that_bypasses_the_second_organiser_says_so_and_needs_yes(
    environ: dict[str, str], tmp_path: Path, words: tuple[str, ...]
) -> None:
    """P46: by the command line."""
    run(environ, "migrate")
    text_file = tmp_path / "text.md"
    text_file.write_text("We met.")
    with db.transaction() as session:
        opened, waiting = make.campaign(session), campaigns.draft(session, make.a_draft())
        omar = organisers.enrol(session, "Omar", "en", make.NOW)
        organisers.join(session, opened.id, omar.id, Role.OWNER, make.NOW)
        places = {"OPEN": opened.slug, "DRAFT": waiting.slug, "TEXT": str(text_file)}
    asked = [places.get(each, each.replace("=TEXT", f"={text_file}")) for each in words]
    before = state_of_everything()
    refused = run(environ, *asked)
    sentence = f"This bypasses the second organiser who would have to approve {BYPASSES[words]}: nothing was changed."
    assert (refused.exit_code, refused.stderr) == (2, f"{sentence} Add --yes to do it.\n")
    assert state_of_everything() == before
    if words[0] != "seed":
        done = run(environ, *asked, "--yes")
        assert (done.exit_code, state_of_everything() != before) == (0, True), done.output


def state_of_everything() -> list[object]:
    """What the commands above change: states, updates, organisers, and the lines of the audit log."""
    with db.session() as session:
        states = [(each.slug, each.state, each.closes_at) for each in session.scalars(campaigns.every())]
        updates = session.scalars(select(campaigns.Update.number)).all()
        disabled = session.scalars(select(organisers.Organiser.disabled)).all()
        lines = session.scalars(select(AuditEntry.action).order_by(AuditEntry.number)).all()
    return [states, updates, disabled, lines]


def test_a_recount_sees_one_moment_though_a_batch_is_written_meanwhile(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run(environ, "migrate")
    with db.transaction() as session:
        made = make.campaign(session)
        make.signature(session, made)
        epochs.close_epoch(session, made, make.NOW)
        make.signature(session, made)
        slug = made.slug
    tree, moments = log.tree, iter([make.NOW + timedelta(hours=1)])

    def meanwhile(*given: Any) -> Any:
        for moment in moments:
            with db.transaction() as other:
                assert epochs.close_epoch(other, campaigns.find(other, slug), moment)
        return tree(*given)

    monkeypatch.setattr(log, "tree", meanwhile)
    for counted in (1, 2):
        result = run(environ, "ledger", "verify", slug)
        assert (result.exit_code, f"counted {counted}," in result.output) == (0, True), result.output


def test_a_recount_sees_one_moment_though_the_scrub_wants_to_rewrite_meanwhile(
    environ: dict[str, str], maintenance: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No snapshot survives the truncation of a table: the recount would find no signature and report tampering."""
    run(environ, "campaign", "list")
    with db.transaction() as session:
        made = make.campaign(session)
        make.signature(session, made)
        epochs.close_epoch(session, made, make.NOW)
        slug = made.slug
    head_of = log.head_of

    def meanwhile(*given: Any) -> Any:
        head = head_of(*given)  # the first statement, with which the recount's moment begins
        with pytest.raises(OperationalError, match="lock timeout"), maintenance.begin() as connection:
            scrub._rewrite(connection, ["signature"])
        return head

    monkeypatch.setattr(log, "head_of", meanwhile)
    result = run(environ, "ledger", "verify", slug)
    assert (result.exit_code, "counted 1," in result.output) == (0, True), result.output


def test_a_recount_that_finds_a_difference_is_a_security_event(
    environ: dict[str, str], database_url: str, redis_store: RedisStore
) -> None:
    run(environ, "campaign", "list")
    with db.transaction() as session:
        slug = make.campaign(session).slug
    with create_engine(database_url).begin() as connection:
        connection.execute(text("UPDATE head SET counted = counted + 1"))
    result = run(environ, "ledger", "verify", slug)
    assert result.exit_code == 1
    assert "tampering_found" in result.output
    assert slug not in result.output.splitlines()[-1]
    assert redis_store.events_of(SecurityEvent.TAMPERING_FOUND, clock.now().date()) == 1


def test_a_full_disk_is_said_and_nothing_is_half_done(
    environ: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device", str(tmp_path / "bundle.zip"))

    monkeypatch.setattr("petition.publication.bundle_file.write_bundle", full)
    line = told(environ, "seed")
    assert line == f"{tmp_path}/bundle.zip cannot be written: No space left on device.\n"
    with db.session() as session:
        assert session.scalars(campaigns.every()).all() == []


NEEDED = {
    ("web",): "PETITION_MASTER_KEY",
    ("worker", "prompt"): "PETITION_MASTER_KEY",
    ("beat",): "REDIS_URL",
    ("migrate",): "DATABASE_URL",
    ("ledger", "verify"): "PETITION_MASTER_KEY",
}


@pytest.mark.parametrize("words", NEEDED, ids=" ".join)
def test_missing_secrets_are_named_by_every_process_of_production(words: tuple[str, ...]) -> None:
    """P37: those that the process needs (P50)."""
    argv = [sys.executable, "-m", "petition.cli", *words]
    env = {"PATH": os.environ["PATH"], "PETITION_ENV": "production"}
    done = subprocess.run(argv, cwd=addresses.PROJECT, env=env, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    lines = done.stderr.splitlines()
    assert f"{NEEDED[words]} is missing." in lines
    assert [line for line in lines if not line.endswith(" is missing.")] == []


# As `python3 app.py` runs it, without the step that would set up an environment that these tests run in already.
UP = "import sys; from petition.bootstrap import entry; sys.exit(entry.guarded(lambda: entry.up([])))"


def up(home: Path, **more: str) -> tuple[int, list[str]]:
    """A whole installation that does not start: its exit code and what it said, progress left out."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PETITION_")}
    done = subprocess.run(
        [sys.executable, "-c", UP],
        cwd=addresses.PROJECT,
        env=kept
        | {"PETITION_ENV": "development", "PETITION_HOME": str(home), "PETITION_PORT": str(free_port())}
        | more,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.returncode, [line for line in done.stderr.splitlines() if not line.startswith("  ")]


def test_a_whole_installation_without_its_database_says_so_once(tmp_path: Path, services: EmbeddedServices) -> None:
    said = up(tmp_path, DATABASE_URL=NOWHERE, REDIS_URL=services.redis_url)
    assert said == (2, [REACHED.rstrip()])


@pytest.mark.parametrize(
    ("setting", "value", "line"),
    [
        ("PETITION_HOST", "no such host", "PETITION_HOST is 'no such host'; it must be an address of this machine."),
        ("PETITION_HOST", "ü..x", "PETITION_HOST is 'ü..x'; it must be an address of this machine."),
        (
            "DATABASE_URL",
            "postgresql://u:hunter2@h:abc/x",
            "DATABASE_URL must be like postgresql://user@host:5432/name.",
        ),
        ("DATABASE_URL", "postgresql://u:hunter2@[h/x", "DATABASE_URL must be like postgresql://user@host:5432/name."),
        ("REDIS_URL", "redis://:hunter2@h:abc/0", "REDIS_URL must be like redis://host:6379/0 or unix:///path."),
    ],
)
def test_a_setting_that_cannot_be_used_is_named_without_its_secrets(
    tmp_path: Path, setting: str, value: str, line: str
) -> None:
    assert up(tmp_path, **{setting: value}) == (2, [line])


def test_a_home_that_is_no_folder_is_one_line(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    assert up(file) == (2, [f"The secrets cannot be kept in {file}/secrets: Not a directory."])
