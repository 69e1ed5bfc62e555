"""The events of a campaign within an edition, as frozen values that a mail's template shows.

This module protects signers: facts are counts, milestones, updates and demands, taken from public data. They cannot
contain a signer's name, and nothing reveals whether a subscriber signed. Facts are stored as JSON, so that every
attempt of every mail has the same content, whatever has happened since.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, TypeVar

from cattrs.preconf.json import make_converter
from sqlalchemy import select
from sqlalchemy.orm import Session

from petition import publication
from petition.campaigns import Campaign, CampaignState, Demand, Update, news
from petition.campaigns.mail_settings import Mailing
from petition.campaigns.milestones import MilestoneKind, ReachedMilestone, needs
from petition.campaigns.news import NewsKind
from petition.core.ids import CampaignId
from petition.mailing.digests.tables import Edition

Facts = TypeVar("Facts")
_converter = make_converter()


@dataclass(frozen=True, slots=True)
class Window:
    """What an edition covers: a period, a range of news numbers, and the previously reported count."""

    period: str
    since: datetime
    until: datetime
    after: int
    upto: int
    count_before: int | None


@dataclass(frozen=True, slots=True)
class ReachedFact:
    """A milestone: `value` signatures, or per cent of the workforce; `needs` signatures either way."""

    kind: MilestoneKind
    value: int
    needs: int
    day: date


@dataclass(frozen=True, slots=True)
class UpdateFact:
    """News by the organisers, Markdown by language. `text` is empty unless two organisers agreed that it is mailed."""

    number: int
    day: date
    text: dict[str, str]


@dataclass(frozen=True, slots=True)
class DemandFact:
    """A demand whose state changed."""

    number: int
    text: dict[str, str]
    state: str


@dataclass(frozen=True, slots=True)
class NextStep:
    """The next milestone, and the number of signatures that are still missing."""

    kind: MilestoneKind
    value: int
    missing: int


@dataclass(frozen=True, slots=True)
class Happened:
    """A window's news.

    `count` is None below the least public number; `change` is None if nothing was reported before.
    """

    since: date
    until: date
    state: CampaignState
    count: int | None
    change: int | None
    milestones: tuple[ReachedFact, ...]
    updates: tuple[UpdateFact, ...]
    demands: tuple[DemandFact, ...]
    steps: tuple[str, ...]
    next: NextStep | None

    @property
    def is_silent(self) -> bool:
        """Returns whether there is nothing to report."""
        first = self.change is None and bool(self.count)
        return not (self.milestones or self.updates or self.demands or self.steps or self.change or first)


def news_or_nothing(session: Session, campaign: Campaign, window: Window) -> Happened | None:
    """Returns a window's news, or None when there is nothing to report."""
    found = happened(session, campaign, window)
    return None if found.is_silent else found


def happened(session: Session, campaign: Campaign, window: Window) -> Happened:
    """Collect a window's news from public data."""
    snapshot = publication.load(session, campaign.slug)
    count = snapshot.count if snapshot else None
    found = news.between(session, campaign.id, window.after, window.upto)
    known = None not in {count, window.count_before}
    zone = Mailing.read(campaign.mailing).zone()
    return Happened(
        since=window.since.astimezone(zone).date(),
        until=(window.until - timedelta(seconds=1)).astimezone(zone).date(),
        state=campaign.state,
        count=count,
        change=(count or 0) - (window.count_before or 0) if known else None,
        milestones=tuple(_milestones(session, campaign, found)) if count is not None else (),
        updates=tuple(_updates(session, campaign.id, found)),
        demands=tuple(_demands(session, campaign.id, found)),
        steps=tuple(each.kind.value for each in found if each.kind in STEPS),
        next=_next(snapshot, count),
    )


STEPS = {NewsKind.CLOSED, NewsKind.DELIVERED, NewsKind.ANSWERED}


def _values(found: list[news.News], kind: NewsKind) -> list[int]:
    return [each.value for each in found if each.kind is kind]


def _milestones(session: Session, campaign: Campaign, found: list[news.News]) -> list[ReachedFact]:
    """Return the milestones that the news report. Their value is the epoch that reached them."""
    epochs = _values(found, NewsKind.MILESTONE)
    query = select(ReachedMilestone).where(
        ReachedMilestone.campaign_id == campaign.id, ReachedMilestone.epoch.in_(epochs)
    )
    reached = [
        ReachedFact(each.kind, each.value, needs(each.kind, each.value, campaign.workforce) or 0, each.day)
        for each in session.scalars(query)
    ]
    return sorted(reached, key=lambda fact: fact.needs)


def _updates(session: Session, campaign_id: CampaignId, found: list[news.News]) -> list[UpdateFact]:
    numbers = _values(found, NewsKind.UPDATE)
    query = select(Update).where(Update.campaign_id == campaign_id, Update.number.in_(numbers)).order_by(Update.number)
    return [UpdateFact(each.number, each.day, each.text if each.mailed else {}) for each in session.scalars(query)]


def _demands(session: Session, campaign_id: CampaignId, found: list[news.News]) -> list[DemandFact]:
    """Returns each demand once, in its newest state."""
    numbers = _values(found, NewsKind.DEMAND)
    query = select(Demand).where(Demand.campaign_id == campaign_id, Demand.number.in_(numbers)).order_by(Demand.number)
    return [DemandFact(each.number, each.text, each.state.value) for each in session.scalars(query)]


def every_demand(campaign: Campaign) -> list[DemandFact]:
    """Returns all demands with their states."""
    return [DemandFact(each.number, each.text, each.state.value) for each in campaign.demands]


def _next(snapshot: publication.Snapshot | None, count: int | None) -> NextStep | None:
    if snapshot is None or count is None or snapshot.state is not CampaignState.OPEN:
        return None
    step = snapshot.next_milestone()
    return NextStep(step.kind, step.value, step.needs - count) if step and step.needs > count else None


def last_reported_count(session: Session, campaign_id: CampaignId, kind: str) -> int | None:
    """Returns the count that the newest edition of a kind reported, or None."""
    query = select(Edition.facts["count"].as_integer()).where(
        Edition.campaign_id == campaign_id, Edition.kind == kind, Edition.facts.isnot(None)
    )
    return session.scalar(query.order_by(Edition.until.desc()).limit(1))


def as_json(facts: object) -> dict[str, Any]:
    """Convert facts to the form that a row holds."""
    document: dict[str, Any] = _converter.unstructure(facts)
    return document


def from_json(document: dict[str, Any], kind: type[Facts]) -> Facts:
    """Convert facts to the form that a template shows."""
    return _converter.structure(document, kind)
