"""Events, and their delivery after the commit.

A domain function announces an event in the session, and `petition.core.db.transaction` delivers it after the commit.
Delivery is only a hint: if it fails, nothing is lost, because the outbox row was written in the same transaction and
the sweep finds it. `petition.core.outbox.add` announces its row by itself. An event with `must_arrive` has no row,
because an address must never be stored in one. Its failure is reported to the person who asked.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from petition.core.errors import ExpectedError
from petition.core.process import ProcessValue

log = logging.getLogger(__name__)


class QueueAway(ExpectedError):
    """The message queue could not be reached, and the event has no outbox row that a sweep could find."""

    status = 503


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened. Names are in the past tense, and fields hold only ids."""

    must_arrive: ClassVar[bool] = False


@dataclass(frozen=True, slots=True)
class CodeWanted(Event):
    """Somebody asked for a code. `sealed` is the encrypted address and code, padded to a fixed size."""

    must_arrive: ClassVar[bool] = True
    sealed: str


@dataclass(frozen=True, slots=True)
class TrialWanted(Event):
    """An organiser wants a trial mail of an update. `sealed` is the encrypted address, which is stored nowhere."""

    must_arrive: ClassVar[bool] = True
    draft: str
    sealed: str


@dataclass(frozen=True, slots=True)
class MailPlanned(Event):
    """Mail was planned, so a sender can start at once."""


@dataclass(frozen=True, slots=True)
class ExportWanted(Event):
    """An organiser asked for a file. The sweep finds the request, too."""

    export: str


Deliverer = Callable[[Event], None]
_KEY = "announced"
_deliverer = ProcessValue[Deliverer]("deliverer of events", lambda _event: None)


def connect(deliverer: Deliverer) -> None:
    """Set the function that carries events out of this process (app.py passes the workers' table)."""
    _deliverer.set(deliverer)


def announce(info: dict[Any, Any], event: Event) -> None:
    """Keep an event until the commit. `info` is the session's own dictionary."""
    info.setdefault(_KEY, []).append(event)


def taken(info: dict[Any, Any]) -> list[Event]:
    """Returns the announced events and removes them."""
    announced: list[Event] = info.pop(_KEY, [])
    return announced


def deliver(events: Sequence[Event]) -> None:
    """Deliver events. Raises QueueAway only for an event that must arrive."""
    for event in events:
        try:
            _deliverer.get()(event)
        except QueueAway:
            if event.must_arrive:
                raise
            log.warning("nudge not sent: %s", type(event).__name__)
