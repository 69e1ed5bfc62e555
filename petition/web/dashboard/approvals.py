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
from petition.campaigns import Campaign, CampaignClosed, CampaignIncomplete, CampaignState, StepSkipped
from petition.core import clock, db
from petition.core.ids import OrganiserId
from petition.organisers import GRANTS, Act, LastOwner, MemberUnknown, Role
from petition.organisers.actor import Actor
from petition.organisers.approvals import (
    ApprovalKind,
    ApprovalRequest,
    RequestOutdated,
    RequestUnknown,
    SameOrganiser,
)
from petition.signatures.selection import Signer
from petition.usecases import acts, closing_date, hiding
from petition.usecases.approval_rules import RIGHTS
from petition.web.dashboard import access, rendering
from petition.web.dashboard.access import needs, visitor
from petition.web.dashboard.approval_requests import describe_request, texts_of_request
from petition.web.dashboard.forms import IdForm
from petition.web.forms.base import BaseForm
from petition.web.forms.redraw import redraw

bp = access.blueprint("approvals")
REFUSALS: Final = (
    RequestUnknown,
    RequestOutdated,
    SameOrganiser,
    LastOwner,
    MemberUnknown,
    StepSkipped,
    CampaignIncomplete,
)


@dataclass(frozen=True, slots=True)
class WaitingRequest:
    """A request as the page shows it: what will happen, and the label of the button that approves it.

    `texts` are what would become public, each with its heading. `mine` means that the visitor made the request. `others`
    is the number of other organisers who can approve it. `reads_draft`: the approver should read the draft's preview.
    `signer` is whose name or comment would be hidden.
    """

    id: str
    sentence: str
    button: str
    texts: list[tuple[str, str]]
    requester: str
    mine: bool
    others: int
    at: datetime
    until: datetime
    reads_draft: bool
    signer: Signer | None


def _page(form: BaseForm) -> Response:
    with db.session() as session:
        campaign = access.campaign(session)
        team = {someone.id: role for someone, role in organisers.members(session, campaign.id) if not someone.disabled}
        waiting = acts.waiting(session, campaign, clock.now())
        signers = hiding.shown(session, campaign.id, [request for request, _requester in waiting])
        requests = [_waiting_request(team, signers, *each) for each in waiting]
        closable = campaign.state is CampaignState.OPEN and access.allows(Act.MANAGE)
        many = closable and closing_date.many_wait(session, campaign)
        return rendering.render(
            "approvals", session, campaign, form, requests=[each for each in requests if each], closable=closable,
            closes=campaign.closes_at if campaign.state is CampaignState.OPEN else None, many=many,
        )  # fmt: skip


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
        closing_date.ask_to_close(session, access.campaign(session), access.actor())
    return _back(slug)


@bp.post("/c/<slug>/keys/keep-open")
@needs(Act.MANAGE)
@redraw(_page, CampaignClosed)
def keep_open(slug: str) -> Response:
    """Cancel a close that was approved, or a closing date, as one owner alone."""
    with db.transaction() as session:
        closing_date.keep_open(session, access.campaign(session), access.actor())
    return _back(slug)


def _decide(slug: str, decide: Callable[[Session, Campaign, bytes, Actor], ApprovalRequest]) -> Response:
    request_id = IdForm.read(request.form).id.data
    with db.transaction() as session:
        decide(session, access.campaign(session), request_id, access.actor())
    return _back(slug)


def _waiting_request(
    team: Mapping[OrganiserId, Role], signers: Mapping[bytes, Signer], found: ApprovalRequest, requester: str
) -> WaitingRequest | None:
    """Return a request as this visitor sees it, or None if they could not decide it."""
    right = RIGHTS[found.act]
    if not access.allows(right):
        return None
    sentence, button = describe_request(found)
    texts = texts_of_request(found)
    mine = found.asked_by == visitor().organiser_id
    others = sum(right in GRANTS[role] for someone, role in team.items() if someone != found.asked_by)
    return WaitingRequest(
        found.id.hex(), sentence, button, texts, requester, mine, others, found.asked_at, found.until,
        reads_draft=found.act is ApprovalKind.OPEN, signer=signers.get(found.id),
    )  # fmt: skip


def _back(slug: str) -> Response:
    return access.go(url_for("organise_approvals.approvals", slug=slug))
