"""The tables of subscribers: encrypted addresses, their keys, addresses never to be mailed, reports nobody could read."""

from __future__ import annotations

from datetime import date
from enum import StrEnum

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from petition.core import database_roles
from petition.core.db import Base, stored
from petition.core.ids import CampaignId


class Audience(StrEnum):
    """The recipients of mail. Subscribers (`reader`) asked for it themselves; an operator entered the others."""

    SUBSCRIBER = "reader"
    ORGANISER = "organiser"
    ADDRESSEE = "addressee"


class Frequency(StrEnum):
    """The frequencies: milestones and updates at once, or a weekly or daily digest."""

    MILESTONES = "milestones"
    WEEKLY = "weekly"
    DAILY = "daily"


class SubscriberState(StrEnum):
    """The states of a subscriber. Only active ones get mail. `suppressed`: the address does not exist."""

    UNCONFIRMED = "unconfirmed"
    ACTIVE = "active"
    PAUSED = "paused"
    SUPPRESSED = "suppressed"


class Contact(Base):
    """A campaign's key pair for addresses: every process can encrypt, only the mail worker decrypts."""

    __tablename__ = "contact"

    campaign_id: Mapped[CampaignId] = mapped_column(primary_key=True)
    public_key: Mapped[bytes]
    sealed_key: Mapped[bytes]


class Subscriber(Base):
    """Somebody who asked for mail. `tag` is a keyed hash of the address, `sealed` the encrypted address.

    `since` is the day of the state; `bounced` the last day on which a mail bounced, for thirty days.
    """

    __tablename__ = "subscriber"

    id: Mapped[bytes] = mapped_column(primary_key=True)
    campaign_id: Mapped[CampaignId]
    audience: Mapped[Audience]
    tag: Mapped[bytes]
    sealed: Mapped[bytes]
    domain_tag: Mapped[bytes] = mapped_column("lane", key="domain_tag")
    lang: Mapped[str]
    frequency: Mapped[Frequency] = mapped_column("rhythm", stored(Frequency, name="rhythm"), key="frequency")
    state: Mapped[SubscriberState]
    since: Mapped[date]
    asked: Mapped[int]
    bounced: Mapped[date | None]

    __table_args__ = (
        Index("ix_subscriber_tag", "campaign_id", "tag", "audience", unique=True),
        {"info": database_roles.REWRITTEN},
    )


class Suppression(Base):
    """An address whose owner reported our mail as spam, as a keyed hash."""

    __tablename__ = "suppression"

    tag: Mapped[bytes] = mapped_column(primary_key=True)
    day: Mapped[date]


class UnreadReport(Base):
    """A delivery report that could not be read. `sealed` is its encrypted beginning, empty if the text was not kept."""

    __tablename__ = "unread_report"

    id: Mapped[bytes] = mapped_column(primary_key=True)
    day: Mapped[date]
    sealed: Mapped[bytes]
