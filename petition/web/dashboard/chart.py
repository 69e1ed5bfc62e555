"""The chart: signatures over time, with passes issued, withdrawals and milestones, and the same as a table."""

from __future__ import annotations

from typing import Final

from flask import Response, request

from petition.campaigns import CampaignState, milestones
from petition.core import clock, db
from petition.core.i18n import marked as _
from petition.organisers import Act
from petition.usecases.curve import curve
from petition.web.dashboard import access, rendering
from petition.web.dashboard.access import needs
from petition.web.dashboard.drawing import picture

RANGES: Final[dict[str, tuple[int | None, str]]] = {
    "7": (7, _("7 days")),
    "30": (30, _("30 days")),
    "all": (None, _("From the beginning")),
}

bp = access.blueprint("chart")


@bp.get("/c/<slug>/chart")
@needs(Act.SEE)
def page(slug: str) -> Response:
    """One range, `?range=7`, `30` or `all`; anything else is all."""
    del slug
    chosen = request.args.get("range", "")
    chosen = chosen if chosen in RANGES else "all"
    with db.session() as session:
        campaign = access.campaign(session)
        drawn, standings = None, []
        if campaign.state is not CampaignState.DRAFT:
            drawn = curve(session, campaign, RANGES[chosen][0], clock.now())
            standings = milestones.statuses(session, campaign.id, campaign.workforce)
        return rendering.render(
            "chart", session, campaign, ranges=RANGES, chosen=chosen, curve=drawn, standings=standings,
            picture=picture(drawn, standings) if drawn else None,
        )  # fmt: skip
