"""The canary: when codes stopped arriving, organisers get a mail; before, and for small figures, they get none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from petition import verification
from petition.campaigns import Campaign, CampaignState
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
        day = TODAY - timedelta(days=back)
        session.add(CodeDay(campaign_id=campaign.id, domain=domain, day=day, asked=asked, used=used))
    session.flush()


def found(session: Session, campaign: Campaign, *figures: tuple[int, int]) -> list[Silence]:
    """What the canary says, before and after the figures of these days were made coarse: the same."""
    days(session, campaign, *figures)
    before = verification.silent_domains(session, campaign.id, TODAY)
    verification.purge(session, TODAY)
    session.expire_all()
    assert verification.silent_domains(session, campaign.id, TODAY) == before
    return before


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
    """P43: the row of a day does not say that all who asked were verified, nor that nobody was."""
    campaign = make.campaign(session)
    days(session, campaign, (9, 9), (10, 0), (10, 2), (10, 3), (10, 9), (12, 12), (80, 7))
    verification.purge(session, TODAY)
    session.expire_all()
    rows = session.scalars(select(CodeDay).order_by(CodeDay.day))
    assert [(each.asked, each.used, each.share) for each in rows] == [
        (0, 0, None), (10, 0, 0), (10, 0, 0), (10, 0, 25), (10, 0, 50), (12, 12, 50), (80, 0, 0),
    ]  # fmt: skip


def test_today_counts_for_nothing_and_ten_days_ago_is_gone(session: Session) -> None:
    campaign = make.campaign(session)
    days(session, campaign, *USUAL, (40, 40), (40, 40))
    session.add(CodeDay(campaign_id=campaign.id, domain="corp.example", day=TODAY, asked=500, used=0))
    session.flush()
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
