"""Who may ask: one network asks for a limited number of mails an hour, whoever they are for.

Guards mailboxes from a stranger who enters other people's addresses, and our good name from thousands of mails that
nobody wanted. Fails closed: when asking cannot be counted, nothing is mailed. The network arrives as a keyed hash.
"""

from __future__ import annotations

from collections.abc import Callable

from petition.core.errors import ExpectedError
from petition.core.redis_store import RedisStore, RedisUnavailable


class AskedTooOften(ExpectedError):
    """This network has asked for its hour's mails; `retry_after` is in seconds."""

    status = 429

    def __init__(self, retry_after: int) -> None:
        super().__init__("Mail was asked for too often from this network.")
        self.retry_after = retry_after


class AskingAway(ExpectedError):
    """Asking cannot be counted just now, so nothing is mailed."""

    status = 503


def admit(redis_store: RedisStore, network: Callable[[], bytes]) -> None:
    """Take one mail from the budget of a network, asked for by name only then; raises AskedTooOften, AskingAway."""
    try:
        wait = redis_store.take_ask(network())
    except RedisUnavailable:
        raise AskingAway from None
    if wait is not None:
        raise AskedTooOften(wait)
