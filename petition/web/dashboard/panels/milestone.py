"""The panel of the next milestone, and when it may be reached."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy.orm import Session

from petition.campaigns import Campaign, CampaignState, milestones
from petition.campaigns.milestones import MilestoneStatus
from petition.core.i18n import date_long
from petition.core.i18n import marked as _
from petition.epochs import history
from petition.ledger import log
from petition.usecases.forecast import LOOKED_AT, Forecast, forecast
from petition.web.dashboard.panels.panel import Panel
from petition.web.labels import OUTLOOKS
from petition.web.language import gettext, spoken

EARLIEST: Final = _(
    "%(day)s at the earliest, or not within a year. The pace of the last days does not allow a closer estimate."
)
AROUND: Final = _("Around %(day)s at the pace of the last days.")


@dataclass(frozen=True, slots=True)
class MilestoneFigures:
    """The count, the next milestone with its forecast (None if there is none ahead), and whether any milestone was set.

    `outlook` is the forecast as a sentence.
    """

    count: int
    next: MilestoneStatus | None
    forecast: Forecast | None
    any: bool
    closes: date | None
    outlook: str


def data(session: Session, campaign: Campaign, now: datetime) -> MilestoneFigures | None:
    """Return the next milestone and its forecast, while signatures are accepted."""
    if campaign.state is not CampaignState.OPEN:
        return None
    head, today = log.head_of(session, campaign.id), now.date()
    statuses = milestones.statuses(session, campaign.id, campaign.workforce)
    days = history.by_day(session, campaign.id, today - timedelta(days=LOOKED_AT))
    ahead = next((each for each in statuses if each.day is None and each.needs > head.counted), None)
    expected = forecast(days, campaign.opened or today, ahead.needs - head.counted, today) if ahead else None
    outlook = describe_forecast(expected) if expected else ""
    closes = campaign.local_day(campaign.closes_at) if campaign.closes_at else None
    return MilestoneFigures(head.counted, ahead, expected, bool(statuses), closes, outlook)


def describe_forecast(expected: Forecast) -> str:
    """Describe when the milestone may be reached, in this request's language."""
    if expected.first is None:
        return gettext(OUTLOOKS[expected.outlook])
    first = date_long(expected.first, spoken())
    if expected.last is None:
        return gettext(EARLIEST, day=first)
    if expected.first == expected.last:
        return gettext(AROUND, day=first)
    return gettext(OUTLOOKS[expected.outlook], first=first, last=date_long(expected.last, spoken()))


PANEL: Final = Panel("milestone", _("Next milestone"), data)
