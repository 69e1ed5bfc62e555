"""Deliveries: one mail to one recipient, promised by a row, sent once.

Guards "nothing lost, at most one repeat for each killed sender": a delivery is unique by (kind, recipient, period) and
its Message-ID is made from that key. It is claimed, committed, sent, acknowledged; a claim is a date in the future, so that
a sender that died gives its rows back by itself. Knows recipients by number only: who they are and whether they still
want it is asked by whoever sends (`petition.mailing.digests`). Refuses to hammer a mail domain: each has a throttle with a rate,
which pauses it when it does not answer.
"""

from petition.mailing.queue.acknowledgements import Acknowledgements, acknowledgements
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
from petition.mailing.queue.pauses import current_pauses, is_paused, pause, refused, resume
from petition.mailing.queue.tables import Delivery, DeliveryState, Pause, Throttle, enqueue, message_id, progress
from petition.mailing.queue.throttle import ThrottleName, throttle_of

__all__ = [
    "CLAIM_SECONDS",
    "Acknowledgements",
    "Claim",
    "Delivery",
    "DeliveryState",
    "Pause",
    "Throttle",
    "ThrottleName",
    "acknowledgements",
    "begin",
    "claim",
    "current_pauses",
    "dead",
    "drop",
    "enqueue",
    "is_paused",
    "mark_sent",
    "message_id",
    "pause",
    "postpone",
    "progress",
    "refused",
    "resume",
    "retry",
    "throttle_of",
    "why_dead",
    "withdraw",
]
