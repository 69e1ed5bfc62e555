"""Approvals: one organiser requests an action, and another one approves it before it happens.

Approvals protect against somebody else at an organiser's open laptop, and against an organiser who was talked into
something. They do not protect against an owner who invites a second account of their own; the audit log shows that, but
nothing prevents it. A request states what will happen, with its figures, and cannot change afterwards. The module
rejects an approval by the same organiser, a request older than three days and a request that was already decided.
`petition.usecases.approval_rules` decides what needs an approval, `petition.usecases.acts` defines what each act does.
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
    """The acts that need a second organiser."""

    OPEN = "open"
    REMOVE = "remove"
    HIDE = "hide"
    MAIL = "mail"
    CLOSE = "close"
    TRANSLATION = "translation"
    DOMAINS = "domains"
    EXPORT_NAMES = "export_names"
    NAMES_SOONER = "names_sooner"
    LEGAL_TEXTS = "legal_texts"
    REMOVE_OWNER = "remove_owner"


class RequestState(StrEnum):
    """The states of a request."""

    WAITING = "waiting"
    APPROVED = "approved"
    REFUSED = "refused"


class ApprovalRequest(Base):
    """One request. `about` states what will happen, in figures and settings, and never names a signer.

    `announced`: the organisers were mailed about it.
    """

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
    announced: Mapped[bool]

    __table_args__ = (Index("ix_key_request_waiting", "campaign_id", postgresql_where=text("state = 'waiting'")),)


class RequestUnknown(ExpectedError, LookupError):
    """No waiting request has this id: it was decided, or is older than three days."""

    status = 404


class RequestOutdated(ExpectedError):
    """What was asked for does not fit any more: what it is about was changed since."""

    status = 409


class SameOrganiser(ExpectedError):
    """The organiser who asked cannot approve; a second organiser must."""

    status = 403


def ask(
    session: Session, campaign_id: CampaignId, act: ApprovalKind, about: Mapping[str, Any], actor: Actor
) -> ApprovalRequest:
    """Ask for a second organiser's approval. An identical waiting request is returned instead of a new one."""
    for each in session.scalars(waiting(campaign_id, actor.now)):
        if (each.act, each.about, each.asked_by) == (act, dict(about), actor.by):
            return each
    made = ApprovalRequest(
        id=secrets.token_bytes(16), campaign_id=campaign_id, act=act, about=dict(about), asked_by=actor.by, asked_at=actor.now,
        until=actor.now + LIFE, state=RequestState.WAITING, decided_by=None, announced=False,
    )  # fmt: skip
    session.add(made)
    session.flush()
    audit_log.write(session, campaign_id, actor, Action.KEY_ASKED, {"act": act.value, **_figures(about)})
    return made


def waiting(campaign_id: CampaignId, now: datetime) -> Select[ApprovalRequest]:
    """Returns a query for the requests of a campaign that can be decided, oldest first."""
    query = select(ApprovalRequest).where(ApprovalRequest.campaign_id == campaign_id, ApprovalRequest.until > now)
    return query.where(ApprovalRequest.state == RequestState.WAITING).order_by(
        ApprovalRequest.asked_at, ApprovalRequest.id
    )


def unannounced(campaign_id: CampaignId, now: datetime) -> Select[ApprovalRequest]:
    """Returns a query for the requests about which the organisers were not mailed yet, oldest first.

    These wait, or were approved before a mail could say that they wait. What was refused, taken back or ran out needs
    no mail any more.
    """
    waits = (ApprovalRequest.state == RequestState.WAITING) & (ApprovalRequest.until > now)
    query = select(ApprovalRequest).where(ApprovalRequest.campaign_id == campaign_id, ~ApprovalRequest.announced)
    query = query.where(waits | (ApprovalRequest.state == RequestState.APPROVED))
    return query.order_by(ApprovalRequest.asked_at, ApprovalRequest.id)


def mark_announced(session: Session, campaign_id: CampaignId, now: datetime) -> None:
    """Note that the organisers are mailed about every request.

    One that is being decided at this moment is left out instead of waited for: its decision may wait for the caller.
    """
    mailed = session.scalars(unannounced(campaign_id, now).with_for_update(skip_locked=True))
    for request in mailed.all():
        request.announced = True


def approve(session: Session, campaign_id: CampaignId, request_id: bytes, actor: Actor) -> ApprovalRequest:
    """Approve a request. The caller then carries it out in the same transaction.

    Raises RequestUnknown, SameOrganiser. If two organisers approve at once, one of them finds the request decided.
    """
    return _decide(session, campaign_id, request_id, actor, RequestState.APPROVED)


def refuse(session: Session, campaign_id: CampaignId, request_id: bytes, actor: Actor) -> ApprovalRequest:
    """Refuse a request, or take back one's own. Raises RequestUnknown."""
    return _decide(session, campaign_id, request_id, actor, RequestState.REFUSED)


def forget_old(session: Session, before: datetime) -> None:
    """Delete requests that were decided, or that ended undecided, before a moment."""
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
    """Returns the part of a request that the audit log records: its figures."""
    return {name: value for name, value in about.items() if isinstance(value, int) and not isinstance(value, bool)}
