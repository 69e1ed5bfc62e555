"""Limits how many mails an hour one network can request, for any addresses.

This protects mailboxes from strangers who enter other people's addresses, and our reputation from thousands of unwanted
mails. It fails closed: when requests cannot be counted, nothing is mailed. The network arrives as a keyed hash.
"""

from __future__ import annotations

from collections.abc import Callable

from petition.core.errors import ExpectedError
from petition.core.redis_store import RedisStore, RedisUnavailable


class AskedTooOften(ExpectedError):
    """This network has used up its requests of the hour. `retry_after` is in seconds."""

    status = 429

    def __init__(self, retry_after: int) -> None:
        super().__init__("Mail was asked for too often from this network.")
        self.retry_after = retry_after


class AskingAway(ExpectedError):
    """Requests cannot be counted at the moment, so nothing is mailed."""

    status = 503


def admit(redis_store: RedisStore, network: Callable[[], bytes]) -> None:
    """Take one mail from the budget of a network, which is computed only here. Raises AskedTooOften, AskingAway."""
    try:
        wait = redis_store.take_ask(network())
    except RedisUnavailable:
        raise AskingAway from None
    if wait is not None:
        raise AskedTooOften(wait)
