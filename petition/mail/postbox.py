"""The interface of every postbox: it takes one message, or reports whether a retry makes sense.

Servers are never quoted in logs, because their responses repeat addresses and exceptions end up in logs. The message of
an exception contains numbers only; its `words` hold the server's text with every address masked, for the organisers.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol

from petition.mail.message import Message


class Stage(StrEnum):
    """How far a delivery came before it failed. A failure before `recipient` cannot be about the recipient."""

    connect = "connect"
    sender = "sender"
    recipient = "recipient"
    data = "data"


class MailRefused(Exception):
    """The server refused permanently (5xx): the same mail must not be tried again.

    `no_such_address`: the server reported that this very address does not exist. `words`: the server's text, masked.
    """

    def __init__(
        self, stage: Stage, code: int, status: str = "", words: str = "", *, no_such_address: bool = False
    ) -> None:
        super().__init__(f"The mail server refused this mail at {stage}: {code} {status}".rstrip())
        self.stage, self.code, self.status, self.words = stage, code, status, words
        self.no_such_address = no_such_address


class MailDelayed(Exception):
    """The server refused temporarily (4xx) or could not be reached: the mail may be tried again later."""

    def __init__(self, stage: Stage, code: int = 0, status: str = "", words: str = "") -> None:
        why = f"{code} {status}".rstrip() if code else "no answer"
        super().__init__(f"The mail server did not take this mail at {stage}: {why}")
        self.stage, self.code, self.status, self.words = stage, code, status, words


class Postbox(Protocol):
    """Takes a message. Returns once another host is responsible for it; otherwise raises MailRefused or MailDelayed."""

    def send(self, message: Message) -> None: ...


class ListPostbox:
    """Keeps messages in `sent`, for tests."""

    def __init__(self) -> None:
        self.sent: list[Message] = []

    def send(self, message: Message) -> None:
        """Keep a message that can be serialised."""
        message.as_bytes()
        self.sent.append(message)
