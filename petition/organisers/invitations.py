"""Invitations: links that work once, within 72 hours, for one purpose.

There are two purposes: joining a campaign with a role, and (for operators and development) signing in as a known
organiser. Links are stored as hashes, so a reader of the database cannot use them. A used, late or cancelled link is
rejected.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from petition.core import db
from petition.core.errors import ExpectedError
from petition.core.ids import CampaignId, OrganiserId
from petition.organisers import audit_log
from petition.organisers.actor import Actor, AnyActor
from petition.organisers.audit_log import Action
from petition.organisers.tables import Invitation, Membership, Organiser, Role

LIFE: Final = timedelta(hours=72)
TOKEN_BYTES: Final = 24
LONGEST_NAME: Final = 60


class InvitationUnknown(ExpectedError, LookupError):
    """No invitation has this link: it was used, is older than 72 hours, or was cancelled."""

    status = 404


class MemberAlready(ExpectedError):
    """The person who used the invitation already has a role in this campaign. An invitation changes no role."""

    status = 409


class NameTaken(ExpectedError, ValueError):
    """Another organiser has this name."""

    status = 422


def invite(session: Session, campaign_id: CampaignId | None, role: Role | None, actor: AnyActor) -> str:
    """Create a link for joining, with a role in a campaign or without one. Returns its last part."""
    about = {"role": role.value} if role else {}
    audit_log.write(session, campaign_id, actor, Action.INVITED, about)
    return _made(session, Invitation(campaign_id=campaign_id, role=role, by=actor.by, until=actor.now + LIFE))


def let_in(session: Session, organiser_id: OrganiserId, now: datetime) -> str:
    """Create a link that signs one organiser in, once, for operators and development. Returns its last part."""
    return _made(session, Invitation(organiser_id=organiser_id, until=now + LIFE))


def find(session: Session, token: str, now: datetime) -> Invitation:
    """Returns the invitation of a link. Raises InvitationUnknown."""
    found = session.get(Invitation, _hash(token))
    if found is None or found.until <= now:
        raise InvitationUnknown
    return found


def take(session: Session, token: str, now: datetime) -> Invitation:
    """Use a link up. If two people use it at once, only one succeeds. Raises InvitationUnknown."""
    taking = delete(Invitation).where(Invitation.id == _hash(token), Invitation.until > now).returning(Invitation)
    found = session.scalar(taking)
    if found is None:
        raise InvitationUnknown
    return found


def enrol(session: Session, name: str, lang: str, now: datetime) -> Organiser:
    """Insert an organiser, who has no role in any campaign yet. Raises NameTaken."""
    made = Organiser(
        id=secrets.token_bytes(16), name=name, known_as=name.casefold(), lang=lang, disabled=False, since=now.date()
    )
    try:
        with session.begin_nested():
            session.add(made)
    except IntegrityError as error:
        if db.constraint_of(error) == "uq_organiser_known_as":
            raise NameTaken(name) from None
        raise
    return made


def accept(session: Session, token: str, organiser_id: OrganiserId, now: datetime) -> Invitation:
    """Use an invitation, once. Raises InvitationUnknown, MemberAlready."""
    session.get_one(Organiser, organiser_id, with_for_update=True)
    found = take(session, token, now)
    if found.organiser_id is not None:
        raise InvitationUnknown
    if found.campaign_id is not None and found.role is not None:
        if session.get(Membership, (found.campaign_id, organiser_id)) is not None:
            raise MemberAlready
        join(session, found.campaign_id, organiser_id, found.role, now)
    return found


def join(session: Session, campaign_id: CampaignId, organiser_id: OrganiserId, role: Role, now: datetime) -> None:
    """Give an organiser a role in a campaign. It replaces an earlier one."""
    found = session.get(Membership, (campaign_id, organiser_id))
    if found is None:
        made = Membership(campaign_id=campaign_id, organiser_id=organiser_id, role=role, since=now.date())
        session.add(made)
        session.flush()
    else:
        found.role = role
    audit_log.write(session, campaign_id, Actor(organiser_id, now), Action.JOINED, {"role": role.value})


def named(session: Session, name: str) -> Organiser | None:
    """Returns the organiser with this name, ignoring case, or None."""
    return session.scalar(select(Organiser).where(Organiser.known_as == name.casefold()))


def members(session: Session, campaign_id: CampaignId) -> Sequence[tuple[Organiser, Role]]:
    """Returns the organisers of a campaign with their roles, by name."""
    query = select(Organiser, Membership.role).join(Membership, Membership.organiser_id == Organiser.id)
    query = query.where(Membership.campaign_id == campaign_id).order_by(Organiser.known_as)
    return [(organiser, role) for organiser, role in session.execute(query)]


def campaigns_of(session: Session, organiser_id: OrganiserId) -> dict[CampaignId, Role]:
    """Returns the campaigns of an organiser, with the role in each."""
    query = select(Membership.campaign_id, Membership.role).where(Membership.organiser_id == organiser_id)
    return {campaign_id: role for campaign_id, role in session.execute(query)}


def forget_late(session: Session, now: datetime) -> None:
    """Delete invitations that nobody used in time."""
    session.execute(delete(Invitation).where(Invitation.until <= now))


def _made(session: Session, invitation: Invitation) -> str:
    token = secrets.token_urlsafe(TOKEN_BYTES)
    invitation.id = _hash(token)
    session.add(invitation)
    session.flush()
    return token


def _hash(token: str) -> bytes:
    return sha256(token.encode()).digest()
