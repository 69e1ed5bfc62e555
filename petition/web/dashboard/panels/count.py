"""The count, the last 24 hours, what waits for the next epoch, and when that is written."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.orm import Session

from petition import epochs
from petition.campaigns import Campaign, CampaignState
from petition.core.i18n import marked as _
from petition.epochs import Coming, history
from petition.ledger import log
from petition.web.dashboard.panels.panel import Panel

DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Shown:
    """Figures: counted now, added and lost within a day, and the batch to come; `open`: whether there is one to come.

    What waits is told coarsely, so that no look tells of one signature that came in.
    """

    count: int
    added: int
    lost: int
    coming: Coming
    open: bool
    now: datetime

    @property
    def seconds(self) -> int:
        """How long the batch takes at least; 0: it waits for enough signatures alone."""
        return max(0, int((self.coming.earliest - self.now).total_seconds()))


def data(session: Session, campaign: Campaign, now: datetime) -> Shown | None:
    """How many have signed; nothing before the opening."""
    if campaign.state is CampaignState.DRAFT:
        return None
    head = log.head_of(session, campaign.id)
    added, lost = history.since(session, campaign.id, now - DAY)
    coming = epochs.coming(session, campaign, head)
    return Shown(head.counted, added, lost, coming, campaign.state is CampaignState.OPEN, now)


PANEL: Final = Panel("count", _("Signatures"), data)
