"""P9 and P10: any number of beats and any clock; one digest for each recipient and period."""

from __future__ import annotations

import itertools
import random
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Engine, func, select, update
from sqlalchemy.orm import Session

from petition.campaigns import Campaign, news
from petition.campaigns.mail_settings import Mailing
from petition.campaigns.news import NewsKind
from petition.core import db
from petition.mailing import digests
from petition.mailing.digests import Edition
from petition.mailing.digests.kinds import DIGESTS
from petition.mailing.digests.periods import Cycle, Period, last_period
from petition.mailing.queue import Delivery
from petition.mailing.subscribers import Frequency
from tests.proofs.load import in_threads
from tests.support import mails
from tests.support.figures import Write

YEARS = {
    "Europe/Berlin": 2026,
    "America/New_York": 2026,
    "Australia/Lord_Howe": 2026,  # half an hour
    "Pacific/Apia": 2011,  # without 30 December
    "Pacific/Kiritimati": 1994,  # without 31 December, or 1 January of the next year
    "Africa/Cairo": 2026,  # midnight is skipped
    "Africa/Casablanca": 2026,  # back for the month of Ramadan alone
    "America/Havana": 2026,  # midnight comes twice
    "America/Sao_Paulo": 2019,  # the evening before comes twice, and never again: the change was abolished
    "America/Santiago": 2026,  # midnight is skipped in spring, the evening before comes twice in autumn
}
CHANGES = {
    "Europe/Berlin": datetime(2026, 10, 25, tzinfo=UTC),
    "America/New_York": datetime(2026, 3, 8, tzinfo=UTC),
    "Australia/Lord_Howe": datetime(2026, 4, 5, tzinfo=UTC),
    "Pacific/Apia": datetime(2011, 12, 30, tzinfo=UTC),
    "America/Sao_Paulo": datetime(2019, 2, 17, tzinfo=UTC),
    "America/Santiago": datetime(2026, 9, 6, tzinfo=UTC),
}
HOURS = (0, 2, 8)
STEPS = (timedelta(hours=1), timedelta(hours=-1), timedelta(hours=-24))


def moments(year: int, step: timedelta) -> Iterator[datetime]:
    """A year and a week, from one to the next."""
    now = datetime(year, 1, 5, tzinfo=UTC)
    while now < datetime(year + 1, 1, 12, tzinfo=UTC):
        yield now
        now += step


def dates_of(year: int, zone: ZoneInfo, hour: int) -> list[str]:
    """The local dates that were over, with the hour of the digests reached, within `moments`."""
    local = [now.astimezone(zone) for now in moments(year, timedelta(minutes=30))]
    seen = sorted({each.date() for each in local})
    reached = sorted({each.date() for each in local if each.hour >= hour})
    before = {day: earlier for earlier, day in itertools.pairwise(seen)}
    return [before[day].isoformat() for day in reached if day in before]


@pytest.mark.parametrize("zone", YEARS)
def test_a_year_has_one_digest_for_each_local_date_and_week(zone: str, long: bool, figure: Write) -> None:
    """P10, pure: both changes of daylight saving time, and the date line."""
    year, step = YEARS[zone], timedelta(minutes=1 if long else 30)
    for hour in HOURS:
        mailing = Mailing(time_zone=zone, hour=hour)
        for cycle in Cycle:
            made: dict[str, Period] = {}
            newest = datetime.min.replace(tzinfo=UTC)
            for now in moments(year, step):
                period = last_period(cycle, mailing, now)
                assert period.since < period.until <= now
                assert period.until >= newest
                assert made.setdefault(period.key, period) == period
                newest = period.until
            whole = list(made.values())
            assert all(one.until == two.since for one, two in itertools.pairwise(whole))
            if cycle is Cycle.DAILY:
                expected = dates_of(year, ZoneInfo(zone), hour)
                assert [key for key in made if key in expected] == expected
                assert set(made) - set(expected) <= {f"{year}-01-{day:02d}" for day in range(1, 6)}
            else:
                assert 52 <= len(made) <= 55
    figure(f"P10: local dates without exactly one digest, {zone} {year}", 0, "0")


def test_a_skipped_date_has_no_digest_and_the_day_before_it_has_its_own() -> None:
    mailing = Mailing(time_zone="Pacific/Apia")
    zone = mailing.zone()
    last = last_period(Cycle.DAILY, mailing, datetime(2011, 12, 31, 8, tzinfo=zone).astimezone(UTC))
    assert (last.key, last.until - last.since) == ("2011-12-29", timedelta(days=1))
    earlier = last_period(Cycle.DAILY, mailing, datetime(2011, 12, 31, 7, 59, tzinfo=zone).astimezone(UTC))
    assert earlier.key == date(2011, 12, 28).isoformat()


def told(session: Session, campaign: Campaign, kind: str) -> list[tuple[str, int, int]]:
    """Period and window of each edition, in order."""
    query = select(Edition.period, Edition.after, Edition.upto).where(
        Edition.campaign_id == campaign.id, Edition.kind == kind
    )
    return [tuple(row) for row in session.execute(query.order_by(Edition.until))]  # type: ignore[misc]


@pytest.mark.parametrize("zone", CHANGES)
def test_clocks_that_are_stepped_and_changed_tell_everything_once(
    session: Session, zone: str, long: bool, figure: Write
) -> None:
    """P10 through the database: news every day, the clock stepped ±1 h and −24 h, three readers."""
    scattered, year = random.Random(7), YEARS[zone]
    campaign = mails.campaign_with_news(session)
    campaign.mailing = {"time_zone": zone, "quiet_from": 0, "quiet_to": 0}
    mails.add_readers(session, campaign, 3)
    mails.add_readers(session, campaign, 3, rhythm=Frequency.WEEKLY)
    session.flush()
    begin = datetime(year, 1, 5, tzinfo=UTC) if long else CHANGES[zone] - timedelta(days=7)
    now, end, steps = begin, begin + timedelta(days=372 if long else 14), 0
    while now < end:
        if scattered.random() < 0.2:
            news.record_news(session, campaign.id, NewsKind.DEMAND, 1, now.date())
        digests.plan_all(session, campaign.id, now)
        now += timedelta(hours=3 if long else 6)
        if scattered.random() < 0.1:
            now += scattered.choice(STEPS)
            steps += 1
    for kind in ("signer_daily", "signer_weekly"):
        editions = told(session, campaign, kind)
        assert len({period for period, _, _ in editions}) == len(editions)
        assert all(one[2] == two[1] for one, two in itertools.pairwise(editions))
        counting = select(Delivery.recipient, Delivery.period, func.count()).where(Delivery.kind == kind)
        assert {n for _, _, n in session.execute(counting.group_by(Delivery.recipient, Delivery.period))} == {1}
    daily = [period for period, _, _ in told(session, campaign, "signer_daily")]
    days = (date.fromisoformat(daily[-1]) - date.fromisoformat(daily[0])).days + 1
    skipped = 1 if zone == "Pacific/Apia" and "2011-12-29" in daily and days > len(daily) else 0
    assert len(daily) == days - skipped
    figure(f"P10: digests repeated, clock stepped {steps} ×, {zone}", len(daily) - len(set(daily)), "0")


def test_three_beats_and_a_late_one_make_one_digest_for_each_reader_and_day(
    engine: Engine, long: bool, figure: Write
) -> None:
    """P9: three beats plan at once, every hour; for six hours none of them does."""
    with db.transaction() as session:
        campaign = mails.campaign_with_news(session)
        mails.add_readers(session, campaign, 50)
    begin, days = datetime(2026, 11, 24, tzinfo=UTC), 20 if long else 3
    silent = [begin + timedelta(days=2, hours=hour) for hour in range(5, 12)]  # the digest is due at eight
    late = 0
    for hour in range(8, days * 24):
        now = begin + timedelta(hours=hour)
        if now in silent:
            continue
        if now.hour == 0:
            with db.transaction() as session:
                news.record_news(session, campaign.id, NewsKind.DEMAND, 1, now.date())
        promised: list[int] = []
        barrier = threading.Barrier(3)

        def beat(
            _: int, now: datetime = now, promised: list[int] = promised, barrier: threading.Barrier = barrier
        ) -> None:
            barrier.wait(10)
            with db.transaction() as session:
                promised.append(digests.plan_all(session, campaign.id, now))

        in_threads(beat, 3)
        assert sorted(promised) in ([0, 0, 0], [0, 0, 50])
        late += sum(promised) if now == silent[-1] + timedelta(hours=1) else 0
    with db.session() as session:
        counting = select(Delivery.recipient, Delivery.period, func.count()).group_by(
            Delivery.recipient, Delivery.period
        )
        times = Counter(n for _, _, n in session.execute(counting))
        periods = set(session.scalars(select(Delivery.period)))
    figure(f"P9: digests beyond one a reader and day, three beats, {days} days", times.total() - times[1], "0")
    figure("P9: of 50 digests that were due while no beat ran for 6 h, sent late", late, "50")
    assert times == {1: 50 * days}
    assert periods == {(begin + timedelta(days=day - 1)).date().isoformat() for day in range(days)}
    assert late == 50
    assert DIGESTS["signer_daily"].cycle is Cycle.DAILY


def test_quiet_hours_put_mails_off_and_the_period_stays(session: Session) -> None:
    campaign = mails.campaign_with_news(session)
    campaign.mailing = {"hour": 8, "quiet_from": 21, "quiet_to": 10}
    mails.add_readers(session, campaign, 1)
    session.flush()
    now = datetime(2026, 11, 25, 8, 1, tzinfo=UTC)
    assert digests.plan_all(session, campaign.id, now) == 1
    row = session.execute(select(Delivery.period, Delivery.due).where(Delivery.kind == "signer_daily")).one()
    assert tuple(row) == ("2026-11-24", datetime(2026, 11, 25, 10, tzinfo=UTC))
    session.execute(update(Delivery).values(tries=0))
