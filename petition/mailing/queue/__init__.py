"""Deliveries: each is one mail to one recipient, promised by a row and sent once.

Nothing is lost, and a killed sender causes at most one repeat: a delivery is unique by (kind, recipient, period), and
its Message-ID is derived from that key. A delivery is claimed, committed, sent and acknowledged. A claim is a date in
the future, so a sender that dies releases its rows automatically. This package knows recipients by id only; the sender
(`petition.mailing.digests`) knows who they are and checks whether they still want the mail. Each mail domain has a
throttle with a rate, which pauses when the domain does not answer.
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
from petition.mailing.queue.notices import CONFIRM, KNOWN, NOTICES, REMINDER, forget_hours, shown
from petition.mailing.queue.pauses import current_pauses, is_paused, pause, refused, resume
from petition.mailing.queue.tables import Delivery, DeliveryState, Pause, Throttle, enqueue, message_id, progress
from petition.mailing.queue.throttle import ThrottleName, throttle_of

__all__ = [
    "CLAIM_SECONDS",
    "CONFIRM",
    "KNOWN",
    "NOTICES",
    "REMINDER",
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
    "forget_hours",
    "is_paused",
    "mark_sent",
    "message_id",
    "pause",
    "postpone",
    "progress",
    "refused",
    "resume",
    "retry",
    "shown",
    "throttle_of",
    "why_dead",
    "withdraw",
]
