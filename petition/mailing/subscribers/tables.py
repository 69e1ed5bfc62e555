"""The rows of those who asked for mail: sealed addresses, the keys that seal them, addresses never to be mailed."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Final

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from petition.core.db import Base, stored
from petition.core.ids import CampaignId

CONFIRM: Final = "confirm"
"""The kind of mail that asks back."""


class Audience(StrEnum):
    """Whom a mail is for. Readers asked for it themselves; the others were entered by an operator."""

    READER = "reader"
    ORGANISER = "organiser"
    ADDRESSEE = "addressee"


class Frequency(StrEnum):
    """How often: milestones and updates as they happen, or a digest a week or a day."""

    MILESTONES = "milestones"
    WEEKLY = "weekly"
    DAILY = "daily"


class SubscriberState(StrEnum):
    """Only an active one is mailed to. `suppressed`: a mail server said that the address does not exist."""

    UNCONFIRMED = "unconfirmed"
    ACTIVE = "active"
    PAUSED = "paused"
    SUPPRESSED = "suppressed"


class Contact(Base):
    """A campaign's key pair for addresses: everybody may seal, only the mail worker opens."""

    __tablename__ = "contact"

    campaign_id: Mapped[CampaignId] = mapped_column(primary_key=True)
    public_key: Mapped[bytes]
    sealed_key: Mapped[bytes]


class Subscriber(Base):
    """Somebody who asked for mail. `tag` is a keyed hash of the address, `sealed` the address.

    `since`: the day of the state; `bounced`: the last day on which a mail came back.
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

    __table_args__ = (Index("ix_subscriber_tag", "campaign_id", "tag", "audience", unique=True),)


class Suppression(Base):
    """An address whose owner called a mail of ours spam, by a keyed hash."""

    __tablename__ = "suppression"

    tag: Mapped[bytes] = mapped_column(primary_key=True)
    day: Mapped[date]
