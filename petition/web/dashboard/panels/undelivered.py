"""The panel of undelivered mail: what was given up, why, and a button that tries it again.

How many of the mails are still wanted depends on what each subscriber did since, so no figure says it. Mails that one
person's act caused are counted once their day is over.
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
from petition.privacy.daily_figures import tens
from petition.web.dashboard.panels.panel import Panel


@dataclass(frozen=True, slots=True)
class UndeliveredFigures:
    """The kind, fault and number (in whole tens) of each sort of undelivered mail.

    No address is shown.
    """

    sorts: Sequence[tuple[str, str, int]]


def data(session: Session, campaign: Campaign, now: datetime) -> UndeliveredFigures:
    """Return the undelivered mail of this campaign."""
    return UndeliveredFigures([(kind, fault, tens(n)) for kind, fault, n in queue.why_dead(session, campaign.id, now)])


PANEL: Final = Panel("undelivered", _("Undelivered mail"), data)
