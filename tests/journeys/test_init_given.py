"""`init` with servers that the operator gives: its questions, what a start makes of the answers, and what is refused."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from petition.cli import cli
from petition.config import Config, settings_file
from petition.config.addresses import MAINTENANCE_URL, OWNER_URL
from tests.support.box import HOST, Box
from tests.support.given_servers import DATABASE, OWNER, PASSWORD, STORE_PASSWORD, GivenServers, given_servers
from tests.support.postgresqls import COLLATIONS
from tests.support.served import free_port

MINE = ("--user", "root") if os.geteuid() == 0 else ()
WRONG = "no-password-of-anybody"
RELAY = "127.0.0.1:9"
NO_LOGIN = "The database does not accept the user and password of {}: correct them."
NO_STORE = "Redis does not accept the user and password of REDIS_URL: correct them."


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory, certificate: tuple[Path, Path]) -> Iterator[GivenServers]:
    """Servers whose owner may create roles, as managed PostgreSQL allows it."""
    with given_servers(tmp_path_factory.mktemp("given"), certificate) as started:
        with started.postgres.admin() as connection:
            connection.execute(f"ALTER ROLE {OWNER} CREATEROLE")
        assert started.postgres.database("latin", COLLATIONS["C"], "LATIN1")
        yield started


@pytest.fixture
def made(tmp_path: Path) -> Box:
    """A folder without an installation."""
    return Box(tmp_path, 9, free_port())


def typing(made: Box, *lines: str) -> Result:
    """What `init` does while somebody types these lines."""
    words = ["init", "--settings", str(made.settings), "--home", str(made.home), "--port", str(made.port), *MINE]
    return CliRunner().invoke(cli, words, input="".join(f"{line}\n" for line in lines))


def beginning() -> list[str]:
    """The answers before those about the servers."""
    return [HOST, "", "no-reply@accounts.example.net", RELAY, "", "small", "given"]


def typed_database(given: GivenServers) -> str:
    """Its address as it is typed: without the password, which is asked for."""
    return given.postgres.url(DATABASE, OWNER).replace(f":{PASSWORD}@", "@")


def test_questions_about_given_servers_lead_to_an_installation_that_runs(made: Box, given: GivenServers) -> None:
    """A wrong password is told at once, and only that answer is asked for again."""
    database, store = typed_database(given), f"redis://127.0.0.1:{given.store}/0"
    done = typing(
        made, *beginning(), database, WRONG, database, PASSWORD, store, WRONG, store, STORE_PASSWORD, "y", "n"
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    for sentence in (NO_LOGIN.format(OWNER_URL), NO_STORE):
        assert done.output.count(sentence) == 1
    assert [secret for secret in (PASSWORD, STORE_PASSWORD, WRONG) if secret in done.output] == []
    found = settings_file.read(made.settings)
    Config.from_env(found)
    assert len({found[name] for name in ("DATABASE_URL", OWNER_URL, MAINTENANCE_URL)}) == 3
    with made.up():
        assert made.get("/readyz")[0] == 200
        told = json.loads(made.command("doctor", "--json").stdout)
        verdicts = {each["check"]: each["verdict"] for each in told["checks"]}
        asked = ("database", "encoding", "tables", "roles", "pooler", "redis", "eviction", "persistence", "rights")
        assert {name: verdicts[name] for name in asked} == dict.fromkeys(asked, "ok")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({OWNER_URL: ("PASSWORD", WRONG)}, NO_LOGIN.format(OWNER_URL)),
        ({OWNER_URL: ("/letters?", "/nothing?")}, f"The database that {OWNER_URL} names does not exist: create it, or correct the name."),
        ({OWNER_URL: ("/letters?", "/latin?")}, "The database stores text as LATIN1, which cannot hold every name: create one with"),
        ({OWNER_URL: ("@localhost:PORT", "@localhost:9")}, f"The database cannot be reached: check {OWNER_URL} and that"),
        ({OWNER_URL: ("sslmode=verify-full", "sslmode=perhaps")}, f"The database cannot be reached: check {OWNER_URL} and that"),
        ({"DATABASE_URL": ("PASSWORD", WRONG)}, NO_LOGIN.format("DATABASE_URL")),
        ({"REDIS_URL": ("STORED", WRONG)}, NO_STORE),
        ({"REDIS_URL": (":STORE/", ":9/")}, "Redis cannot be reached, so no codes can be sent: check REDIS_URL and that"),
    ],
)  # fmt: skip
def test_servers_that_are_of_no_use_are_one_sentence_and_nothing_is_written(
    made: Box, given: GivenServers, tmp_path: Path, changes: dict[str, tuple[str, str]], sentence: str
) -> None:
    """P59."""
    ((setting, (part, instead)),) = changes.items()
    part = (
        part.replace("PASSWORD", PASSWORD).replace("PORT", str(given.postgres.front)).replace("STORED", STORE_PASSWORD)
    )
    part = part.replace("STORE", str(given.store))
    name = "DATABASE_URL" if setting == "DATABASE_URL" else OWNER_URL
    lines = {name: given.postgres.url(DATABASE, OWNER), "REDIS_URL": given.redis_url}
    assert part in lines[setting]
    lines[setting] = lines[setting].replace(part, instead)
    answers = tmp_path / "answers"
    answers.touch(0o600)
    answers.write_text("".join(settings_file.line(*pair) for pair in lines.items()))
    words = [
        "init",
        "--yes",
        "--settings",
        str(made.settings),
        "--home",
        str(made.home),
        "--answers",
        str(answers),
        *MINE,
    ]
    asked = [
        "--address",
        HOST,
        "--code-mail-from",
        "no-reply@accounts.example.net",
        "--relay",
        RELAY,
        "--servers",
        "given",
    ]
    done = CliRunner().invoke(cli, [*words, *asked])
    assert (done.exit_code, done.output.count("\n")) == (2, 1), done.output
    assert done.output.startswith(sentence)
    assert [secret for secret in (PASSWORD, STORE_PASSWORD, WRONG) if secret in done.output] == []
    assert [path.name for path in tmp_path.iterdir()] == ["answers"]
    assert CliRunner().invoke(cli, [*words, *asked, "--untried"]).exit_code == 0


def test_a_typed_answer_that_never_fits_writes_nothing(made: Box, given: GivenServers) -> None:
    """Whoever ends the questions there has changed nothing."""
    done = typing(made, *beginning(), typed_database(given), WRONG)
    assert (done.exit_code, done.output.splitlines()[-1]) == (130, "Nothing was written.")
    assert NO_LOGIN.format(OWNER_URL) in done.output
    assert list(made.folder.iterdir()) == []


def test_settings_that_stay_are_not_tried_again(made: Box, given: GivenServers) -> None:
    """A port can be changed while the servers are away."""
    database, store = typed_database(given), f"redis://127.0.0.1:{given.store}/0"
    assert typing(made, *beginning(), database, PASSWORD, store, STORE_PASSWORD, "y", "n").exit_code == 0
    text = made.settings.read_text().replace(f":{given.store}/", ":9/").replace(f":{given.postgres.front}/", ":9/")
    made.settings.write_text(text)
    words = ["init", "--force", "--yes", "--settings", str(made.settings), *MINE]
    changed = CliRunner().invoke(cli, [*words, "--port", "9000"])
    assert changed.exit_code == 0, changed.output
    moved = CliRunner().invoke(cli, [*words, "--redis", "redis://127.0.0.1:10"])
    assert (moved.exit_code, moved.output.count("\n")) == (2, 1), moved.output
