"""`doctor`: files, passwords, disk and backups of this machine; checks that hang or fail; and the command itself."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from petition import config as settings
from petition.config import Config, Environment
from petition.core import clock, db
from petition.operation import CHECKS, Check, Context, Dns, Finding, Verdict, backups, run, worst
from petition.operation.checks import machine
from petition.operation.checks.machine import secret_paths
from petition.operation.findings import fault, ok, warning
from tests import make
from tests.support.dns_server import Names, dns_server
from tests.support.doctor import bare, is_, look
from tests.support.mail_server import Answers, server
from tests.support.terminal import run as command
from tests.support.terminal import told

OK, WARNING, FAULT = Verdict
NO_DNS = "127.0.0.1:9"


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return Context(bare(tmp_path / "home"), clock.now, Dns(NO_DNS))


def secret(path: Path, mode: int) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x" * 32)
    path.chmod(mode)
    return str(path)


@pytest.mark.parametrize(
    ("mode", "verdict", "words"),
    [
        (0o600, OK, "Nobody else"),
        (0o400, OK, "Nobody else"),
        (0o640, WARNING, "whole group"),
        (0o644, FAULT, "everybody on this machine"),
        (0o602, FAULT, "everybody on this machine"),
    ],
)  # fmt: skip
def test_who_may_read_a_secret(context: Context, tmp_path: Path, mode: int, verdict: Verdict, words: str) -> None:
    good, judged = secret(tmp_path / "good", 0o600), secret(tmp_path / "pepper", mode)
    finding = look(replace(context, paths=(good, judged)), "files")
    is_(finding, verdict, words)
    assert (f"chmod 600 {judged}" in finding.sentence) == (verdict is not OK)


def test_a_folder_with_data_that_others_may_enter_is_a_fault(context: Context) -> None:
    context.config.home.mkdir()
    context.config.home.chmod(0o755)
    is_(look(context, "files"), FAULT, f"chmod 700 {context.config.home}")


def test_a_secret_beside_the_data_is_a_warning_and_one_that_is_gone_a_fault(context: Context) -> None:
    path = secret(context.config.home / "pepper", 0o600)
    context.config.home.chmod(0o700)
    is_(look(replace(context, paths=(path,)), "files"), WARNING, "lies in PETITION_HOME", "tmpfs")
    is_(look(replace(context, paths=(f"{path}s",)), "files"), FAULT, "is not there")


def test_every_file_that_a_setting_names_is_judged(tmp_path: Path) -> None:
    """The folder of development's own secrets, too, without its drafts."""
    secret(tmp_path / "secrets/pepper", 0o600)
    secret(tmp_path / "secrets/.pepper.0123", 0o600)
    environ = {f"{name}_FILE": f"/x/{name}" for name in settings_in_files()} | {"PETITION_PEPPER_FILE": "/x/pepper"}
    found = secret_paths(settings.files_with_secrets(tmp_path, environ), "a.example:s:/k/1.pem, b.example:t:/k/2.pem,x")
    named = [f"/x/{name}" for name in settings_in_files()]
    assert found == (*named, "/x/pepper", str(tmp_path / "secrets/pepper"), "/k/1.pem", "/k/2.pem")


def settings_in_files() -> tuple[str, ...]:
    from petition.config.reader import IN_FILES

    return IN_FILES


@pytest.mark.parametrize(
    ("url", "verdict"),
    [
        ("postgresql+psycopg://a@/b?host=/run/pg", OK),
        ("postgresql+psycopg://a@localhost/b", OK),
        ("postgresql+psycopg://a:xK4-2fYq9LmZ8@db.example/b", OK),
        ("postgresql+psycopg://a@db.example/b?sslcert=/x", OK),
        ("postgresql+psycopg://a@db.example/b", WARNING),
        ("postgresql+psycopg://a:short1@db.example/b", WARNING),
        ("postgresql+psycopg://a:changeme-changeme@db.example/b", WARNING),
    ],
)  # fmt: skip
def test_passwords_of_servers_on_the_network(context: Context, url: str, verdict: Verdict) -> None:
    own = "postgresql+psycopg://a@/b?host=/run/pg"
    config = replace(
        context.config,
        database_url=url,
        owner_database_url=own,
        maintenance_database_url=own,
        redis_url="unix:///run/r",
    )
    finding = look(replace(context, config=config), "passwords")
    assert finding.verdict is verdict, finding
    assert "changeme" not in finding.sentence
    assert "short1" not in finding.sentence


def test_a_demonstration_is_a_warning(context: Context) -> None:
    is_(look(context, "settings"), OK)
    trial = replace(context, config=replace(context.config, env=Environment.DEVELOPMENT))
    is_(look(trial, "settings"), WARNING, "PETITION_ENV is development")


@pytest.mark.parametrize(
    ("total", "free", "verdict"), [(10**12, 10**12, OK), (10**13, 10**10, WARNING), (10**12, 10**8, FAULT)]
)
def test_room_on_the_disk(
    config: Config, monkeypatch: pytest.MonkeyPatch, total: int, free: int, verdict: Verdict
) -> None:
    usage = type(machine.shutil.disk_usage("/"))  # type: ignore[attr-defined]
    monkeypatch.setattr(machine.shutil, "disk_usage", lambda _place: usage(total, total - free, free))  # type: ignore[attr-defined]
    is_(look(Context(config, clock.now, Dns(NO_DNS)), "disk"), verdict, "MB are free", "the database holds")


def test_how_old_the_newest_backup_is(config: Config) -> None:
    context = Context(config, clock.now, Dns(NO_DNS))
    db.connect(config.database_url)
    is_(look(context, "backup"), WARNING, "No backup was ever written", "backup FILE`")
    with db.transaction() as session:
        make.campaign(session)
    is_(look(context, "backup"), FAULT, "No backup was ever written")
    for days, verdict, words in ((1, OK, "was written at"), (3, WARNING, "3 days old"), (8, FAULT, "8 days old")):
        with db.transaction() as session:
            backups.record(session, clock.now() - timedelta(days=days))
        is_(look(context, "backup"), verdict, words)
    db.disconnect()


def a_check(name: str, look_: Any) -> Check:
    return Check(name, name, look_)


def test_a_check_that_hangs_costs_its_time_and_the_others_nothing(context: Context) -> None:
    never = Event()
    checks = [
        a_check("a", lambda *_: ok("Fine.")),
        a_check("b", lambda *_: never.wait()),
        a_check("c", lambda *_: never.wait()),
        a_check("d", lambda *_: warning("Look.")),
    ]
    began = time.monotonic()
    found = run(context, checks, seconds=0.5)
    never.set()
    assert time.monotonic() - began < 2
    assert [(each.name, each.verdict) for each in found] == [("a", OK), ("b", FAULT), ("c", FAULT), ("d", WARNING)]
    is_(found[1], FAULT, "no answer within")


def test_a_check_that_fails_is_a_sentence_without_a_trace(context: Context) -> None:
    def broken(*_: object) -> Finding:
        raise ZeroDivisionError("suzie@corp.example")

    (finding,) = run(context, [a_check("a", broken)])
    is_(finding, FAULT, "failed by itself (ZeroDivisionError)")
    assert "suzie" not in finding.sentence


def test_a_sentence_is_one_printable_line_of_limited_length() -> None:
    is_(fault("a\x1b[31m\u202e\u2028b\r\nc" + "x" * 5_000 + "."), FAULT, "a [31m b c")


def test_the_worst_verdict_counts() -> None:
    assert [worst(each) for each in ([], [OK], [OK, WARNING], [FAULT, OK, WARNING])] == [OK, OK, WARNING, FAULT]


@pytest.fixture
def ready(environ: dict[str, str]) -> Iterator[dict[str, str]]:
    """An installation of development, whose home is private, and which asks a small DNS server."""
    Path(environ["PETITION_HOME"]).chmod(0o700)
    with dns_server(Names()) as resolver:
        yield environ | {"RESOLVER": resolver}


def test_the_command_prints_a_line_for_each_check_and_a_fault_is_exit_code_1(ready: dict[str, str]) -> None:
    result = command(ready, "doctor", "--resolver", ready["RESOLVER"])
    *lines, total = result.stdout.splitlines()
    counts = Counter(line.split()[0] for line in lines)
    assert result.exit_code == 1  # neither worker runs
    expected = [
        check.name for check in CHECKS if check.name not in {"mail", "reception", "spf", "dkim", "dmarc", "mta-sts"}
    ]
    assert [line.split()[1] for line in lines] == expected
    assert total == f"{counts['OK']} OK, {counts['warning']} warnings, {counts['fault']} faults."
    assert [line for line in lines if line.startswith("fault")] == [line for line in lines if " processes " in line]
    assert "Traceback" not in result.output


def test_json_holds_the_same(ready: dict[str, str]) -> None:
    result = command(ready, "doctor", "--json", "--resolver", ready["RESOLVER"])
    told_ = json.loads(result.stdout)
    assert result.exit_code == 1
    assert (told_["v"], told_["verdict"]) == (1, "fault")
    assert {tuple(each) for each in told_["checks"]} == {("check", "about", "verdict", "sentence")}
    assert {each["check"]: each["verdict"] for each in told_["checks"]}["processes"] == "fault"


def test_the_command_ends_with_0_when_nothing_is_at_fault(
    ready: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [Finding(OK, "Fine.", "a"), Finding(WARNING, "Look.", "b", "x.example")]
    monkeypatch.setattr("petition.operation.run", lambda *_: found)
    result = command(ready, "doctor")
    assert result.exit_code == 0
    assert result.stdout == "OK       a            Fine.\nwarning  b x.example  Look.\n1 OK, 1 warnings, 0 faults.\n"


@pytest.mark.parametrize("resolver", ["banana", "9.9.9.9:x", "dns.example:53"])
def test_a_resolver_that_is_none_is_one_line(ready: dict[str, str], resolver: str) -> None:
    assert told(ready, "doctor", "--resolver", resolver).startswith("--resolver must be an address")


@pytest.mark.parametrize("address", ["x", "a@b@c", "a b@c.org", "a@b.org,c@d.org", "é@b.org", "-"])
def test_an_address_that_is_none_is_one_line(ready: dict[str, str], address: str) -> None:
    assert told(ready, "doctor", "--mail-to", address).startswith("--mail-to must be one mail address")


def test_a_work_address_gets_no_mail(ready: dict[str, str]) -> None:
    """The employer would see it. Hosts below a work domain are its, too."""
    command(ready, "campaign", "list")
    with db.transaction() as session:
        domain = make.campaign(session).policies()[0].domain
    for address in (f"rita@{domain}", f"rita@Mail.{domain.upper()}"):
        assert told(ready, "doctor", "--mail-to", address).startswith("This is a work address")


def test_settings_that_are_missing_are_exit_code_2(ready: dict[str, str]) -> None:
    result = command(ready | {"PETITION_ENV": "production"}, "doctor")
    assert (result.exit_code, "MAIL_FROM is missing." in result.output) == (2, True)


def test_the_command_mails_whom_it_was_told_and_nobody_else(ready: dict[str, str]) -> None:
    answers = Answers()
    with server(answers) as port:
        environ = ready | {"SMTP_URL": f"smtp://127.0.0.1:{port}"}
        result = command(environ, "doctor", "--mail-to", "rita@home.example", "--resolver", ready["RESOLVER"])
    assert "OK       mail Undersigned <letters@undersigned.example>" in result.stdout
    assert {tuple(to) for _, to, _ in answers.taken} == {("rita@home.example",)}
    assert len(answers.taken) == 2


def test_a_backup_is_recorded_and_nothing_but_its_time(ready: dict[str, str], tmp_path: Path) -> None:
    assert command(ready, "backup", "key", str(tmp_path / "private.key")).exit_code == 0
    with db.session() as session:
        assert backups.last(session) is None
    before = clock.now()
    assert command(ready, "backup", str(tmp_path / "letters.backup")).exit_code == 0
    assert command(ready, "backup", str(tmp_path / "letters.backup")).exit_code == 2  # it is there already
    with db.session() as session:
        made = backups.last(session)
    assert made is not None
    assert abs(made - before) < timedelta(minutes=1)
    assert [column.name for column in backups.BackupRun.__table__.columns] == ["at"]
