"""The page "Operation": what the daily checks of this site found, in a word each, for owners.

It shows no host, address, version or sentence: those are for operators, who run `doctor`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from flask import Response

from petition.config import Environment
from petition.core import clock, db
from petition.operation import CHECKS, Verdict, results
from petition.organisers import Act
from petition.web.dashboard import access, rendering
from petition.web.dashboard.access import needs
from petition.web.services import services

bp = access.blueprint("operation")
STALE_SECONDS: Final = 26 * 3600
"""The checks run once a day, within the first hour that a worker works."""


@dataclass(frozen=True, slots=True)
class CheckRow:
    """One check: its title, and its verdict on the last day. None: it was not made."""

    title: str
    verdict: Verdict | None


@bp.get("/c/<slug>/operation")
@needs(Act.MANAGE)
def page(slug: str) -> Response:
    """Show which parts of the site were in order on the last day, worst first."""
    del slug
    with db.session() as session:
        campaign = access.campaign(session)
        at, verdicts = results.last(session)
        rows = [CheckRow(each.title, verdicts.get(each.name)) for each in CHECKS if each.name in verdicts]
        age = None if at is None else int(abs((clock.now() - at).total_seconds()))
        return rendering.render(
            "operation", session, campaign,
            rows=sorted(rows, key=_severity),
            age=age,
            stale=age is not None and age > STALE_SECONDS,
            demonstration=services().config.env is not Environment.PRODUCTION,
        )  # fmt: skip


def _severity(row: CheckRow) -> int:
    return -list(Verdict).index(row.verdict or Verdict.OK)
