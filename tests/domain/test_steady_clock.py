"""P10: a clock that was wrong for a while, and was put right, does nothing that cannot be undone and delays nothing."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from petition import campaigns, organisers
from petition.campaigns import CampaignState, news
from petition.campaigns.news import NewsKind
from petition.config import Config
from petition.core import clock, db, heartbeats, steady_clock
from petition.core.steady_clock import CALM, LONGEST_GAP
from petition.mailing import digests
from petition.organisers import sessions
from petition.privacy import daily_figures
from petition.usecases import daily_figures as counting
from petition.web.dashboard.panels import health
from tests import make
from tests.support import mails
from workers import celery_app
from workers.tasks import ledger, upkeep

SECOND, MINUTE, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(days=1)


def looks(session: Session, *after: timedelta) -> list[bool]:
    """What each look says, so long after the test's moment."""
    return [steady_clock.look(session, make.NOW + each) for each in after]


def test_looks_that_follow_one_another_are_believed(session: Session) -> None:
    assert looks(session, *(SECOND * 3 * n for n in range(5)), LONGEST_GAP) == [True] * 6
    assert steady_clock.is_steady(session, make.NOW + LONGEST_GAP + MINUTE)


@pytest.mark.parametrize("jump", [timedelta(minutes=11), DAY, 400 * DAY, -timedelta(minutes=11), -DAY])
def test_after_a_jump_the_clock_is_believed_once_it_was_calm(session: Session, jump: timedelta) -> None:
    """Forward or back; standing still for as long looks the same and is treated alike."""
    assert looks(session, 0 * SECOND, jump, jump + CALM / 2, jump + CALM - SECOND) == [True, False, False, False]
    assert not steady_clock.is_steady(session, make.NOW + jump + CALM - SECOND)
    assert looks(session, jump + CALM, jump + CALM + SECOND) == [True, True]


def test_a_clock_that_jumps_forth_and_back_is_believed_after_the_second_jump(session: Session) -> None:
    assert looks(session, 0 * SECOND, DAY, 3 * SECOND, CALM) == [True, False, False, False]
    assert looks(session, CALM + 3 * SECOND) == [True]


def test_before_the_first_look_the_clock_is_believed(session: Session) -> None:
    assert steady_clock.is_steady(session, make.NOW)
    looks(session, 0 * SECOND)
    assert not steady_clock.is_steady(session, make.NOW + LONGEST_GAP + SECOND)


def state_of(slug: str) -> CampaignState:
    with db.session() as session:
        return campaigns.find(session, slug).state


def test_a_clock_that_was_weeks_ahead_for_a_moment_closes_no_letter(engine: Engine, config: Config) -> None:
    """P10, P46: the notice of 72 hours is not passed over by a wrong clock."""
    celery_app.set_up(config)
    start = clock.now()
    with db.transaction() as session:
        campaign = make.campaign(session)
        campaign.closes_at = start + 20 * DAY
        slug = campaign.slug
    steps = [0 * SECOND, 21 * DAY, 21 * DAY + 3 * SECOND, 9 * SECOND, MINUTE]
    for step in steps:
        with time_machine.travel(start + step, tick=False):
            ledger.keep_calendar()
            upkeep.purge()
    assert state_of(slug) is CampaignState.OPEN
    for minutes in (0, 5, 10):  # the date comes while the site stands still
        with time_machine.travel(start + 20 * DAY + minutes * MINUTE, tick=False):
            ledger.keep_calendar()
            assert state_of(slug) is (CampaignState.CLOSED if minutes == 10 else CampaignState.OPEN)
    db.engine().dispose()


def test_a_running_site_closes_a_letter_at_its_date(engine: Engine, config: Config) -> None:
    celery_app.set_up(config)
    start = clock.now()
    with db.transaction() as session:
        campaign = make.campaign(session)
        campaign.closes_at = start + MINUTE
        slug = campaign.slug
    for seconds in (0, 30, 59, 60):
        with time_machine.travel(start + seconds * SECOND, tick=False):
            ledger.keep_calendar()
            assert state_of(slug) is (CampaignState.CLOSED if seconds == 60 else CampaignState.OPEN)
    db.engine().dispose()


def test_a_heartbeat_of_the_future_is_no_sign_of_life(session: Session) -> None:
    heartbeats.beat(session, "bulk", make.NOW + 400 * DAY)
    assert not health._since(make.NOW + 400 * DAY, make.NOW).good
    heartbeats.beat(session, "bulk", make.NOW)
    assert heartbeats.last_beats(session, ["bulk"])["bulk"] <= make.NOW


def test_a_session_of_the_future_is_neither_fresh_nor_alive(session: Session) -> None:
    organiser_id = organisers.enrol(session, "Omar", "en", make.NOW).id
    token = sessions.begin(session, organiser_id, make.NOW + 7 * DAY)
    assert sessions.find(session, token, make.NOW) is None
    assert sessions.every(session, organiser_id, make.NOW) == []
    organisers.purge(session, make.NOW)
    assert sessions.find(session, token, make.NOW + 7 * DAY) is None


def test_figures_of_a_day_far_ahead_are_counted_again(session: Session) -> None:
    assert counting.record(session, make.NOW + 400 * DAY)
    assert daily_figures.are_due(session, make.NOW)
    assert counting.record(session, make.NOW)
    assert not daily_figures.are_due(session, make.NOW - DAY)


def test_a_digest_of_a_wrong_clock_holds_up_no_later_one(session: Session) -> None:
    campaign = mails.campaign_with_news(session)
    mails.add_readers(session, campaign, 3)
    session.flush()
    now = clock.now()
    assert digests.plan_all(session, campaign.id, now + 400 * DAY) == 3
    news.record_news(session, campaign.id, NewsKind.CLOSED, 0, now.date())
    session.flush()
    assert digests.plan_all(session, campaign.id, now) == 3
    assert digests.plan_all(session, campaign.id, now) == 0
