"""Readers and digests by the thousand, made without asking each of them; and what became of their mails."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from petition import epochs
from petition.campaigns import Campaign
from petition.campaigns.milestones import MilestoneKind
from petition.core import clock, db
from petition.mailing import digests, queue
from petition.mailing.queue import Claim, Delivery, DeliveryState, throttle
from petition.mailing.subscribers import Audience, Frequency, Subscriber, SubscriberState, address_book
from petition.privacy import subscriber_tag
from tests import make

AWAKE = {"quiet_from": 0, "quiet_to": 0}
DOMAINS = ("post.example",)


def campaign_with_news(session: Session, **changes: object) -> Campaign:
    """An open campaign that reached a milestone, so that there is something to tell."""
    made = make.campaign(session, goals=((MilestoneKind.COUNT, 1),), mailing=AWAKE, **changes)
    make.signature(session, made)
    epochs.close_epoch(session, made, make.NOW + timedelta(seconds=10))
    return made


def add_readers(
    session: Session, campaign: Campaign, n: int, domains: Sequence[str] = DOMAINS, rhythm: Frequency = Frequency.DAILY
) -> None:
    """So many confirmed readers, spread over mail domains. Sealing takes its time: of many, a thousand share a box."""
    known = {domain: throttle.throttle_of(make.PEPPER, domain) for domain in domains}
    for each in known.values():
        throttle.ensure(session, each)
    boxes = []
    for number in range(min(n, max(5_000, len(domains)))):
        domain = domains[number % len(domains)]
        address = f"{rhythm}{number}@{domain}"
        boxes.append((address, address_book.sealed(session, campaign.id, address), known[domain].tag))
    rows = [
        {
            "id": secrets.token_bytes(16),
            "campaign_id": campaign.id,
            "audience": Audience.SUBSCRIBER,
            "tag": subscriber_tag(make.PEPPER, campaign.id, boxes[number % len(boxes)][0])
            if n == len(boxes)
            else secrets.token_bytes(32),
            "sealed": boxes[number % len(boxes)][1],
            "domain_tag": boxes[number % len(boxes)][2],
            "lang": "en",
            "frequency": rhythm,
            "state": SubscriberState.ACTIVE,
            "since": make.NOW.date(),
            "asked": 1,
        }
        for number in range(n)
    ]
    for begin in range(0, n, 10_000):
        session.execute(insert(Subscriber), rows[begin : begin + 10_000])


def planned_digest(n: int, domains: Sequence[str] = DOMAINS) -> bytes:
    """A campaign's daily digest, promised to n readers and due now; gives the campaign's id."""
    with db.transaction() as session:
        campaign = campaign_with_news(session)
        add_readers(session, campaign, n, domains)
        session.flush()
        assert digests.plan_all(session, campaign.id, clock.now()) == n
        return campaign.id


def states(campaign_id: bytes) -> dict[str, int]:
    """How many deliveries of a campaign are in each state."""
    with db.session() as session:
        counting = select(Delivery.state, func.count()).where(Delivery.campaign_id == campaign_id)
        return {state.value: n for state, n in session.execute(counting.group_by(Delivery.state))}


def left(campaign_id: bytes) -> int:
    """How many deliveries of a campaign are still to be sent."""
    return states(campaign_id).get(DeliveryState.PLANNED.value, 0)


def end_claims() -> None:
    """As if the minute of every claim were over; only while nobody sends."""
    with db.transaction() as session:
        waiting = update(Delivery).where(Delivery.state == DeliveryState.PLANNED, Delivery.due > clock.now())
        session.execute(waiting.values(due=clock.now()))


def due(campaign_id: bytes) -> int:
    """How many deliveries of a campaign could be claimed now."""
    with db.session() as session:
        waiting = select(func.count()).where(Delivery.campaign_id == campaign_id, Delivery.due <= clock.now())
        return session.scalar(waiting.where(Delivery.state == DeliveryState.PLANNED)) or 0


def domain_tag(domain: str) -> bytes:
    """The keyed hash of a mail domain, as rows hold it."""
    return throttle.throttle_of(make.PEPPER, domain).tag


def claimed(session: Session, n: int = 1) -> list[Claim]:
    """A digest for n readers, claimed at noon of the next day."""
    campaign = campaign_with_news(session)
    add_readers(session, campaign, n)
    session.flush()
    digests.plan_all(session, campaign.id, TOMORROW)
    return queue.claim(session, n, 0, URL, TOMORROW)


URL = "http://localhost"


TOMORROW = make.NOW + timedelta(days=1)
