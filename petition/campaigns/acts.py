"""Finds campaigns, and changes them for organisers: state changes, demands, updates."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session, selectinload

from petition.campaigns import news
from petition.campaigns.errors import (
    CampaignClosed,
    CampaignFaulty,
    CampaignNotOpen,
    CampaignUnknown,
    StepSkipped,
    TextMissing,
)
from petition.campaigns.news import NewsKind
from petition.campaigns.open_campaign import OpenCampaign
from petition.campaigns.tables import Campaign, CampaignState, DemandState, DemandStep, Update
from petition.core.errors import ExpectedError
from petition.core.ids import CampaignId
from petition.privacy import DomainPolicy

UPDATES_A_WEEK = 3


class TooManyUpdates(ExpectedError):
    """Three updates were mailed this week. This one can be published without mail, or mailed next week."""

    status = 409


def find(session: Session, slug: str) -> Campaign:
    """Returns the campaign with this slug, with its letters and demands, unless it is a draft.

    Raises CampaignUnknown.
    """
    found = find_any(session, slug)
    if found is None or found.state is CampaignState.DRAFT:
        raise CampaignUnknown(slug)
    return found


def slug_of(session: Session, campaign_id: CampaignId) -> str:
    """Returns the slug of a campaign, which its addresses contain."""
    return session.scalars(select(Campaign.slug).where(Campaign.id == campaign_id)).one()


def find_any(session: Session, slug: str) -> Campaign | None:
    """Returns the campaign with this slug in any state, or None."""
    query = select(Campaign).where(Campaign.slug == slug)
    return session.scalar(query.options(selectinload(Campaign.letters), selectinload(Campaign.demands)))


def every(*, but_drafts: bool = False) -> Select[Campaign]:
    """Returns a query for all campaigns by slug, or for those that are not drafts."""
    query = select(Campaign).order_by(Campaign.slug)
    query = query.options(selectinload(Campaign.letters), selectinload(Campaign.demands))
    return query.where(Campaign.state != CampaignState.DRAFT) if but_drafts else query


def public_ids(session: Session) -> list[CampaignId]:
    """Returns the id of every campaign that is not a draft."""
    return list(session.scalars(select(Campaign.id).where(Campaign.state != CampaignState.DRAFT)))


def work_domains(session: Session) -> list[DomainPolicy]:
    """Returns the rules for work addresses of every campaign, drafts included."""
    return [policy for campaign in session.scalars(select(Campaign)) for policy in campaign.policies()]


def closed_before(session: Session, day: date) -> list[CampaignId]:
    """Returns the campaigns that were closed before a day."""
    return list(session.scalars(select(Campaign.id).where(Campaign.closed < day)))


def require_open(campaign: Campaign | OpenCampaign) -> None:
    """Raises CampaignNotOpen before the opening and CampaignClosed after the close."""
    if campaign.state is CampaignState.DRAFT:
        raise CampaignNotOpen(campaign.slug)
    if campaign.state is not CampaignState.OPEN:
        raise CampaignClosed(campaign.slug)


def step(campaign: Campaign, to: CampaignState) -> None:
    """Move to the next state. Raises StepSkipped for any other state."""
    order = list(CampaignState)
    if order.index(to) != order.index(campaign.state) + 1:
        raise StepSkipped(f"{campaign.state} to {to}")
    campaign.state = to
    campaign.mark_stale()


def _hold_for_news(session: Session, campaign: Campaign) -> None:
    """Have the pages rendered again, and lock the numbering of news until the commit.

    The campaign's row comes first, in the same order as in a close.
    """
    campaign.mark_stale()
    session.flush()
    news.number_under_lock(session, campaign.id)


def judge_demand(session: Session, campaign: Campaign, number: int, state: DemandState, source: str, day: date) -> None:
    """Record the status of a demand, since when, and the source of that report.

    Earlier statuses stay in its timeline.
    """
    demand = next((each for each in campaign.demands if each.number == number), None)
    if demand is None:
        raise CampaignFaulty(f"There is no demand {number}.")
    _hold_for_news(session, campaign)
    steps = select(func.max(DemandStep.step)).where(DemandStep.campaign_id == campaign.id, DemandStep.number == number)
    step_number = int(session.scalar(steps) or 0) + 1
    session.add(
        DemandStep(campaign_id=campaign.id, number=number, step=step_number, state=state, day=day, source=source)
    )
    demand.state, demand.source, demand.since = state, source, day
    news.record_news(session, campaign.id, NewsKind.DEMAND, number, day)


def publish_update(
    session: Session, campaign: Campaign, text: Mapping[str, str], now: datetime, *, mailed_since: datetime | None
) -> int:
    """Publish an update in each language of the letter and return its number. Raises TextMissing, TooManyUpdates.

    `mailed_since` is the start of the week in which at most three updates may be mailed. If it is None, this update is
    not mailed.
    """
    if campaign.state is CampaignState.DRAFT or not all(text.get(lang, "").strip() for lang in campaign.languages):
        raise TextMissing("An update needs a text in each language of a letter that is public.")
    _hold_for_news(session, campaign)
    written = select(Update).where(Update.campaign_id == campaign.id)
    if mailed_since is not None:
        this_week = written.where(Update.mailed, Update.day >= campaign.local_day(mailed_since))
        if len(session.scalars(this_week).all()) >= UPDATES_A_WEEK:
            raise TooManyUpdates
    last = session.scalar(select(func.max(Update.number)).where(Update.campaign_id == campaign.id)) or 0
    mailed = mailed_since is not None
    day = campaign.local_day(now)
    session.add(Update(campaign_id=campaign.id, number=last + 1, day=day, text=dict(text), mailed=mailed))
    if mailed:
        news.record_instant_news(session, campaign.id, NewsKind.UPDATE, last + 1, now)
    else:
        news.record_news(session, campaign.id, NewsKind.UPDATE, last + 1, day)
    return last + 1
