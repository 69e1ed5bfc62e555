"""The rights of organisers: `may` alone decides, and GRANTS is the only list."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from petition.core.ids import CampaignId, OrganiserId
from petition.organisers.tables import Membership, Organiser, Role


class Act(StrEnum):
    """The kinds of acts in a campaign. Every route of the dashboard names one."""

    SEE = "see"
    WRITE = "write"
    PUBLISH = "publish"
    MODERATE = "moderate"
    READ_AUDIT_LOG = "read_audit_log"
    EXPORT = "export"
    MANAGE = "manage"


GRANTS: Final[Mapping[Role, frozenset[Act]]] = MappingProxyType(
    {
        Role.OWNER: frozenset(Act),
        Role.EDITOR: frozenset({Act.SEE, Act.WRITE, Act.PUBLISH, Act.READ_AUDIT_LOG}),
        Role.MODERATOR: frozenset({Act.SEE, Act.MODERATE, Act.READ_AUDIT_LOG}),
        Role.OBSERVER: frozenset({Act.SEE}),
    }
)


def role_of(session: Session, organiser_id: OrganiserId, campaign_id: CampaignId) -> Role | None:
    """Returns the role of an organiser in a campaign, or None for strangers and disabled organisers."""
    query = select(Membership.role).join(Organiser, Organiser.id == Membership.organiser_id)
    query = query.where(Membership.organiser_id == organiser_id, Membership.campaign_id == campaign_id)
    return session.scalar(query.where(Organiser.disabled.is_(False)))


def may(session: Session, organiser_id: OrganiserId, act: Act, campaign_id: CampaignId) -> bool:
    """Returns whether an organiser may currently do this in that campaign."""
    role = role_of(session, organiser_id, campaign_id)
    return role is not None and act in GRANTS[role]
