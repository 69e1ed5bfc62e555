"""P59: PostgreSQL as a provider runs it: supported versions, ordinary roles, TLS, encodings, and ways to sort text.

The version of the environment is tried in every run of the tests; others where they are installed, and in the long form
those that npm has.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, select
from sqlalchemy.pool import NullPool

from petition import epochs, signatures
from petition.bootstrap import EmbeddedServices
from petition.campaigns import OpenCampaign, find
from petition.core import clock, db, migrate
from petition.ledger import verify as verifier
from petition.ledger.entries import Visibility
from petition.mailing import digests, subscribers
from petition.mailing.subscribers import Audience
from petition.organisers import Role, enrol, join, members
from petition.privacy import scrub
from petition.publication import bundle_file
from petition.signatures import DisplayChoice
from tests import make
from tests.support.figures import Write
from tests.support.postgresqls import COLLATIONS, Provider, of_npm, of_the_system, of_the_wheel, provider
from tests.support.terminal import run, told

SLUG = "letter-anywhere"
NAMES = ("Zoë Ünal", "Åsa abc", "éclair", "Eve", "ähnlich", "O'Neil", "O Neil", "O’Neil", "coöp", "ab-c", "abc", "ABC", "Ærø",
         "straße", "STRASSE", "İlker", "ilker", "Łukasz", "Ωmega", "李小龙")  # fmt: skip
"""Each collation sorts these in an order of its own, and some take two of them for the same."""
ASKED = ("abc", "oneil", "zoe", "strasse", "ilker", "lukasz", "ωmega", "小龙", "ærø", "é")
TIME = make.NOW


@pytest.fixture(scope="module", params=["wheel", "system-15", "npm-16", "npm-17", "npm-18"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, certificate: tuple[Path, Path], long: bool
) -> Iterator[Provider]:
    """A server of one version."""
    where, _, major = request.param.partition("-")
    if where == "npm" and not long:
        pytest.skip(f"PostgreSQL {major} comes from npm, in the long form only")
    programs = {"wheel": of_the_wheel, "system": lambda: of_the_system(int(major)), "npm": lambda: of_npm(int(major))}
    with provider(programs[where](), tmp_path_factory.mktemp("pg") / "p", certificate) as running:
        yield running


def installed(server: Provider, name: str, services: EmbeddedServices, home: Path) -> dict[str, str]:
    """The settings of a development installation on a database."""
    home.mkdir()
    return {
        "PETITION_ENV": "development", "PETITION_HOME": str(home), "REDIS_URL": services.redis_url, **server.environ(name),
    }  # fmt: skip


def command(environ: dict[str, str], *words: str) -> str:
    """What a command says; it must succeed."""
    done = run(environ, *words)
    assert done.exit_code == 0, (words, done.output)
    return done.output


def lived(environ: dict[str, str]) -> None:
    """A letter with signatures in two batches, one that waits, subscribers, organisers and a digest."""
    command(environ, "campaign", "list")  # connects this process
    with db.transaction() as session:
        letter = make.campaign(session, slug=SLUG, origin=f"localhost/c/{SLUG}", mailing={"hour": 0})
        for number, name in enumerate(NAMES):
            make.signature(session, letter, DisplayChoice(Visibility.NAME, name))
            join(session, letter.id, enrol(session, f"{name} {number}", "en", TIME).id, Role.EDITOR, TIME)
        epochs.close_epoch(session, letter, TIME)
        gone = make.signature(session, letter)
        epochs.close_epoch(session, letter, TIME)
        signatures.withdraw(session, OpenCampaign.of(letter), gone.withdraw)
        make.signature(session, letter)
        subscribers.enter(
            session, make.PEPPER, letter.id, letter.policies(), Audience.ORGANISER, "omar@post.example", "en", TIME
        )
    with db.transaction() as session:
        digests.plan_all(session, find(session, SLUG).id, clock.now())


def seen(environ: dict[str, str], home: Path) -> dict[str, object]:
    """What a reader finds, whatever way the database sorts. The ledger recounts, here and with verify.py."""
    command(environ, "ledger", "verify")
    with db.session() as session:
        letter = find(session, SLUG)
        found = {q: sorted(each.name for each in signatures.named(session, letter.id, q=q).names) for q in ASKED}
        bundle_file.write_bundle(session, letter, home)
        team = sorted(organiser.name for organiser, _ in members(session, letter.id))
        editions = sorted(session.scalars(select(digests.Edition.kind).where(digests.Edition.facts.is_not(None))))
    argv = [sys.executable, "-I", str(verifier.__file__), str(bundle_file.bundle_path(home, SLUG))]
    recounted = subprocess.run(argv, capture_output=True, text=True, check=True).stdout.splitlines()
    return {"found": found, "team": team, "editions": editions, "counted": recounted[0].split()}


def test_everything_works_for_ordinary_roles_over_tls_however_text_is_sorted(
    server: Provider, services: EmbeddedServices, tmp_path: Path, figure: Write
) -> None:
    """P59, P19: search, team, digests and the recount are the same under each collation; so is a restored backup."""
    outcomes: dict[str, dict[str, object]] = {}
    for number, (collation, options) in enumerate(COLLATIONS.items()):
        name, home = f"letters_{number}", tmp_path / f"home{number}"
        if not server.database(name, options):
            continue
        environ = installed(server, name, services, home)
        assert command(environ, "migrate") == ""
        lived(environ)
        outcomes[collation] = seen(environ, home)
        engine = create_engine(
            environ["PETITION_MAINTENANCE_DATABASE_URL"].replace("://", "+psycopg://"), poolclass=NullPool
        )
        done = scrub.scrub(engine)
        assert (done.rewritten, done.wal_switched, done.checkpointed) == (True, False, False)
        assert seen(environ, home) == outcomes[collation]
        goes_through_a_backup(environ, home)
        assert seen(environ, home) == outcomes[collation]
        db.disconnect()
    first = next(iter(outcomes.values()))
    assert [name for name, each in outcomes.items() if json.dumps(each) != json.dumps(first)] == []
    assert first["counted"] == ["counted", str(len(NAMES) + 1)]
    assert {"C", "C.UTF-8"} <= set(outcomes)
    tls = "TLS of its own" if server.tls else "TLS before it"
    figure(f"P59 PostgreSQL {server.version}, {tls}: {', '.join(outcomes)}", len(outcomes), "all that it knows")


def goes_through_a_backup(environ: dict[str, str], home: Path) -> None:
    """Everything is written to a file, and comes back over what is there."""
    key, file = home / "private.key", home / "all.backup"
    command(environ, "backup", "key", str(key))
    command(environ, "backup", str(file))
    command(environ, "restore", str(file), "--key", str(key), "--replace", "--yes")
    command(environ, "campaign", "list")


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
def test_another_encoding_is_refused_in_a_sentence(
    server: Provider, services: EmbeddedServices, tmp_path: Path, encoding: str
) -> None:
    """P59."""
    name = f"encoded_{encoding.lower()}"
    assert server.database(name, COLLATIONS["C"], encoding)
    environ = installed(server, name, services, tmp_path / "home")
    assert told(environ, "migrate").startswith(
        f"The database stores text as {encoding}, which cannot hold every name: "
    )


def test_a_role_without_rights_is_refused_in_a_sentence(
    server: Provider, services: EmbeddedServices, tmp_path: Path
) -> None:
    """P59: the role owns no database, as where somebody made it with another one."""
    assert server.database("of_somebody_else", COLLATIONS["C"])
    with server.admin() as connection:
        connection.execute("ALTER DATABASE of_somebody_else OWNER TO admin")
    environ = installed(server, "of_somebody_else", services, tmp_path / "home")
    assert told(environ, "migrate") == (
        "The database role may not do this: give it the tables, or use the role that owns them.\n"
    )


def test_a_certificate_of_somebody_else_is_refused_in_a_sentence(
    server: Provider, services: EmbeddedServices, tmp_path: Path
) -> None:
    """P59: a connection whose other end cannot prove who it is, is none."""
    assert server.database("unproven", COLLATIONS["C"])
    environ = installed(server, "unproven", services, tmp_path / "home")
    environ = {name: value.replace("@localhost:", "@127.0.0.1:") for name, value in environ.items()}
    assert (
        told(environ, "migrate")
        == "The database cannot be reached: check DATABASE_URL and that the server is running.\n"
    )


def test_a_server_newer_than_those_that_were_tried_is_told_and_used(
    server: Provider, services: EmbeddedServices, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P59. There is no such server yet, so the newest that counts as tried is an older one here."""
    monkeypatch.setattr(migrate, "NEWEST_SERVER", server.version - 1)
    monkeypatch.setattr(migrate, "OLDEST_SERVER", server.version - 1)
    assert server.database("future", COLLATIONS["C"])
    environ = installed(server, "future", services, tmp_path / "home")
    assert command(environ, "migrate") == (
        f"The database server is PostgreSQL {server.version}: this version of the program was tested with servers up to "
        f"{server.version - 1}.\n"
    )


def test_an_older_server_is_refused_in_a_sentence(
    server: Provider, services: EmbeddedServices, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P59. The long form has such a server; here the oldest that counts is a newer one."""
    monkeypatch.setattr(migrate, "OLDEST_SERVER", server.version + 1)
    assert server.database("past", COLLATIONS["C"])
    environ = installed(server, "past", services, tmp_path / "home")
    assert told(environ, "migrate").startswith(
        f"The database server is PostgreSQL {server.version}: this program works with "
    )


@pytest.mark.proof
def test_postgresql_14_is_refused_in_a_sentence(
    services: EmbeddedServices, tmp_path: Path, certificate: tuple[Path, Path]
) -> None:
    """P59."""
    with provider(of_npm(14), tmp_path / "p", certificate) as server:
        assert server.database("past", COLLATIONS["C"])
        environ = installed(server, "past", services, tmp_path / "home")
        assert told(environ, "migrate") == (
            "The database server is PostgreSQL 14: this program works with PostgreSQL 15 to 18.\n"
        )
