"""The panel that compares codes requested with codes used, by work domain.

A gap suggests that an employer blocks the mails. The warning compares shares over days (`petition.verification.canary`).

It protects the people who request codes: it shows only days that have ended, and only work domains for which ten codes
or more were requested; fewer used codes than ten are "fewer than 10". Somebody who opens the panel repeatedly and also
reads the employer's mail log cannot learn when a code was used nor, on a quiet day, by whom.
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


@dataclass(frozen=True, slots=True)
class CodesOfDay:
    """The codes of one domain on a day (UTC) that has ended, ten or more. 0 used ones mean fewer than ten."""

    domain: str
    day: date
    asked: int
    used: int


@dataclass(frozen=True, slots=True)
class CodeFigures:
    """Codes by day and domain, newest first. `silent` lists the domains whose codes stopped arriving."""

    days: Sequence[CodesOfDay]
    silent: Sequence[str]


def data(session: Session, campaign: Campaign, now: datetime) -> CodeFigures | None:
    """Return the figures of the last two days that have ended."""
    if campaign.state is not CampaignState.OPEN:
        return None
    today = now.astimezone(UTC).date()
    first = today - timedelta(days=verification.DAYS_OF_CODES)
    days = [CodesOfDay(*each) for each in reversed(verification.codes_by_day(session, campaign.id, first, today))]
    silent = verification.silent_domains(session, campaign.id, today)
    return CodeFigures(days, [each.domain for each in silent])


PANEL: Final = Panel("codes", _("Codes asked for and used"), data)
