"""Deliveries: one mail to one recipient, promised by a row, sent once.

Guards "nothing lost, at most one repeat for each killed sender": a delivery is unique by (kind, recipient, period) and
its Message-ID is made from that key. It is claimed, committed, sent, marked; a claim is a date in the future, so that
a sender that died gives its rows back by itself. Knows recipients by number only: who they are and whether they still
want it is asked by whoever sends (`petition.mailing.digests`). Refuses to hammer a mail domain: a lane for each has a rate, and
a pause when it does not answer.
"""

from petition.mailing.queue.acknowledgements import Marks, marks
from petition.mailing.queue.claims import (
    CLAIM_SECONDS,
    Claim,
    begin,
    claim,
    dead,
    drop,
    mark_sent,
    postpone,
    retry,
    why_dead,
    withdraw,
)
from petition.mailing.queue.pauses import halt, halted, halts, refused, resume
from petition.mailing.queue.tables import Delivery, DeliveryState, Halt, Lane, message_id, owe, progress
from petition.mailing.queue.throttle import LaneName, lane_of

__all__ = [
    "CLAIM_SECONDS",
    "Claim",
    "Delivery",
    "DeliveryState",
    "Halt",
    "Lane",
    "LaneName",
    "Marks",
    "begin",
    "claim",
    "dead",
    "drop",
    "halt",
    "halted",
    "halts",
    "lane_of",
    "mark_sent",
    "marks",
    "message_id",
    "owe",
    "postpone",
    "progress",
    "refused",
    "resume",
    "retry",
    "why_dead",
    "withdraw",
]
