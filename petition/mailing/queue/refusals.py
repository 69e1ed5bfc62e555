"""Refusals in a row: if the mail server refuses us, mail is paused automatically, and the list is not used up.

This protects the queue against a server that refuses many mails for a reason of ours: sender, policy, blocklist,
content. Refusals are counted in the database, under a lock, so that all senders share one count. The third refusal in a
row pauses everything, and the refused mails are planned again. A mail that is taken, or an address that does not exist,
ends the run. One mail counts once, however often it is tried.
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
# A sender that ends the run deletes from this table, and therefore waits for a sender that counts.
LOCK: Final = text("LOCK TABLE refusal IN SHARE ROW EXCLUSIVE MODE")
ROW_ENDED: Final = delete(Refusal)


def lock(session: Session) -> None:
    """Keep other senders from counting until this transaction ends. Call it before touching a delivery's row."""
    session.execute(LOCK)


def count(session: Session, claimed: Claim, words: str, now: datetime) -> bool:
    """Count a refusal that is about us, under `lock`. Returns whether all mail is paused now."""
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
    """End the run of refusals: the mail server took a mail, or refused one because of its address."""
    session.execute(ROW_ENDED)


def _plan_again(session: Session, now: datetime) -> None:
    """Plan refused mails again as if they had never been tried."""
    key = tuple_(Delivery.kind, Delivery.recipient, Delivery.period)
    counted = select(Refusal.kind, Refusal.recipient, Refusal.period)
    again = update(Delivery).where(key.in_(counted), Delivery.state.in_([DeliveryState.DEAD, DeliveryState.PLANNED]))
    fresh = {"state": DeliveryState.PLANNED, "due": now, "tries": 0, "unanswered": 0}
    session.execute(again.values(fresh), execution_options={"synchronize_session": False})
