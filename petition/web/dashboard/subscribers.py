"""The subscribers page: how many there are, by frequency and language, and how many mails bounced.

It shows no address. Its figures are those of the last day, in whole tens.
"""

from __future__ import annotations

from flask import Response

from petition.core import db
from petition.mailing import queue
from petition.organisers import Act
from petition.privacy import daily_figures
from petition.web.dashboard import access, rendering
from petition.web.dashboard.access import needs
from petition.web.services import services

bp = access.blueprint("subscribers")


@bp.get("/c/<slug>/subscribers")
@needs(Act.SEE)
def page(slug: str) -> Response:
    """Show the figures."""
    del slug
    with db.session() as session:
        campaign = access.campaign(session)
        return rendering.render(
            "subscribers", session, campaign, day=daily_figures.of_campaign(session, campaign.id),
            site=daily_figures.of_site(session), paused=queue.is_paused(session, services().config.base_url), refused=queue.refused(session),
        )  # fmt: skip
