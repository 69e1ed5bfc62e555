"""What each act that needs two organisers does once it is approved.

Approval and act are one transaction: both happen or neither, and only once. When the approval is given, the organiser
who asked and the one who approves must both still have the right. `petition.usecases.approval_rules` decides what needs
an approval. A new act is a function and a line in ACTS, a line in `approval_rules.RIGHTS`, and a sentence in
`petition.web.dashboard.approval_requests`. An act that nobody requested is rejected.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from petition import organisers
from petition.campaigns import Campaign
from petition.core.errors import ExpectedError
from petition.core.ids import OrganiserId
from petition.organisers import GRANTS, Membership, Organiser, Role, approvals, team
from petition.organisers.actor import Actor
from petition.organisers.approvals import ApprovalKind, ApprovalRequest, RequestUnknown
from petition.usecases import (
    approval_rules,
    closing_date,
    domains,
    exports,
    hiding,
    milestone_settings,
    opening,
    public_texts,
    removals,
    updates,
)
from petition.usecases.approval_rules import RIGHTS

Doing = Callable[[Session, Campaign, ApprovalRequest, datetime], None]


class RightMissing(ExpectedError):
    """The role of the approving organiser does not allow the act itself."""

    status = 403


def waiting(session: Session, campaign: Campaign, now: datetime) -> list[tuple[ApprovalRequest, str]]:
    """Returns requests that can be decided, oldest first, with the asker's name, if the asker still has the right.

    A request to open a draft that was changed since is left out, and one to hide what is not shown any more.
    """
    asking = approvals.waiting(campaign.id, now).with_only_columns(ApprovalRequest, Organiser.name, Membership.role)
    asking = asking.join(Organiser, Organiser.id == ApprovalRequest.asked_by)
    member = (Membership.organiser_id == ApprovalRequest.asked_by) & (
        Membership.campaign_id == ApprovalRequest.campaign_id
    )
    rows = session.execute(asking.join(Membership, member).where(Organiser.disabled.is_(False))).all()
    shown = hiding.shown(session, campaign.id, [request for request, _name, _role in rows])
    fits: dict[ApprovalKind, Callable[[ApprovalRequest], bool]] = {
        ApprovalKind.OPEN: lambda request: opening.fits(session, campaign, request),
        ApprovalKind.HIDE: lambda request: request.id in shown,
    }
    return [
        (request, name)
        for request, name, role in rows
        if RIGHTS[request.act] in GRANTS[role] and (request.act not in fits or fits[request.act](request))
    ]


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
        return approval_rules.ask(session, campaign, ApprovalKind.REMOVE_OWNER, about, actor)
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


ACTS: Final[dict[ApprovalKind, Doing]] = {
    ApprovalKind.OPEN: opening.approved,
    ApprovalKind.REMOVE: removals.approved,
    ApprovalKind.HIDE: hiding.approved,
    ApprovalKind.MAIL: updates.mail_approved,
    ApprovalKind.CLOSE: closing_date.approved,
    ApprovalKind.TRANSLATION: public_texts.translate,
    ApprovalKind.DOMAINS: domains.change,
    ApprovalKind.EXPORT_NAMES: exports.export_names,
    ApprovalKind.NAMES_SOONER: milestone_settings.approved,
    ApprovalKind.LEGAL_TEXTS: public_texts.change_legal_texts,
    ApprovalKind.REMOVE_OWNER: _remove_owner,
}
"""What each act does. An act that is not listed here cannot be approved."""
