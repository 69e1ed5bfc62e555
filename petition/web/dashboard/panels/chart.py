"""The last 30 days as a line."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from petition.campaigns import Campaign, CampaignState, milestones
from petition.core.i18n import marked as _
from petition.usecases.curve import curve
from petition.web.dashboard.drawing import Picture, picture
from petition.web.dashboard.panels.panel import Panel

DAYS: Final = 30


def data(session: Session, campaign: Campaign, now: datetime) -> Picture | None:
    """A picture, once there are two points to draw a line through."""
    if campaign.state is CampaignState.DRAFT:
        return None
    standings = milestones.statuses(session, campaign.id, campaign.workforce)
    return picture(curve(session, campaign, DAYS, now), standings)


PANEL: Final = Panel("chart", _("The last 30 days"), data, wide=True)
