"""The canary: when codes stopped arriving, organisers get a mail; before, and for small figures, they get none."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
import redis
from sqlalchemy import select
from sqlalchemy.orm import Session

from petition import verification
from petition.bootstrap import EmbeddedServices
from petition.campaigns import Campaign, CampaignState
from petition.core.redis_store import CodeCount, RedisStore, RedisUnavailable
from petition.mailing import digests, subscribers
from petition.mailing.digests import Edition
from petition.mailing.digests.kinds import DIGESTS
from petition.mailing.queue import Delivery
from petition.mailing.subscribers import Audience
from petition.verification import Silence, canary
from petition.verification.tables import CodeDay
from tests import make

TODAY = make.NOW.date()
USUAL = [(40, 36)] * 7
"""A week in which nine codes of ten were used."""


def days(session: Session, campaign: Campaign, *figures: tuple[int, int], domain: str = "corp.example") -> None:
    """Codes asked for and used on each of the last days; yesterday last."""
    for back, (asked, used) in enumerate(reversed(figures), start=1):
        counts = [CodeCount(campaign.id, domain, asked, used)]
        canary.write_day(session, TODAY - timedelta(days=back), counts)


def found(session: Session, campaign: Campaign, *figures: tuple[int, int]) -> list[Silence]:
    """What the canary says."""
    days(session, campaign, *figures)
    return verification.silent_domains(session, campaign.id, TODAY)


@pytest.mark.parametrize(
    ("recent", "expected"),
    [
        ([(40, 4), (40, 3)], Silence("corp.example", 80, 25, 90)),
        ([(40, 16), (40, 19)], Silence("corp.example", 80, 45, 90)),
        ([(40, 19), (40, 18)], None),
        ([(9, 0), (9, 0)], None),
        ([(9, 0), (10, 2)], Silence("corp.example", 10, 25, 90)),
        ([(10, 3), (0, 0)], None),
        ([(300, 0)], Silence("corp.example", 340, 15, 90)),
        ([(0, 0)], None),
    ],
)
def test_the_share_of_two_days_is_compared_with_that_of_the_week_before(
    session: Session, recent: list[tuple[int, int]], expected: Silence | None
) -> None:
    campaign = make.campaign(session)
    assert found(session, campaign, *USUAL, *recent) == ([expected] if expected else [])


@pytest.mark.parametrize(("used", "silent"), [(0, True), (2, True), (3, False), (9, False), (10, False)])
def test_where_nothing_is_known_of_the_days_before_a_quarter_is_enough(
    session: Session, used: int, silent: bool
) -> None:
    expected = [Silence("corp.example", 11, 25, None)] if silent else []
    assert found(session, make.campaign(session), (11, used)) == expected


def test_a_share_that_was_always_low_is_usual(session: Session) -> None:
    assert found(session, make.campaign(session), *[(100, 30)] * 7, (100, 20), (100, 16)) == []


def test_of_a_day_that_is_over_neither_a_figure_under_ten_nor_a_share_above_a_half_is_kept(session: Session) -> None:
    """P43: the row of a day does not say that all who asked were verified, nor that nobody was; a quiet day has none."""
    campaign = make.campaign(session)
    days(session, campaign, (0, 1), (9, 9), (10, 0), (10, 2), (10, 3), (10, 9), (12, 12), (12, 30), (80, 7))
    rows = session.scalars(select(CodeDay).order_by(CodeDay.day))
    assert [(each.asked, each.used, each.share) for each in rows] == [
        (10, 0, 0), (10, 0, 0), (10, 0, 25), (10, 0, 50), (12, 12, 50), (12, 12, 50), (80, 0, 0),
    ]  # fmt: skip


def codes(session: Session) -> list[tuple[str, int, int]]:
    """Domain, codes asked for and codes used of every row in the database."""
    rows = session.scalars(select(CodeDay).order_by(CodeDay.day, CodeDay.domain))
    return [(each.domain, each.asked, each.used) for each in rows]


def count(
    store: RedisStore, campaign: Campaign, day: date, asked: int, used: int, domain: str = "corp.example"
) -> None:
    """So many requests and used codes."""
    for _ in range(asked):
        store.count_asked(day, campaign.id, domain, 1)
    for _ in range(used):
        store.count_used(day, campaign.id, domain)


def test_the_codes_of_a_day_reach_the_database_once_when_it_is_over(session: Session, redis_store: RedisStore) -> None:
    """P44, P43: what is counted later, or by a second process, moves nothing."""
    campaign, other = make.campaign(session), make.campaign(session)
    count(redis_store, campaign, TODAY, 12, 11)
    count(redis_store, campaign, TODAY, 9, 9, "b.example")
    count(redis_store, other, TODAY, 10, 4)
    redis_store.count_asked(TODAY, campaign.id, "c.example", 0)  # a request beyond the cap, from which no mail leaves
    count(redis_store, campaign, TODAY + timedelta(days=1), 30, 30)
    assert codes(session) == []
    assert verification.record_codes(session, redis_store, TODAY)
    recorded = codes(session)
    assert sorted(recorded) == [("corp.example", 10, 0), ("corp.example", 12, 11)]
    count(redis_store, campaign, TODAY, 5, 5)
    assert not verification.record_codes(session, redis_store, TODAY)
    assert codes(session) == recorded


def test_a_flush_of_redis_costs_the_figures_of_today_and_nothing_else(
    session: Session, redis_store: RedisStore, services: EmbeddedServices
) -> None:
    """P44: no row is better than one of noughts; a process that finds Redis away leaves the day to the next one."""
    campaign = make.campaign(session)
    count(redis_store, campaign, TODAY - timedelta(days=1), 20, 20)
    assert verification.record_codes(session, redis_store, TODAY - timedelta(days=1))
    count(redis_store, campaign, TODAY, 20, 20)
    redis.Redis.from_url(services.redis_url).flushall()
    with pytest.raises(RedisUnavailable), session.begin_nested():
        verification.record_codes(session, RedisStore("unix:///nowhere"), TODAY)
    count(redis_store, campaign, TODAY, 0, 3)
    assert verification.record_codes(session, redis_store, TODAY)
    assert codes(session) == [("corp.example", 20, 20)]


def test_today_counts_for_nothing_and_ten_days_ago_is_gone(session: Session) -> None:
    campaign = make.campaign(session)
    days(session, campaign, *USUAL, (40, 40), (40, 40))
    canary.write_day(session, TODAY, [CodeCount(campaign.id, "corp.example", 500, 0)])
    assert verification.silent_domains(session, campaign.id, TODAY) == []
    tomorrow = TODAY + timedelta(days=1)
    verification.purge(session, tomorrow)
    kept = session.scalars(select(CodeDay.day).order_by(CodeDay.day)).all()
    assert kept[0] == tomorrow - timedelta(days=canary.KEPT_DAYS)


def organisers_mail(session: Session, campaign: Campaign, now: datetime) -> int:
    """How many warnings are planned now."""
    return digests.plan_cycle(session, campaign, DIGESTS["codes_stopped"], now)


def test_organisers_get_one_mail_a_day_while_it_lasts_and_subscribers_get_none(session: Session) -> None:
    campaign = make.campaign(session)
    policies = campaign.policies()
    for audience, address in ((Audience.ORGANISER, "omar@post.example"), (Audience.ADDRESSEE, "ceo@post.example")):
        subscribers.enter(session, make.PEPPER, campaign.id, policies, audience, address, "en", make.NOW)
    days(session, campaign, *USUAL, (40, 4), (40, 3))
    now = datetime(2026, 11, 23, 23, 30, tzinfo=UTC)
    assert [organisers_mail(session, campaign, now + timedelta(hours=n)) for n in range(5)] == [1, 0, 0, 0, 0]
    (edition,) = session.scalars(select(Edition).where(Edition.kind == "codes_stopped"))
    assert edition.facts == {"domains": [{"domain": "corp.example", "asked": 80, "most": 25, "usual": 90}]}
    assert len(session.scalars(select(Delivery).where(Delivery.kind == "codes_stopped")).all()) == 1
    assert organisers_mail(session, campaign, now + timedelta(days=1)) == 1
    assert organisers_mail(session, campaign, now + timedelta(days=30)) == 0


def test_nobody_is_warned_about_a_letter_that_takes_no_signatures(session: Session) -> None:
    campaign = make.campaign(session)
    days(session, campaign, *USUAL, (40, 4), (40, 3))
    campaign.state = CampaignState.CLOSED
    window = digests.planning.window_of(
        session, campaign.id, "codes_stopped", digests.planning.Period("x", make.NOW, make.NOW), 0
    )
    assert DIGESTS["codes_stopped"].facts(session, campaign, window) is None
