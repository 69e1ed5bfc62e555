"""A campaign's mail settings: time zone, hours, neutral subjects, and the shortened days of a demonstration.

Settings are checked to be complete and possible before anything is planned with them. Unknown names and time zones are
rejected.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

HOURS = range(24)
DAY_SECONDS = 86_400


class MailingFaulty(ValueError):
    """The mail settings cannot be used. The message says what to correct."""


@dataclass(frozen=True, slots=True)
class Mailing:
    """The mail settings. `hour` is the local hour of the digests.

    Nothing is sent from `quiet_from` to `quiet_to`, unless both are the same. `neutral`: subjects do not name the
    letter. `addressee`: the addressee gets the weekly mail. `daily_seconds` and `weekly_seconds` are the length of a
    day and a week in a demonstration; 0 means the usual length.
    """

    time_zone: str = "UTC"
    hour: int = 8
    quiet_from: int = 21
    quiet_to: int = 7
    neutral: bool = False
    addressee: bool = False
    daily_seconds: int = 0
    weekly_seconds: int = 0

    @classmethod
    def read(cls, settings: Mapping[str, Any]) -> Self:
        """Read settings from a campaign's column or a file. Raises MailingFaulty with a sentence."""
        kinds = {each.name: type(each.default) for each in fields(cls)}
        for name, value in settings.items():
            if type(value) is not kinds.get(name):
                raise MailingFaulty(f"The mailing setting {name!r} is unknown or has the wrong type.")
        mailing = cls(**settings)
        if not {mailing.hour, mailing.quiet_from, mailing.quiet_to} <= set(HOURS):
            raise MailingFaulty("The hours of a mailing are whole numbers from 0 to 23.")
        if not {mailing.daily_seconds, mailing.weekly_seconds} <= set(range(DAY_SECONDS)):
            raise MailingFaulty("A shortened day or week lasts less than a day.")
        mailing.zone()
        return mailing

    def zone(self) -> ZoneInfo:
        """Returns the time zone. Raises MailingFaulty."""
        try:
            return ZoneInfo(self.time_zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise MailingFaulty(f"There is no time zone {self.time_zone!r}.") from None
