"""The chart page: signatures, issued passes, withdrawals and milestones over time, also as a table."""

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
from petition.web.dashboard.chart_svg import chart_image

RANGES: Final[dict[str, tuple[int | None, str]]] = {
    "7": (7, _("7 days")),
    "30": (30, _("30 days")),
    "all": (None, _("From the beginning")),
}

bp = access.blueprint("chart")


@bp.get("/c/<slug>/chart")
@needs(Act.SEE)
def page(slug: str) -> Response:
    """Show the chart of one range, `?range=7`, `30` or `all`. Any other value shows all."""
    del slug
    chosen = request.args.get("range", "")
    chosen = chosen if chosen in RANGES else "all"
    with db.session() as session:
        campaign = access.campaign(session)
        shown, statuses = None, []
        if campaign.state is not CampaignState.DRAFT:
            shown = curve(session, campaign, RANGES[chosen][0], clock.now())
            statuses = milestones.statuses(session, campaign.id, campaign.workforce)
        return rendering.render(
            "chart", session, campaign, ranges=RANGES, chosen=chosen, curve=shown, statuses=statuses,
            image=chart_image(shown, statuses) if shown else None,
        )  # fmt: skip
