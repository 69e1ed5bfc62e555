"""Organisers: who they are, what each may do in which campaign, and how they come in.

Guards the dashboard. `may` is the only judge; a visit is checked at every page against the database, so that whoever is
signed out or removed is out with the next request. Refuses passwords: passkeys, and ten codes for the day they are lost.
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
from petition.organisers.passkeys import LastWayIn, PasskeyRefused
from petition.organisers.recovery import CodeUnknown, DoorBusy, TriedTooOften
from petition.organisers.rights import GRANTS, Act, may, role_of
from petition.organisers.sessions import Visitor
from petition.organisers.tables import Invitation, Membership, Organiser, OrganiserSession, Passkey, RecoveryCode, Role
from petition.organisers.team import LastOwner, MemberUnknown, disable

__all__ = [
    "GRANTS",
    "Act",
    "CodeUnknown",
    "DoorBusy",
    "Invitation",
    "InvitationUnknown",
    "LastOwner",
    "LastWayIn",
    "MemberAlready",
    "MemberUnknown",
    "Membership",
    "NameTaken",
    "Organiser",
    "OrganiserSession",
    "Passkey",
    "PasskeyRefused",
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
    """Forget visits that are over and invitations that nobody followed in time."""
    sessions.forget_ended(session, now)
    invitations.forget_late(session, now)
