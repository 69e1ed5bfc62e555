"""Security events: what an operator has to notice, as lines of the log and as counts of a day, and never with a person.

An event is a kind and nothing else: no name, address, network, campaign or id (promise P31). Of most kinds the first,
the tenth, the hundredth … event of a day (UTC) writes a line at once, so that somebody who tries a thousand times fills
no disk. Some kinds are acts of people who sign or ask for mail. These are only counted: a line and a figure of the day
before, in whole tens, because a figure that moves with one act could be matched with a mail log. Redis counts. Without
it the line is written all the same, and the count is lost.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final

import structlog

from petition.core.redis_store import RedisStore, RedisUnavailable

TENS: Final = 10
DAY: Final = timedelta(days=1)
log = structlog.get_logger(__name__)


class SecurityEvent(StrEnum):
    """The kinds of events."""

    SIGN_IN_FAILED = "sign_in_failed"
    """An organiser's passkey, recovery code or link was refused, or a name was tried too often."""
    APPROVAL_REFUSED = "approval_refused"
    """Somebody tried to approve what they may not approve, their own request for instance."""
    ACCESS_REFUSED = "access_refused"
    """An organiser's role did not allow an act, or a form was forged."""
    REPORT_REFUSED = "report_refused"
    """A report of a mail relay was not signed with the key."""
    TAMPERING_FOUND = "tampering_found"
    """A recount found a difference between the ledger and the database."""
    ADDRESS_GUESSED = "address_guessed"
    """Fifty wrong codes were sent for one address within a day: somebody guesses, and at whom is not recorded."""
    CODE_REFUSED = "code_refused"
    """A code was wrong, expired or used up."""
    LIMIT_REACHED = "limit_reached"
    """A network asked for more codes, mails or keys of tabs than its budget."""


BY_DAY: Final = frozenset({SecurityEvent.CODE_REFUSED, SecurityEvent.LIMIT_REACHED})
"""The kinds that are acts of people who sign or ask for mail."""


def record(store: RedisStore, event: SecurityEvent, now: datetime) -> None:
    """Count an event, and write its line if it is one of those that write one."""
    try:
        n = store.count_event(event, now.date())
    except RedisUnavailable:
        n = 1
    if event not in BY_DAY and _is_power_of_ten(n):
        log.warning("security event", kind=event.value, n=n)


def report_day(store: RedisStore, day: date) -> None:
    """Write a line for each kind that is counted by day and happened ten times or more. The day must be over."""
    for event in sorted(BY_DAY):
        n = _tens(store.events_of(event, day))
        if n:
            log.warning("security events of a day", kind=event.value, n=n)


def figures(store: RedisStore, now: datetime) -> dict[SecurityEvent, int]:
    """Returns a figure for each kind: the events of today, or those of the day before in whole tens.

    Raises RedisUnavailable.
    """
    today, before = now.date(), now.date() - DAY
    return {
        event: _tens(store.events_of(event, before)) if event in BY_DAY else store.events_of(event, today)
        for event in SecurityEvent
    }


def _tens(n: int) -> int:
    return n // TENS * TENS


def _is_power_of_ten(n: int) -> bool:
    return n > 0 and str(n).rstrip("0") == "1"
