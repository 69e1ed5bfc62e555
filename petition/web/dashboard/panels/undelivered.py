"""The panel of undelivered mail: what was given up, why, how many can be tried again, and a button that does so."""

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
class UndeliveredFigures:
    """The kind, fault and number of each sort of undelivered mail, and how many can be tried again.

    No address is shown.
    """

    sorts: Sequence[tuple[str, str, int]]
    undelivered: Undelivered


def data(session: Session, campaign: Campaign, now: datetime) -> UndeliveredFigures:
    """Return the undelivered mail of this campaign."""
    del now
    undelivered = digests.undelivered(session, [campaign.id])[campaign.id]
    return UndeliveredFigures(queue.why_dead(session, campaign.id), undelivered)


PANEL: Final = Panel("undelivered", _("Undelivered mail"), data)
