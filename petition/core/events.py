"""Events, and their delivery after the commit.

A domain function announces an event into the session; `petition.core.db.transaction` delivers it once the commit stands.
Delivery is only a hint: if it fails, nothing is lost, because the outbox row was written in the same transaction and the
sweep finds it; `petition.core.outbox.add` announces its row by itself. An event marked `must_arrive` has no row, because an address must never be stored in one; its failure is
reported to the person who asked.
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
    """The message queue could not be reached and the event had no row to fall back on."""

    status = 503


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened; past tense, ids only."""

    must_arrive: ClassVar[bool] = False


@dataclass(frozen=True, slots=True)
class CodeWanted(Event):
    """Somebody asked for a code; `sealed` is the encrypted address and code, padded to one size."""

    must_arrive: ClassVar[bool] = True
    sealed: str


@dataclass(frozen=True, slots=True)
class TrialWanted(Event):
    """An organiser wants to see an update as a mail; `sealed` is the encrypted address, kept nowhere."""

    must_arrive: ClassVar[bool] = True
    draft: str
    sealed: str


@dataclass(frozen=True, slots=True)
class MailPlanned(Event):
    """Mail was planned; a sender may look at once."""


@dataclass(frozen=True, slots=True)
class ExportWanted(Event):
    """An organiser asked for a file; the sweep finds it, too."""

    export: str


Deliverer = Callable[[Event], None]
_KEY = "announced"
_deliverer = ProcessValue[Deliverer]("deliverer of events", lambda _event: None)


def connect(deliverer: Deliverer) -> None:
    """Say who carries events out of this process (the workers' table, in app.py)."""
    _deliverer.set(deliverer)


def announce(info: dict[Any, Any], event: Event) -> None:
    """Remember an event until the commit; `info` is the session's own dictionary."""
    info.setdefault(_KEY, []).append(event)


def taken(info: dict[Any, Any]) -> list[Event]:
    """What was announced, once."""
    announced: list[Event] = info.pop(_KEY, [])
    return announced


def deliver(events: Sequence[Event]) -> None:
    """Hand events on. Raises QueueAway only for one that must arrive."""
    for event in events:
        try:
            _deliverer.get()(event)
        except QueueAway:
            if event.must_arrive:
                raise
            log.warning("nudge not sent: %s", type(event).__name__)
