"""The audit log: what organisers did, and when. It is append-only and never names a signer.

Organisers who join later see what was done in the campaign's name, and nobody can remove a line: a database trigger
(migration 0003) rejects changes, and deletions of lines younger than a year. The application's database role cannot
change or delete a line at all (decision 0052). The log holds nothing that would identify a signer: `about` takes figures, settings and the names of organisers.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import Identity, Index, Select, delete, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from petition.core import database_roles
from petition.core.db import Base, stored
from petition.core.ids import CampaignId, OrganiserId
from petition.organisers.actor import AnyActor

KEPT: Final = timedelta(days=366)


class Action(StrEnum):
    """The actions of organisers, in the past tense. `petition.web.dashboard.audit_messages` has a sentence for each."""

    INVITED = "invited"
    INVITATION_CANCELLED = "invitation_cancelled"
    JOINED = "joined"
    ROLE_CHANGED = "role_changed"
    MEMBER_REMOVED = "member_removed"
    ORGANISER_DISABLED = "organiser_disabled"
    PASSKEY_ADDED = "passkey_added"
    PASSKEY_REMOVED = "passkey_removed"
    CODES_RENEWED = "codes_renewed"
    CODE_USED = "code_used"
    CAMPAIGN_DRAFTED = "campaign_drafted"
    CAMPAIGN_DUPLICATED = "campaign_duplicated"
    CAMPAIGN_CHANGED = "campaign_changed"
    CAMPAIGN_OPENED = "campaign_opened"
    CAMPAIGN_CLOSED = "campaign_closed"
    BACK_TO_DRAFT = "back_to_draft"
    CLOSE_PLANNED = "close_planned"
    CLOSE_CANCELLED = "close_cancelled"
    DOMAINS_CHANGED = "domains_changed"
    UPDATE_WRITTEN = "update_written"
    UPDATE_PUBLISHED = "update_published"
    UPDATE_CANCELLED = "update_cancelled"
    TRIAL_SENT = "trial_sent"
    DEMAND_JUDGED = "demand_judged"
    MILESTONE_ADDED = "milestone_added"
    MILESTONE_REMOVED = "milestone_removed"
    SIGNER_HIDDEN = "signer_hidden"
    SIGNATURES_REMOVED = "signatures_removed"
    REMOVAL_UNDONE = "removal_undone"
    EXPORTED = "exported"
    DELIVERED = "delivered"
    ANSWERED = "answered"
    STOPPED = "stopped"
    RESUMED = "resumed"
    MAILS_RETRIED = "mails_retried"
    KEY_ASKED = "key_asked"
    KEY_GIVEN = "key_given"
    KEY_REFUSED = "key_refused"


class AuditEntry(Base):
    """One action. Without a campaign it concerns the installation; without `by` an operator or the calendar did it."""

    __tablename__ = "journal"

    number: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    campaign_id: Mapped[CampaignId | None]
    at: Mapped[datetime]
    by: Mapped[OrganiserId | None]
    action: Mapped[Action] = mapped_column("deed", stored(Action, native_enum=False, length=40), key="action")
    about: Mapped[dict[str, Any]]

    __table_args__ = (
        Index("ix_journal_campaign", "campaign_id", "number"),
        {"info": database_roles.APPEND_ONLY | database_roles.OUTDATED},
    )


def write(
    session: Session,
    campaign_id: CampaignId | None,
    actor: AnyActor,
    action: Action,
    about: Mapping[str, Any] | None = None,
) -> None:
    """Add a line in the transaction of the action. `about` fills in the action's sentence and never names a signer."""
    line = AuditEntry(campaign_id=campaign_id, at=actor.now, by=actor.by, action=action, about=dict(about or {}))
    session.add(line)


def forget_old(session: Session, now: datetime) -> None:
    """Delete lines older than a year. The database's clock counts, too, because the trigger rejects younger lines."""
    old = AuditEntry.at < func.least(now, func.now()) - KEPT
    session.execute(delete(AuditEntry).where(old))


def lines(campaign_id: CampaignId, *, action: Action | None = None, by: bytes | None = None) -> Select[AuditEntry]:
    """Returns a query for the lines of a campaign, newest first: all, or those of one action or one organiser."""
    query = select(AuditEntry).where(AuditEntry.campaign_id == campaign_id).order_by(AuditEntry.number.desc())
    if action is not None:
        query = query.where(AuditEntry.action == action)
    return query if by is None else query.where(AuditEntry.by == by)
