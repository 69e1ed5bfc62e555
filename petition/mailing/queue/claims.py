"""Claiming, marking, putting off, giving up: the life of one delivery.

Guards that nothing is lost with a sender that dies, and that one mail which kills its senders takes nobody with it: a
try is written down before it is made, and after five that nobody lived to answer for the mail is given up, visibly.
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
from petition.mailing.queue.pauses import is_paused
from petition.mailing.queue.tables import Delivery, DeliveryState, Pause, Throttle

CLAIM_SECONDS: Final = 60
LONGEST_LIFE: Final = timedelta(hours=24)
FIRST_DELAY: Final = 30.0
LONGEST_DELAY: Final = 4 * 3600.0
# A mail that was planned long ago, while nothing was sent, is tried so often before it is given up.
FEWEST_TRIES: Final = 6
MOST_UNANSWERED: Final = 5
NO_ANSWER: Final = "its sender died, five times"

KEY: Final = ("kind", "recipient", "period")
Key = tuple[str, bytes, str]

_table = Delivery.metadata.tables["delivery"]


def row_of(prefix: str) -> ColumnElement[bool]:
    """The row whose key is bound under `<prefix>_kind`, `<prefix>_recipient` and `<prefix>_period`."""
    return and_(*(_table.c[part] == bindparam(f"{prefix}_{part}") for part in KEY))


def sent_statement(row: ColumnElement[bool]) -> Update:
    """The mail server took the mail of this row."""
    return update(_table).where(row).values(state=DeliveryState.SENT, fault="")


def begun_statement(row: ColumnElement[bool]) -> Update:
    """The mail of this row is being tried."""
    return update(_table).where(row).values(tries=_table.c.tries + 1, unanswered=_table.c.unanswered + 1)


# Built once, because a round executes each of them dozens of times.
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
    """A delivery somebody is about to send. `tries` were begun before this one, `unanswered` of them ended in a death."""

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
        """What it is unique by."""
        return (self.kind, self.recipient, self.period)


def claim(session: Session, most: int, rate: float, base_url: str, now: datetime) -> list[Claim]:
    """Take up to `most` deliveries that are due, oldest first, each for CLAIM_SECONDS; none while halted.

    `rate`: mails a second to one domain. The caller commits before the first is sent, and says `begin` of each. What
    killed its sender before comes last, so that it cannot do so again before the others are on their way.
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
    # A table of its own, read first: else the planner may run a LIMIT with SKIP LOCKED more than once.
    return query.with_for_update(of=Delivery, skip_locked=True).cte("taken").prefix_with("MATERIALIZED")


def _within_a_second(claims: list[Claim], rate: float) -> tuple[list[Claim], list[Claim]]:
    """What each domain may get within the next second, at least one, and the rest; 0: no limit."""
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
    """Run one of the statements above for each claim, without the detour over mapped objects."""
    if claims:
        session.connection().execute(statement, [named(each) | dict(values or {}) for each in claims])


def begin(session: Session, claimed: Claim) -> None:
    """Write down that it is being tried; the caller commits before it is."""
    _execute(session, _BEGUN, [claimed])


def mark_sent(session: Session, claimed: Claim) -> None:
    """The server took it."""
    _execute(session, _SENT, [claimed])


def named(claimed: Claim, prefix: str = "its") -> dict[str, Any]:
    """Its key, as `row_of` binds it."""
    return {f"{prefix}_{part}": value for part, value in zip(KEY, claimed.key, strict=True)}


def drop(session: Session, claimed: Sequence[Claim]) -> None:
    """Their recipients no longer want them, or never may get them."""
    _execute(session, _DROPPED, claimed)


def withdraw(session: Session, claimed: Sequence[Claim]) -> None:
    """Not tried after all: give the claims back, each to its place in the queue."""
    if claimed:
        session.connection().execute(_GIVEN_BACK, [named(each) | {"due": each.was_due} for each in claimed])


def postpone(session: Session, claimed: Claim, fault: str, now: datetime) -> DeliveryState:
    """Try again later, with doubled and scattered delays; a day after it was planned it is given up, visibly."""
    delay = min(FIRST_DELAY * 2 ** min(claimed.tries, 20), LONGEST_DELAY) * random.uniform(0.75, 1.25)  # noqa: S311 (scatters, hides nothing)
    due = now + timedelta(seconds=delay)
    old = due >= claimed.planned_at + LONGEST_LIFE and claimed.tries + 1 >= FEWEST_TRIES
    state = DeliveryState.DEAD if old else DeliveryState.PLANNED
    _execute(session, _ANSWERED, [claimed], {"due": due, "state": state, "fault": fault})
    return state


def refuse(session: Session, claimed: Claim, fault: str) -> None:
    """The server refused it for good."""
    _execute(session, _DEAD, [claimed], {"fault": fault})


def give_up_domain(session: Session, domain_tag: bytes, fault: str) -> None:
    """Give up what has waited a day for a domain that has long taken nothing; only some of it was ever tried."""
    reopens = (
        select(Throttle.open_at)
        .where(Throttle.domain_tag == domain_tag, Throttle.failures >= throttle.LONG_FAILING)
        .scalar_subquery()
    )
    waiting = update(_table).where(_table.c.domain_tag == domain_tag, _table.c.state == DeliveryState.PLANNED)
    too_old = waiting.where(_table.c.planned_at <= reopens - literal(LONGEST_LIFE, Interval()))
    session.connection().execute(too_old.values(state=DeliveryState.DEAD, fault=fault))


def dead(session: Session, most: int = 1000) -> list[Delivery]:
    """What was given up, newest first."""
    query = select(Delivery).where(Delivery.state == DeliveryState.DEAD).order_by(Delivery.planned_at.desc())
    return list(session.scalars(query.limit(most)))


def why_dead(session: Session, campaign_id: CampaignId) -> list[tuple[str, str, int]]:
    """Kind of mail, what was wrong, how many of a campaign were given up so; most frequent first."""
    many = func.count()
    query = select(Delivery.kind, Delivery.fault, many).where(Delivery.campaign_id == campaign_id)
    query = query.where(Delivery.state == DeliveryState.DEAD).group_by(Delivery.kind, Delivery.fault)
    return [(kind, fault, n) for kind, fault, n in session.execute(query.order_by(many.desc(), Delivery.kind))]


def retry(session: Session, keys: Collection[Key], now: datetime) -> int:
    """Plan given-up deliveries again, with a whole day before them; gives how many."""
    which = tuple_(Delivery.kind, Delivery.recipient, Delivery.period).in_(list(keys))
    again = update(Delivery).where(Delivery.state == DeliveryState.DEAD, which)
    fresh = {"state": DeliveryState.PLANNED, "due": now, "planned_at": now, "tries": 0, "unanswered": 0}
    return len(session.execute(again.values(fresh).returning(Delivery.kind)).all())


def forget_old(session: Session, before: datetime) -> None:
    """Forget what was promised long ago; its period can never be planned again, and what still waits came too late."""
    session.execute(delete(Delivery).where(Delivery.planned_at < before))
