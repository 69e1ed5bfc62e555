"""How a campaign mails: its time zone, its hours, whether subjects are neutral, and the demonstration's short days.

Guards that these are whole and possible before anything is planned with them. Refuses unknown names and zones.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

HOURS = range(24)
DAY_SECONDS = 86_400


class MailingFaulty(ValueError):
    """The mailing settings cannot be used; the sentence says what to mend."""


@dataclass(frozen=True, slots=True)
class Mailing:
    """`hour`: local hour of the digests. Nothing is sent from `quiet_from` to `quiet_to`, unless both are the same.

    `neutral`: subjects do not name the letter. `addressee`: the weekly mail to the addressee. `daily_seconds` and
    `weekly_seconds`: how long a day and a week last in a demonstration; 0: as long as everywhere.
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
        """From a campaign's column or file; raises MailingFaulty with a sentence."""
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
        """The time zone; raises MailingFaulty."""
        try:
            return ZoneInfo(self.time_zone)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise MailingFaulty(f"There is no time zone {self.time_zone!r}.") from None
