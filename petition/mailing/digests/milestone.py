"""The milestone mail: sent when a milestone is reached, to subscribers with that frequency and to organisers.

`planning` makes at most one in 24 hours. The organisers' settings for each milestone decide who is mailed about it.
"""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from petition.campaigns import Campaign, news
from petition.campaigns.milestones import PlannedMilestone, ReachedMilestone
from petition.campaigns.news import NewsKind
from petition.mailing.digests.digest import Digest
from petition.mailing.digests.facts import Happened, Window, happened
from petition.mailing.subscribers import Audience, Frequency


def facts(session: Session, campaign: Campaign, window: Window) -> Happened | None:
    """Returns the milestones that were reached, or None while the count is not public."""
    found = happened(session, campaign, window)
    return replace(found, updates=(), demands=(), steps=()) if found.milestones else None


def goes_to(session: Session, campaign: Campaign, window: Window) -> frozenset[Audience]:
    """Returns the audiences that are to be mailed about at least one of the milestones."""
    found = news.between(session, campaign.id, window.after, window.upto)
    epochs = [each.value for each in found if each.kind is NewsKind.MILESTONE]
    same = (
        (ReachedMilestone.campaign_id == PlannedMilestone.campaign_id)
        & (ReachedMilestone.kind == PlannedMilestone.kind)
        & (ReachedMilestone.value == PlannedMilestone.value)
    )
    query = (
        select(PlannedMilestone)
        .join(ReachedMilestone, same)
        .where(PlannedMilestone.campaign_id == campaign.id, ReachedMilestone.epoch.in_(epochs))
    )
    planned = session.scalars(query).all()
    mailed = {Audience.SUBSCRIBER: any(each.mail_readers for each in planned)}
    mailed[Audience.ORGANISER] = any(each.mail_organisers for each in planned)
    return frozenset(audience for audience, wanted in mailed.items() if wanted)


DIGEST = Digest(
    "milestone",
    Happened,
    facts,
    frequency=Frequency.MILESTONES,
    others=frozenset({Audience.ORGANISER}),
    news=NewsKind.MILESTONE,
    goes_to=goes_to,
)
