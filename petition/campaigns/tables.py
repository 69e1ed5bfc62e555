"""The tables of a campaign: letter, demands, updates, handover, answer; and the states that they go through."""

from __future__ import annotations

import hashlib
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship
from sqlalchemy.orm.attributes import flag_modified

from petition.campaigns.mail_settings import Mailing
from petition.core.db import Base, Ordered
from petition.core.ids import CampaignId
from petition.privacy import DomainPolicy


class CampaignState(StrEnum):
    """The states of a campaign, in order."""

    DRAFT = "draft"
    OPEN = "open"
    CLOSED = "closed"
    DELIVERED = "delivered"
    ANSWERED = "answered"


class DemandState(StrEnum):
    """The states of a demand."""

    NO_ANSWER = "no_answer"
    REFUSED = "refused"
    PARTLY_MET = "partly_met"
    MET = "met"
    BROKEN = "broken"


class Campaign(Base):
    """One letter to one addressee. `id` is 16 random bytes, called `cid` in the protocol.

    `opening_approved` is the digest of the draft that a second organiser approved for its opening date
    (`petition.campaigns.fingerprint`). A draft that was changed since has another digest. `opened` and `closed` are
    dates in the campaign's time zone; the ledger has those in UTC (decision 0062).
    """

    __tablename__ = "campaign"

    id: Mapped[CampaignId] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(unique=True)
    origin: Mapped[str]
    state: Mapped[CampaignState]
    languages: Mapped[list[str]]
    addressee: Mapped[str]
    addressee_role: Mapped[dict[str, str]]
    organisation: Mapped[str]
    organisers: Mapped[dict[str, str]]
    notice: Mapped[dict[str, str]]
    methods: Mapped[list[str]]
    domains: Mapped[dict[str, Any]]
    readings: Mapped[dict[str, Any]] = mapped_column(default=dict)
    roles: Mapped[dict[str, Any]] = mapped_column(Ordered)
    teams: Mapped[dict[str, Any]] = mapped_column(Ordered)
    workforce: Mapped[int | None]
    workforce_source: Mapped[dict[str, str]]
    batch_min: Mapped[int]
    interval: Mapped[int]
    public_min: Mapped[int]
    mailing: Mapped[dict[str, Any]]
    legal: Mapped[dict[str, Any]]
    stopped: Mapped[list[str]]
    opens_at: Mapped[datetime | None]
    closes_at: Mapped[datetime | None]
    opening_approved: Mapped[bytes | None]
    opened: Mapped[date | None]
    closed: Mapped[date | None]
    issuer: Mapped[bytes | None]
    stale: Mapped[bool]

    letters: Mapped[list[Letter]] = relationship(order_by="Letter.lang", cascade="all, delete-orphan")
    demands: Mapped[list[Demand]] = relationship(order_by="Demand.number", cascade="all, delete-orphan")

    def local_day(self, moment: datetime) -> date:
        """Returns the date of a moment in the campaign's time zone, as a person reads it."""
        return moment.astimezone(Mailing.read(self.mailing).zone()).date()

    def policies(self) -> list[DomainPolicy]:
        """Returns the rules for work addresses of the organisation."""
        return [DomainPolicy.read(name, rule) for name, rule in sorted(self.domains.items())]

    def mark_stale(self) -> None:
        """Have the public pages rendered again.

        The flag is written even if this session read it as set, because another process may have reset it since.
        """
        self.stale = True
        flag_modified(self, "stale")

    def demand_ids(self) -> list[str]:
        """Returns the names of the demands in the ledger: d1, d2 and so on."""
        return [f"d{demand.number}" for demand in self.demands]


class Letter(Base):
    """The letter in one language. `sha256` is set when the text is frozen."""

    __tablename__ = "letter"

    campaign_id: Mapped[CampaignId] = mapped_column(ForeignKey("campaign.id"), primary_key=True)
    lang: Mapped[str] = mapped_column(primary_key=True)
    title: Mapped[str]
    markdown: Mapped[str]
    sha256: Mapped[bytes | None]

    def digest(self) -> bytes:
        """Returns the SHA-256 of the Markdown's UTF-8 bytes, which the ledger holds."""
        return hashlib.sha256(self.markdown.encode()).digest()


class Demand(Base):
    """One numbered demand, with its state and the source that reports it."""

    __tablename__ = "demand"

    campaign_id: Mapped[CampaignId] = mapped_column(ForeignKey("campaign.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[dict[str, str]]
    state: Mapped[DemandState]
    since: Mapped[date | None]
    source: Mapped[str | None]


class Update(Base):
    """News by the organisers. `mailed` means that subscribers also get it by mail."""

    __tablename__ = "update"

    campaign_id: Mapped[CampaignId] = mapped_column(ForeignKey("campaign.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    day: Mapped[date]
    text: Mapped[dict[str, str]]
    mailed: Mapped[bool]


class DemandStep(Base):
    """One step in the public timeline of a demand."""

    __tablename__ = "demand_step"

    campaign_id: Mapped[CampaignId] = mapped_column(ForeignKey("campaign.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    step: Mapped[int] = mapped_column(primary_key=True)
    state: Mapped[DemandState]
    day: Mapped[date]
    source: Mapped[str]


class UpdateDraft(Base):
    """An update that is written or scheduled. It is published at `due`, and `number` is set then.

    `approved` is set when a second organiser approved it.
    """

    __tablename__ = "update_draft"

    id: Mapped[bytes] = mapped_column(primary_key=True)
    campaign_id: Mapped[CampaignId] = mapped_column(ForeignKey("campaign.id"), index=True)
    text: Mapped[dict[str, str]]
    mailed: Mapped[bool]
    due: Mapped[datetime | None]
    approved: Mapped[bool]
    number: Mapped[int | None]


class Handover(Base):
    """How the letter was delivered to its addressee: when, how, and a note, by language."""

    __tablename__ = "handover"

    campaign_id: Mapped[CampaignId] = mapped_column(ForeignKey("campaign.id"), primary_key=True)
    day: Mapped[date]
    how: Mapped[dict[str, str]]
    note: Mapped[dict[str, str]]


class Answer(Base):
    """The addressee's answer, by language."""

    __tablename__ = "answer"

    campaign_id: Mapped[CampaignId] = mapped_column(ForeignKey("campaign.id"), primary_key=True)
    day: Mapped[date]
    text: Mapped[dict[str, str]]
