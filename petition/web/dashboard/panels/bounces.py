"""Mails that bounced, and complaints, by large provider; all other domains are one line, for a domain may name a person.

On top, when the mail server refuses everything: that mail stopped by itself, what the server said, and the way to go on.
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
class Shown:
    """Mails sent, bounced, complained about, in all; the providers that had any trouble; whether mail stands still."""

    sent: int
    bounced: int
    complained: int
    providers: Sequence[tuple[str, int, int, int]]
    refused: Pause | None


def data(session: Session, campaign: Campaign, now: datetime) -> Shown:
    """Over all campaigns of this site: a lane belongs to none of them."""
    del campaign, now
    found = throttle.by_provider(session)
    return Shown(
        sum(each[1] for each in found),
        sum(each[2] for each in found),
        sum(each[3] for each in found),
        [each for each in found if each[2] + each[3]],
        queue.refused(session),
    )


PANEL: Final = Panel("bounces", _("Bounces and complaints"), data)
