"""The panel of bounced mails and complaints, by large provider.

All other domains share one line, because a domain may name a person. When the mail server refuses everything, the panel
says so on top: mail has stopped by itself, what the server answered, and how to resume.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from petition.campaigns import Campaign
from petition.core.i18n import marked as _
from petition.mailing import queue
from petition.mailing.queue import Pause, throttle
from petition.web.dashboard.panels.panel import Panel


@dataclass(frozen=True, slots=True)
class BounceFigures:
    """Mails sent, bounced and complained about, the providers with any trouble, and the pause if there is one."""

    sent: int
    bounced: int
    complained: int
    providers: Sequence[tuple[str, int, int, int]]
    refused: Pause | None


def data(session: Session, campaign: Campaign, now: datetime) -> BounceFigures:
    """Return the figures of this whole site, because mail domains are throttled across all campaigns."""
    del campaign, now
    providers = throttle.by_provider(session)
    return BounceFigures(
        sum(each[1] for each in providers),
        sum(each[2] for each in providers),
        sum(each[3] for each in providers),
        [each for each in providers if each[2] + each[3]],
        queue.refused(session),
    )


PANEL: Final = Panel("bounces", _("Bounces and complaints"), data)
