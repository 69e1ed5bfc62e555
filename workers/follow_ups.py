"""What follows from what. Read this page first.

Every event of `petition.events` stands here, with the tasks that follow or an explicit nothing; every kind of owed row
stands in OWED with the task that settles it. A message that cannot be sent is no loss where a row is owed: the sweep
sends it again. Only a code has no row, and whoever asked for it is told.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from kombu.exceptions import OperationalError

from petition import events
from petition.config import Config
from petition.epochs.batch import BUNDLE
from petition.events import (
    CampaignChanged,
    CodeWanted,
    EpochClosed,
    Event,
    MilestoneReached,
    QueueAway,
    SignatureRedeemed,
    SignatureWithdrawn,
)
from workers import celery_app
from workers.celery_app import CODES, LEDGER, app

Message = tuple[str, str, list[object]]


def _code(event: CodeWanted) -> list[Message]:
    return [("codes.mail", CODES, [event.sealed])]


def _bundle(event: EpochClosed) -> list[Message]:
    return [("ledger.publish_bundle", LEDGER, [event.owed])]


def nothing(_: Event) -> list[Message]:
    """Nothing follows."""
    return []


FOLLOW_UPS: Final[dict[type[Event], Callable[..., list[Message]]]] = {
    CodeWanted: _code,
    SignatureRedeemed: nothing,  # beat looks every second whether an epoch is due
    SignatureWithdrawn: nothing,  # the campaign is marked stale; beat draws its pages again
    EpochClosed: _bundle,
    MilestoneReached: nothing,  # announced on the page by the same transaction
    CampaignChanged: nothing,  # the snapshot was written with the change
}

OWED: Final[dict[str, tuple[str, str]]] = {BUNDLE: ("ledger.publish_bundle", LEDGER)}


def send(name: str, queue: str, args: list[object]) -> None:
    """Put a message into its queue; raises QueueAway."""
    try:
        app.send_task(name, args=args, queue=queue)
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
