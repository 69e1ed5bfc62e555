"""Which tasks follow from which event. Read this module first.

FOLLOW_UPS lists every event of `petition.core.events` with its tasks. OUTBOX_TASKS lists every kind of
outbox row with the task that settles it. A message that cannot be sent is no loss where there is a row: the sweep sends it
again. Only a code and a trial mail have no row; the person who asked gets an error instead.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from kombu.exceptions import OperationalError

from petition.campaigns.news import TELL
from petition.config import Config
from petition.core import events
from petition.core.events import (
    CodeWanted,
    EpochClosed,
    Event,
    ExportWanted,
    InstantNewsRecorded,
    MailPlanned,
    QueueAway,
    RemovalBegun,
    TrialWanted,
)
from petition.epochs.batch import BUNDLE
from petition.usecases.removals import REMOVAL
from workers import celery_app
from workers.celery_app import CODES, LEDGER, MAIL, UPKEEP, app

Message = tuple[str, str, list[object]]


def _code(event: CodeWanted) -> list[Message]:
    return [("codes.mail", CODES, [event.sealed])]


def _trial(event: TrialWanted) -> list[Message]:
    return [("mail.trial", MAIL, [event.draft, event.sealed])]


def _bundle(event: EpochClosed) -> list[Message]:
    return [("ledger.publish_bundle", LEDGER, [event.outbox_id])]


def _removal(event: RemovalBegun) -> list[Message]:
    return [("ledger.remove", LEDGER, [event.outbox_id])]


def _plan_instant(event: InstantNewsRecorded) -> list[Message]:
    return [("digests.plan_instant", MAIL, [event.outbox_id])]


def _send_mail(_: MailPlanned) -> list[Message]:
    return [("mail.send", MAIL, [])]


def _export(event: ExportWanted) -> list[Message]:
    return [("exports.make", UPKEEP, [event.export])]


FOLLOW_UPS: Final[dict[type[Event], Callable[..., list[Message]]]] = {
    CodeWanted: _code,
    TrialWanted: _trial,
    RemovalBegun: _removal,
    EpochClosed: _bundle,
    InstantNewsRecorded: _plan_instant,
    MailPlanned: _send_mail,
    ExportWanted: _export,
}

OUTBOX_TASKS: Final[dict[str, tuple[str, str]]] = {
    BUNDLE: ("ledger.publish_bundle", LEDGER),
    TELL: ("digests.plan_instant", MAIL),
    REMOVAL: ("ledger.remove", LEDGER),
}


LEAN: Final[dict[str, Any]] = {
    "declare": [],  # a queue in Redis is there once something lies in it
    "ignore_result": True,
    "add_to_parent": False,
    "argsrepr": "",  # nobody reads these, and what is said once is not said twice
    "kwargsrepr": "",
}
"""A third of the work of a message is for readers that we do not have."""


def send(name: str, queue: str, args: list[object]) -> None:
    """Put a message into its queue; raises QueueAway."""
    try:
        app.send_task(name, args=args, queue=queue, **LEAN)
    except (OperationalError, OSError):
        raise QueueAway(name) from None


def follow(event: Event) -> None:
    """Send what follows from an event."""
    for name, queue, args in FOLLOW_UPS[type(event)](event):
        send(name, queue, args)


def wire(config: Config) -> None:
    """Let this process's events reach the queue."""
    celery_app.connect(config)
    events.connect(follow)
