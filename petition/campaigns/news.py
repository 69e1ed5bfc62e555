"""News: public events of a campaign, numbered, so that each digest reports each event exactly once.

A digest covers the numbers after the last one of the previous digest, not a period between two times. A clock that
jumps, a day of 25 hours and a beat that was down therefore lose and repeat nothing. Numbers are assigned under a lock
until the commit, so that no lower number appears after a higher one was reported.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from petition.core import db, outbox
from petition.core.db import Base
from petition.core.ids import CampaignId
from petition.core.outbox import OutboxKind


class NewsKind(StrEnum):
    """The kinds of news. The row's `value` names the needs of the milestone, the update or the demand."""

    MILESTONE = "milestone"
    UPDATE = "update"
    DEMAND = "demand"
    CLOSED = "closed"
    DELIVERED = "delivered"
    ANSWERED = "answered"


class News(Base):
    """One public event, written in the transaction of its cause."""

    __tablename__ = "news"

    campaign_id: Mapped[CampaignId] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[NewsKind]
    value: Mapped[int]
    day: Mapped[date]


def record_news(session: Session, campaign_id: CampaignId, kind: NewsKind, value: int, day: date) -> int:
    """Record an event and return its number, from 1."""
    number_under_lock(session, campaign_id)
    number = newest(session, campaign_id) + 1
    session.add(News(campaign_id=campaign_id, number=number, kind=kind, value=value, day=day))
    session.flush()
    return number


def record_instant_news(session: Session, campaign_id: CampaignId, kind: NewsKind, value: int, now: datetime) -> None:
    """Record an event, and queue it for subscribers who chose instant mail. The outbox row has the news's number."""
    number = record_news(session, campaign_id, kind, value, now.date())
    outbox.add(session, OutboxKind.INSTANT_NEWS, campaign_id, number, now)


def number_under_lock(session: Session, campaign_id: CampaignId) -> None:
    """Keep others from writing news of a campaign until the commit."""
    db.hold(session, db.lock_key("news", campaign_id))


def newest(session: Session, campaign_id: CampaignId, kind: NewsKind | None = None) -> int:
    """Returns the number of the latest event, of one kind or of any; 0 if there is none."""
    query = select(func.max(News.number)).where(News.campaign_id == campaign_id)
    return int(session.scalar(query if kind is None else query.where(News.kind == kind)) or 0)


def between(session: Session, campaign_id: CampaignId, after: int, upto: int) -> list[News]:
    """Returns the events after one number, up to and including another one, in their order."""
    query = select(News).where(News.campaign_id == campaign_id, News.number > after, News.number <= upto)
    return list(session.scalars(query.order_by(News.number)))
