"""From an idea to a draft that can be opened: begin, change, duplicate. Each step adds a line to the audit log.

A draft has an owner from its first moment. Everything that the campaign itself allows (`petition.campaigns`) is allowed
here. `petition.usecases.opening` opens the letter.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from petition import campaigns, organisers
from petition.campaigns import Campaign, CampaignState, milestones
from petition.campaigns.milestones import MilestoneKind, PlannedMilestone
from petition.organisers import Role, audit_log
from petition.organisers.actor import Actor
from petition.organisers.audit_log import Action


class Advice(StrEnum):
    """Things that are not required for an opening, but would be missed later."""

    NO_ADDRESSEE_ROLE = "no_addressee_role"
    NO_ORGANISERS = "no_organisers"
    NO_ROLES = "no_roles"
    NO_MILESTONES = "no_milestones"
    SHARE_WITHOUT_WORKFORCE = "share_without_workforce"
    NO_CLOSING_DATE = "no_closing_date"
    NO_PRIVACY = "no_privacy"
    NO_IMPRINT = "no_imprint"


def begin(session: Session, slug: str, host: str, title: str, languages: list[str], actor: Actor) -> Campaign:
    """Insert an empty draft, owned by the organiser who began it. Raises SlugTaken, CampaignFaulty."""
    made = campaigns.begin(session, slug, f"{host}/c/{slug}", title, languages)
    organisers.join(session, made.id, actor.by, Role.OWNER, actor.now)
    audit_log.write(session, made.id, actor, Action.CAMPAIGN_DRAFTED)
    return made


def duplicate(session: Session, source: Campaign, slug: str, host: str, actor: Actor) -> Campaign:
    """Insert a draft with the content and milestones of another campaign. Raises SlugTaken, CampaignFaulty."""
    made = campaigns.duplicate(session, source, slug, f"{host}/c/{slug}")
    for planned in planned_milestones(session, source):
        copy = {
            name: getattr(planned, name) for name in ("kind", "value", "mail_readers", "mail_organisers", "open_names")
        }
        session.add(PlannedMilestone(campaign_id=made.id, **copy))
    organisers.join(session, made.id, actor.by, Role.OWNER, actor.now)
    audit_log.write(session, made.id, actor, Action.CAMPAIGN_DUPLICATED, {"of": source.slug})
    return made


def record_step(session: Session, campaign: Campaign, step: str, actor: Actor) -> None:
    """Record in the audit log which part was changed, if anything was."""
    if session.dirty or session.new or session.deleted:
        audit_log.write(session, campaign.id, actor, Action.CAMPAIGN_CHANGED, {"step": step})


def planned_milestones(session: Session, campaign: Campaign) -> list[PlannedMilestone]:
    """Returns the milestones that a campaign aims at, numbers first, smallest first."""
    query = select(PlannedMilestone).where(PlannedMilestone.campaign_id == campaign.id)
    return sorted(session.scalars(query), key=lambda planned: (planned.kind, planned.value))


def add_milestone(session: Session, campaign: Campaign, kind: MilestoneKind, value: int, actor: Actor) -> None:
    """Add a milestone. Repeating it changes nothing. Raises LetterFrozen unless the campaign is a draft."""
    campaigns.hold_draft(session, campaign)
    milestones.aim(session, campaign.id, [(kind, value)])
    audit_log.write(session, campaign.id, actor, Action.MILESTONE_ADDED, {"kind": kind.value, "value": value})


def remove_milestone(session: Session, campaign: Campaign, kind: MilestoneKind, value: int, actor: Actor) -> None:
    """Remove a milestone. Raises LetterFrozen unless the campaign is a draft."""
    campaigns.hold_draft(session, campaign)
    this = (
        (PlannedMilestone.campaign_id == campaign.id)
        & (PlannedMilestone.kind == kind)
        & (PlannedMilestone.value == value)
    )
    if session.scalars(delete(PlannedMilestone).where(this).returning(PlannedMilestone.value)).all():
        audit_log.write(session, campaign.id, actor, Action.MILESTONE_REMOVED, {"kind": kind.value, "value": value})


def advice(session: Session, campaign: Campaign) -> list[Advice]:
    """Returns what could be improved in a draft, in the order of its steps."""
    planned = planned_milestones(session, campaign)
    legal = campaign.legal
    found = {
        Advice.NO_ADDRESSEE_ROLE: not campaign.addressee_role,
        Advice.NO_ORGANISERS: not campaign.organisers,
        Advice.NO_ROLES: not campaign.roles,
        Advice.NO_MILESTONES: not planned,
        Advice.SHARE_WITHOUT_WORKFORCE: campaign.workforce is None
        and any(each.kind is MilestoneKind.SHARE for each in planned),
        Advice.NO_CLOSING_DATE: campaign.closes_at is None,
        Advice.NO_PRIVACY: not legal.get("privacy"),
        Advice.NO_IMPRINT: not legal.get("imprint"),
    }
    return [each for each, holds in found.items() if holds]


def is_late(campaign: Campaign, now: datetime) -> bool:
    """Returns whether the calendar would have opened a draft by now, had nothing been missing."""
    return campaign.state is CampaignState.DRAFT and campaign.opens_at is not None and campaign.opens_at <= now
