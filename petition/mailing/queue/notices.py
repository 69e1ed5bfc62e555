"""Mails about a subscription itself: one person's act causes each of them, unlike mail to a whole list.

This module keeps two promises to that person. No figure moves when the act happens: these mails are counted once the
day (UTC) on which they were planned is over. And no row keeps the moment of the act for longer: once the mail has left,
the row says the hour only, from the next purge on, and the day only once that day is over.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, func, or_, update
from sqlalchemy.orm import Session

from petition.mailing.queue.tables import Delivery, DeliveryState, Throttle

CONFIRM: Final = "confirm"
REMINDER: Final = "reminder"
KNOWN: Final = "known"
NOTICES: Final = frozenset({CONFIRM, REMINDER, KNOWN})
REST: Final = timedelta(minutes=1)
"""The time after which the moment of a domain's last mail serves no purpose: rates are kept over a second."""


def shown(now: datetime) -> ColumnElement[bool]:
    """Returns the condition for mails that a figure may count: mail to a list, and notices of days that are over."""
    return or_(Delivery.kind.not_in(NOTICES), Delivery.planned_at < _midnight(now))


def forget_hours(session: Session, now: datetime) -> None:
    """Cut the moments of notices that left to their hours, those before today to their days.

    Forget when a domain last got mail, too.
    """
    left = (Delivery.kind.in_(NOTICES), Delivery.state != DeliveryState.PLANNED)
    for unit, over in (("hour", Delivery.planned_at >= _midnight(now)), ("day", Delivery.planned_at < _midnight(now))):
        cut = func.date_trunc(unit, Delivery.planned_at, "UTC")
        session.execute(update(Delivery).where(*left, over, Delivery.due != cut).values(planned_at=cut, due=cut))
    rested = update(Throttle).where(Throttle.open_at < now - REST, Throttle.failures == 0)
    session.execute(rested.values(open_at=None))


def _midnight(now: datetime) -> datetime:
    return now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
