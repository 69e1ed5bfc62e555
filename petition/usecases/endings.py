"""The ending of a letter: the status of each demand, the delivery, the answer.

The order is fixed: only a closed letter is delivered, and only a delivered one is answered
(`petition.campaigns.StepSkipped`). A record can be corrected, and the audit log shows the correction. The demands of a
letter that is not public yet cannot be judged.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Final

from sqlalchemy.orm import Session

from petition import campaigns, epochs
from petition.campaigns import (
    Answer,
    Campaign,
    CampaignNotOpen,
    CampaignState,
    DemandState,
    Handover,
    StepSkipped,
    TextMissing,
)
from petition.organisers import audit_log
from petition.organisers.actor import Actor
from petition.organisers.audit_log import Action

ORDER: Final = tuple(CampaignState)


def judge(
    session: Session, campaign: Campaign, number: int, state: DemandState, source: str, day: date, actor: Actor
) -> None:
    """Record the status of a demand. Raises CampaignNotOpen, and CampaignFaulty for an unknown demand."""
    if campaign.state is CampaignState.DRAFT:
        raise CampaignNotOpen(campaign.slug)
    campaigns.judge_demand(session, campaign, number, state, source, day)
    audit_log.write(session, campaign.id, actor, Action.DEMAND_JUDGED, {"demand": number, "state": state.value})


def deliver(
    session: Session, campaign: Campaign, day: date, how: Mapping[str, str], note: Mapping[str, str], actor: Actor
) -> None:
    """Record how the letter was delivered, or correct the record. Raises StepSkipped."""
    session.refresh(campaign, with_for_update=True)
    found = session.get(Handover, campaign.id)
    if found is None:
        _require(campaign, CampaignState.CLOSED)
        session.add(Handover(campaign_id=campaign.id, day=day, how=dict(how), note=dict(note)))
    else:
        found.day, found.how, found.note = day, dict(how), dict(note)
    _step(session, campaign, CampaignState.DELIVERED, actor.now)
    audit_log.write(
        session, campaign.id, actor, Action.DELIVERED, {"day": day.isoformat(), "corrected": found is not None}
    )


def answer(session: Session, campaign: Campaign, day: date, text: Mapping[str, str], actor: Actor) -> None:
    """Record the addressee's answer, or correct it. Raises StepSkipped, and TextMissing without a text."""
    if not text:
        raise TextMissing("An answer needs its text in one language at least.")
    session.refresh(campaign, with_for_update=True)
    found = session.get(Answer, campaign.id)
    if found is None:
        _require(campaign, CampaignState.DELIVERED)
        session.add(Answer(campaign_id=campaign.id, day=day, text=dict(text)))
    else:
        found.day, found.text = day, dict(text)
    _step(session, campaign, CampaignState.ANSWERED, actor.now)
    audit_log.write(
        session, campaign.id, actor, Action.ANSWERED, {"day": day.isoformat(), "corrected": found is not None}
    )


def _require(campaign: Campaign, least: CampaignState) -> None:
    """Raises StepSkipped for a campaign that has not reached a state."""
    if ORDER.index(campaign.state) < ORDER.index(least):
        raise StepSkipped(f"{campaign.state}, not {least}")


def _step(session: Session, campaign: Campaign, to: CampaignState, now: datetime) -> None:
    """Move to a state, or have the page rendered again if the campaign is already there."""
    session.flush()
    if ORDER.index(campaign.state) < ORDER.index(to):
        epochs.change(session, campaign, to, now)
    campaign.mark_stale()
