"""Once a day the bulk worker checks the installation and keeps a word for each check, in production only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import select

from petition.config import Config, Environment
from petition.core import clock, db
from petition.operation import CHECKS, Check, Dns, Verdict, results
from petition.operation.findings import fault, ok
from petition.operation.results import CheckResult
from tests.support.dns_server import Names, dns_server
from tests.support.mail_server import Answers, server
from workers import celery_app
from workers.loops import examination
from workers.tasks import upkeep


@pytest.fixture
def names() -> Names:
    return Names()


@pytest.fixture
def installed(config: Config) -> Iterator[Config]:
    """The database of an installation, in production."""
    db.connect(config.database_url)
    yield replace(config, env=Environment.PRODUCTION)
    db.disconnect()


def kept() -> dict[str, Verdict]:
    with db.session() as session:
        return results.last(session)[1]


def test_every_check_leaves_a_word_and_nobody_gets_a_mail(installed: Config, names: Names) -> None:
    answers = Answers()
    with dns_server(names) as resolver, server(answers) as port:
        config = replace(installed, smtp_url=f"smtp://127.0.0.1:{port}")
        examination.examine(config, clock.now, Dns(resolver, seconds=1))
    assert set(kept()) == {each.name for each in CHECKS} - {"mail"}
    assert kept()["database"] is Verdict.OK
    assert kept()["processes"] is Verdict.FAULT
    assert answers.taken == []


def test_no_host_and_no_sentence_is_kept(installed: Config) -> None:
    checks = [Check("relay", "Relay", lambda *_: fault("smtp.relay.example refuses us."))]
    examination.examine(installed, clock.now, Dns("127.0.0.1:9"), checks)
    with db.session() as session:
        (row,) = session.scalars(select(CheckResult))
    assert {name: getattr(row, name) for name in ("name", "verdict")} == {"name": "relay", "verdict": "fault"}
    assert row.at.microsecond == 0
    assert {column.name for column in CheckResult.__table__.columns} == {"name", "verdict", "at"}


@pytest.mark.parametrize(("env", "runs"), [(Environment.PRODUCTION, 1), (Environment.DEVELOPMENT, 0)])
def test_the_task_runs_once_a_day_and_not_in_a_demonstration(
    installed: Config, monkeypatch: pytest.MonkeyPatch, env: Environment, runs: int
) -> None:
    done: list[Config] = []
    config = replace(installed, env=env)
    monkeypatch.setattr(upkeep, "worker_context", lambda: celery_app.WorkerContext(config, None, None, None))  # type: ignore[arg-type]
    monkeypatch.setattr(examination, "examine", lambda config, *_: done.append(config))
    for _ in range(3):
        upkeep.examine()
    assert len(done) == runs


def test_the_worst_of_several_subjects_counts(installed: Config) -> None:
    two = Check("spf", "SPF", lambda _, about: fault("No.") if about == "b" else ok("Yes."), lambda _: ("a", "b", "c"))
    examination.examine(installed, clock.now, Dns("127.0.0.1:9"), [two])
    assert kept() == {"spf": Verdict.FAULT}
