"""SMTP connections with a deadline: one mail takes a limited number of seconds, however slow the server is.

This protects against a server that sends a byte now and then: a socket's timeout restarts with each byte, so each wait
here is also limited by the time that is left for the mail.
"""

from __future__ import annotations

import io
import smtplib
import socket
import ssl
import time
from collections.abc import Callable
from typing import Any, Final

MAIL_SECONDS: Final = 20.0
"""The time for a whole mail, from the first command, including a new connection, to the last response."""


class BoundedReader(io.RawIOBase):
    """A stream over a socket in which each wait takes at most `left()` seconds."""

    def __init__(self, sock: socket.socket, left: Callable[[], float]) -> None:
        self._sock, self._left = sock, left

    def readable(self) -> bool:
        """Returns True."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Wait for bytes. Raises TimeoutError."""
        left = self._left()
        if self._sock.gettimeout() != left:  # each setting is a system call
            self._sock.settimeout(left)
        return self._sock.recv_into(buffer)


class Bounded(smtplib.SMTP):
    """An SMTP connection with limits: `wait_seconds` for each wait, MAIL_SECONDS for all waits since `begin`."""

    end = 0.0
    wait_seconds = 0.0

    def begin(self) -> None:
        """Restart the time limit for the next mail."""
        self.end = time.monotonic() + MAIL_SECONDS

    def getreply(self) -> tuple[int, bytes]:
        """Read one response. Raises SMTPServerDisconnected if it takes too long."""
        if self.file is None and self.sock is not None:
            self.wait_seconds = self.wait_seconds or self.sock.gettimeout() or MAIL_SECONDS
            self.end = self.end or time.monotonic() + MAIL_SECONDS
            self.file = io.BufferedReader(BoundedReader(self.sock, self._left))
        return super().getreply()

    def _left(self) -> float:
        return max(min(self.wait_seconds, self.end - time.monotonic()), 0.001)


class BoundedTls(Bounded, smtplib.SMTP_SSL):
    """The same, with TLS from the first byte."""

    def __init__(self, host: str, port: int, hello: str, timeout: float, context: ssl.SSLContext) -> None:
        smtplib.SMTP_SSL.__init__(self, host, port, hello, timeout=timeout, context=context)
