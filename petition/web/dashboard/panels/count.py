"""The panel of the count: signatures now, in the last 24 hours and waiting, and the time of the next slot."""

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
from petition.privacy import daily_figures
from petition.web.dashboard.panels.panel import Panel

DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class CountFigures:
    """The count, the signatures added and lost within a day, and the next batch.

    `open` means that there will be a next batch.

    `many_wait` says whether ten signatures waited when the last day (UTC) ended; None means that none has ended yet. It
    is not the current number, because repeated views would reveal when the tenth arrived.
    """

    count: int
    added: int
    lost: int
    coming: Coming
    many_wait: bool | None
    open: bool
    now: datetime

    @property
    def seconds(self) -> int:
        """The time until the next slot, at least a second."""
        return max(1, round((self.coming.earliest - self.now).total_seconds()))


def data(session: Session, campaign: Campaign, now: datetime) -> CountFigures | None:
    """Return the count and the next batch, or None before the campaign opens."""
    if campaign.state is CampaignState.DRAFT:
        return None
    head = log.head_of(session, campaign.id)
    added, lost = history.since(session, campaign.id, now - DAY)
    coming = epochs.coming(campaign, head, now)
    day = daily_figures.of_campaign(session, campaign.id)
    many_wait = None if day is None else day.many_wait
    return CountFigures(head.counted, added, lost, coming, many_wait, campaign.state is CampaignState.OPEN, now)


PANEL: Final = Panel("count", _("Signatures"), data)
