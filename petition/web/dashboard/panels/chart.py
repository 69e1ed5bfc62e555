"""The panel that shows the last 30 days as a chart."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from petition.campaigns import Campaign, CampaignState, milestones
from petition.core.i18n import marked as _
from petition.usecases.curve import curve
from petition.web.dashboard.chart_svg import ChartImage, chart_image
from petition.web.dashboard.panels.panel import Panel

DAYS: Final = 30


def data(session: Session, campaign: Campaign, now: datetime) -> ChartImage | None:
    """Return the image, or None until there are two points to connect."""
    if campaign.state is CampaignState.DRAFT:
        return None
    statuses = milestones.statuses(session, campaign.id, campaign.workforce)
    return chart_image(curve(session, campaign, DAYS, now), statuses)


PANEL: Final = Panel("chart", _("The last 30 days"), data, wide=True)
