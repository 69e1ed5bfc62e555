"""Periods: a local date or an ISO week, in the campaign's time zone. The functions are pure; time is an argument.

A digest's key comes from its period and never from the current time (P10): one local date has one key, whatever the
clock and daylight saving time do. Windows are half-open: [since, until).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from petition.campaigns.mail_settings import Mailing


class Cycle(StrEnum):
    """How often a digest is made."""

    DAILY = "daily"
    WEEKLY = "weekly"


@dataclass(frozen=True, slots=True)
class Period:
    """A span of time with its name: "2026-11-23", "2026-W48", or "daily-14890231" where days are shortened."""

    key: str
    since: datetime
    until: datetime


def last_period(cycle: Cycle, mailing: Mailing, now: datetime) -> Period:
    """Returns the newest period whose digest may be made at `now`: it is over, and the hour of the digests has come."""
    seconds = mailing.daily_seconds if cycle is Cycle.DAILY else mailing.weekly_seconds
    if seconds:
        return _shortened(cycle, seconds, now)
    local = now.astimezone(mailing.zone())
    today = local.date() if local.hour >= mailing.hour else _day_before(local.date(), mailing)
    if cycle is Cycle.DAILY:
        yesterday = _day_before(today, mailing)
        return Period(yesterday.isoformat(), _midnight(yesterday, mailing), _midnight(today, mailing))
    monday = today - timedelta(days=today.weekday())
    before = monday - timedelta(days=7)
    year, week, _ = before.isocalendar()
    return Period(f"{year}-W{week:02d}", _midnight(before, mailing), _midnight(monday, mailing))


def after_quiet_hours(mailing: Mailing, now: datetime) -> datetime:
    """Returns `now`, or the end of the quiet hours if `now` is within them."""
    local = now.astimezone(mailing.zone())
    begins, ends = mailing.quiet_from, mailing.quiet_to
    quiet = begins <= local.hour < ends if begins <= ends else local.hour >= begins or local.hour < ends
    if not quiet:
        return now
    day = local.date() + timedelta(days=1) if local.hour >= ends else local.date()
    return max(now, _moment(day, time(ends), mailing))


def week_of(mailing: Mailing, now: datetime) -> datetime:
    """Returns the beginning of the local week of a moment."""
    today = now.astimezone(mailing.zone()).date()
    return _midnight(today - timedelta(days=today.weekday()), mailing)


def _shortened(cycle: Cycle, seconds: int, now: datetime) -> Period:
    number = int(now.timestamp()) // seconds
    ends = [datetime.fromtimestamp((number - back) * seconds, UTC) for back in (1, 0)]
    return Period(f"{cycle}-{number - 1}", ends[0], ends[1])


def _day_before(day: date, mailing: Mailing) -> date:
    """Returns the local date that ended when `day` began: two days back if the date line skipped one."""
    return (_midnight(day, mailing) - timedelta(seconds=1)).astimezone(mailing.zone()).date()


def _midnight(day: date, mailing: Mailing) -> datetime:
    return _moment(day, time(), mailing)


def _moment(day: date, at: time, mailing: Mailing) -> datetime:
    """Convert a local time to UTC.

    A time skipped by daylight saving time becomes the moment of the jump (PEP 495, fold 0).
    """
    return datetime.combine(day, at, mailing.zone()).astimezone(UTC)
