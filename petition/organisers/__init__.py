"""Organisers: their accounts, their rights in each campaign, and how they sign in.

This package protects the dashboard. `may` alone decides about rights. A session is checked against the database at
every page, so that a signed-out or removed organiser loses access with the next request. There are no passwords:
organisers use passkeys, and ten recovery codes for the day when all passkeys are lost.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from petition.organisers import invitations, sessions
from petition.organisers.invitations import (
    InvitationUnknown,
    MemberAlready,
    NameTaken,
    accept,
    campaigns_of,
    enrol,
    invite,
    join,
    let_in,
    members,
    named,
)
from petition.organisers.passkeys import LastWayIn, PasskeyCopied, PasskeyRefused
from petition.organisers.recovery import CodeUnknown, NetworkTriedTooOften, RecoveryBusy, TriedTooOften
from petition.organisers.rights import GRANTS, Act, may, role_of
from petition.organisers.sessions import Visitor
from petition.organisers.tables import Invitation, Membership, Organiser, OrganiserSession, Passkey, RecoveryCode, Role
from petition.organisers.team import LastOwner, MemberUnknown, disable

__all__ = [
    "GRANTS",
    "Act",
    "CodeUnknown",
    "Invitation",
    "InvitationUnknown",
    "LastOwner",
    "LastWayIn",
    "MemberAlready",
    "MemberUnknown",
    "Membership",
    "NameTaken",
    "NetworkTriedTooOften",
    "Organiser",
    "OrganiserSession",
    "Passkey",
    "PasskeyCopied",
    "PasskeyRefused",
    "RecoveryBusy",
    "RecoveryCode",
    "Role",
    "TriedTooOften",
    "Visitor",
    "accept",
    "campaigns_of",
    "disable",
    "enrol",
    "invite",
    "join",
    "let_in",
    "may",
    "members",
    "named",
    "purge",
    "role_of",
]


def purge(session: Session, now: datetime) -> None:
    """Delete sessions that are over and invitations that nobody used in time."""
    sessions.forget_ended(session, now)
    invitations.forget_late(session, now)
