"""The panel of bounced mails and complaints, by large provider.

All other domains share one line, because a domain may name a person. The figures are those of the last day, in whole
tens, because each of these mails goes to one person. When the mail server refuses everything, the panel says so on top:
mail has stopped by itself, what the server answered, and how to resume.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from petition.campaigns import Campaign
from petition.core.i18n import marked as _
from petition.mailing import queue
from petition.mailing.queue import Pause
from petition.privacy import daily_figures
from petition.privacy.daily_figures import SiteDay
from petition.web.dashboard.panels.panel import Panel


@dataclass(frozen=True, slots=True)
class BounceFigures:
    """The mail of the whole site as of the last day (UTC), None before the first one, and the pause if there is one."""

    day: SiteDay | None
    refused: Pause | None


def data(session: Session, campaign: Campaign, now: datetime) -> BounceFigures:
    """Return the figures of this whole site, because mail domains are throttled across all campaigns."""
    del campaign, now
    return BounceFigures(daily_figures.of_site(session), queue.refused(session))


PANEL: Final = Panel("bounces", _("Bounces and complaints"), data)
