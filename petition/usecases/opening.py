"""Opening a letter: one owner asks, and another one approves exactly the draft that the first one saw.

Opening freezes the letter and everything that signers rely on: the demands, the size of a batch, the least number that
is public, the milestones that open names, the dates. So the request holds the draft's fingerprint, and a draft that was
changed since is not opened with it. With an opening date the approval is kept beside the draft, and the calendar
(`petition.epochs`) opens it then. A letter with one owner cannot be opened, because nobody could approve it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy.orm import Session

from petition import campaigns, epochs
from petition.campaigns import Campaign, CampaignIncomplete, CampaignState, Lack, Missing, StepSkipped, milestones
from petition.campaigns.fingerprint import fingerprint
from petition.organisers import approvals, audit_log
from petition.organisers.actor import Actor
from petition.organisers.approvals import ApprovalKind, ApprovalRequest, RequestOutdated
from petition.organisers.audit_log import Action
from petition.usecases import approval_rules

OWNERS: Final = 2
"""So many owners open a letter: one who asks and one who approves."""


def missing(session: Session, campaign: Campaign, now: datetime) -> list[Missing]:
    """Returns everything that prevents a draft from being opened, a second owner included."""
    alone = approval_rules.approvers(session, campaign.id, ApprovalKind.OPEN) < OWNERS
    return [*campaigns.missing(campaign, now), *([Missing(Lack.SECOND_OWNER)] if alone else [])]


def ask(session: Session, campaign: Campaign, actor: Actor) -> ApprovalRequest:
    """Ask a second owner to open a draft. Raises CampaignIncomplete, and StepSkipped if it was opened already."""
    _hold_draft(session, campaign)
    if lacks := missing(session, campaign, actor.now):
        raise CampaignIncomplete(lacks)
    return approval_rules.ask(session, campaign, ApprovalKind.OPEN, _about(session, campaign), actor)


def approved(session: Session, campaign: Campaign, request: ApprovalRequest, now: datetime) -> None:
    """Open the draft that was approved, now or at its opening date.

    Raises StepSkipped, RequestOutdated if the draft was changed since, and CampaignIncomplete if a date has passed.
    """
    _hold_draft(session, campaign)
    digest = fingerprint(session, campaign)
    if request.about["sha256"] != digest.hex():
        raise RequestOutdated
    if lacks := campaigns.missing(campaign, now):
        raise CampaignIncomplete(lacks)
    if campaign.opens_at is not None and campaign.opens_at > now:
        campaign.opening_approved = digest
        return
    epochs.open_campaign(session, campaign, now)
    actor = Actor(request.decided_by or request.asked_by, now)
    audit_log.write(session, campaign.id, actor, Action.CAMPAIGN_OPENED)


def waiting(session: Session, campaign: Campaign, now: datetime) -> ApprovalRequest | None:
    """Returns the request to open the draft as it is now, or None."""
    query = approvals.waiting(campaign.id, now).where(ApprovalRequest.act == ApprovalKind.OPEN)
    return next((each for each in session.scalars(query) if fits(session, campaign, each)), None)


def fits(session: Session, campaign: Campaign, request: ApprovalRequest) -> bool:
    """Returns whether a request to open a draft is about the draft as it is now."""
    draft = campaign.state is CampaignState.DRAFT
    return draft and request.about.get("sha256") == fingerprint(session, campaign).hex()


def is_approved(session: Session, campaign: Campaign) -> bool:
    """Returns whether the draft, as it is now, opens at its date."""
    return campaign.opening_approved is not None and campaign.opening_approved == fingerprint(session, campaign)


def _hold_draft(session: Session, campaign: Campaign) -> None:
    session.refresh(campaign, with_for_update=True)
    if campaign.state is not CampaignState.DRAFT:
        raise StepSkipped(f"{campaign.state} to {CampaignState.OPEN}")


def _about(session: Session, campaign: Campaign) -> dict[str, Any]:
    names_from = milestones.names_from(session, campaign.id, campaign.workforce)
    moments = {"opens": campaign.opens_at, "closes": campaign.closes_at}
    return {
        "sha256": fingerprint(session, campaign).hex(),
        "languages": list(campaign.languages),
        "demands": len(campaign.demands),
        "batch_min": campaign.batch_min,
        "interval": campaign.interval,
        "public_min": campaign.public_min,
        "names_from": milestones.UNKNOWN if names_from == 0 else names_from,
        **{name: moment.astimezone(UTC).isoformat() if moment else "" for name, moment in moments.items()},
    }
