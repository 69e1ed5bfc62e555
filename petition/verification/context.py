"""What every method of verification needs, and the results that it may give."""

from __future__ import annotations

from dataclasses import dataclass, field

from petition.core.errors import ExpectedError
from petition.core.redis_store import RedisStore
from petition.privacy import Vault


class CodeWrong(ExpectedError):
    """The code is wrong, expired, used up or was never sent. All cases get the same error."""

    status = 403


class AddressGuessed(CodeWrong):
    """This was the fiftieth wrong code for an address today. It is told like any other wrong code."""


class LongCodeNeeded(CodeWrong):
    """Too many wrong codes were sent for this address today, so that its code of eight digits is not compared."""


class AlreadyVerified(ExpectedError):
    """This person already has a pass of this campaign."""

    status = 409


class NetworkExhausted(ExpectedError):
    """Too many codes were requested from one network. `retry_after` is in seconds."""

    status = 429

    def __init__(self, retry_after: int) -> None:
        super().__init__(retry_after)
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class VerificationContext:
    """Redis for challenges, the vault that encrypts addresses, and the pepper of the tags."""

    redis_store: RedisStore
    vault: Vault
    pepper: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Proven:
    """A person proved to work there: the method and the tag.

    `domain` is the listed domain that the code went to. It is empty if no code was mailed.
    """

    method: str
    tag: bytes
    domain: str = ""
