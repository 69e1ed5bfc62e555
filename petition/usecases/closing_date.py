"""Closing a public letter: by its date, or now, which is a date a day ahead.

A close cannot be undone, so nobody is surprised by it. A date that is nearer than 72 hours needs a second owner. After
the approval a letter stays open for 24 hours more, whatever was asked for, and any owner alone can keep it open or
move the date back. The calendar (`petition.epochs`) closes at the date; there is no other way to a close but the
operator's command.
"""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy.orm import Session

from petition import campaigns
from petition.campaigns import Campaign, CampaignState, StepSkipped, require_open
from petition.ledger import log
from petition.mailing import digests
from petition.organisers import approvals, audit_log
from petition.organisers.actor import Actor
from petition.organisers.approvals import ApprovalKind, ApprovalRequest
from petition.organisers.audit_log import Action
from petition.privacy import daily_figures
from petition.usecases import approval_rules
from petition.usecases.approval_rules import CLOSING_DELAY, Closes


def set_date(session: Session, campaign: Campaign, at: datetime | None, actor: Actor) -> ApprovalRequest | None:
    """Set, move or remove the closing date, or ask a second owner where the rule demands it.

    The organisers are told by mail of each new date. Raises CampaignClosed, CampaignNotOpen.
    """
    session.refresh(campaign, with_for_update=True)
    require_open(campaign)
    if at == campaign.closes_at:
        return None
    if approval_rules.needs_approval(session, campaign, Closes(at), actor.now):
        return approval_rules.ask(session, campaign, ApprovalKind.CLOSE, _about(session, campaign, at), actor)
    campaigns.change_public(campaign, {"closes_at": at})
    about = {"step": "dates", "closes": at.isoformat() if at else ""}
    audit_log.write(session, campaign.id, actor, Action.CAMPAIGN_CHANGED, about)
    _mail_organisers(session, campaign, actor.now)
    return None


def ask_to_close(session: Session, campaign: Campaign, actor: Actor) -> ApprovalRequest:
    """Ask a second owner to close a letter, a day after the approval. Asking again returns the same request.

    Raises StepSkipped.
    """
    if campaign.state is not CampaignState.OPEN:
        raise StepSkipped(f"{campaign.state} to {CampaignState.CLOSED}")
    for request in session.scalars(approvals.waiting(campaign.id, actor.now)):
        same = (request.act, request.asked_by) == (ApprovalKind.CLOSE, actor.by)
        if same and not request.about.get("closes"):
            return request
    return approval_rules.ask(session, campaign, ApprovalKind.CLOSE, _about(session, campaign, None), actor)


def approved(session: Session, campaign: Campaign, request: ApprovalRequest, now: datetime) -> None:
    """Set the closing date that was approved, a day ahead at least, unless the letter closes sooner anyway.

    Raises StepSkipped unless the letter is open.
    """
    session.refresh(campaign, with_for_update=True)
    if campaign.state is not CampaignState.OPEN:
        raise StepSkipped(f"{campaign.state} to {CampaignState.CLOSED}")
    asked = request.about.get("closes")
    earliest = now + CLOSING_DELAY
    at = max(datetime.fromisoformat(asked), earliest) if asked else earliest
    at = min(at, campaign.closes_at or at)
    campaigns.change_public(campaign, {"closes_at": at})
    actor = Actor(request.decided_by or request.asked_by, now)
    audit_log.write(session, campaign.id, actor, Action.CLOSE_PLANNED, {"closes": at.isoformat()})
    _mail_organisers(session, campaign, now)


def keep_open(session: Session, campaign: Campaign, actor: Actor) -> None:
    """Remove the closing date, as one owner alone. Raises CampaignClosed, CampaignNotOpen."""
    session.refresh(campaign, with_for_update=True)
    require_open(campaign)
    if campaign.closes_at is None:
        return
    campaigns.change_public(campaign, {"closes_at": None})
    audit_log.write(session, campaign.id, actor, Action.CLOSE_CANCELLED)


def is_near(campaign: Campaign, now: datetime) -> bool:
    """Returns whether an open letter closes within 72 hours, which every page of the dashboard then says."""
    closes = campaign.closes_at
    return campaign.state is CampaignState.OPEN and closes is not None and closes < now + approval_rules.CLOSING_NOTICE


def many_wait(session: Session, campaign: Campaign) -> bool:
    """Returns whether ten signatures or more waited for a batch when the last day (UTC) ended."""
    day = daily_figures.of_campaign(session, campaign.id)
    return day is not None and day.many_wait


def _about(session: Session, campaign: Campaign, at: datetime | None) -> dict[str, object]:
    many = many_wait(session, campaign)
    counted = log.head_of(session, campaign.id).counted
    figures: dict[str, object] = {"signatures": counted, "waiting": daily_figures.TEN if many else 0}
    return figures | ({"closes": at.astimezone(UTC).isoformat()} if at else {})


def _mail_organisers(session: Session, campaign: Campaign, now: datetime) -> None:
    if campaign.closes_at is not None:
        digests.announce_pending(session, campaign, now, closing_date=True)
