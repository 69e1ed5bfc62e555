"""The panel of passes: how many were issued and used, and how many people hold one and have not signed.

It keeps issuing and signing unlinkable: both figures are those of the last batch, which are public. Live figures would
reveal to somebody who looks repeatedly when a pass was issued and when one was used.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from petition.campaigns import Campaign, CampaignState
from petition.core.i18n import marked as _
from petition.ledger import log
from petition.web.dashboard.panels.panel import Panel


@dataclass(frozen=True, slots=True)
class PassFigures:
    """Passes issued by method, and how many of all passes were used.

    Used passes include those whose signature has ended.
    """

    issued: dict[str, int]
    used: int

    @property
    def total(self) -> int:
        """The number of all passes issued."""
        return sum(self.issued.values())

    @property
    def unused(self) -> int:
        """The number of passes issued that have not led to a signature yet."""
        return max(0, self.total - self.used)


def data(session: Session, campaign: Campaign, now: datetime) -> PassFigures | None:
    """Return the numbers of issued and used passes. No record links one to the other."""
    del now
    if campaign.state is CampaignState.DRAFT:
        return None
    head = log.head_of(session, campaign.id)
    return PassFigures(dict(head.issued), head.counted + head.withdrawn + sum(head.removed.values()))


PANEL: Final = Panel("passes", _("Passes"), data)
