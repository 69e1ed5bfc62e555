"""Codes asked for against codes used, by work domain: the canary of an employer who blocks the mails.

Guards whoever asks for a code: only days that are over are told, and no figure under ten. Whoever looks again and again,
and reads the employer's mail log beside it, learns neither when a code was used nor, on a quiet day, by whom.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

from sqlalchemy.orm import Session

from petition import verification
from petition.campaigns import Campaign, CampaignState
from petition.core.i18n import marked as _
from petition.web.dashboard.panels.panel import Panel

ENOUGH: Final = 2 * verification.FEW
"""Of so many, fewer than ten used are fewer than half, whatever the figure is."""
LEAST_SHARE: Final = 0.5


@dataclass(frozen=True, slots=True)
class Codes:
    """Codes of one domain on a day (UTC) that is over; 0: fewer than ten."""

    domain: str
    day: date
    asked: int
    used: int

    @property
    def silent(self) -> bool:
        """Whether enough were asked for and few used: the canary no longer sings."""
        return self.asked >= ENOUGH and self.used < self.asked * LEAST_SHARE


@dataclass(frozen=True, slots=True)
class Shown:
    """By day and domain, newest first; `silent`: domains whose newest day is in trouble."""

    days: Sequence[Codes]
    silent: Sequence[str]


def data(session: Session, campaign: Campaign, now: datetime) -> Shown | None:
    """The last two days that are over."""
    if campaign.state is not CampaignState.OPEN:
        return None
    today = now.astimezone(UTC).date()
    first = today - timedelta(days=verification.DAYS_OF_CODES)
    days = [Codes(*each) for each in reversed(verification.codes_by_day(session, campaign.id, first, today))]
    newest = {each.domain: each for each in reversed(days)}
    return Shown(days, sorted(name for name, each in newest.items() if each.silent))


PANEL: Final = Panel("codes", _("Codes asked for and used"), data)
