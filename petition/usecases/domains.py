"""Changes the work domains of an open letter. This needs an approval, because it decides who may sign.

No organiser alone can let strangers in or exclude colleagues. The request contains the complete list before and after.
An empty list is rejected. Passes that were issued stay valid, whatever happens to their domain.

How an accepted address is read is fixed while the letter is open: its domain, tags and dots. Otherwise one mailbox would
get a second pass under its second reading. This holds for hosts that were removed, too, in case they come back
(`Campaign.readings`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from petition import campaigns, publication
from petition.campaigns import Campaign, CampaignFaulty, require_open
from petition.core.errors import ExpectedError
from petition.organisers import audit_log
from petition.organisers.actor import Actor
from petition.organisers.approvals import ApprovalKind, ApprovalRequest, RequestOutdated
from petition.organisers.audit_log import Action
from petition.privacy import DomainPolicy, readings
from petition.usecases import approval_rules

Policies = Mapping[str, Mapping[str, Any]]


class ReadingFixed(ExpectedError):
    """Addresses that were accepted since the opening would be read in another way, and one person could sign twice."""

    status = 409


def ask(session: Session, campaign: Campaign, after: Policies, actor: Actor) -> ApprovalRequest:
    """Ask for other domains from now on. Raises CampaignFaulty, ReadingFixed, CampaignNotOpen, CampaignClosed."""
    require_open(campaign)
    before, domains = campaign.domains, {name: dict(policy) for name, policy in after.items()}
    if not domains or domains == before:
        raise CampaignFaulty("Other domains are at least one, and differ from those of now.")
    _require_same_readings(campaign, domains)
    about = {
        "before": dict(before),
        "domains": domains,
        "added": len(domains.keys() - before.keys()),
        "removed": len(before.keys() - domains.keys()),
        "changed": sum(before[name] != domains[name] for name in before.keys() & domains.keys()),
    }
    return approval_rules.ask(session, campaign, ApprovalKind.DOMAINS, about, actor)


def change(session: Session, campaign: Campaign, request: ApprovalRequest, now: datetime) -> None:
    """Carry out a request for other domains, in the transaction of its approval. Raises ReadingFixed, RequestOutdated."""
    session.refresh(campaign, with_for_update=True)
    require_open(campaign)
    _require_same_readings(campaign, request.about["domains"])
    if request.about.get("before", campaign.domains) != campaign.domains:
        raise RequestOutdated
    campaign.readings = _readings(campaign)
    campaigns.change_public(campaign, {"domains": dict(request.about["domains"])})
    session.flush()
    publication.refresh(session, campaign)
    figures = {name: request.about[name] for name in ("added", "removed", "changed")}
    audit_log.write(
        session, campaign.id, Actor(request.decided_by or request.asked_by, now), Action.DOMAINS_CHANGED, figures
    )


def _readings(campaign: Campaign) -> dict[str, Any]:
    """Returns how addresses at each host are read that was accepted at any time since the opening."""
    return {**campaign.readings, **readings(campaign.policies())}


def _require_same_readings(campaign: Campaign, after: Policies) -> None:
    until_now = _readings(campaign)
    read = readings([DomainPolicy.read(name, policy) for name, policy in sorted(after.items())])
    if any(until_now.get(host, reading) != reading for host, reading in read.items()):
        raise ReadingFixed
