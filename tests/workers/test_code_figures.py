"""The figures of codes move from Redis into the database once a day, whichever worker comes first."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import Engine, select

from petition.config import Config
from petition.core import db, steady_clock
from petition.core.ids import CampaignId
from petition.core.redis_store import RedisStore
from petition.mailing import subscribers
from petition.mailing.digests import Edition
from petition.mailing.subscribers import Audience
from petition.privacy.daily_figures import DailyFigures
from petition.verification.tables import CodeDay
from tests import make
from workers import celery_app
from workers.loops import code_figures
from workers.tasks import digests, upkeep

MIDNIGHT = datetime(2026, 11, 25, tzinfo=UTC)
YESTERDAY = (MIDNIGHT - timedelta(days=1)).date()


@pytest.fixture
def campaign_id(engine: Engine, config: Config, redis_store: RedisStore) -> Iterator[CampaignId]:
    """A letter for which twelve codes were asked for and eleven used, and an organiser who gets mail at midnight."""
    celery_app.set_up(config)
    with time_machine.travel(MIDNIGHT, tick=False), db.transaction() as session:
        made = make.campaign(session, mailing={"hour": 0})
        policies = made.policies()
        subscribers.enter(
            session, make.PEPPER, made.id, policies, Audience.ORGANISER, "omar@post.example", "en", make.NOW
        )
    for n in range(12):
        redis_store.count_asked(YESTERDAY, made.id, "corp.example", 1)
        if n:
            redis_store.count_used(YESTERDAY, made.id, "corp.example")
    yield made.id
    db.disconnect()


def figures() -> list[tuple[int, int]]:
    """Codes asked for and used, of every row in the database."""
    with db.session() as session:
        return [(each.asked, each.used) for each in session.scalars(select(CodeDay))]


def test_a_worker_moves_them_when_the_day_is_over(campaign_id: CampaignId, redis_store: RedisStore) -> None:
    """P44: before midnight there is no row, and afterwards Redis holds none of them any more."""
    with time_machine.travel(MIDNIGHT - timedelta(seconds=1), tick=False) as watch:
        upkeep.count_day()
        assert figures() == []
        watch.move_to(MIDNIGHT)
        upkeep.count_day()
        assert (figures(), redis_store.codes_of(YESTERDAY)) == ([(12, 11)], [])
        redis_store.count_used(YESTERDAY, campaign_id, "corp.example")  # by a request that began before midnight
        upkeep.count_day()
        assert figures() == [(12, 11)]


def looked(moment: datetime, watch: time_machine.Coordinates) -> None:
    """A worker looks at the clock."""
    watch.move_to(moment)
    with db.transaction() as session:
        steady_clock.look(session, moment)


def counted_days() -> list[date]:
    """The day of each row of figures of a day."""
    with db.session() as session:
        return list(session.scalars(select(DailyFigures.day)))


def test_a_clock_that_jumps_over_midnight_for_a_moment_ends_no_day(campaign_id: CampaignId) -> None:
    """P10, P44: otherwise the figures of the day that still runs would be written, and the rest of it would be lost."""
    jump = MIDNIGHT + timedelta(minutes=1)
    with time_machine.travel(MIDNIGHT - timedelta(hours=6), tick=False) as watch:
        looked(MIDNIGHT - timedelta(hours=6), watch)
        watch.move_to(jump)
        upkeep.count_day()  # before a worker looked at the clock again
        digests.plan()
        looked(jump, watch)
        upkeep.count_day()
        digests.plan()
        assert (figures(), counted_days()) == ([], [])
        for minutes in range(-350, 5, 5):
            looked(MIDNIGHT + timedelta(minutes=minutes), watch)
        upkeep.count_day()
        assert figures() == [(12, 11)]
        assert set(counted_days()) == {YESTERDAY}
    del campaign_id


def test_the_digest_of_midnight_has_the_codes_of_the_day_though_no_other_worker_moved_them(
    campaign_id: CampaignId,
) -> None:
    with time_machine.travel(MIDNIGHT, tick=False):
        digests.plan()
    with db.session() as session:
        edition = session.scalars(select(Edition).where(Edition.kind == "organiser_daily")).one()
    codes = [{"domain": "corp.example", "day": YESTERDAY.isoformat(), "asked": 12, "used": 11}]
    assert (edition.facts or {})["codes"] == codes


def test_workers_that_come_at_once_write_them_once(campaign_id: CampaignId, config: Config) -> None:
    """P44."""
    together, faults = threading.Barrier(8), []

    def one() -> None:
        together.wait()
        try:
            code_figures.record_codes(RedisStore(config.redis_url), MIDNIGHT)
        except Exception as fault:
            faults.append(fault)

    threads = [threading.Thread(target=one) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (figures(), faults) == ([(12, 11)], [])
    del campaign_id


def test_while_redis_is_away_nothing_is_written_and_the_next_call_does_it(
    campaign_id: CampaignId, config: Config
) -> None:
    """P44: a day whose figures cannot be read is not a day without codes."""
    code_figures.record_codes(RedisStore("unix:///nowhere"), MIDNIGHT)
    assert figures() == []
    code_figures.record_codes(RedisStore(config.redis_url), MIDNIGHT)
    assert figures() == [(12, 11)]
    del campaign_id
