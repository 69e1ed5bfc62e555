"""The organisers' daily digest: what waits for them, what fails, how the letter grows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from petition import epochs, verification
from petition.campaigns import Campaign
from petition.core.ids import CampaignId
from petition.ledger import log
from petition.mailing.digests.digest import Digest
from petition.mailing.digests.facts import Happened, Window, happened
from petition.mailing.digests.periods import Cycle
from petition.mailing.queue import Delivery, DeliveryState, throttle
from petition.mailing.subscribers import Audience, Frequency, Subscriber, SubscriberState, numbers

LEAST_BOUNCES = 3


@dataclass(frozen=True, slots=True)
class CodesFact:
    """Codes requested and used for one work domain on one day (UTC). 0 means fewer than ten."""

    domain: str
    day: date
    asked: int
    used: int


@dataclass(frozen=True, slots=True)
class BouncesFact:
    """Mails to one large provider, or to all others together (with an empty name)."""

    name: str
    sent: int
    bounced: int
    complained: int


@dataclass(frozen=True, slots=True)
class ForOrganisers:
    """The work queue comes first. `stalled`: seconds since the first slot that no worker looked at; `codes` reveal a blocked domain.

    `issued` is the number of passes as of the last batch, because the current number would reveal single persons.
    """

    news: Happened
    evidence: int
    dead: int
    stalled: int
    bounces: tuple[BouncesFact, ...]
    codes: tuple[CodesFact, ...]
    issued: int
    readers: int

    @property
    def waiting(self) -> bool:
        """Returns whether anything waits for an organiser."""
        return bool(self.evidence or self.dead or self.stalled)


def facts(session: Session, campaign: Campaign, window: Window) -> ForOrganisers:
    """Returns facts every day, so that organisers see that the system works."""
    return ForOrganisers(
        news=happened(session, campaign, window),
        evidence=0,
        dead=_dead(session, campaign.id),
        stalled=epochs.stalled_seconds(session, campaign, window.until),
        bounces=tuple(_bounces(session)),
        codes=tuple(CodesFact(*each) for each in verification.codes_by_day(session, campaign.id, *_days(window))),
        issued=sum(log.head_of(session, campaign.id).issued.values()),
        readers=sum(n for name, n in numbers(session, campaign.id).items() if name in set(Frequency)),
    )


def _days(window: Window) -> tuple[date, date]:
    """Returns the days in UTC that ended within the window. Each appears in one digest, once it is over."""
    return window.since.astimezone(UTC).date(), window.until.astimezone(UTC).date()


def _dead(session: Session, campaign_id: CampaignId) -> int:
    """Count given-up mails that organisers can act on, so not those to suppressed or deleted subscribers."""
    query = select(func.count()).select_from(Delivery).join(Subscriber, Subscriber.id == Delivery.recipient)
    query = query.where(Delivery.campaign_id == campaign_id, Delivery.state == DeliveryState.DEAD)
    return int(session.scalar(query.where(Subscriber.state != SubscriberState.SUPPRESSED)) or 0)


def _bounces(session: Session) -> list[BouncesFact]:
    """Returns providers with problems. Domains that could identify a person are one line without a name."""
    found: dict[str, BouncesFact] = {}
    for domain_tag in throttle.all_throttles(session):
        known = found.get(domain_tag.name, BouncesFact(domain_tag.name, 0, 0, 0))
        found[domain_tag.name] = BouncesFact(
            domain_tag.name,
            known.sent + domain_tag.sent,
            known.bounced + domain_tag.bounced,
            known.complained + domain_tag.complained,
        )
    return [each for each in found.values() if each.bounced + each.complained >= LEAST_BOUNCES]


DIGEST = Digest("organiser_daily", ForOrganisers, facts, others=frozenset({Audience.ORGANISER}), cycle=Cycle.DAILY)
