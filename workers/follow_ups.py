"""The task that follows from each event. Read this module first.

FOLLOW_UPS lists every event of `petition.core.events` and every kind of outbox row with its task. A message that cannot
be sent is no loss if there is a row, because the sweep sends it again. Only a code and a trial mail have no row; the
person who asked gets an error instead.
"""

from __future__ import annotations

from dataclasses import astuple
from typing import Any, Final, NamedTuple

from kombu.exceptions import OperationalError

from petition.config import Config
from petition.core import events
from petition.core.events import CodeWanted, Event, ExportWanted, MailPlanned, QueueAway, TrialWanted
from petition.core.outbox import OutboxItemAdded, OutboxKind
from workers import celery_app
from workers.celery_app import CODES, LEDGER, MAIL, UPKEEP, app


class Task(NamedTuple):
    """A task by its name in the queue, and the queue."""

    name: str
    queue: str


FOLLOW_UPS: Final[dict[type[Event] | OutboxKind, Task]] = {
    CodeWanted: Task("codes.mail", CODES),
    TrialWanted: Task("mail.trial", MAIL),
    MailPlanned: Task("mail.send", MAIL),
    ExportWanted: Task("exports.make", UPKEEP),
    OutboxKind.BUNDLE: Task("ledger.publish_bundle", LEDGER),
    OutboxKind.INSTANT_NEWS: Task("digests.plan_instant", MAIL),
    OutboxKind.PENDING: Task("digests.announce_pending", MAIL),
    OutboxKind.REMOVAL: Task("ledger.remove", LEDGER),
}


LEAN: Final[dict[str, Any]] = {
    "declare": [],  # a queue in Redis exists once it holds a message
    "ignore_result": True,
    "add_to_parent": False,
    "argsrepr": "",  # nobody reads these, and they would repeat the arguments
    "kwargsrepr": "",
}
"""A third of the work for a message serves consumers that this project does not have."""


def send(name: str, queue: str, args: list[object]) -> None:
    """Put a message into its queue. Raises QueueAway."""
    try:
        app.send_task(name, args=args, queue=queue, **LEAN)
    except (OperationalError, OSError):
        raise QueueAway(name) from None


def follow(event: Event) -> None:
    """Send the task that follows from an event, with the event's fields in order as arguments. Raises QueueAway."""
    if isinstance(event, OutboxItemAdded):
        send(*FOLLOW_UPS[event.kind], [event.outbox_id])
    else:
        send(*FOLLOW_UPS[type(event)], list(astuple(event)))


def wire(config: Config) -> None:
    """Connect this process's events to the queue."""
    celery_app.connect(config)
    events.connect(follow)
