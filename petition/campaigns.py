"""Campaigns: the letter, its demands, to whom it is addressed, and the states it goes through.

Guards the text: once a campaign is open its letter and demands are frozen, because the ledger's first entry holds
their hashes. Refuses transitions that skip a state. Opening and closing themselves happen in `petition.epochs`,
the one place that sees the ledger and the issuer's side.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Select, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship, selectinload

from petition.db import Base
from petition.privacy import DomainPolicy

SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
LONGEST_SLUG = 80
LONGEST_LETTER = 60_000
EVERY_DEMAND = "*"


class CampaignState(StrEnum):
    """The life of a campaign, in order."""

    DRAFT = "draft"
    OPEN = "open"
    CLOSED = "closed"
    DELIVERED = "delivered"
    ANSWERED = "answered"


class DemandState(StrEnum):
    """What became of one demand."""

    NO_ANSWER = "no_answer"
    REFUSED = "refused"
    PARTLY_MET = "partly_met"
    MET = "met"
    BROKEN = "broken"


class CampaignUnknown(LookupError):
    """No public campaign has this name."""


class CampaignNotOpen(Exception):
    """The campaign has not been opened for signatures yet."""


class CampaignClosed(Exception):
    """The campaign takes no more signatures."""


class LetterFrozen(Exception):
    """The letter was opened for signatures; its words cannot change."""


class StepSkipped(Exception):
    """A campaign goes from draft to open, closed, delivered and answered, one step at a time."""


class CampaignFaulty(ValueError):
    """A campaign's description cannot be used; the sentence says what to mend."""


class Campaign(Base):
    """One letter to one addressee. `id` is 16 random bytes, named `cid` in the protocol."""

    __tablename__ = "campaign"

    id: Mapped[bytes] = mapped_column(primary_key=True)
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
    roles: Mapped[dict[str, Any]]
    teams: Mapped[dict[str, Any]]
    workforce: Mapped[int | None]
    workforce_source: Mapped[dict[str, str]]
    batch_min: Mapped[int]
    interval: Mapped[int]
    max_wait: Mapped[int]
    public_min: Mapped[int]
    opens_at: Mapped[datetime | None]
    closes_at: Mapped[datetime | None]
    opened: Mapped[date | None]
    closed: Mapped[date | None]
    issuer: Mapped[bytes | None]
    stale: Mapped[bool]

    letters: Mapped[list[Letter]] = relationship(order_by="Letter.lang", cascade="all, delete-orphan")
    demands: Mapped[list[Demand]] = relationship(order_by="Demand.number", cascade="all, delete-orphan")

    def policies(self) -> list[DomainPolicy]:
        """Which work addresses belong to the organisation."""
        return [DomainPolicy(domain=name, **rule) for name, rule in sorted(self.domains.items())]

    def demand_ids(self) -> list[str]:
        """Names of the demands in the ledger: d1, d2, …"""
        return [f"d{demand.number}" for demand in self.demands]


class Letter(Base):
    """The letter in one language; `sha256` is set when its words are frozen."""

    __tablename__ = "letter"

    campaign_id: Mapped[bytes] = mapped_column(ForeignKey("campaign.id"), primary_key=True)
    lang: Mapped[str] = mapped_column(primary_key=True)
    title: Mapped[str]
    markdown: Mapped[str]
    sha256: Mapped[bytes | None]

    def digest(self) -> bytes:
        """SHA-256 of the Markdown's UTF-8 bytes: what the ledger holds."""
        return hashlib.sha256(self.markdown.encode()).digest()


class Demand(Base):
    """One numbered demand, with its state and where that is reported."""

    __tablename__ = "demand"

    campaign_id: Mapped[bytes] = mapped_column(ForeignKey("campaign.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[dict[str, str]]
    state: Mapped[DemandState]
    since: Mapped[date | None]
    source: Mapped[str | None]


class Update(Base):
    """News by the organisers."""

    __tablename__ = "update"

    campaign_id: Mapped[bytes] = mapped_column(ForeignKey("campaign.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    day: Mapped[date]
    text: Mapped[dict[str, str]]


@dataclass(frozen=True, slots=True)
class Draft:
    """A campaign as described by its organisers. Texts are by language; `roles` and `teams` map values to labels."""

    slug: str
    origin: str
    letters: dict[str, tuple[str, str]]
    demands: Sequence[dict[str, str]]
    addressee: str
    organisation: str
    domains: dict[str, dict[str, bool]]
    languages: Sequence[str] = ()
    addressee_role: dict[str, str] = field(default_factory=dict)
    organisers: dict[str, str] = field(default_factory=dict)
    notice: dict[str, str] = field(default_factory=dict)
    roles: dict[str, dict[str, str]] = field(default_factory=dict)
    teams: dict[str, dict[str, str]] = field(default_factory=dict)
    methods: Sequence[str] = ("work_email",)
    workforce: int | None = None
    workforce_source: dict[str, str] = field(default_factory=dict)
    batch_min: int = 10
    interval: int = 3600
    max_wait: int = 86_400
    public_min: int = 25
    opens_at: datetime | None = None
    closes_at: datetime | None = None


def draft(session: Session, described: Draft) -> Campaign:
    """Write a campaign down as a draft; raises CampaignFaulty with a sentence."""
    _refuse_faults(described)
    languages = list(described.languages or described.letters)
    campaign = Campaign(
        id=secrets.token_bytes(16),
        state=CampaignState.DRAFT,
        languages=languages,
        methods=list(described.methods),
        opened=None,
        closed=None,
        issuer=None,
        stale=False,
        **{name: getattr(described, name) for name in _COPIED},
    )
    campaign.letters = [
        Letter(lang=lang, title=title, markdown=markdown) for lang, (title, markdown) in described.letters.items()
    ]
    campaign.demands = [
        Demand(number=number, text=text, state=DemandState.NO_ANSWER)
        for number, text in enumerate(described.demands, start=1)
    ]
    session.add(campaign)
    session.flush()
    return campaign


_COPIED = (
    "slug", "origin", "addressee", "addressee_role", "organisation", "organisers", "notice", "domains", "roles", "teams",
    "workforce", "workforce_source", "batch_min", "interval", "max_wait", "public_min", "opens_at", "closes_at",
)  # fmt: skip


def _refuse_faults(described: Draft) -> None:
    languages = set(described.letters)
    checks = {
        "The short name may hold small letters, digits and single hyphens, 80 at most.": (
            SLUG.fullmatch(described.slug) and len(described.slug) <= LONGEST_SLUG
        ),
        "A letter in at least one language is needed.": languages,
        "Each language that is listed needs a letter.": set(described.languages) <= languages,
        "A letter may hold 60,000 characters at most and must not be empty.": all(
            0 < len(markdown) <= LONGEST_LETTER and title for title, markdown in described.letters.values()
        ),
        "At least one demand is needed, in each language of the letter.": described.demands
        and all(languages <= set(text) for text in described.demands),
        "At least one work domain is needed.": described.domains,
        "A batch needs at least one signature and at least one second.": min(
            described.batch_min, described.interval, described.max_wait
        )
        >= 1,
        "The closing date must come after the opening date.": not (
            described.opens_at and described.closes_at and described.closes_at <= described.opens_at
        ),
    }
    for sentence, holds in checks.items():
        if not holds:
            raise CampaignFaulty(sentence)


def find(session: Session, slug: str) -> Campaign:
    """The campaign of that name with its letters and demands, drafts excepted; raises CampaignUnknown."""
    found = find_any(session, slug)
    if found is None or found.state is CampaignState.DRAFT:
        raise CampaignUnknown(slug)
    return found


def find_any(session: Session, slug: str) -> Campaign | None:
    """The campaign of that name whatever its state."""
    query = select(Campaign).where(Campaign.slug == slug)
    return session.scalar(query.options(selectinload(Campaign.letters), selectinload(Campaign.demands)))


def every(*, but_drafts: bool = False) -> Select[Campaign]:
    """All campaigns by name, or all that the public may see."""
    query = select(Campaign).order_by(Campaign.slug)
    query = query.options(selectinload(Campaign.letters), selectinload(Campaign.demands))
    return query.where(Campaign.state != CampaignState.DRAFT) if but_drafts else query


def require_open(campaign: Campaign) -> None:
    """Raises CampaignNotOpen before the opening and CampaignClosed after the close."""
    if campaign.state is CampaignState.DRAFT:
        raise CampaignNotOpen(campaign.slug)
    if campaign.state is not CampaignState.OPEN:
        raise CampaignClosed(campaign.slug)


def write_letter(campaign: Campaign, lang: str, title: str, markdown: str) -> None:
    """Replace or add one language of a draft's letter; raises LetterFrozen once it was opened."""
    if campaign.state is not CampaignState.DRAFT:
        raise LetterFrozen(campaign.slug)
    kept = [letter for letter in campaign.letters if letter.lang != lang]
    campaign.letters = [*kept, Letter(lang=lang, title=title, markdown=markdown)]
    if lang not in campaign.languages:
        campaign.languages = [*campaign.languages, lang]


def step(campaign: Campaign, to: CampaignState) -> None:
    """Go to the next state; raises StepSkipped for any other."""
    order = list(CampaignState)
    if order.index(to) != order.index(campaign.state) + 1:
        raise StepSkipped(f"{campaign.state} to {to}")
    campaign.state = to
    campaign.stale = True


def judge_demand(campaign: Campaign, number: int, state: DemandState, source: str, day: date) -> None:
    """Record what became of a demand, since when, and who reports it."""
    demand = next((each for each in campaign.demands if each.number == number), None)
    if demand is None:
        raise CampaignFaulty(f"There is no demand {number}.")
    demand.state, demand.source, demand.since = state, source, day
    campaign.stale = True
