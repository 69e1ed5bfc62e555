"""Earlier code of this repository is used, stopped, and upgraded on the same home: nothing is lost.

Where the history of git is missing, these tests are skipped and say so.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from petition.config.addresses import PROJECT
from tests.support.earlier import Earlier, earlier, last_before_the_newest_tables, said, tree
from tests.support.foreign_client import SLUG, api, b64u, call, leaf_hash, verified
from tests.support.given_servers import GivenServers, given_servers
from tests.support.installation import Running
from tests.support.places import in_memory
from tests.support.served import free_port
from tests.support.upgrades import (
    TEXTS,
    Browser,
    asks_for_mail,
    goes_on,
    in_a_batch,
    lives,
    published,
    publishes_an_update,
    recounts_there,
    signs_in_version_1,
)

FIRST_OF_VERSION_2: Final = "2fa7bdc"
VERSION_1: Final = ("f088f21", "508db34")
"""The oldest state with data, and the last one that the second review saw."""
MAIL_SINCE: Final = "508db34"
FOUNDERS: Final = 249
"""Signatures of the demonstration."""
LAST_OF_VERSION_1: Final = "485b10d"
"""Its backups are signed; those of the states before it are not."""


@contextmanager
def a_home() -> Iterator[Path]:
    """A home folder, in memory where there is room."""
    home = Path(tempfile.mkdtemp(prefix="u-", dir=in_memory()))
    yield home
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def home() -> Iterator[Path]:
    """The home folder of both versions."""
    with a_home() as folder:
        yield folder


@contextmanager
def code_of(commit: str) -> Iterator[Earlier]:
    """The code of a commit, in a folder that is gone afterwards."""
    with a_home() as folder:
        yield earlier(commit, folder)


@pytest.fixture
def given(tmp_path: Path, certificate: tuple[Path, Path]) -> Iterator[GivenServers]:
    """PostgreSQL and Valkey that the operator gives."""
    with given_servers(tmp_path, certificate) as started:
        yield started


def upgraded(home: Path, folder: Path, state: str, before: dict[str, str], after: dict[str, str]) -> None:
    """People use the code of a commit with some settings, and go on with this code and others."""
    commit = last_before_the_newest_tables() if state == "newest" else state
    port = free_port()
    with code_of(commit) as old:
        with old.running(home, port, **before) as running:
            held = lives(old, running, folder)
        with tree(sys.executable, PROJECT, home, port, **after) as running:
            goes_on(running, held, folder)


@pytest.mark.parametrize("state", [FIRST_OF_VERSION_2, "newest"])
def test_everybody_goes_on_after_an_upgrade(home: Path, tmp_path: Path, state: str) -> None:
    """P58: from the first state with ledgers that are continued, and from the newest with other tables than these."""
    upgraded(home, tmp_path, state, {}, {})


def test_everybody_goes_on_after_an_upgrade_on_given_servers(home: Path, tmp_path: Path, given: GivenServers) -> None:
    """P58: the one role that did everything becomes the owner, and two others with fewer rights come beside it."""
    upgraded(home, tmp_path, "newest", given.one_role(), given.three_roles())
    with given.postgres.admin("letters") as connection:
        owners = connection.execute("SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'").fetchall()
    assert owners == [("letters",)]


@pytest.mark.proof
@pytest.mark.parametrize("roles", ["one_role", "three_roles"])
def test_everybody_goes_on_from_the_first_state_on_given_servers(
    home: Path, tmp_path: Path, given: GivenServers, roles: str
) -> None:
    """P58: with the roles that there were."""
    settings: dict[str, str] = getattr(given, roles)()
    upgraded(home, tmp_path, FIRST_OF_VERSION_2, settings, settings)


@pytest.mark.proof
@pytest.mark.parametrize("servers", ["own", "given"])
@pytest.mark.parametrize("state", VERSION_1)
def test_a_letter_of_version_1_stays_provable_and_is_signed_again(
    home: Path, tmp_path: Path, state: str, servers: str, request: pytest.FixtureRequest
) -> None:
    """P58."""
    port = free_port()
    settings = request.getfixturevalue("given").one_role() if servers == "given" else {}
    with code_of(state) as old, old.running(home, port, **settings) as running:
        receipt = signs_in_version_1(running)
        bundle = published(running, FOUNDERS + 1)
        confirm = ""
        if state == MAIL_SINCE:
            assert Browser().presses(running.sign_in)[0] == 200
            publishes_an_update(old, running, tmp_path)
            confirm = asks_for_mail(running)
    stopped = Running(f"http://localhost:{port}", home, running.process, "", more=settings)
    told = said(sys.executable, PROJECT, stopped, "migrate", "--yes")
    record = recounts_there(told, receipt)
    if state == MAIL_SINCE:
        assert (record / "bundle.zip").read_bytes() == bundle
    with tree(sys.executable, PROJECT, home, port, **settings) as running:
        is_signed_again(running, confirm, updated=state == MAIL_SINCE)


@pytest.mark.proof
@pytest.mark.parametrize("state", [MAIL_SINCE, LAST_OF_VERSION_1])
def test_a_backup_of_version_1_is_restored_as_an_upgrade_would_leave_it(home: Path, tmp_path: Path, state: str) -> None:
    """P58: with the secrets of that time on a new machine; a backup that nobody signed wants a word more."""
    port, key, file = free_port(), tmp_path / "private.key", tmp_path / "letters.backup"
    with code_of(state) as old, old.running(home, port) as running:
        receipt = signs_in_version_1(running)
        bundle = published(running, FOUNDERS + 1)
        publishes_an_update(old, running, tmp_path)
        confirm = asks_for_mail(running)
        old.command(running, "backup", "key", str(key))
        old.command(running, "backup", "write", str(file))
    with a_home() as other:
        shutil.copytree(home / "secrets", other / "secrets")
        new = Running(f"http://localhost:{port}", other, running.process, "")
        words = ["restore", str(file), "--key", str(key)]
        if state == MAIL_SINCE:
            refused = new.command(*words)
            assert (refused.returncode, refused.stderr.count("\n")) == (2, 1), refused.stderr
            assert "--unsigned" in refused.stderr
            words.append("--unsigned")
        told = said(sys.executable, PROJECT, new, *words)
        assert (recounts_there(told, receipt) / "bundle.zip").read_bytes() == bundle
        with tree(sys.executable, PROJECT, other, port) as running:
            said(sys.executable, PROJECT, running, "sending", "resume")
            is_signed_again(running, confirm, updated=True, signed_in=False)


def is_signed_again(running: Running, confirm: str, *, updated: bool, signed_in: bool = True) -> None:
    """The letter is a draft; it opens, and who was verified before is verified again."""
    assert Browser().opens(f"{running.url}/c/{SLUG}")[0] == 404
    if confirm:
        assert "This letter is not public now" in Browser().presses(confirm)[1]
    owner = Browser()
    if signed_in:
        assert owner.presses(running.sign_in)[0] == 200
        assert SLUG in owner.opens(f"{running.url}/organise")[1]
    said(sys.executable, PROJECT, running, "campaign", "move", SLUG, "open", "--yes")
    _, held = verified(running, "suzie@salesforce.example")
    answer = call(api(running, "/sign"), {"pass": held, "show": "anonymous"})
    assert answer.status == 201, "who was verified in version 1 is verified again"
    in_a_batch(running, b64u(leaf_hash(answer.body["receipt"]["entry"])))
    if updated:
        assert TEXTS["en"] in Browser().opens(f"{running.url}/c/{SLUG}")[1]
    said(sys.executable, PROJECT, running, "ledger", "verify")
