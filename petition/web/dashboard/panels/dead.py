"""Dead letters: mails that were given up, why, how many can be tried again, and the button that does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from petition.campaigns import Campaign
from petition.core.i18n import marked as _
from petition.mailing import digests, queue
from petition.mailing.digests import Undelivered
from petition.web.dashboard.panels.panel import Panel


@dataclass(frozen=True, slots=True)
class Shown:
    """Kind, fault and number of each sort, and how many can be tried again. Nobody's address."""

    sorts: Sequence[tuple[str, str, int]]
    undelivered: Undelivered


def data(session: Session, campaign: Campaign, now: datetime) -> Shown:
    """Of this campaign."""
    del now
    found = digests.undelivered(session, [campaign.id])[campaign.id]
    return Shown(queue.why_dead(session, campaign.id), found)


PANEL: Final = Panel("dead", _("Undelivered mail"), data)
