"""The addressee's weekly digest: the count and the demands, nothing else. A campaign has to turn it on."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from petition.campaigns import Campaign
from petition.mailing.digests.digest import Digest
from petition.mailing.digests.facts import DemandFact, Happened, Window, every_demand, happened
from petition.mailing.digests.periods import Cycle
from petition.mailing.subscribers import Audience


@dataclass(frozen=True, slots=True)
class ForAddressee:
    """The count with its change, and every demand with its state."""

    news: Happened
    demands: tuple[DemandFact, ...]


def facts(session: Session, campaign: Campaign, window: Window) -> ForAddressee | None:
    """Returns counts and demands, in each week in which the count is public."""
    found = happened(session, campaign, window)
    if found.count is None:
        return None
    return ForAddressee(replace(found, updates=()), tuple(every_demand(campaign)))


DIGEST = Digest(
    "addressee_weekly",
    ForAddressee,
    facts,
    others=frozenset({Audience.ADDRESSEE}),
    cycle=Cycle.WEEKLY,
    wanted=lambda mailing: mailing.addressee,
)
