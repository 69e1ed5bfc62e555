"""The public timeline of a campaign: updates, milestones, the status of each demand, and the ending."""

from __future__ import annotations

from collections import defaultdict

from sqlalchemy import select
from sqlalchemy.orm import Session

from petition.campaigns import Answer, Campaign, DemandStep, Handover, Update
from petition.campaigns.milestones import MilestoneStatus
from petition.core.ids import CampaignId
from petition.publication.views import AnswerView, DemandView, Ending, HandoverView, StepView, TimelineItem

MOST_UPDATES = 100
ORDER = ("opened", "milestone", "update", "demand", "closed", "delivered", "answered")


def demands(session: Session, campaign: Campaign) -> tuple[DemandView, ...]:
    """Returns every demand with the steps that led to its state."""
    steps: defaultdict[int, list[StepView]] = defaultdict(list)
    query = select(DemandStep).where(DemandStep.campaign_id == campaign.id)
    for each in session.scalars(query.order_by(DemandStep.number, DemandStep.step)):
        steps[each.number].append(StepView(each.day, each.state, each.source))
    return tuple(
        DemandView(
            each.number, f"d{each.number}", each.text, each.state, each.since, each.source, tuple(steps[each.number])
        )
        for each in campaign.demands
    )


def items(
    session: Session, campaign: Campaign, statuses: list[MilestoneStatus], demands: tuple[DemandView, ...]
) -> tuple[TimelineItem, ...]:
    """Returns the timeline, newest first."""
    found = [TimelineItem(each.day, "milestone", each.needs, {}) for each in statuses if each.day]
    found += [TimelineItem(each.day, "update", each.number, each.text) for each in _updates(session, campaign.id)]
    found += [item for demand in demands for item in _steps(demand)]
    ended = ending(session, campaign.id)
    days = {
        "opened": campaign.opened,
        "closed": campaign.closed,
        "delivered": ended.handover.day if ended.handover else None,
        "answered": ended.answer.day if ended.answer else None,
    }
    found += [TimelineItem(day, kind, 0, {}) for kind, day in days.items() if day]
    found.sort(key=lambda item: (item.day, ORDER.index(item.kind), item.value))
    return tuple(reversed(found))


def ending(session: Session, campaign_id: CampaignId) -> Ending:
    """Returns the delivery and the answer, as far as they are recorded."""
    handover, answer = session.get(Handover, campaign_id), session.get(Answer, campaign_id)
    return Ending(
        HandoverView(handover.day, handover.how, handover.note) if handover else None,
        AnswerView(answer.day, answer.text) if answer else None,
    )


def _steps(demand: DemandView) -> list[TimelineItem]:
    """Returns the steps of a demand. A demand that was judged before steps were stored has its newest state only."""
    if not demand.steps and demand.since:
        return [TimelineItem(demand.since, "demand", demand.number, {}, demand.state)]
    return [TimelineItem(each.day, "demand", demand.number, {}, each.state) for each in demand.steps]


def _updates(session: Session, campaign_id: CampaignId) -> list[Update]:
    query = select(Update).where(Update.campaign_id == campaign_id).order_by(Update.number.desc()).limit(MOST_UPDATES)
    return list(session.scalars(query))
