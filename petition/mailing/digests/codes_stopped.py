"""The mail to organisers when codes stopped arriving at a work domain, once a day at most.

It is made when a day of the campaign is over, from the shares of days that are over (`petition.verification.canary`),
so it says nothing about a single person.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC

from sqlalchemy.orm import Session

from petition import verification
from petition.campaigns import Campaign, CampaignState
from petition.mailing.digests.digest import Digest
from petition.mailing.digests.facts import Window
from petition.mailing.digests.periods import Cycle
from petition.mailing.subscribers import Audience


@dataclass(frozen=True, slots=True)
class SilenceFact:
    """A work domain where at most `most` per cent of `asked` codes were used, and before at least `usual` per cent.

    `usual` is None if nothing is known of the days before.
    """

    domain: str
    asked: int
    most: int
    usual: int | None


@dataclass(frozen=True, slots=True)
class CodesStopped:
    """The domains where codes stopped arriving, by name."""

    domains: tuple[SilenceFact, ...]


def facts(session: Session, campaign: Campaign, window: Window) -> CodesStopped | None:
    """Returns the domains in trouble, or None if there are none or nobody can sign."""
    if campaign.state is not CampaignState.OPEN:
        return None
    found = verification.silent_domains(session, campaign.id, window.until.astimezone(UTC).date())
    domains = tuple(SilenceFact(each.domain, each.asked, each.most, each.usual) for each in found)
    return CodesStopped(domains) if domains else None


DIGEST = Digest("codes_stopped", CodesStopped, facts, others=frozenset({Audience.ORGANISER}), cycle=Cycle.DAILY)
