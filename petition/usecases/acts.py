"""Acts that need two organisers: the right that each takes, and what happens once it is approved.

Approval and act are one transaction: both happen or neither, and only once. When the approval is given, the organiser
who asked and the one who approves must both still have the right. A new act is a function and a line in ACTS, a line in
RIGHTS, and a sentence in `petition.web.dashboard.approval_requests`. An act that nobody requested is rejected.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final

from sqlalchemy.orm import Session

from petition import epochs, organisers
from petition.campaigns import Campaign, CampaignState, StepSkipped
from petition.core.errors import ExpectedError
from petition.core.ids import CampaignId, OrganiserId
from petition.ledger import log
from petition.organisers import GRANTS, Act, Membership, Organiser, Role, approvals, audit_log, team
from petition.organisers.actor import Actor
from petition.organisers.approvals import ApprovalKind, ApprovalRequest, RequestUnknown
from petition.organisers.audit_log import Action
from petition.usecases import domains, exports, removals, updates

Doing = Callable[[Session, Campaign, ApprovalRequest, datetime], None]

RIGHTS: Final[Mapping[ApprovalKind, Act]] = MappingProxyType(
    {
        ApprovalKind.REMOVE: Act.MODERATE,
        ApprovalKind.MAIL: Act.PUBLISH,
        ApprovalKind.CLOSE: Act.MANAGE,
        ApprovalKind.DOMAINS: Act.MANAGE,
        ApprovalKind.EXPORT_NAMES: Act.EXPORT,
        ApprovalKind.REMOVE_OWNER: Act.MANAGE,
    }
)


class RightMissing(ExpectedError):
    """The role of the approving organiser does not allow the act itself."""

    status = 403


def waiting(session: Session, campaign_id: CampaignId, now: datetime) -> list[tuple[ApprovalRequest, str]]:
    """Returns requests that can be decided, oldest first, with the asker's name, if the asker still has the right."""
    asking = approvals.waiting(campaign_id, now).with_only_columns(ApprovalRequest, Organiser.name, Membership.role)
    asking = asking.join(Organiser, Organiser.id == ApprovalRequest.asked_by)
    member = (Membership.organiser_id == ApprovalRequest.asked_by) & (
        Membership.campaign_id == ApprovalRequest.campaign_id
    )
    rows = session.execute(asking.join(Membership, member).where(Organiser.disabled.is_(False))).all()
    return [(request, name) for request, name, role in rows if RIGHTS[request.act] in GRANTS[role]]


def approve(session: Session, campaign: Campaign, request_id: bytes, actor: Actor) -> ApprovalRequest:
    """Approve a request and carry it out.

    Raises RequestUnknown, SameOrganiser, RightMissing, and the act's own errors.
    """
    request = approvals.approve(session, campaign.id, request_id, actor)
    _require(session, request, actor.by)
    if not organisers.may(session, request.asked_by, RIGHTS[request.act], campaign.id):
        raise RequestUnknown
    ACTS[request.act](session, campaign, request, actor.now)
    return request


def refuse(session: Session, campaign: Campaign, request_id: bytes, actor: Actor) -> ApprovalRequest:
    """Refuse a request, or take one's own back. Raises RequestUnknown, RightMissing."""
    request = approvals.refuse(session, campaign.id, request_id, actor)
    _require(session, request, actor.by)
    return request


def ask_to_close(session: Session, campaign: Campaign, actor: Actor) -> ApprovalRequest:
    """Ask for a second organiser to close a campaign. Asking again returns the same request. Raises StepSkipped."""
    if campaign.state is not CampaignState.OPEN:
        raise StepSkipped(f"{campaign.state} to {CampaignState.CLOSED}")
    for request, _name in waiting(session, campaign.id, actor.now):
        if (request.act, request.asked_by) == (ApprovalKind.CLOSE, actor.by):
            return request
    head = log.head_of(session, campaign.id)
    many = many_wait(session, campaign, actor.now)
    figures = {"signatures": head.counted, "waiting": epochs.MANY if many else 0}
    return approvals.ask(session, campaign.id, ApprovalKind.CLOSE, figures, actor)


def many_wait(session: Session, campaign: Campaign, now: datetime) -> bool:
    """Returns whether ten signatures or more wait for a batch of an open campaign."""
    return epochs.coming(session, campaign, log.head_of(session, campaign.id), now).many


def change_member(
    session: Session, campaign: Campaign, organiser_id: OrganiserId, to: Role | None, actor: Actor
) -> ApprovalRequest | None:
    """Change or end a member's role: at once, or for an owner after a second organiser's approval.

    Raises MemberUnknown, LastOwner.
    """
    member = team.held(session, campaign.id, organiser_id)
    if member.role is Role.OWNER and to is not Role.OWNER:
        team.spare(session, member, to)
        name = session.get_one(Organiser, organiser_id).name
        about = {"organiser": organiser_id.hex(), "name": name, "to": to.value if to else ""}
        return approvals.ask(session, campaign.id, ApprovalKind.REMOVE_OWNER, about, actor)
    _change(session, campaign, organiser_id, to, actor)
    return None


def _change(session: Session, campaign: Campaign, organiser_id: OrganiserId, to: Role | None, actor: Actor) -> None:
    if to is None:
        team.remove(session, campaign.id, organiser_id, actor)
    else:
        team.change_role(session, campaign.id, organiser_id, to, actor)


def _require(session: Session, request: ApprovalRequest, by: OrganiserId) -> None:
    if not organisers.may(session, by, RIGHTS[request.act], request.campaign_id):
        raise RightMissing


def _remove_owner(session: Session, campaign: Campaign, request: ApprovalRequest, now: datetime) -> None:
    to = Role(request.about["to"]) if request.about["to"] else None
    _change(session, campaign, OrganiserId(bytes.fromhex(request.about["organiser"])), to, Actor(request.asked_by, now))


def _close(session: Session, campaign: Campaign, request: ApprovalRequest, now: datetime) -> None:
    epochs.change(session, campaign, CampaignState.CLOSED, now)
    audit_log.write(session, campaign.id, Actor(request.asked_by, now), Action.CAMPAIGN_CLOSED)


ACTS: Final[dict[ApprovalKind, Doing]] = {
    ApprovalKind.REMOVE: removals.approved,
    ApprovalKind.MAIL: updates.mail_approved,
    ApprovalKind.DOMAINS: domains.change,
    ApprovalKind.EXPORT_NAMES: exports.export_names,
    ApprovalKind.REMOVE_OWNER: _remove_owner,
    ApprovalKind.CLOSE: _close,
}
"""What each act does. An act that is not listed here cannot be approved."""
