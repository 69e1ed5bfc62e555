"""The organisers' daily digest: what waits for them, what fails, how the letter grows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from petition import epochs, verification
from petition.campaigns import Campaign
from petition.core.ids import CampaignId
from petition.ledger import log
from petition.mailing.digests.digest import Digest
from petition.mailing.digests.facts import Happened, Window, happened
from petition.mailing.digests.periods import Cycle
from petition.mailing.queue import Delivery, DeliveryState, shown
from petition.mailing.subscribers import Audience, Subscriber, SubscriberState
from petition.privacy import daily_figures
from petition.privacy.daily_figures import tens


@dataclass(frozen=True, slots=True)
class CodesFact:
    """Codes requested, ten or more, and used for one work domain on one day (UTC). 0 used ones mean fewer than ten."""

    domain: str
    day: date
    asked: int
    used: int


@dataclass(frozen=True, slots=True)
class BouncesFact:
    """Mails to one large provider, or to all others together (with an empty name), in whole tens."""

    name: str
    sent: int
    bounced: int
    complained: int


@dataclass(frozen=True, slots=True)
class ForOrganisers:
    """The work queue comes first. `stalled`: seconds since the first slot that no worker looked at; `codes` reveal a blocked domain.

    `issued` is the number of passes as of the last batch, because the current number would reveal single persons.
    `bounces` and `readers` (subscribers) are those of the last day in whole tens, and `dead` is a number of mails in
    whole tens, 1 standing for a few.
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
        dead=_dead(session, campaign.id, window.until),
        stalled=epochs.stalled_seconds(session, campaign, window.until),
        bounces=_bounces(session),
        codes=tuple(CodesFact(*each) for each in verification.codes_by_day(session, campaign.id, *_days(window))),
        issued=sum(log.head_of(session, campaign.id).issued.values()),
        readers=_subscribers(session, campaign.id),
    )


def _days(window: Window) -> tuple[date, date]:
    """Returns the days in UTC that ended within the window. Each appears in one digest, once it is over."""
    return window.since.astimezone(UTC).date(), window.until.astimezone(UTC).date()


def _dead(session: Session, campaign_id: CampaignId, until: datetime) -> int:
    """Count given-up mails that organisers can act on, so not those to suppressed or deleted subscribers."""
    query = select(func.count()).select_from(Delivery).join(Subscriber, Subscriber.id == Delivery.recipient)
    query = query.where(Delivery.campaign_id == campaign_id, Delivery.state == DeliveryState.DEAD, shown(until))
    n = int(session.scalar(query.where(Subscriber.state != SubscriberState.SUPPRESSED)) or 0)
    return tens(n) or min(n, 1)


def _subscribers(session: Session, campaign_id: CampaignId) -> int:
    day = daily_figures.of_campaign(session, campaign_id)
    return day.active if day else 0


def _bounces(session: Session) -> tuple[BouncesFact, ...]:
    """Returns providers with problems. Domains that could identify a person are one line without a name."""
    day = daily_figures.of_site(session)
    found = [each for each in day.providers if each.troubled] if day else []
    return tuple(BouncesFact(each.name, each.sent, each.bounced, each.complained) for each in found)


DIGEST = Digest("organiser_daily", ForOrganisers, facts, others=frozenset({Audience.ORGANISER}), cycle=Cycle.DAILY)
