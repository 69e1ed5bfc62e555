"""The hourly scrub: by the role that may rewrite tables, once an hour; a single role for everything is in the log."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import Engine, text

from petition.config import Config
from petition.core import clock, db, logs
from petition.core.database_roles import LOST
from petition.privacy import scrub_state
from petition.privacy.scrub import Scrubbed, scrub
from tests.support.waiting import until
from workers import celery_app
from workers.tasks.upkeep import scrub_arrivals


@pytest.fixture(autouse=True)
def _disconnected(engine: Engine) -> Iterator[None]:
    del engine
    yield
    clock.set_offset(0)
    db.disconnect()


def last() -> scrub_state.LastScrub | None:
    with db.session() as session:
        return scrub_state.last(session)


def test_maintenance_scrubs_once_an_hour_and_leaves_a_record(config: Config) -> None:
    """P50: the worker's own connections are the application's, which may not scrub."""
    celery_app.set_up(config)
    scrub_arrivals()
    first = last()
    assert first is not None
    assert first.did == Scrubbed(rewritten=True, wal_switched=True, checkpointed=True)
    scrub_arrivals()
    assert last() == first
    clock.set_offset(3600)
    scrub_arrivals()
    assert (last() or first).at > first.at


@pytest.mark.parametrize("single", [False, True])
def test_a_single_role_for_everything_is_in_the_log(
    config: Config, capsys: pytest.CaptureFixture[str], *, single: bool
) -> None:
    """P59: with one role the scrub works, and the log says what is lost."""
    logs.configure(config)
    owner = config.owner_database_url
    celery_app.set_up(
        replace(config, database_url=owner, maintenance_database_url=owner) if single else config,
    )
    scrub_arrivals()
    assert last() is not None
    assert capsys.readouterr().err.count(LOST) == single


def test_a_role_that_may_not_scrub_is_reported(config: Config) -> None:
    """P59: the application's address in place of maintenance's. Monitors and organisers see what was not done."""
    celery_app.set_up(replace(config, maintenance_database_url=config.database_url))
    scrub_arrivals()
    run = last()
    assert run is not None
    assert run.refused == ("rewritten", "wal_switched", "checkpointed")


def test_a_table_that_is_read_for_long_is_scrubbed_afterwards(engine: Engine, maintenance: Engine) -> None:
    """P28: the bundle of a large letter is read for many seconds. The scrub tries again."""
    with ThreadPoolExecutor(1) as other, engine.connect() as reading:
        reading.execute(text("SELECT count(*) FROM signature"))
        scrubbing = other.submit(scrub, maintenance)
        first = until("the scrub to wait", _transactions)
        until("its next attempt", _transactions, lambda found: found and found != first)
        reading.rollback()
        assert scrubbing.result().rewritten


def _transactions() -> list[str]:
    """The transactions that wait for a lock on a table, of any role."""
    query = "SELECT virtualtransaction FROM pg_locks WHERE NOT granted AND relation = 'signature'::regclass"
    with db.session() as session:
        return list(session.scalars(text(query)))
