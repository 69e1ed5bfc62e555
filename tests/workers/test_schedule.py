"""What beat sends and what a worker starts with: no message outlives its use, and settings reach the sender and the queue."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from celery.schedules import crontab

from petition.config import Config, Size
from petition.core.process import NotSetUp, ProcessValue
from petition.mail import ListPostbox
from workers import celery_app, schedule
from workers.celery_app import QUEUES, VISIBILITY_SECONDS, WorkerContext, app
from workers.schedule import SCHEDULE


@pytest.fixture
def config(tmp_path: Path) -> Config:
    environ = {"PETITION_ENV": "test", "PETITION_HOME": str(tmp_path), "PETITION_MAIL_RATE": "7"}
    return Config.from_env(environ | {"REDIS_URL": "rediss://:pw@cache:6380/3", "MAIL_FROM": "Letters <a@b.org>"})


@pytest.fixture
def urls() -> Iterator[None]:
    """The addresses of the broker, which are what they were afterwards."""
    names = ("broker_url", "broker_write_url", "broker_read_url")
    before = {name: app.conf[name] for name in names}
    yield
    app.conf.update(before)


def test_a_message_that_is_sent_every_few_seconds_expires_before_many_of_them_wait() -> None:
    often = {name: entry for name, entry in SCHEDULE.items() if not isinstance(entry["schedule"], crontab)}
    assert {name for name, entry in often.items() if not 0 < entry["options"]["expires"] <= 20} == set()
    assert {entry["options"]["queue"] for entry in SCHEDULE.values()} <= set(QUEUES)


def test_work_that_runs_once_an_hour_or_a_day_is_not_dropped_while_it_waits() -> None:
    hourly = [entry for entry in SCHEDULE.values() if isinstance(entry["schedule"], crontab)]
    assert [entry["task"] for entry in hourly if "expires" not in entry["options"]] == [
        "upkeep.scrub",
        "upkeep.examine",
        "upkeep.purge",
    ]
    assert {len(entry["schedule"].minute) for entry in hourly} == {1}


def test_both_pulses_name_the_process_whose_queue_they_wait_in() -> None:
    pulses = {
        entry["args"][0]: entry["options"]["queue"] for entry in SCHEDULE.values() if entry["task"] == "upkeep.beat"
    }
    assert pulses == {"prompt": "ledger", "bulk": "upkeep"}


def test_no_task_can_run_longer_than_its_message_is_hidden_from_other_workers() -> None:
    """Otherwise a second worker would begin it while the first is at work."""
    assert app.conf.task_soft_time_limit < app.conf.task_time_limit < VISIBILITY_SECONDS
    assert app.conf.broker_transport_options["visibility_timeout"] == VISIBILITY_SECONDS


@pytest.mark.usefixtures("urls")
def test_messages_are_sent_and_read_over_a_checked_certificate(config: Config) -> None:
    celery_app.connect(config)
    names = ("broker_url", "broker_write_url", "broker_read_url")
    assert {app.conf[name] for name in names} == {"rediss://:pw@cache:6380/3?ssl_cert_reqs=required"}


def test_campaign_mail_goes_out_with_the_sender_and_the_rate_of_the_settings(config: Config) -> None:
    sender = celery_app.sender_of(config, ListPostbox())
    assert (sender.mail_from, sender.rate, sender.base_url) == ("Letters <a@b.org>", 7.0, config.base_url)
    assert (sender.secret_key, sender.pepper) == (config.secret_key, config.pepper)


def test_a_task_in_a_process_that_was_not_set_up_is_a_named_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(celery_app, "_context", ProcessValue[WorkerContext]("worker context"))
    with pytest.raises(NotSetUp, match="worker context"):
        celery_app.worker_context()


def test_a_small_installation_looks_less_often_for_the_same_work() -> None:
    before = app.conf.beat_schedule
    try:
        schedule.install(Size.SMALL)
        small = dict(app.conf.beat_schedule)
        schedule.install(Size.NORMAL)
        assert app.conf.beat_schedule == SCHEDULE
    finally:
        app.conf.beat_schedule = before
    assert {name: entry["task"] for name, entry in small.items()} == {
        name: entry["task"] for name, entry in SCHEDULE.items()
    }
    changed = {name for name, entry in small.items() if entry != SCHEDULE[name]}
    assert changed == set(schedule.SMALL)
    assert all(small[name]["schedule"] > SCHEDULE[name]["schedule"] for name in changed)
