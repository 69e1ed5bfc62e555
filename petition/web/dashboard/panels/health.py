"""Whether the parts of this installation do their work: web, database, workers, beat."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from petition.campaigns import Campaign
from petition.core import heartbeats
from petition.core.i18n import marked as _
from petition.privacy import scrub_state
from petition.web.dashboard.panels.panel import Panel

SILENT_SECONDS: Final = 120
"""A worker that is busy with a long turn of mails is a minute late at most."""
SCRUB_SECONDS: Final = 2 * 3600
"""It runs once an hour; one that found the tables busy is made up for by the next."""
WORKERS: Final = ("prompt", "bulk")


@dataclass(frozen=True, slots=True)
class Sign:
    """Seconds since a part gave its last sign of life; None: it never did."""

    seconds: int | None

    @property
    def good(self) -> bool:
        """Whether that is recent."""
        return self.seconds is not None and self.seconds < SILENT_SECONDS


@dataclass(frozen=True, slots=True)
class Shown:
    """How long the database took to answer, and the last signs of life; beat's is the newest it asked anybody for."""

    database_ms: int
    prompt: Sign
    bulk: Sign
    beat: Sign
    scrub: Sign
    refused: tuple[str, ...]

    @property
    def scrub_late(self) -> bool:
        """Whether the order of arrival has lain there for longer than it should."""
        return self.scrub.seconds is not None and self.scrub.seconds > SCRUB_SECONDS


def data(session: Session, campaign: Campaign, now: datetime) -> Shown:
    """Who reads this was answered by the web, so that is well."""
    del campaign
    began = time.perf_counter()
    session.execute(select(1))
    took = time.perf_counter() - began
    seen = heartbeats.last_beats(session, WORKERS)
    prompt, bulk = (_since(seen.get(name), now) for name in WORKERS)
    beat, scrub = _since(max(seen.values(), default=None), now), scrub_state.last(session)
    last, refused = (scrub.at, scrub.refused) if scrub else (None, ())
    return Shown(round(took * 1000), prompt, bulk, beat, _since(last, now), refused)


def _since(seen: datetime | None, now: datetime) -> Sign:
    return Sign(None if seen is None else max(0, int((now - seen).total_seconds())))


PANEL: Final = Panel("health", _("Health of this site"), data)
