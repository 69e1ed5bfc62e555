"""Dead letters: mails that were given up, why, and the button that tries them again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from petition import deliveries
from petition.campaigns import Campaign
from petition.i18n import marked as _
from petition.web.organise.panels.panel import Panel


@dataclass(frozen=True, slots=True)
class Shown:
    """How many in all, and kind, fault and number of each sort. Nobody's address."""

    total: int
    sorts: Sequence[tuple[str, str, int]]


def data(session: Session, campaign: Campaign, now: datetime) -> Shown:
    """Of this campaign."""
    del now
    sorts = deliveries.why_dead(session, campaign.id)
    return Shown(sum(n for _, _, n in sorts), sorts)


PANEL: Final = Panel("dead", _("Dead letters"), data)
