"""Subscribers: people who asked for mail about a campaign, signers or not, at a personal address.

A subscription does not reveal whether somebody signed, nobody is mailed without confirming, and a seized disk holds
only encrypted addresses. The response to a request is the same for everybody. The campaign's own work domains are
rejected, because the employer can read that mail.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, exists, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from petition.core import events
from petition.core.errors import ExpectedError
from petition.core.ids import CampaignId
from petition.mailing import queue
from petition.mailing.queue import CONFIRM, KNOWN, REMINDER, Delivery, DeliveryState, throttle
from petition.mailing.subscribers import address_book, unread
from petition.mailing.subscribers.admission import AskedTooOften, AskingAway, admit
from petition.mailing.subscribers.bounces import (
    Report,
    Trouble,
    bounced_lately,
    complained,
    fade,
    lift,
    lift_day,
    record,
    suppressed_by_day,
)
from petition.mailing.subscribers.figures import MailHealth, audience, by_state, complaints, mail_health
from petition.mailing.subscribers.links import LinkBroken, Purpose
from petition.mailing.subscribers.tables import Audience, Frequency, Subscriber, SubscriberState
from petition.privacy import DomainPolicy, Mailbox, personal_address, subscriber_tag, suppression_tag
from petition.privacy.addresses import is_work_domain

__all__ = [
    "CONFIRM",
    "KNOWN",
    "REMINDER",
    "AskedTooOften",
    "AskingAway",
    "Audience",
    "Frequency",
    "LinkBroken",
    "MailHealth",
    "Purpose",
    "Report",
    "Subscriber",
    "SubscriberGone",
    "SubscriberState",
    "Trouble",
    "WorkAddressRefused",
    "admit",
    "ask",
    "audience",
    "bounced_lately",
    "by_state",
    "change",
    "complaints",
    "confirm",
    "enter",
    "find",
    "leave",
    "lift",
    "lift_day",
    "mail_health",
    "numbers",
    "pause",
    "purge",
    "record",
    "remind",
    "suppressed_by_day",
    "unpause",
    "unread",
]

ASKED_MOST: Final = 3
REMINDED_AFTER: Final = timedelta(days=1)
UNCONFIRMED_LIFE: Final = timedelta(days=3)


class WorkAddressRefused(ExpectedError, ValueError):
    """The address belongs to the organisation that the letter concerns, whose owner can read that mail."""

    status = 422


class SubscriberGone(LookupError):
    """The link is ours, but its subscriber does not exist any more."""


def ask(
    session: Session,
    pepper: bytes,
    campaign_id: CampaignId,
    work: Sequence[DomainPolicy],
    address: str,
    lang: str,
    frequency: Frequency,
    now: datetime,
) -> None:
    """Ask for mail; a mail asks for confirmation. From outside, new, known and suppressed addresses look the same.

    Raises AddressRefused (`petition.privacy`), WorkAddressRefused.
    """
    box = personal_address(address)
    if is_work_domain(box.domain, work):
        raise WorkAddressRefused
    sealed = address_book.sealed(session, campaign_id, box.deliverable)
    silent = complained(session, suppression_tag(pepper, box.canonical))
    row = _row(session, pepper, campaign_id, Audience.SUBSCRIBER, box, sealed, lang, frequency, now)
    subscriber = _enter(session, row)
    _plan_confirmation(session, subscriber, now, silent=silent)
    events.announce(session.info, events.MailPlanned())


def enter(
    session: Session,
    pepper: bytes,
    campaign_id: CampaignId,
    work: Sequence[DomainPolicy],
    audience: Audience,
    address: str,
    lang: str,
    now: datetime,
) -> Subscriber:
    """Enter an organiser or the addressee, who need not confirm. Raises AddressRefused, WorkAddressRefused.

    An organiser's work mailbox is rejected like everybody's, because its owner would learn who organises. A suppressed
    address is mailed again, because an operator vouches for it.
    """
    box = personal_address(address)
    if audience is not Audience.ADDRESSEE and is_work_domain(box.domain, work):
        raise WorkAddressRefused
    sealed = address_book.sealed(session, campaign_id, box.deliverable)
    row = _row(session, pepper, campaign_id, audience, box, sealed, lang, Frequency.DAILY, now)
    entered = _enter(session, row | {"state": SubscriberState.ACTIVE})
    if entered.state is SubscriberState.SUPPRESSED:
        entered.state, entered.since = SubscriberState.ACTIVE, now.date()
    return entered


def _row(
    session: Session, pepper: bytes, campaign_id: CampaignId, audience: Audience, box: Mailbox, sealed: bytes, lang: str,
    frequency: Frequency, now: datetime,
) -> dict[str, object]:  # fmt: skip
    named = throttle.throttle_of(pepper, box.domain)
    throttle.ensure(session, named)
    return {
        "id": secrets.token_bytes(16),
        "campaign_id": campaign_id,
        "audience": audience,
        "tag": subscriber_tag(pepper, campaign_id, box.canonical),
        "sealed": sealed,
        "domain_tag": named.tag,
        "lang": lang,
        "frequency": frequency,
        "state": SubscriberState.UNCONFIRMED,
        "since": now.date(),
        "asked": 1,
    }


def _enter(session: Session, row: dict[str, object]) -> Subscriber:
    """Insert a subscriber, or return the existing one. A confirmed subscription is not changed by a further request."""
    entering = insert(Subscriber).values(row)
    entering = entering.on_conflict_do_update(
        index_elements=["campaign_id", "tag", "audience"], set_={"asked": Subscriber.asked + 1}
    )
    return session.scalars(entering.returning(Subscriber), execution_options={"populate_existing": True}).one()


def _plan_confirmation(session: Session, subscriber: Subscriber, now: datetime, *, silent: bool) -> None:
    """Plan the mail that asks for confirmation, three at most, or one mail a day to a known subscriber.

    The time of the request is stored to the minute, because mail programs sort by the mail's Date, and to the hour from
    the next scrub on (`queue.forget_hours`). A row is written each time, even if no mail is sent, because
    otherwise the response time would reveal it. A suppressed subscriber is asked for confirmation, too.
    """
    unproven = subscriber.state in {SubscriberState.UNCONFIRMED, SubscriberState.SUPPRESSED}
    kind = CONFIRM if unproven else KNOWN
    period = now.date().isoformat() if kind == KNOWN else f"{min(subscriber.asked, ASKED_MOST)}"
    state = DeliveryState.DROPPED if silent else DeliveryState.PLANNED
    minute = now.replace(second=0, microsecond=0)
    queue.enqueue(session, kind, subscriber.id, period, subscriber.campaign_id, subscriber.domain_tag, minute, state)


def find(session: Session, subscriber_id: bytes) -> Subscriber:
    """Returns the subscriber of a link. Raises SubscriberGone."""
    found = session.get(Subscriber, subscriber_id)
    if found is None:
        raise SubscriberGone
    return found


def confirm(session: Session, subscriber_id: bytes, now: datetime) -> Subscriber:
    """Confirm a subscription, even after a suppression. Repeating it changes nothing.

    Raises SubscriberGone.
    """
    found = find(session, subscriber_id)
    if found.state in {SubscriberState.UNCONFIRMED, SubscriberState.SUPPRESSED}:
        found.state, found.since, found.asked = SubscriberState.ACTIVE, now.date(), 1
    return found


def change(session: Session, subscriber_id: bytes, frequency: Frequency, lang: str) -> Subscriber:
    """Choose another frequency or language. Raises SubscriberGone."""
    found = find(session, subscriber_id)
    found.frequency, found.lang = frequency, lang
    return found


def pause(session: Session, subscriber_id: bytes) -> Subscriber:
    """Pause mail until further notice. Raises SubscriberGone."""
    found = find(session, subscriber_id)
    if found.state is SubscriberState.ACTIVE:
        found.state = SubscriberState.PAUSED
    return found


def unpause(session: Session, subscriber_id: bytes) -> Subscriber:
    """Resume mail. What was sent meanwhile is not sent later. Raises SubscriberGone."""
    found = find(session, subscriber_id)
    if found.state is SubscriberState.PAUSED:
        found.state = SubscriberState.ACTIVE
    return found


def leave(session: Session, subscriber_id: bytes) -> None:
    """Delete the subscriber and the address at once. Mails on their way are dropped before they are sent."""
    session.execute(delete(Subscriber).where(Subscriber.id == subscriber_id))


def remind(session: Session, now: datetime) -> int:
    """Plan one reminder for everybody who has not confirmed for a whole day. Returns how many.

    There is no reminder if the first mail bounced.
    """
    day = (now - REMINDED_AFTER).date()
    asked = exists().where(
        Delivery.kind == CONFIRM, Delivery.recipient == Subscriber.id, Delivery.state == DeliveryState.SENT
    )
    reminded = exists().where(Delivery.kind == REMINDER, Delivery.recipient == Subscriber.id)
    unconfirmed = select(Subscriber).where(Subscriber.state == SubscriberState.UNCONFIRMED, Subscriber.since < day)
    waiting = unconfirmed.where(asked, ~reminded, Subscriber.bounced.is_(None))
    return sum(
        queue.enqueue(session, REMINDER, each.id, "1", each.campaign_id, each.domain_tag, now)
        for each in session.scalars(waiting.limit(5_000))
    )


def purge(session: Session, now: datetime) -> None:
    """Delete subscribers who never confirmed, and forget bounces that are older than thirty days."""
    fade(session, now.date())
    day = (now - UNCONFIRMED_LIFE).date()
    session.execute(delete(Subscriber).where(Subscriber.state == SubscriberState.UNCONFIRMED, Subscriber.since < day))


def numbers(session: Session, campaign_id: CampaignId) -> dict[str, int]:
    """Returns the active subscribers by frequency, and the others by state: paused, unconfirmed, suppressed."""
    query = select(Subscriber.state, Subscriber.frequency, func.count()).where(
        Subscriber.campaign_id == campaign_id, Subscriber.audience == Audience.SUBSCRIBER
    )
    found: dict[str, int] = {}
    for state, frequency, n in session.execute(query.group_by(Subscriber.state, Subscriber.frequency)):
        name = frequency.value if state is SubscriberState.ACTIVE else state.value
        found[name] = found.get(name, 0) + n
    return found
