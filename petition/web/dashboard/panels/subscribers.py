"""The panel of subscribers by frequency."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from petition.campaigns import Campaign
from petition.core.i18n import marked as _
from petition.mailing import subscribers
from petition.mailing.subscribers import SubscriberFigures
from petition.web.dashboard.panels.panel import Panel


def data(session: Session, campaign: Campaign, now: datetime) -> SubscriberFigures:
    """Return numbers only."""
    return subscribers.subscriber_figures(session, campaign.id, now)


PANEL: Final = Panel("subscribers", _("Subscribers"), data)
