"""The list of an organiser's campaigns, and the overview page of one campaign, which consists of panels."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask import Response, url_for
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from petition import campaigns as letters
from petition import organisers
from petition.campaigns import Campaign
from petition.campaigns.tables import UpdateDraft
from petition.core import clock, db
from petition.core.ids import CampaignId
from petition.ledger.log import Head
from petition.mailing import digests
from petition.organisers import Act, Role, audit_log
from petition.organisers.approvals import ApprovalRequest, RequestState
from petition.organisers.audit_log import Action
from petition.privacy import daily_figures
from petition.web.dashboard import access, rendering
from petition.web.dashboard.access import Audience, needs, visitor
from petition.web.dashboard.panels import PANELS
from petition.web.language import spoken

bp = access.blueprint("overview")


@dataclass(frozen=True, slots=True)
class CampaignRow:
    """A campaign in the visitor's list: title, role, count (None before it opens), and the number of waiting tasks."""

    campaign: Campaign
    title: str
    role: Role
    count: int | None
    waiting: int


@bp.get("", strict_slashes=False)
@needs(Audience.SIGNED_IN)
def campaigns() -> Response:
    """Show every campaign that the visitor organises, with a link to start a new one."""
    with db.session() as session:
        roles = organisers.campaigns_of(session, visitor().organiser_id)
        return rendering.render("campaigns", campaigns=_campaign_rows(session, roles, clock.now()))


@bp.get("/c/<slug>")
@needs(Act.SEE)
def overview(slug: str) -> Response:
    """Show the current state of the campaign."""
    del slug
    now = clock.now()
    with db.session() as session:
        campaign = access.campaign(session)
        shown = [(panel, panel.data(session, campaign, now)) for panel in PANELS]
        return rendering.render("overview", session, campaign, panels=shown)


@bp.post("/c/<slug>/dead-letters")
@needs(Act.PUBLISH)
def retry(slug: str) -> Response:
    """Send undelivered mail again to subscribers who still want it."""
    with db.transaction() as session:
        campaign = access.campaign(session)
        if n := digests.retry(session, campaign.id, clock.now()).again:
            daily_figures.mark_retried(session, campaign.id)
            audit_log.write(
                session, campaign.id, access.actor(), Action.MAILS_RETRIED, {"mails": daily_figures.tens(n)}
            )
    return access.go(url_for("organise_overview.overview", slug=slug))


def _campaign_rows(session: Session, roles: dict[CampaignId, Role], now: datetime) -> list[CampaignRow]:
    """Return the visitor's campaigns. This takes six queries, however many campaigns there are."""
    counts = {
        cid: n for cid, n in session.execute(select(Head.campaign_id, Head.counted).where(Head.campaign_id.in_(roles)))
    }
    waiting = _waiting(session, roles, now)
    titles = letters.titles(session, list(roles))
    query = select(Campaign).where(Campaign.id.in_(roles)).order_by(Campaign.slug)
    return [
        CampaignRow(
            each,
            letters.title_in(titles.get(each.id, {}), each, spoken()),
            roles[each.id],
            counts.get(each.id),
            waiting.get(each.id, 0),
        )
        for each in session.scalars(query)
    ]


def _waiting(session: Session, roles: dict[CampaignId, Role], now: datetime) -> dict[bytes, int]:
    """Return the number of waiting requests and drafts of updates of each campaign, and one more for undelivered mail.

    Undelivered mail counts as of the last day (UTC).
    """
    undecided = (ApprovalRequest.state == RequestState.WAITING) & (ApprovalRequest.until > now)
    queries = (
        (ApprovalRequest.campaign_id, undecided),
        (UpdateDraft.campaign_id, UpdateDraft.number.is_(None)),
    )
    found = dict.fromkeys(daily_figures.with_undelivered_mail(session, list(roles)), 1)
    for column, which in queries:
        query = select(column, func.count()).where(column.in_(roles), which).group_by(column)
        for campaign_id, n in session.execute(query):
            found[campaign_id] = found.get(campaign_id, 0) + n
    return found
