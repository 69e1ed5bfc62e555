"""A real mail server on loopback that answers as it is told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from petition.mail import (
    Message,
)
from tests.support.served import free_port


@dataclass
class Answers:
    """A mail server that says what it is told to, and remembers."""

    mail: str = "250 OK"
    rcpt: str = "250 OK"
    data: str = "250 OK"
    pipelining: bool = False

    def __post_init__(self) -> None:
        self.taken: list[tuple[str, list[str], bytes]] = []
        self.hellos: list[str] = []
        self.encrypted: list[bool] = []

    async def handle_EHLO(
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        """Note who greets; offer pipelining where told to."""
        self.hellos.append(hostname)
        session.host_name = hostname
        return with_pipelining(responses) if self.pipelining else responses

    async def handle_MAIL(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Answer as told."""
        if self.mail.startswith("2"):
            envelope.mail_from = address
        return self.mail

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Answer as told."""
        if self.rcpt.startswith("2"):
            envelope.rcpt_tos.append(address)
        return self.rcpt

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Keep the mail, and whether it came over TLS."""
        if self.data.startswith("2"):
            assert isinstance(envelope.content, bytes)
            self.taken.append((str(envelope.mail_from), list(envelope.rcpt_tos), envelope.content))
            self.encrypted.append(session.ssl is not None)
        return self.data


def with_pipelining(responses: list[str]) -> list[str]:
    """An answer to EHLO that offers it; aiosmtpd reads command after command anyway."""
    return [*responses[:-1], "250-PIPELINING", responses[-1]]


@contextmanager
def server(answers: Answers, port: int = 0, **settings: Any) -> Iterator[int]:
    """Run a mail server on loopback and give its port."""
    controller = Controller(answers, hostname="127.0.0.1", port=port or free_port(), **settings)
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()


NOW = datetime(2026, 11, 24, 12, 30, tzinfo=UTC)
SENDER = "Verification <code@mail.example>"
PLAIN = Message(
    to="suzie@salesforce.example",
    sender=SENDER,
    subject="Hello",
    text="One line.\n.\nFrom the third line on: é « à » €\n" + "long " * 400,
    html="<p>é</p>",
    lang="en",
    message_id="<bcdf@mail.example>",
    date=NOW,
)
