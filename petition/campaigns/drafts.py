"""Turns a description of a campaign into a draft, and rejects faulty descriptions with a sentence for each fault."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from petition.campaigns.errors import CampaignFaulty
from petition.campaigns.mail_settings import Mailing, MailingFaulty
from petition.campaigns.tables import Campaign, CampaignState, Demand, DemandState, Letter

SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
LONGEST_SLUG = 80
LONGEST_LETTER = 60_000


@dataclass(frozen=True, slots=True)
class Draft:
    """A campaign as described by its organisers. Texts are by language; `roles` and `teams` map values to labels."""

    slug: str
    origin: str
    letters: dict[str, tuple[str, str]]
    demands: Sequence[dict[str, str]]
    addressee: str
    organisation: str
    domains: dict[str, dict[str, Any]]
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
    public_min: int = 25
    mailing: dict[str, Any] = field(default_factory=dict)
    legal: dict[str, Any] = field(default_factory=dict)
    opens_at: datetime | None = None
    closes_at: datetime | None = None


def draft(session: Session, described: Draft) -> Campaign:
    """Insert a complete campaign as a draft. Raises CampaignFaulty with a sentence."""
    _refuse_faults(described)
    return written(session, described)


def written(session: Session, described: Draft) -> Campaign:
    """Insert a campaign as a draft even if it is incomplete. What it lacks is checked at its opening."""
    languages = list(described.languages or described.letters)
    campaign = Campaign(
        id=secrets.token_bytes(16),
        state=CampaignState.DRAFT,
        languages=languages,
        methods=list(described.methods),
        opened=None,
        closed=None,
        issuer=None,
        opening_approved=None,
        stale=False,
        stopped=[],
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
    "workforce", "workforce_source", "batch_min", "interval", "public_min", "mailing", "legal", "opens_at", "closes_at",
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
        "A batch needs at least one signature and at least one second.": min(described.batch_min, described.interval)
        >= 1,
        "The closing date must come after the opening date.": not (
            described.opens_at and described.closes_at and described.closes_at <= described.opens_at
        ),
    }
    for sentence, holds in checks.items():
        if not holds:
            raise CampaignFaulty(sentence)
    try:
        Mailing.read(described.mailing)
    except MailingFaulty as fault:
        raise CampaignFaulty(str(fault)) from None
