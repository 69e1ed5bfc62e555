"""Days that people read are those of the letter's time zone; the ledger's days are in UTC (decision 0062)."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from petition import campaigns, epochs, publication
from petition.campaigns import UPDATES_A_WEEK, Campaign, CampaignState, Update
from petition.campaigns.mail_settings import Mailing
from petition.campaigns.news import News
from petition.ledger import log
from petition.mailing.digests.periods import Cycle, last_period
from petition.publication import Snapshot
from petition.usecases import updates
from tests import make

LAST_DAY, FIRST_DAY = date(2026, 12, 31), date(2027, 1, 1)
EVENING = datetime(2026, 12, 31, 23, 59)
"""The last minute of a year, wherever it is."""
TEXT = {"en": "We met.", "fr": "Nous nous sommes vus."}
ZONES = ("America/Los_Angeles", "Pacific/Auckland", "UTC")
CHANGES = {
    ("America/New_York", date(2026, 3, 8)): 23.0,
    ("America/New_York", date(2026, 11, 1)): 25.0,
    ("Australia/Lord_Howe", date(2026, 4, 5)): 24.5,
    ("Australia/Lord_Howe", date(2026, 10, 4)): 23.5,
    ("Africa/Casablanca", date(2026, 2, 15)): 25.0,
    ("Africa/Casablanca", date(2026, 3, 22)): 23.0,
    ("America/Havana", date(2026, 11, 1)): 25.0,
    ("America/Santiago", date(2026, 4, 4)): 25.0,
    ("America/Santiago", date(2026, 9, 6)): 23.0,
    ("America/Sao_Paulo", date(2019, 2, 16)): 25.0,
    ("America/Sao_Paulo", date(2026, 2, 15)): 24.0,
}
"""Zone and day, and how many hours that day has; São Paulo changes its clocks no more."""


@pytest.mark.parametrize("zone", ZONES)
def test_a_letter_closes_on_the_day_that_was_entered(session: Session, zone: str) -> None:
    campaign = in_zone(session, zone)
    campaign.closes_at = at(EVENING, zone)
    publication.refresh(session, campaign)
    assert read(session, campaign).closes == LAST_DAY


@pytest.mark.parametrize("zone", ZONES)
def test_the_timeline_and_the_news_have_the_days_of_the_letters_zone(session: Session, zone: str) -> None:
    campaign, now = in_zone(session, zone), at(EVENING, zone)
    campaigns.publish_update(session, campaign, TEXT, now, mailed_since=None)
    epochs.change(session, campaign, CampaignState.CLOSED, now)
    found = read(session, campaign)
    assert {(item.kind, item.day) for item in found.timeline} >= {("update", LAST_DAY), ("closed", LAST_DAY)}
    assert found.closes == LAST_DAY
    assert set(session.scalars(select(News.day).where(News.campaign_id == campaign.id))) == {LAST_DAY}


@pytest.mark.parametrize("zone", ZONES)
def test_an_opening_has_the_local_day_on_pages_and_that_in_utc_in_the_ledger(session: Session, zone: str) -> None:
    draft, now = campaigns.draft(session, make.a_draft(mailing={"time_zone": zone})), at(EVENING, zone)
    epochs.open_campaign(session, draft, now)
    first = json.loads(next(log.lines(session, draft.id, 1)))
    assert (draft.opened, first["opened"]) == (LAST_DAY, now.astimezone(UTC).date().isoformat())
    assert [item.day for item in read(session, draft).timeline] == [LAST_DAY]


@pytest.mark.parametrize("zone", ZONES)
def test_the_week_of_mailed_updates_begins_on_the_local_monday(session: Session, zone: str) -> None:
    """Three updates on a Sunday evening leave all three of the week that begins two hours later."""
    campaign, sunday = in_zone(session, zone), datetime(2026, 12, 27, 23, 0)
    monday = at(sunday, zone) + timedelta(hours=2)
    for moment in [at(sunday, zone)] * UPDATES_A_WEEK + [monday] * UPDATES_A_WEEK:
        week = at(datetime(2026, 12, 28 if moment == monday else 21), zone)
        campaigns.publish_update(session, campaign, TEXT, moment, mailed_since=week)
    session.flush()
    assert updates.mailed_in_week(session, campaign, monday) == UPDATES_A_WEEK
    assert updates.mailed_in_week(session, campaign, at(sunday, zone)) == 2 * UPDATES_A_WEEK  # of that week and later
    days = [date(2026, 12, 27)] * UPDATES_A_WEEK + [date(2026, 12, 28)] * UPDATES_A_WEEK
    assert list(session.scalars(select(Update.day).order_by(Update.number))) == days


@pytest.mark.parametrize(("zone", "day", "hours"), [(*where, hours) for where, hours in CHANGES.items()])
def test_a_day_on_which_clocks_change_is_one_day_from_its_first_minute_to_its_last(
    session: Session, zone: str, day: date, hours: float
) -> None:
    """P10: no day comes twice and none is missing, however long it is."""
    campaign, step = in_zone(session, zone), timedelta(minutes=15)
    begin = at(datetime.combine(day, datetime.min.time()), zone) - timedelta(hours=26)
    days = [campaign.local_day(begin + step * n) for n in range(4 * 78)]
    assert days == sorted(days)
    assert [days.count(day) / 4, set(days)] == [hours, {min(days) + timedelta(days=n) for n in range(len(set(days)))}]
    mailing, found = Mailing(time_zone=zone, hour=0), []
    for n in range(4 * 78):
        period = last_period(Cycle.DAILY, mailing, begin + step * n)
        if period not in found:
            found.append(period)
    assert [one.until for one in found[:-1]] == [two.since for two in found[1:]]
    (asked,) = [each for each in found if each.key == day.isoformat()]
    assert asked.until - asked.since == timedelta(hours=hours)


@pytest.mark.parametrize(("zone", "day"), CHANGES)
def test_a_letter_closes_on_the_day_that_was_entered_when_clocks_change(session: Session, zone: str, day: date) -> None:
    campaign = in_zone(session, zone)
    minutes = 24 * 60
    for number in range(0, minutes, 30):
        local = datetime.combine(day, datetime.min.time()) + timedelta(minutes=number)
        campaign.closes_at = at(local, zone)
        assert campaign.local_day(campaign.closes_at) == day
    campaign.closes_at = at(datetime.combine(day, datetime.max.time()).replace(microsecond=0), zone)
    publication.refresh(session, campaign)
    assert read(session, campaign).closes == day


def in_zone(session: Session, zone: str) -> Campaign:
    return make.campaign(session, mailing={"time_zone": zone})


def at(local: datetime, zone: str) -> datetime:
    """A local time as the moment in UTC that the application works with."""
    return local.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def read(session: Session, campaign: Campaign) -> Snapshot:
    session.flush()
    found = publication.load(session, campaign.slug)
    assert found is not None
    return found
