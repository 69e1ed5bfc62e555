"""What every method of verification works with, and the answers it may give."""

from __future__ import annotations

from dataclasses import dataclass, field

from petition.core.errors import ExpectedError
from petition.core.redis_store import RedisStore
from petition.privacy import Vault


class CodeWrong(ExpectedError):
    """The code is wrong, expired, used up or was never sent: one answer for all of these."""

    status = 403


class AlreadyVerified(ExpectedError):
    """This person has a pass of this campaign already."""

    status = 409


class NetworkExhausted(ExpectedError):
    """Too many unanswered codes were asked for from one network; `retry_after` is in seconds."""

    status = 429

    def __init__(self, retry_after: int) -> None:
        super().__init__(retry_after)
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class VerificationContext:
    """Redis for challenges, the vault that seals addresses, and the pepper of the tags."""

    redis_store: RedisStore
    vault: Vault
    pepper: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Proven:
    """Somebody proved to work there: by which method, with which tag.

    `domain`: the listed domain the code went to; empty where no code was mailed.
    """

    method: str
    tag: bytes
    domain: str = ""
