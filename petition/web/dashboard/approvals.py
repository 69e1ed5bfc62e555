"""The approvals page: what waits for a second organiser, in words and figures, with a button that approves it.

A new act needs a sentence in `petition.web.dashboard.approval_requests`, and its effect in `petition.usecases.acts`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from flask import Response, request, url_for
from sqlalchemy.orm import Session

from petition import organisers
from petition.campaigns import Campaign, CampaignState, StepSkipped
from petition.core import clock, db
from petition.core.ids import OrganiserId
from petition.organisers import GRANTS, Act, LastOwner, MemberUnknown, Role
from petition.organisers.actor import Actor
from petition.organisers.approvals import ApprovalRequest, RequestUnknown, SameOrganiser
from petition.usecases import acts
from petition.web.dashboard import access, rendering
from petition.web.dashboard.access import needs, visitor
from petition.web.dashboard.approval_requests import describe_request
from petition.web.dashboard.forms import IdForm
from petition.web.forms.base import BaseForm
from petition.web.forms.redraw import redraw

bp = access.blueprint("approvals")
REFUSALS: Final = (RequestUnknown, SameOrganiser, LastOwner, MemberUnknown, StepSkipped)


@dataclass(frozen=True, slots=True)
class WaitingRequest:
    """A request as the page shows it: what will happen, and the label of the button that approves it.

    `mine` means that the visitor made the request. `others` is the number of other organisers who can approve it.
    """

    id: str
    sentence: str
    button: str
    requester: str
    mine: bool
    others: int
    at: datetime
    until: datetime


def _page(form: BaseForm) -> Response:
    with db.session() as session:
        campaign = access.campaign(session)
        team = {someone.id: role for someone, role in organisers.members(session, campaign.id) if not someone.disabled}
        requests = [_waiting_request(team, *each) for each in acts.waiting(session, campaign.id, clock.now())]
        closable = campaign.state is CampaignState.OPEN and access.allows(Act.MANAGE)
        many = closable and acts.many_wait(session, campaign, clock.now())
        shown = {"requests": [each for each in requests if each], "closable": closable, "many": many}
        return rendering.render("approvals", session, campaign, form, **shown)


@bp.get("/c/<slug>/keys")
@needs(Act.READ_AUDIT_LOG)
def approvals(slug: str) -> Response:
    """Show what waits for a second organiser."""
    del slug
    return _page(BaseForm())


@bp.post("/c/<slug>/keys/approve")
@needs(Act.READ_AUDIT_LOG, fresh=True)
@redraw(_page, *REFUSALS)
def approve(slug: str) -> Response:
    """Approve a request as the second organiser. Raises RightMissing and the act's own errors."""
    return _decide(slug, acts.approve)


@bp.post("/c/<slug>/keys/refuse")
@needs(Act.READ_AUDIT_LOG)
@redraw(_page, *REFUSALS)
def refuse(slug: str) -> Response:
    """Refuse a request, or cancel one's own. Raises RightMissing."""
    return _decide(slug, acts.refuse)


@bp.post("/c/<slug>/keys/close")
@needs(Act.MANAGE, fresh=True)
@redraw(_page, StepSkipped)
def close(slug: str) -> Response:
    """Ask a second organiser to close the campaign."""
    with db.transaction() as session:
        acts.ask_to_close(session, access.campaign(session), access.actor())
    return _back(slug)


def _decide(slug: str, decide: Callable[[Session, Campaign, bytes, Actor], ApprovalRequest]) -> Response:
    request_id = IdForm.read(request.form).id.data
    with db.transaction() as session:
        decide(session, access.campaign(session), request_id, access.actor())
    return _back(slug)


def _waiting_request(team: Mapping[OrganiserId, Role], found: ApprovalRequest, requester: str) -> WaitingRequest | None:
    """Return a request as this visitor sees it, or None if they could not decide it."""
    right = acts.RIGHTS[found.act]
    if not access.allows(right):
        return None
    sentence, button = describe_request(found)
    mine = found.asked_by == visitor().organiser_id
    others = sum(right in GRANTS[role] for someone, role in team.items() if someone != found.asked_by)
    return WaitingRequest(found.id.hex(), sentence, button, requester, mine, others, found.asked_at, found.until)


def _back(slug: str) -> Response:
    return access.go(url_for("organise_approvals.approvals", slug=slug))
