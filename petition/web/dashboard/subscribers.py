"""The subscribers page: how many there are, by frequency and language, and how many mails bounced.

It shows no address.
"""

from __future__ import annotations

from flask import Response

from petition.core import clock, db
from petition.mailing import queue, subscribers
from petition.mailing.queue import throttle
from petition.organisers import Act
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
            "subscribers", session, campaign, figures=subscribers.subscriber_figures(session, campaign.id, clock.now()),
            complaints=subscribers.complaints(session), providers=throttle.by_provider(session),
            paused=queue.is_paused(session, services().config.base_url), refused=queue.refused(session),
        )  # fmt: skip
