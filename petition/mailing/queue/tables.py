"""The tables of the mail queue: deliveries, throttles (one for each mail domain), pauses, refusals."""

from __future__ import annotations

import hmac
from collections.abc import Collection
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Index, func, literal_column, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from petition.core.db import Base
from petition.core.ids import CampaignId
from petition.mail.message import LETTERS, TOKEN_LETTERS

MESSAGE_LABEL = b"petition/message/v1\0"


class DeliveryState(StrEnum):
    """The states of a mail. `dropped`: no longer wanted. `dead`: given up, and shown to the organisers."""

    PLANNED = "planned"
    SENT = "sent"
    DROPPED = "dropped"
    DEAD = "dead"


class Delivery(Base):
    """One mail to one recipient.

    `due` is when it may be tried next; a sender that works on it moves it into the future.

    `tries` counts the attempts that began, `unanswered` those since the last one with a recorded result.
    """

    __tablename__ = "delivery"

    kind: Mapped[str] = mapped_column(primary_key=True)
    recipient: Mapped[bytes] = mapped_column(primary_key=True)
    period: Mapped[str] = mapped_column(primary_key=True)
    campaign_id: Mapped[CampaignId]
    domain_tag: Mapped[bytes] = mapped_column("lane", key="domain_tag")
    state: Mapped[DeliveryState]
    due: Mapped[datetime]
    planned_at: Mapped[datetime]
    tries: Mapped[int]
    unanswered: Mapped[int]
    fault: Mapped[str]

    __table_args__ = (
        Index("ix_delivery_due", "due", postgresql_where=text("state = 'planned'")),
        Index("ix_delivery_dead", "campaign_id", postgresql_where=text("state = 'dead'")),
    )


class Throttle(Base):
    """One mail domain, as a keyed hash.

    `name` is set only for large providers. The throttle is closed until `open_at`.
    """

    __tablename__ = "lane"

    domain_tag: Mapped[bytes] = mapped_column("lane", key="domain_tag", primary_key=True)
    name: Mapped[str]
    open_at: Mapped[datetime | None]
    failures: Mapped[int]
    sent: Mapped[int]
    bounced: Mapped[int]
    complained: Mapped[int]


class Pause(Base):
    """A pause of `all`, `kind:<kind>` or `campaign:<hex>`, or `refused`, when the mail server refuses us.

    `words` is the mail server's text with addresses masked. It is empty for a pause by organisers.
    """

    __tablename__ = "halt"

    what: Mapped[str] = mapped_column(primary_key=True)
    since: Mapped[datetime]
    words: Mapped[str] = mapped_column(default="")


class Refusal(Base):
    """A mail that was refused for its content or its sender, since the mail server last took one."""

    __tablename__ = "refusal"

    kind: Mapped[str] = mapped_column(primary_key=True)
    recipient: Mapped[bytes] = mapped_column(primary_key=True)
    period: Mapped[str] = mapped_column(primary_key=True)


def enqueue(
    session: Session, kind: str, recipient: bytes, period: str, campaign_id: CampaignId, domain_tag: bytes, now: datetime,
    state: DeliveryState = DeliveryState.PLANNED,
) -> bool:  # fmt: skip
    """Plan one mail. Returns False if it was planned before. A mail that is dropped from the start only keeps its key.

    A row is written in both cases: an existing one is rewritten unchanged, so that the response time does not reveal
    that it existed (P30).
    """
    row = {
        "kind": kind,
        "recipient": recipient,
        "period": period,
        "campaign_id": campaign_id,
        "domain_tag": domain_tag,
        "state": state,
        "due": now,
        "planned_at": now,
        "tries": 0,
        "unanswered": 0,
        "fault": "",
    }
    promising = insert(Delivery).values(row)
    promising = promising.on_conflict_do_update(
        index_elements=["kind", "recipient", "period"], set_={"domain_tag": Delivery.domain_tag}
    )
    return bool(session.scalar(promising.returning(literal_column("xmax = 0"))))


def progress(
    session: Session, campaign_id: CampaignId, kind: str, periods: Collection[str]
) -> dict[str, dict[str, int]]:
    """Returns the number of mails of each edition by state. Editions without mails are left out."""
    query = select(Delivery.period, Delivery.state, func.count()).where(
        Delivery.campaign_id == campaign_id, Delivery.kind == kind, Delivery.period.in_(periods)
    )
    found: dict[str, dict[str, int]] = {}
    for period, state, n in session.execute(query.group_by(Delivery.period, Delivery.state)) if periods else ():
        found.setdefault(period, {})[state.value] = n
    return found


def message_id(key: bytes, kind: str, recipient: bytes, period: str, host: str) -> str:
    """Returns the Message-ID of a delivery: the same for each attempt, wordless, and meaningless without the key."""
    message = MESSAGE_LABEL + kind.encode() + b"\0" + recipient + b"\0" + period.encode()
    digest = hmac.digest(key, message, "sha256")
    return f"<{''.join(LETTERS[byte % len(LETTERS)] for byte in digest[:TOKEN_LETTERS])}@{host}>"
