"""Codes asked for against codes used, by work domain: the canary of an employer who blocks the mails.

Guards whoever asks for a code: only hours that are over are told. Figures of the hour that runs would tell whoever looks
again and again, and reads the employer's mail log beside it, at which moment one person's code was used.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.orm import Session

from petition import verification
from petition.campaigns import Campaign, CampaignState
from petition.i18n import marked as _
from petition.web.organise.panels.panel import Panel

DAY: Final = timedelta(days=1)
ENOUGH: Final = 10
LEAST_SHARE: Final = 0.5


@dataclass(frozen=True, slots=True)
class Codes:
    """Codes of one domain, in an hour (UTC, `2026-11-25T09`) or, without one, within a day."""

    domain: str
    hour: str
    asked: int
    used: int

    @property
    def silent(self) -> bool:
        """Whether enough were asked for and few used: the canary no longer sings."""
        return self.asked >= ENOUGH and self.used < self.asked * LEAST_SHARE


@dataclass(frozen=True, slots=True)
class Shown:
    """By domain, and the same by hour, newest first."""

    domains: Sequence[Codes]
    hours: Sequence[Codes]


def data(session: Session, campaign: Campaign, now: datetime) -> Shown | None:
    """The last 24 hours, without the one that runs."""
    if campaign.state is not CampaignState.OPEN:
        return None
    hours = [Codes(*each) for each in verification.codes_by_hour(session, campaign.id, now - DAY, now)]
    names = sorted({each.domain for each in hours})
    return Shown([_sum(name, hours) for name in names], hours[::-1])


def _sum(domain: str, hours: Sequence[Codes]) -> Codes:
    mine = [each for each in hours if each.domain == domain]
    return Codes(domain, "", sum(each.asked for each in mine), sum(each.used for each in mine))


PANEL: Final = Panel("codes", _("Codes in the last 24 hours"), data)
