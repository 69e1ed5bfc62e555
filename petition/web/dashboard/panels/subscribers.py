"""The panel of subscribers by frequency, as of the last day and in whole tens."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from petition.campaigns import Campaign
from petition.core.i18n import marked as _
from petition.privacy import daily_figures
from petition.privacy.daily_figures import CampaignDay
from petition.web.dashboard.panels.panel import Panel


@dataclass(frozen=True, slots=True)
class SubscriberFigures:
    """The subscribers as of the last day (UTC); None before the first one."""

    day: CampaignDay | None


def data(session: Session, campaign: Campaign, now: datetime) -> SubscriberFigures:
    """Return numbers only."""
    del now
    return SubscriberFigures(daily_figures.of_campaign(session, campaign.id))


PANEL: Final = Panel("subscribers", _("Subscribers"), data)
