"""Changes the work domains of an open letter. This needs an approval, because it decides who may sign.

No organiser alone can let strangers in or exclude colleagues. The request contains the complete new list. An empty list
is rejected. Passes that were issued stay valid, whatever happens to their domain.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from petition import campaigns, publication
from petition.campaigns import Campaign, CampaignFaulty, require_open
from petition.organisers import audit_log
from petition.organisers.actor import Actor
from petition.organisers.approvals import ApprovalKind, ApprovalRequest
from petition.organisers.audit_log import Action
from petition.usecases import approval_rules

Policies = Mapping[str, Mapping[str, Any]]


def ask(session: Session, campaign: Campaign, after: Policies, actor: Actor) -> ApprovalRequest:
    """Ask for other domains from now on. Raises CampaignFaulty, CampaignNotOpen, CampaignClosed."""
    require_open(campaign)
    before, domains = campaign.domains, {name: dict(policy) for name, policy in after.items()}
    if not domains or domains == before:
        raise CampaignFaulty("Other domains are at least one, and differ from those of now.")
    about = {
        "domains": domains,
        "added": len(domains.keys() - before.keys()),
        "removed": len(before.keys() - domains.keys()),
        "changed": sum(before[name] != domains[name] for name in before.keys() & domains.keys()),
    }
    return approval_rules.ask(session, campaign, ApprovalKind.DOMAINS, about, actor)


def change(session: Session, campaign: Campaign, request: ApprovalRequest, now: datetime) -> None:
    """Carry out a request for other domains, in the transaction of its approval."""
    session.refresh(campaign, with_for_update=True)
    require_open(campaign)
    campaigns.change_public(campaign, {"domains": dict(request.about["domains"])})
    session.flush()
    publication.refresh(session, campaign)
    figures = {name: request.about[name] for name in ("added", "removed", "changed")}
    audit_log.write(
        session, campaign.id, Actor(request.decided_by or request.asked_by, now), Action.DOMAINS_CHANGED, figures
    )
