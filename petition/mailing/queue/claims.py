"""The life of a delivery: claiming, marking, postponing, giving up.

A sender that dies loses nothing, and a mail that kills its senders blocks no other: an attempt is recorded before it is
made, and after five attempts without a result the mail is given up, visibly.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import (
    CTE,
    ColumnElement,
    Interval,
    Update,
    and_,
    bindparam,
    delete,
    func,
    literal,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.orm import Session

from petition.core.ids import CampaignId
from petition.mailing.queue import throttle
from petition.mailing.queue.notices import shown
from petition.mailing.queue.pauses import is_paused
from petition.mailing.queue.tables import Delivery, DeliveryState, Pause, Throttle

CLAIM_SECONDS: Final = 60
LONGEST_LIFE: Final = timedelta(hours=24)
FIRST_DELAY: Final = 30.0
LONGEST_DELAY: Final = 4 * 3600.0
# A mail that was planned long ago, while nothing was sent, gets at least this many attempts before it is given up.
FEWEST_TRIES: Final = 6
MOST_UNANSWERED: Final = 5
NO_ANSWER: Final = "its sender died, five times"

KEY: Final = ("kind", "recipient", "period")
Key = tuple[str, bytes, str]

_table = Delivery.metadata.tables["delivery"]


def row_of(prefix: str) -> ColumnElement[bool]:
    """Returns the condition for a row by its key, bound as `<prefix>_kind`, `<prefix>_recipient`, `<prefix>_period`."""
    return and_(*(_table.c[part] == bindparam(f"{prefix}_{part}") for part in KEY))


def sent_statement(row: ColumnElement[bool]) -> Update:
    """Returns the statement that marks the row's mail as sent."""
    return update(_table).where(row).values(state=DeliveryState.SENT, fault="")


def begun_statement(row: ColumnElement[bool]) -> Update:
    """Returns the statement that marks the row's mail as being tried."""
    return update(_table).where(row).values(tries=_table.c.tries + 1, unanswered=_table.c.unanswered + 1)


# These statements are built once, because a round executes each of them dozens of times.
_one = row_of("its")
_SENT: Final = sent_statement(_one)
_DROPPED: Final = update(_table).where(_one).values(state=DeliveryState.DROPPED)
_GIVEN_BACK: Final = update(_table).where(_one).values(due=bindparam("due"))
_BEGUN: Final = begun_statement(_one)
_ANSWERED: Final = (
    update(_table)
    .where(_one)
    .values(due=bindparam("due"), state=bindparam("state"), fault=bindparam("fault"), unanswered=0)
)
_DEAD: Final = update(_table).where(_one).values(state=DeliveryState.DEAD, fault=bindparam("fault"))


@dataclass(frozen=True, slots=True)
class Claim:
    """A delivery that is about to be sent.

    `tries` attempts began before this one; `unanswered` of them have no result.
    """

    kind: str
    recipient: bytes
    period: str
    campaign_id: CampaignId
    domain_tag: bytes
    planned_at: datetime
    tries: int
    unanswered: int
    was_due: datetime

    @property
    def key(self) -> Key:
        """Returns the unique key of the delivery."""
        return (self.kind, self.recipient, self.period)


def claim(session: Session, most: int, rate: float, base_url: str, now: datetime) -> list[Claim]:
    """Claim up to `most` due deliveries, oldest first, each for CLAIM_SECONDS. While mail is paused it claims none.

    `rate` is the number of mails a second to one domain. The caller commits before the first mail is sent, and calls
    `begin` for each. Deliveries that killed their sender before come last, so that they cannot do so again before the
    others are sent.
    """
    if is_paused(session, base_url):
        return []
    taken = _due(now, most)
    taking = (
        update(Delivery)
        .where(Delivery.kind == taken.c.kind, Delivery.recipient == taken.c.recipient, Delivery.period == taken.c.period)
        .values(due=now + timedelta(seconds=CLAIM_SECONDS))
        .returning(
            _table.c.kind, _table.c.recipient, _table.c.period, _table.c.campaign_id, _table.c.domain_tag,
            _table.c.planned_at, _table.c.tries, _table.c.unanswered, taken.c.due,
        )
    )  # fmt: skip
    claims = [Claim(*row) for row in session.execute(taking, execution_options={"synchronize_session": False})]
    deadly = [each for each in claims if each.unanswered >= MOST_UNANSWERED]
    _execute(session, _DEAD, deadly, {"fault": NO_ANSWER})
    claims = sorted((each for each in claims if each not in deadly), key=lambda each: (each.unanswered, each.was_due))
    claims, beyond = _within_a_second(claims, rate)
    withdraw(session, beyond)
    throttle.take_slots(session, Counter(each.domain_tag for each in claims), rate, now)
    return claims


def _due(now: datetime, most: int) -> CTE:
    stopped = select(Pause.what)
    query = (
        select(Delivery.kind, Delivery.recipient, Delivery.period, Delivery.due)
        .outerjoin(Throttle, Throttle.domain_tag == Delivery.domain_tag)
        .where(Delivery.state == DeliveryState.PLANNED, Delivery.due <= now)
        .where(or_(Throttle.open_at.is_(None), Throttle.open_at <= now))
        .where(("kind:" + Delivery.kind).not_in(stopped))
        .where(("campaign:" + func.encode(Delivery.campaign_id, "hex")).not_in(stopped))
        .order_by(Delivery.due)
        .limit(most)
    )
    # The CTE is materialized, because otherwise the planner may run a LIMIT with SKIP LOCKED more than once.
    return query.with_for_update(of=Delivery, skip_locked=True).cte("taken").prefix_with("MATERIALIZED")


def _within_a_second(claims: list[Claim], rate: float) -> tuple[list[Claim], list[Claim]]:
    """Returns what each domain may get within the next second, at least one mail, and the rest.

    A rate of 0 means no limit.
    """
    seen: Counter[bytes] = Counter()
    taken: list[Claim] = []
    beyond: list[Claim] = []
    for each in claims:
        seen[each.domain_tag] += 1
        (taken if rate == 0 or seen[each.domain_tag] <= max(rate, 1) else beyond).append(each)
    return taken, beyond


def _execute(
    session: Session, statement: Any, claims: Sequence[Claim], values: Mapping[str, object] | None = None
) -> None:
    """Run one of the statements above for each claim, without the overhead of mapped objects."""
    if claims:
        session.connection().execute(statement, [named(each) | dict(values or {}) for each in claims])


def begin(session: Session, claimed: Claim) -> None:
    """Record that the mail is being tried. The caller commits before it is."""
    _execute(session, _BEGUN, [claimed])


def mark_sent(session: Session, claimed: Claim) -> None:
    """Record that the server took the mail."""
    _execute(session, _SENT, [claimed])


def named(claimed: Claim, prefix: str = "its") -> dict[str, Any]:
    """Returns the claim's key, with the names that `row_of` binds."""
    return {f"{prefix}_{part}": value for part, value in zip(KEY, claimed.key, strict=True)}


def drop(session: Session, claimed: Sequence[Claim]) -> None:
    """Drop mails whose recipients no longer want them, or may never get them."""
    _execute(session, _DROPPED, claimed)


def withdraw(session: Session, claimed: Sequence[Claim]) -> None:
    """Release claims that are not tried after all. Each keeps its place in the queue."""
    if claimed:
        session.connection().execute(_GIVEN_BACK, [named(each) | {"due": each.was_due} for each in claimed])


def postpone(session: Session, claimed: Claim, fault: str, now: datetime) -> DeliveryState:
    """Postpone a mail, with doubled and scattered delays. A day after it was planned it is given up, visibly."""
    delay = min(FIRST_DELAY * 2 ** min(claimed.tries, 20), LONGEST_DELAY) * random.uniform(0.75, 1.25)  # noqa: S311 (scatters, hides nothing)
    due = now + timedelta(seconds=delay)
    old = due >= claimed.planned_at + LONGEST_LIFE and claimed.tries + 1 >= FEWEST_TRIES
    state = DeliveryState.DEAD if old else DeliveryState.PLANNED
    _execute(session, _ANSWERED, [claimed], {"due": due, "state": state, "fault": fault})
    return state


def refuse(session: Session, claimed: Claim, fault: str) -> None:
    """Record that the server refused the mail permanently."""
    _execute(session, _DEAD, [claimed], {"fault": fault})


def give_up_domain(session: Session, domain_tag: bytes, fault: str) -> None:
    """Give up mails that have waited a day for a domain that fails for long. Only some of them were ever tried."""
    reopens = (
        select(Throttle.open_at)
        .where(Throttle.domain_tag == domain_tag, Throttle.failures >= throttle.LONG_FAILING)
        .scalar_subquery()
    )
    waiting = update(_table).where(_table.c.domain_tag == domain_tag, _table.c.state == DeliveryState.PLANNED)
    too_old = waiting.where(_table.c.planned_at <= reopens - literal(LONGEST_LIFE, Interval()))
    session.connection().execute(too_old.values(state=DeliveryState.DEAD, fault=fault))


def dead(session: Session, most: int = 1000) -> list[Delivery]:
    """Returns the given-up deliveries, newest first."""
    query = select(Delivery).where(Delivery.state == DeliveryState.DEAD).order_by(Delivery.planned_at.desc())
    return list(session.scalars(query.limit(most)))


def why_dead(session: Session, campaign_id: CampaignId, now: datetime) -> list[tuple[str, str, int]]:
    """Returns kind of mail, fault and number of a campaign's given-up mails, most frequent first.

    A mail that one person's act caused is counted once its day is over (`petition.mailing.queue.notices`).
    """
    many = func.count()
    query = select(Delivery.kind, Delivery.fault, many).where(Delivery.campaign_id == campaign_id)
    query = query.where(Delivery.state == DeliveryState.DEAD, shown(now)).group_by(Delivery.kind, Delivery.fault)
    return [(kind, fault, n) for kind, fault, n in session.execute(query.order_by(many.desc(), Delivery.kind))]


def retry(session: Session, keys: Collection[Key], now: datetime) -> int:
    """Plan given-up deliveries again, with another day to be sent. Returns how many."""
    which = tuple_(Delivery.kind, Delivery.recipient, Delivery.period).in_(list(keys))
    again = update(Delivery).where(Delivery.state == DeliveryState.DEAD, which)
    fresh = {"state": DeliveryState.PLANNED, "due": now, "planned_at": now, "tries": 0, "unanswered": 0}
    return len(session.execute(again.values(fresh).returning(Delivery.kind)).all())


def forget_old(session: Session, before: datetime) -> None:
    """Delete old deliveries. Their periods can never be planned again, and mails that still wait are too late."""
    session.execute(delete(Delivery).where(Delivery.planned_at < before))
