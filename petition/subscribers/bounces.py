"""Bounces and complaints: an address that does not want or cannot take mail gets none, in any campaign.

A hard bounce or a complaint suppresses at once, a soft bounce at the third. What is kept is a keyed hash.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Final

from sqlalchemy import and_, delete, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from petition.deliveries import lanes
from petition.privacy import personal_address, subscriber_tag, suppression_tag
from petition.privacy.addresses import AddressRefused
from petition.subscribers.tables import Contact, Subscriber, SuppressedFor, Suppression

SOFT_BOUNCES: Final = 3


class Trouble(StrEnum):
    """What a relay reports of a mail."""

    HARD = "hard"
    SOFT = "soft"
    COMPLAINT = "complaint"


REASONS: Final = {
    Trouble.HARD: SuppressedFor.BOUNCE,
    Trouble.SOFT: SuppressedFor.SOFT,
    Trouble.COMPLAINT: SuppressedFor.COMPLAINT,
}


@dataclass(frozen=True, slots=True)
class Report:
    """One thing that a relay says of an address."""

    trouble: Trouble
    address: str = field(repr=False)


def record(session: Session, pepper: bytes, report: Report, day: date) -> bool:
    """Act on a report; gives whether the address is suppressed now. An address nobody could have is ignored."""
    try:
        box = personal_address(report.address)
    except AddressRefused:
        return False
    lane = lanes.lane_of(pepper, box.domain)
    lanes.know(session, lane)
    lanes.bounced(session, lane.lane, complaint=report.trouble is Trouble.COMPLAINT)
    suppressed = _count(session, suppression_tag(pepper, box.canonical), report.trouble, day)
    if suppressed:
        lists = session.scalars(select(Contact.campaign_id))
        tags = [subscriber_tag(pepper, campaign_id, box.canonical) for campaign_id in lists]
        session.execute(delete(Subscriber).where(Subscriber.tag.in_(tags)))
    return suppressed


def _count(session: Session, tag: bytes, trouble: Trouble, day: date) -> bool:
    reason = REASONS[trouble]
    counting = insert(Suppression).values(tag=tag, reason=reason, n=1, day=day)
    worse = {"n": Suppression.n + 1, "day": day}
    if trouble is not Trouble.SOFT:
        worse["reason"] = reason
    counting = counting.on_conflict_do_update(index_elements=["tag"], set_=worse)
    session.execute(counting)
    session.expire_all()
    return is_suppressed(session, tag)


def is_suppressed(session: Session, tag: bytes) -> bool:
    """Whether this address gets no mail; `tag` as of `suppression_tag`."""
    often = and_(Suppression.reason == SuppressedFor.SOFT, Suppression.n >= SOFT_BOUNCES)
    query = select(Suppression.tag).where(Suppression.tag == tag)
    return session.scalar(query.where(or_(Suppression.reason != SuppressedFor.SOFT, often))) is not None
