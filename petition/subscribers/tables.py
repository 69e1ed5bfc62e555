"""The rows of those who asked for mail: sealed addresses, the keys that seal them, addresses never to be mailed."""

from __future__ import annotations

from datetime import date
from enum import StrEnum

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from petition.db import Base


class Audience(StrEnum):
    """Whom a mail is for. Readers asked for it themselves; the others were entered by an operator."""

    READER = "reader"
    ORGANISER = "organiser"
    ADDRESSEE = "addressee"


class Rhythm(StrEnum):
    """How often: milestones and updates as they happen, or a digest a week or a day."""

    MILESTONES = "milestones"
    WEEKLY = "weekly"
    DAILY = "daily"


class SubscriberState(StrEnum):
    """Only an active one is mailed to."""

    UNCONFIRMED = "unconfirmed"
    ACTIVE = "active"
    PAUSED = "paused"


class SuppressedFor(StrEnum):
    """Why an address gets no mail."""

    BOUNCE = "bounce"
    COMPLAINT = "complaint"
    SOFT = "soft"


class Contact(Base):
    """A campaign's key pair for addresses: everybody may seal, only the mail worker opens."""

    __tablename__ = "contact"

    campaign_id: Mapped[bytes] = mapped_column(primary_key=True)
    public_key: Mapped[bytes]
    sealed_key: Mapped[bytes]


class Subscriber(Base):
    """Somebody who asked for mail. `tag` is a keyed hash of the address, `sealed` the address, `since` a day."""

    __tablename__ = "subscriber"

    id: Mapped[bytes] = mapped_column(primary_key=True)
    campaign_id: Mapped[bytes]
    audience: Mapped[Audience]
    tag: Mapped[bytes]
    sealed: Mapped[bytes]
    lane: Mapped[bytes]
    lang: Mapped[str]
    rhythm: Mapped[Rhythm]
    state: Mapped[SubscriberState]
    since: Mapped[date]
    asked: Mapped[int]

    __table_args__ = (Index("ix_subscriber_tag", "campaign_id", "tag", "audience", unique=True),)


class Suppression(Base):
    """An address that bounced or complained, by a keyed hash; soft bounces count to three."""

    __tablename__ = "suppression"

    tag: Mapped[bytes] = mapped_column(primary_key=True)
    reason: Mapped[SuppressedFor]
    n: Mapped[int]
    day: Mapped[date]
