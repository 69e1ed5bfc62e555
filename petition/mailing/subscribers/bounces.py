"""Bounces and complaints: whose address does not exist, or who calls it spam, gets no mail, in any campaign.

Guards the list: nobody is taken off it for a bounce. A subscriber whose address does not exist is suppressed, which an
operator lifts, or the person, by asking again and confirming. Any other bounce is a figure. A complaint is a way out,
as unsubscribing is; what is kept of it is a keyed hash. Refuses reports about addresses that are on no list.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from petition.mailing.queue import Delivery, throttle
from petition.mailing.subscribers.tables import CONFIRM, Contact, Subscriber, SubscriberState, Suppression
from petition.privacy import Mailbox, personal_address, subscriber_tag, suppression_tag
from petition.privacy.addresses import AddressRefused


class Trouble(StrEnum):
    """What is reported of a mail. `hard`: this very address does not exist; `soft`: any other bounce."""

    HARD = "hard"
    SOFT = "soft"
    COMPLAINT = "complaint"


@dataclass(frozen=True, slots=True)
class Report:
    """One thing that a relay says of an address."""

    trouble: Trouble
    address: str = field(repr=False)


def record(session: Session, pepper: bytes, report: Report, day: date) -> bool:
    """Act on a report; gives whether the address is suppressed now. An address that is on no list is ignored."""
    try:
        box = personal_address(report.address)
    except AddressRefused:
        return False
    if report.trouble is Trouble.COMPLAINT:
        _complained(session, pepper, box, day)
        return True
    found = _subscribers(session, pepper, box)
    _count(session, found, day)
    if report.trouble is Trouble.HARD:
        _suppress(session, found, day)
    return any(each.state is SubscriberState.SUPPRESSED for each in found)


def _complained(session: Session, pepper: bytes, box: Mailbox, day: date) -> None:
    named = throttle.throttle_of(pepper, box.domain)
    throttle.ensure(session, named)
    throttle.bounced(session, named.tag, complaint=True)
    tag = suppression_tag(pepper, box.canonical)
    session.execute(insert(Suppression).values(tag=tag, day=day).on_conflict_do_nothing())
    session.execute(delete(Subscriber).where(Subscriber.tag.in_(_tags(session, pepper, box))))


def _count(session: Session, found: Sequence[Subscriber], day: date) -> None:
    """Once a day for each address: several reports about one mail are one bounce."""
    if found and all(each.bounced != day for each in found):
        throttle.bounced(session, found[0].domain_tag)
    for each in found:
        each.bounced = day


def _suppress(session: Session, found: Sequence[Subscriber], day: date) -> None:
    """Only whoever is mailed to; mails that ask back begin to count anew, so that the person can ask again."""
    mailed = [each for each in found if each.state is SubscriberState.ACTIVE]
    for each in mailed:
        each.state, each.since, each.asked = SubscriberState.SUPPRESSED, day, 0
    ids = [each.id for each in mailed]
    session.execute(delete(Delivery).where(Delivery.kind == CONFIRM, Delivery.recipient.in_(ids)))


def lift(session: Session, pepper: bytes, address: str, day: date) -> tuple[int, bool]:
    """Mail an address again; gives on how many lists it was suppressed, and whether a complaint was forgotten.

    Raises AddressRefused.
    """
    box = personal_address(address)
    lifted = [each for each in _subscribers(session, pepper, box) if each.state is SubscriberState.SUPPRESSED]
    for each in lifted:
        each.state, each.since, each.asked = SubscriberState.ACTIVE, day, 1
    tag = suppression_tag(pepper, box.canonical)
    forgotten = session.execute(delete(Suppression).where(Suppression.tag == tag).returning(Suppression.day)).all()
    return len(lifted), bool(forgotten)


def lift_day(session: Session, suppressed_on: date, day: date) -> int:
    """Mail everybody again who was suppressed on a day; gives how many. Complaints stay: they are people's own wish."""
    which = (Subscriber.state == SubscriberState.SUPPRESSED) & (Subscriber.since == suppressed_on)
    lifting = update(Subscriber).where(which).values(state=SubscriberState.ACTIVE, since=day, asked=1)
    return len(session.execute(lifting.returning(Subscriber.id)).all())


def suppressed_by_day(session: Session) -> dict[date, int]:
    """How many subscribers were suppressed on which day, over all campaigns, the newest day first."""
    query = select(Subscriber.since, func.count()).where(Subscriber.state == SubscriberState.SUPPRESSED)
    by_day = query.group_by(Subscriber.since).order_by(Subscriber.since.desc())
    return {day: n for day, n in session.execute(by_day)}


def complained(session: Session, tag: bytes) -> bool:
    """Whether the owner of an address called our mail spam; `tag` as of `suppression_tag`."""
    return session.scalar(select(Suppression.tag).where(Suppression.tag == tag)) is not None


def _subscribers(session: Session, pepper: bytes, box: Mailbox) -> Sequence[Subscriber]:
    """Whoever has this address on a list, of whatever campaign; kept from other reports until the transaction ends."""
    query = select(Subscriber).where(Subscriber.tag.in_(_tags(session, pepper, box))).order_by(Subscriber.id)
    return session.scalars(query.with_for_update(), execution_options={"populate_existing": True}).all()


def _tags(session: Session, pepper: bytes, box: Mailbox) -> list[bytes]:
    lists = session.scalars(select(Contact.campaign_id))
    return [subscriber_tag(pepper, campaign_id, box.canonical) for campaign_id in lists]
