"""Counts the figures of a day that is over (`petition.privacy.daily_figures`), for organisers and monitors.

A worker asks every half minute whether a day is over, so the moment of the count depends on the clock alone. The
figures of all campaigns are counted together. A campaign that opens during a day has figures once that day is over.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Final

from sqlalchemy.orm import Session

from petition import signatures
from petition.campaigns import public_ids
from petition.core.ids import CampaignId
from petition.mailing import digests, subscribers
from petition.mailing.queue import throttle
from petition.mailing.subscribers import Frequency, SubscriberState
from petition.privacy import daily_figures
from petition.privacy.daily_figures import SITE, TEN, CampaignDay, Provider, SiteDay, tens

WORTH_A_LOOK: Final = 3
"""From this many complaints and addresses that bounced within thirty days on, a mail provider is called troubled."""


def record(session: Session, now: datetime) -> bool:
    """Count the figures of the last day (UTC), unless that was done. Returns whether they were counted now."""
    if not daily_figures.are_due(session, now):
        return False
    day, campaigns = daily_figures.last_day(now), public_ids(session)
    undelivered = digests.undelivered(session, campaigns)
    found = {each: _campaign(session, each, day, retriable=undelivered[each].again > 0) for each in campaigns}
    for campaign_id, figures in found.items():
        daily_figures.write(session, campaign_id, figures)
    many_wait = any(figures.many_wait for figures in found.values())
    daily_figures.write(session, SITE, _site(session, day, many_wait=many_wait))
    return True


def _campaign(session: Session, campaign_id: CampaignId, day: date, *, retriable: bool) -> CampaignDay:
    states = subscribers.by_state(session, campaign_id)
    audience = subscribers.audience(session, campaign_id)
    languages = sorted({lang for by_language in audience.values() for lang in by_language})
    return CampaignDay(
        day=day,
        many_wait=signatures.waiting(session, campaign_id)[0] >= TEN,
        active=tens(states[SubscriberState.ACTIVE]),
        unconfirmed=tens(states[SubscriberState.UNCONFIRMED]),
        paused=tens(states[SubscriberState.PAUSED]),
        suppressed=tens(states[SubscriberState.SUPPRESSED]),
        frequencies={frequency.value: tens(sum(audience[frequency].values())) for frequency in Frequency},
        languages={lang: tens(sum(each.get(lang, 0) for each in audience.values())) for lang in languages},
        audience={frequency.value: _in_tens(by_language) for frequency, by_language in audience.items()},
        retriable=retriable,
    )


def _in_tens(by_language: Mapping[str, int]) -> dict[str, int]:
    return {lang: tens(n) for lang, n in by_language.items()}


def _site(session: Session, day: date, *, many_wait: bool) -> SiteDay:
    mails, lately = throttle.by_provider(session), subscribers.bounced_lately(session, day)
    return SiteDay(
        day=day,
        many_wait=many_wait,
        sent=tens(sum(sent for _, sent, _, _ in mails)),
        bounced=tens(sum(bounced for _, _, bounced, _ in mails)),
        complained=tens(sum(complained for _, _, _, complained in mails)),
        spam=tens(subscribers.complaints(session)),
        unread=tens(subscribers.unread.count(session)),
        providers=tuple(_providers(mails, lately)),
        subscribers={state.value: tens(n) for state, n in subscribers.by_state(session).items()},
    )


def _providers(mails: Iterable[tuple[str, int, int, int]], lately: Mapping[str, int]) -> Iterable[Provider]:
    for name, sent, bounced, complained in mails:
        troubled = lately.get(name, 0) + complained >= WORTH_A_LOOK
        yield Provider(name, tens(sent), tens(bounced), tens(complained), troubled)
