"""The panel that shows whether the parts of this installation work: web, database, workers and beat."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from petition.campaigns import Campaign
from petition.core import database_roles, heartbeats
from petition.core.i18n import marked as _
from petition.privacy import scrub_state
from petition.web.dashboard.panels.panel import Panel

SILENT_SECONDS: Final = 120
"""A worker that is busy with a long run of mails is one minute late at most."""
SCRUB_SECONDS: Final = 2 * 3600
"""The scrub runs once an hour. A run that found the tables busy is made up for by the next one."""
WORKERS: Final = ("prompt", "bulk")


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The number of seconds since the last heartbeat of a part. None means that there never was one."""

    seconds: int | None

    @property
    def good(self) -> bool:
        """Whether the last heartbeat is recent."""
        return self.seconds is not None and self.seconds < SILENT_SECONDS


@dataclass(frozen=True, slots=True)
class HealthFigures:
    """The response time of the database, and the last heartbeats. That of beat is the newest of all workers.

    `separate` tells whether the application's database role can change neither the audit log nor the ledger.
    """

    database_ms: int
    prompt: Heartbeat
    bulk: Heartbeat
    beat: Heartbeat
    scrub: Heartbeat
    refused: tuple[str, ...]
    separate: bool

    @property
    def scrub_late(self) -> bool:
        """Whether the order of arrival has been kept for longer than it should."""
        return self.scrub.seconds is not None and self.scrub.seconds > SCRUB_SECONDS


def data(session: Session, campaign: Campaign, now: datetime) -> HealthFigures:
    """Return the figures. The web server itself needs no check: it is answering this request."""
    del campaign
    began = time.perf_counter()
    session.execute(select(1))
    took = time.perf_counter() - began
    seen = heartbeats.last_beats(session, WORKERS)
    prompt, bulk = (_since(seen.get(name), now) for name in WORKERS)
    beat, scrub = _since(max(seen.values(), default=None), now), scrub_state.last(session)
    last, refused = (scrub.at, scrub.refused) if scrub else (None, ())
    return HealthFigures(
        round(took * 1000), prompt, bulk, beat, _since(last, now), refused, database_roles.is_separate(session)
    )


def _since(seen: datetime | None, now: datetime) -> Heartbeat:
    """Returns how far away a heartbeat is. One that lies ahead, of a clock that was wrong, is no better than an old one."""
    return Heartbeat(None if seen is None else int(abs((now - seen).total_seconds())))


PANEL: Final = Panel("health", _("Health of this site"), data)
