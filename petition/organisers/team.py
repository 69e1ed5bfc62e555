"""The team of a campaign: changes of roles, removal of members, open invitations.

A campaign always has an owner, even with concurrent changes: each change of a team first locks its rows. A member who
leaves, or who loses the right to invite, keeps no open invitation with which to come back. People outside the team are
rejected.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from petition.core.errors import ExpectedError
from petition.core.ids import CampaignId, OrganiserId
from petition.organisers import audit_log, sessions
from petition.organisers.actor import Actor, AnyActor, Operator
from petition.organisers.audit_log import Action
from petition.organisers.invitations import InvitationUnknown
from petition.organisers.rights import GRANTS, Act
from petition.organisers.tables import Invitation, Membership, Organiser, Role


class MemberUnknown(ExpectedError, LookupError):
    """Nobody with this id organises the campaign."""

    status = 404


class LastOwner(ExpectedError):
    """A campaign needs at least one owner; make somebody else an owner first."""

    status = 409


def held(session: Session, campaign_id: CampaignId, organiser_id: OrganiserId) -> Membership:
    """Returns a member and locks the whole team until the end of the transaction. Raises MemberUnknown."""
    query = select(Membership).where(Membership.campaign_id == campaign_id)
    query = query.order_by(Membership.organiser_id).with_for_update().execution_options(populate_existing=True)
    team = session.scalars(query).all()
    found = next((each for each in team if each.organiser_id == organiser_id), None)
    if found is None:
        raise MemberUnknown
    return found


def spare(session: Session, member: Membership, to: Role | None) -> None:
    """Raises LastOwner if this change would leave the campaign without an owner."""
    if member.role is not Role.OWNER or to is Role.OWNER:
        return
    others = select(Membership.organiser_id).join(Organiser, Organiser.id == Membership.organiser_id)
    others = others.where(Membership.campaign_id == member.campaign_id, Membership.role == Role.OWNER)
    others = others.where(Membership.organiser_id != member.organiser_id, Organiser.disabled.is_(False))
    if session.scalar(others.limit(1)) is None:
        raise LastOwner


def change_role(
    session: Session, campaign_id: CampaignId, organiser_id: OrganiserId, role: Role, actor: AnyActor
) -> None:
    """Give a member another role. Raises MemberUnknown, LastOwner."""
    member = held(session, campaign_id, organiser_id)
    if member.role is role:
        return
    spare(session, member, role)
    member.role = role
    session.flush()
    if Act.MANAGE not in GRANTS[role]:
        _cut_invitations(session, campaign_id, organiser_id)
    name = session.get_one(Organiser, organiser_id).name
    audit_log.write(session, campaign_id, actor, Action.ROLE_CHANGED, {"name": name, "role": role.value})


def remove(session: Session, campaign_id: CampaignId, organiser_id: OrganiserId, actor: AnyActor) -> None:
    """Remove a member from a team. Their rights end with their next request. Raises MemberUnknown, LastOwner."""
    member = held(session, campaign_id, organiser_id)
    spare(session, member, None)
    session.delete(member)
    session.flush()
    _cut_invitations(session, campaign_id, organiser_id)
    name = session.get_one(Organiser, organiser_id).name
    audit_log.write(session, campaign_id, actor, Action.MEMBER_REMOVED, {"name": name})


def open_invitations(session: Session, campaign_id: CampaignId, now: datetime) -> Sequence[Invitation]:
    """Returns the open invitations to a campaign, those that end first on top."""
    query = select(Invitation).where(Invitation.campaign_id == campaign_id, Invitation.until > now)
    return session.scalars(query.order_by(Invitation.until, Invitation.id)).all()


def cancel(session: Session, campaign_id: CampaignId, invitation_id: bytes, actor: Actor) -> None:
    """Invalidate an invitation's link. Raises InvitationUnknown."""
    found = session.get(Invitation, invitation_id, with_for_update=True)
    if found is None or found.campaign_id != campaign_id:
        raise InvitationUnknown
    about = {"role": found.role.value} if found.role else {}
    session.delete(found)
    audit_log.write(session, campaign_id, actor, Action.INVITATION_CANCELLED, about)


def disable(session: Session, organiser: Organiser, now: datetime) -> None:
    """Block an organiser everywhere, at once. Only operators can do this."""
    organiser.disabled = True
    sessions.end_all(session, organiser.id)
    session.execute(
        delete(Invitation).where((Invitation.by == organiser.id) | (Invitation.organiser_id == organiser.id))
    )
    audit_log.write(session, None, Operator(now), Action.ORGANISER_DISABLED, {"name": organiser.name})


def _cut_invitations(session: Session, campaign_id: CampaignId, by: bytes) -> None:
    session.execute(delete(Invitation).where(Invitation.campaign_id == campaign_id, Invitation.by == by))
