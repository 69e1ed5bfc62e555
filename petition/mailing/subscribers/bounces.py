"""Bounces and complaints: an address that does not exist, or whose owner reports spam, gets no mail in any campaign.

No bounce deletes a subscriber. A subscriber whose address does not exist is suppressed; an operator can lift this, or
the person can ask again and confirm. Any other bounce is only counted, once for each mail, and fades in thirty days. A complaint ends the subscription, like
unsubscribing, and leaves a keyed hash. Reports about unknown addresses are ignored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Final

from sqlalchemy import delete, exists, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from petition.mailing.queue import CONFIRM, Delivery, DeliveryState, Throttle, claims, throttle
from petition.mailing.subscribers.tables import Contact, Subscriber, SubscriberState, Suppression
from petition.privacy import Mailbox, personal_address, subscriber_tag, suppression_tag
from petition.privacy.addresses import AddressRefused

FADED_AFTER: Final = timedelta(days=30)
CLAIMED: Final = timedelta(seconds=claims.CLAIM_SECONDS)
"""A mail that was sent is due this long after it was."""


class Trouble(StrEnum):
    """The kinds of reported problems. `hard`: this very address does not exist. `soft`: any other bounce."""

    HARD = "hard"
    SOFT = "soft"
    COMPLAINT = "complaint"


@dataclass(frozen=True, slots=True)
class Report:
    """One report of a relay about an address."""

    trouble: Trouble
    address: str = field(repr=False)


def record(session: Session, pepper: bytes, report: Report, day: date) -> bool:
    """Act on a report. Returns whether the address is suppressed now. Unknown addresses are ignored."""
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
    """Count one bounce for each mail to an address. Several reports may concern the same mail, also on several days.

    Few reports name the mail. A bounce counts if none was counted yet, or if a mail went out on a later day than that of
    the last one. There are never more bounces than mails.
    """
    last = max((each.bounced for each in found if each.bounced is not None), default=None)
    counts = bool(found) and (last is None or (last < day and _was_mailed_after(session, found, last)))
    if counts:
        throttle.bounced(session, found[0].domain_tag)
    for each in found:
        each.bounced = day if counts or each.bounced is None else each.bounced


def _was_mailed_after(session: Session, found: Sequence[Subscriber], day: date) -> bool:
    """Returns whether a mail to one of these subscribers was sent, or refused, on a later day (UTC)."""
    next_day = datetime.combine(day + timedelta(days=1), time(), UTC)
    mine = exists().where(
        Delivery.recipient.in_([each.id for each in found]),
        Delivery.state.in_([DeliveryState.SENT, DeliveryState.DEAD]),
        Delivery.due >= next_day + CLAIMED,
    )
    return bool(session.scalar(select(mine)))


def fade(session: Session, day: date) -> None:
    """Forget bounces that are older than thirty days."""
    old = update(Subscriber).where(Subscriber.bounced < day - FADED_AFTER)
    session.execute(old.values(bounced=None), execution_options={"synchronize_session": False})


def bounced_lately(session: Session, day: date) -> dict[str, int]:
    """Returns how many addresses of each provider bounced within thirty days. Domains without a name are one line.

    An address may be on several lists: the list with most of them counts.
    """
    query = select(Throttle.name, func.count()).join(Subscriber, Subscriber.domain_tag == Throttle.domain_tag)
    recent = query.where(Subscriber.bounced >= day - FADED_AFTER).group_by(Throttle.name, Subscriber.campaign_id)
    found: dict[str, int] = {}
    for name, n in session.execute(recent):
        found[name] = max(found.get(name, 0), n)
    return found


def _suppress(session: Session, found: Sequence[Subscriber], day: date) -> None:
    """Suppress active subscribers. Their confirmation mails are counted anew, so that they can ask again."""
    mailed = [each for each in found if each.state is SubscriberState.ACTIVE]
    for each in mailed:
        each.state, each.since, each.asked = SubscriberState.SUPPRESSED, day, 0
    ids = [each.id for each in mailed]
    session.execute(delete(Delivery).where(Delivery.kind == CONFIRM, Delivery.recipient.in_(ids)))


def lift(session: Session, pepper: bytes, address: str, day: date) -> tuple[int, bool]:
    """Mail an address again. Returns for how many subscriptions it was suppressed, and whether a complaint was deleted.

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
    """Mail everybody again who was suppressed on a day. Returns how many. Complaints stay, because people made them."""
    which = (Subscriber.state == SubscriberState.SUPPRESSED) & (Subscriber.since == suppressed_on)
    lifting = update(Subscriber).where(which).values(state=SubscriberState.ACTIVE, since=day, asked=1)
    return len(session.execute(lifting.returning(Subscriber.id)).all())


def suppressed_by_day(session: Session) -> dict[date, int]:
    """Returns how many subscribers were suppressed on each day, over all campaigns, newest first."""
    query = select(Subscriber.since, func.count()).where(Subscriber.state == SubscriberState.SUPPRESSED)
    by_day = query.group_by(Subscriber.since).order_by(Subscriber.since.desc())
    return {day: n for day, n in session.execute(by_day)}


def complained(session: Session, tag: bytes) -> bool:
    """Returns whether the owner of an address reported our mail as spam. `tag` comes from `suppression_tag`."""
    return session.scalar(select(Suppression.tag).where(Suppression.tag == tag)) is not None


def _subscribers(session: Session, pepper: bytes, box: Mailbox) -> Sequence[Subscriber]:
    """Returns the subscribers with this address in all campaigns, locked until the transaction ends."""
    query = select(Subscriber).where(Subscriber.tag.in_(_tags(session, pepper, box))).order_by(Subscriber.id)
    return session.scalars(query.with_for_update(), execution_options={"populate_existing": True}).all()


def _tags(session: Session, pepper: bytes, box: Mailbox) -> list[bytes]:
    lists = session.scalars(select(Contact.campaign_id))
    return [subscriber_tag(pepper, campaign_id, box.canonical) for campaign_id in lists]
