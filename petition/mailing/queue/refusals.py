"""Refusals in a row: when the mail server says no to us, mail stops by itself instead of using up the list.

Guards the queue against a server that refuses a whole run for a reason that is ours: sender, policy, blocklist, content.
The row is counted in the database, under a lock, so that any number of senders count one row. With the third refusal
everything stops, and what was refused is planned again. A mail that is taken, or an address that does not exist, ends
the row. One mail counts once, however often it is tried.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from sqlalchemy import delete, func, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from petition.mailing.queue.claims import Claim
from petition.mailing.queue.pauses import REFUSED, pause, refused
from petition.mailing.queue.tables import Delivery, DeliveryState, Refusal

MOST_IN_A_ROW: Final = 3
# Whoever ends the row deletes from it, and waits for whoever counts.
LOCK: Final = text("LOCK TABLE refusal IN SHARE ROW EXCLUSIVE MODE")
ROW_ENDED: Final = delete(Refusal)


def lock(session: Session) -> None:
    """Keep other senders from counting until this transaction ends; before a delivery's row is touched."""
    session.execute(LOCK)


def count(session: Session, claimed: Claim, words: str, now: datetime) -> bool:
    """Count a refusal that is about us, under `lock`; gives whether all mail stands still now."""
    refusal = {"kind": claimed.kind, "recipient": claimed.recipient, "period": claimed.period}
    session.execute(insert(Refusal).values(refusal).on_conflict_do_nothing())
    in_a_row = session.scalar(select(func.count()).select_from(Refusal)) or 0
    if in_a_row < MOST_IN_A_ROW and refused(session) is None:
        return False
    _plan_again(session, now)
    end_row(session)
    pause(session, REFUSED, now, words)
    return True


def end_row(session: Session) -> None:
    """The mail server took a mail, or spoke about an address: it does not refuse us."""
    session.execute(ROW_ENDED)


def _plan_again(session: Session, now: datetime) -> None:
    """What was refused is as good as never tried."""
    key = tuple_(Delivery.kind, Delivery.recipient, Delivery.period)
    counted = select(Refusal.kind, Refusal.recipient, Refusal.period)
    again = update(Delivery).where(key.in_(counted), Delivery.state.in_([DeliveryState.DEAD, DeliveryState.PLANNED]))
    fresh = {"state": DeliveryState.PLANNED, "due": now, "tries": 0, "unanswered": 0}
    session.execute(again.values(fresh), execution_options={"synchronize_session": False})
