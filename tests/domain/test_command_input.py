"""Bad input at a terminal: one sentence and exit code 2, never a stack trace, and nothing is changed."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlalchemy import func, select
from sqlalchemy.exc import DataError, OperationalError, ProgrammingError

from petition.campaigns import Update
from petition.cli import COMMANDS, cli, lines
from petition.cli.common import opened
from petition.core import db
from tests import make
from tests.support.terminal import run, told


@pytest.fixture
def ready(environ: dict[str, str]) -> dict[str, str]:
    """An installation with the campaign `letter`."""
    run(environ, "campaign", "list")
    with db.transaction() as session:
        make.campaign(session, slug="letter")
    return environ


@pytest.mark.parametrize(
    "words",
    [
        ("campaign", "move", "nowhere", "closed"),
        ("campaign", "demand", "nowhere", "1", "met", "the press"),
        ("ledger", "verify", "nowhere"),
        ("close", "nowhere"),
        ("digest", "plan", "nowhere"),
        ("digest", "preview", "nowhere", "signer_daily"),
        ("subscriber", "numbers", "nowhere"),
        ("sending", "pause", "campaign:nowhere"),
        ("update", "publish", "nowhere", "--text", "en=x"),
        ("organiser", "invite", "--campaign", "nowhere"),
    ],
)
def test_a_campaign_that_there_is_not_is_one_line(ready: dict[str, str], words: tuple[str, ...]) -> None:
    assert told(ready, *words) == "There is no campaign 'nowhere'.\n"


@pytest.mark.parametrize(
    "words",
    [
        ("campaign", "move", "\udcff", "closed"),
        ("organiser", "disable", "\udcff"),
        ("subscriber", "numbers", "a\udc80"),
    ],
)
def test_a_word_that_is_not_utf_8_is_one_line(ready: dict[str, str], words: tuple[str, ...]) -> None:
    assert told(ready, *words) == "A word of this command is not UTF-8 text.\n"


@pytest.mark.parametrize("number", ["0", "2", "99999999999999999999", "-1"])
def test_a_demand_that_there_is_not_is_one_line(ready: dict[str, str], number: str) -> None:
    said = told(ready, "campaign", "demand", "--", "letter", number, "met", "the press")
    assert said == f"There is no demand {number}.\n"


@pytest.mark.parametrize("what", ["", "kind:", "kind:nothing", "everything", "ALL", "refused"])
def test_what_cannot_be_paused_is_one_line(ready: dict[str, str], what: str) -> None:
    assert told(ready, "sending", "pause", what) == (
        "Give `all`, `kind:` and a kind of mail, or `campaign:` and its short name.\n"
    )
    assert run(ready, "sending", "status").output == "Everything is sent.\n"


@pytest.mark.parametrize("address", ["", "@", "a@b", "a@b.org,c@d.org", "a b@c.org", "é@b.org", "a" * 65 + "@b.org"])
def test_an_address_that_is_none_is_one_line_and_enters_nobody(ready: dict[str, str], address: str) -> None:
    told(ready, "subscriber", "enter", "letter", "organiser", address)
    told(ready, "subscriber", "lift", address)
    told(ready, "digest", "test", "letter", "signer_daily", address)


def test_an_organiser_that_there_is_not_is_one_line(ready: dict[str, str]) -> None:
    for command in ("disable", "let-in"):
        assert told(ready, "organiser", command, "nobody") == "There is no organiser 'nobody'.\n"


def test_a_role_without_a_campaign_is_one_line(ready: dict[str, str]) -> None:
    assert told(ready, "organiser", "invite", "--role", "owner").startswith("A role is a role in a campaign")


@pytest.mark.parametrize("content", [b"\xff\xfe", b"text\0text", None, b""])
def test_a_text_that_cannot_be_published_is_one_line_and_nothing_is(
    ready: dict[str, str], tmp_path: Path, content: bytes | None
) -> None:
    file = tmp_path / "news.md"
    if content is not None:
        file.write_bytes(content)
    told(ready, "update", "publish", "letter", "--text", f"en={file}", "--text", f"fr={file}")
    with db.session() as session:
        assert session.scalar(select(func.count()).select_from(Update)) == 0


@pytest.mark.parametrize("url", ["smtp://mail.b.org/path", "smtp://mail.b.org?tls=maybe", "smtp://mail.b.org?user=x"])
def test_a_mail_server_that_cannot_be_used_is_one_line_without_its_password(environ: dict[str, str], url: str) -> None:
    said = told(environ | {"SMTP_URL": url.replace("//", "//u:hunter2@")}, "campaign", "list")
    assert said == "SMTP_URL must look like smtp://user:pass@host:587?tls=required.\n"


class Answer(Exception):
    """What PostgreSQL said, by its code."""

    def __init__(self, sqlstate: str | None) -> None:
        super().__init__(sqlstate)
        self.sqlstate = sqlstate


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("42P01", "run `python3 app.py migrate`"),
        ("42703", "run `python3 app.py migrate`"),
        ("53100", "no room left on its disk"),
        ("55P03", "Something else is using the database"),
        ("40P01", "Something else is using the database"),
        ("42501", "The database role may not do this"),
    ],
)
def test_a_database_that_refuses_is_one_line(
    ready: dict[str, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], code: str, sentence: str
) -> None:
    for name, value in ready.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as ended, opened():
        raise ProgrammingError("SELECT", {}, Answer(code))
    said = capsys.readouterr().err
    assert (ended.value.code, said.count("\n"), sentence in said) == (2, 1, True)


@pytest.mark.parametrize("kind", [DataError, OperationalError])
def test_a_fault_of_this_program_is_not_passed_off_as_bad_input(
    ready: dict[str, str], monkeypatch: pytest.MonkeyPatch, kind: type[DataError | OperationalError]
) -> None:
    for name, value in ready.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(kind), opened():
        raise kind("SELECT", {}, Answer("22012"))


def test_an_unknown_command_is_refused_and_help_lists_every_one() -> None:
    assert CliRunner().invoke(cli, ["nothing"]).exit_code == 2
    shown = CliRunner().invoke(cli, ["-h"]).output
    assert [name for name in COMMANDS if f"\n  {name} " not in shown] == []


def test_every_command_is_described_in_a_line_of_at_most_90_characters() -> None:
    described = lines()
    assert described.keys() == COMMANDS.keys()
    assert [name for name, text in described.items() if not 0 < len(text) <= 90 or "\n" in text] == []
