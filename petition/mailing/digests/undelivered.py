"""Given-up mails: which of them can be tried again, and which cannot because nobody takes them any more.

A retry does what the page announces: mails to failed addresses, and to subscribers who left, paused or chose another
frequency, are separated beforehand, with the same check that the sender uses.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any, Final

from sqlalchemy import Select, func, select, tuple_, update
from sqlalchemy.orm import Session

from petition.core.ids import CampaignId
from petition.mailing import queue
from petition.mailing.digests.kinds import DIGESTS
from petition.mailing.queue import CONFIRM, NOTICES, REMINDER, Delivery, DeliveryState
from petition.mailing.subscribers import Audience, Frequency, Subscriber, SubscriberState


class Fate(Enum):
    """The result of trying a given-up mail again."""

    AGAIN = "again"
    SUPPRESSED = "suppressed"
    UNWANTED = "unwanted"


@dataclass(frozen=True, slots=True)
class Undelivered:
    """How many given-up mails can be retried, and how many cannot: address suppressed, or not wanted any more."""

    again: int = 0
    suppressed: int = 0
    unwanted: int = 0


# The kind of mail and the current values of its subscriber decide. The last three are None if there is no subscriber.
Case = tuple[str, SubscriberState | None, Audience | None, Frequency | None]


def is_wanted(subscriber: Subscriber, kind: str) -> bool:
    """Returns whether a subscriber, with their current settings, gets mails of a kind."""
    return _is_wanted(kind, subscriber.state, subscriber.audience, subscriber.frequency)


def _is_wanted(kind: str, state: SubscriberState, audience: Audience, frequency: Frequency) -> bool:
    if kind == CONFIRM:
        return state in {SubscriberState.UNCONFIRMED, SubscriberState.SUPPRESSED}
    if kind == REMINDER:
        return state is SubscriberState.UNCONFIRMED
    if kind in NOTICES:
        return state is not SubscriberState.SUPPRESSED
    return state is SubscriberState.ACTIVE and DIGESTS[kind].is_for(audience, frequency)


def undelivered(session: Session, campaigns: Collection[bytes]) -> dict[bytes, Undelivered]:
    """Returns the figures by campaign, with one query for any number of campaigns."""
    counted = _dead(select(Delivery.campaign_id, *_CASE, func.count())).where(Delivery.campaign_id.in_(campaigns))
    found: dict[bytes, dict[Fate, int]] = {each: dict.fromkeys(Fate, 0) for each in campaigns}
    for campaign_id, kind, state, audience, frequency, n in session.execute(
        counted.group_by(Delivery.campaign_id, *_CASE)
    ):
        found[campaign_id][_fate((kind, state, audience, frequency))] += n
    return {campaign_id: _numbers(fates) for campaign_id, fates in found.items()}


def retry(session: Session, campaign_id: CampaignId | None, now: datetime) -> Undelivered:
    """Plan retryable mails again, of one campaign or of all. Returns how many, and how many cannot be retried.

    Mails that nobody wants any more are dropped. Mails to suppressed addresses stay as they are.
    """
    rows = _dead(select(Delivery.kind, Delivery.recipient, Delivery.period, *_CASE[1:]))
    if campaign_id is not None:
        rows = rows.where(Delivery.campaign_id == campaign_id)
    fates: dict[Fate, list[tuple[str, bytes, str]]] = {each: [] for each in Fate}
    for kind, recipient, period, state, audience, frequency in session.execute(rows):
        fates[_fate((kind, state, audience, frequency))].append((kind, recipient, period))
    queue.retry(session, fates[Fate.AGAIN], now)
    key = tuple_(Delivery.kind, Delivery.recipient, Delivery.period)
    dropping = update(Delivery).where(Delivery.state == DeliveryState.DEAD, key.in_(fates[Fate.UNWANTED]))
    session.execute(dropping.values(state=DeliveryState.DROPPED))
    return _numbers({fate: len(keys) for fate, keys in fates.items()})


_CASE: Final = (Delivery.kind, Subscriber.state, Subscriber.audience, Subscriber.frequency)


def _dead(query: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
    joined = query.outerjoin(Subscriber, Subscriber.id == Delivery.recipient)
    return joined.where(Delivery.state == DeliveryState.DEAD)


def _fate(case: Case) -> Fate:
    kind, state, audience, frequency = case
    if state is None or audience is None or frequency is None:
        return Fate.UNWANTED
    if _is_wanted(kind, state, audience, frequency):
        return Fate.AGAIN
    return Fate.SUPPRESSED if state is SubscriberState.SUPPRESSED else Fate.UNWANTED


def _numbers(fates: dict[Fate, int]) -> Undelivered:
    return Undelivered(fates[Fate.AGAIN], fates[Fate.SUPPRESSED], fates[Fate.UNWANTED])
