"""Passes: issued, used, and how many people hold one and have not signed.

Guards the two sides: both figures are those of the last batch, which are public. Figures of this very moment would tell
whoever looks again and again when a pass was issued and when one was used.
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
class Shown:
    """Passes issued by method, and how many of all were used: counted, or ended since."""

    issued: dict[str, int]
    used: int

    @property
    def total(self) -> int:
        """All that were issued."""
        return sum(self.issued.values())

    @property
    def unused(self) -> int:
        """Issued, and no signature came of it yet."""
        return max(0, self.total - self.used)


def data(session: Session, campaign: Campaign, now: datetime) -> Shown | None:
    """Two sides that know nothing of each other, as two numbers."""
    del now
    if campaign.state is CampaignState.DRAFT:
        return None
    head = log.head_of(session, campaign.id)
    return Shown(dict(head.issued), head.counted + head.withdrawn + sum(head.removed.values()))


PANEL: Final = Panel("passes", _("Passes"), data)
