"""Approvals: what one organiser asks for and another approves before it happens.

Guards against the organiser whose laptop was opened by somebody else, and against the one who was talked into it; not
against an owner who invites a second account of their own: the journal shows that, and nothing prevents it. What
will happen stands in the request, with its figures, and cannot change afterwards. Refuses the same organiser twice, a
request that is older than three days, and one that was decided. What each act does stands in `petition.usecases.acts`.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import Index, Select, delete, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from petition.core.db import Base, stored
from petition.core.errors import ExpectedError
from petition.core.ids import CampaignId, OrganiserId
from petition.organisers import audit_log
from petition.organisers.actor import Actor
from petition.organisers.audit_log import Action

LIFE: Final = timedelta(hours=72)


class ApprovalKind(StrEnum):
    """What takes two organisers."""

    REMOVE = "remove"
    MAIL = "mail"
    CLOSE = "close"
    DOMAINS = "domains"
    EXPORT_NAMES = "export_names"
    REMOVE_OWNER = "remove_owner"


class RequestState(StrEnum):
    """What became of a request."""

    WAITING = "waiting"
    APPROVED = "approved"
    REFUSED = "refused"


class ApprovalRequest(Base):
    """One request: `about` says what will happen, in figures and settings, never a signer."""

    __tablename__ = "key_request"

    id: Mapped[bytes] = mapped_column(primary_key=True)
    campaign_id: Mapped[CampaignId]
    act: Mapped[ApprovalKind] = mapped_column(stored(ApprovalKind, name="keyact"))
    about: Mapped[dict[str, Any]]
    asked_by: Mapped[OrganiserId]
    asked_at: Mapped[datetime]
    until: Mapped[datetime]
    state: Mapped[RequestState]
    decided_by: Mapped[OrganiserId | None]

    __table_args__ = (Index("ix_key_request_waiting", "campaign_id", postgresql_where=text("state = 'waiting'")),)


class RequestUnknown(ExpectedError, LookupError):
    """No request that waits has this number: it was decided, or is older than three days."""

    status = 404


class SameOrganiser(ExpectedError):
    """Whoever asked cannot approve; a second organiser must."""

    status = 403


def ask(
    session: Session, campaign_id: CampaignId, act: ApprovalKind, about: Mapping[str, Any], actor: Actor
) -> ApprovalRequest:
    """Ask for a second organiser's approval; the same request twice is one."""
    for each in session.scalars(waiting(campaign_id, actor.now)):
        if (each.act, each.about, each.asked_by) == (act, dict(about), actor.by):
            return each
    made = ApprovalRequest(
        id=secrets.token_bytes(16), campaign_id=campaign_id, act=act, about=dict(about), asked_by=actor.by, asked_at=actor.now,
        until=actor.now + LIFE, state=RequestState.WAITING, decided_by=None,
    )  # fmt: skip
    session.add(made)
    session.flush()
    audit_log.write(session, campaign_id, actor, Action.KEY_ASKED, {"act": act.value, **_figures(about)})
    return made


def waiting(campaign_id: CampaignId, now: datetime) -> Select[ApprovalRequest]:
    """Requests of a campaign that can be decided, oldest first."""
    query = select(ApprovalRequest).where(ApprovalRequest.campaign_id == campaign_id, ApprovalRequest.until > now)
    return query.where(ApprovalRequest.state == RequestState.WAITING).order_by(
        ApprovalRequest.asked_at, ApprovalRequest.id
    )


def approve(session: Session, campaign_id: CampaignId, request_id: bytes, actor: Actor) -> ApprovalRequest:
    """Turn the second key; the caller then does what was asked, in this transaction.

    Raises RequestUnknown, SameOrganiser. Of two who approve at once one finds it decided.
    """
    return _decide(session, campaign_id, request_id, actor, RequestState.APPROVED)


def refuse(session: Session, campaign_id: CampaignId, request_id: bytes, actor: Actor) -> ApprovalRequest:
    """Refuse, or take back one's own; raises RequestUnknown."""
    return _decide(session, campaign_id, request_id, actor, RequestState.REFUSED)


def forget_old(session: Session, before: datetime) -> None:
    """Delete requests that were decided, or ended undecided, before a moment."""
    session.execute(delete(ApprovalRequest).where(ApprovalRequest.until < before))


def _decide(
    session: Session, campaign_id: CampaignId, request_id: bytes, actor: Actor, state: RequestState
) -> ApprovalRequest:
    query = waiting(campaign_id, actor.now).where(ApprovalRequest.id == request_id)
    found = session.scalar(query.with_for_update())
    if found is None:
        raise RequestUnknown
    if state is RequestState.APPROVED and found.asked_by == actor.by:
        raise SameOrganiser
    found.state, found.decided_by = state, actor.by
    action = Action.KEY_GIVEN if state is RequestState.APPROVED else Action.KEY_REFUSED
    audit_log.write(session, campaign_id, actor, action, {"act": found.act.value, **_figures(found.about)})
    return found


def _figures(about: Mapping[str, Any]) -> dict[str, int]:
    """What of a request goes into the journal: its figures."""
    return {name: value for name, value in about.items() if isinstance(value, int) and not isinstance(value, bool)}
