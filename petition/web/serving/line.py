"""A connection as the server's threads see it: a request that is there whole, and answers that are sent by somebody else.

Guards the threads: reading never waits, and an answer is kept here until the client takes it, which the worker's loop
watches over. Only what is larger than that makes a thread wait for its reader, half of the threads at most, and a reader who takes
nothing is left.
"""

from __future__ import annotations

import select
import socket
import time
from contextlib import suppress
from threading import BoundedSemaphore
from typing import Final

KEPT: Final = 4 * 1024 * 1024
KEPT_WHEN_MANY: Final = 256 * 1024
TAKEN: Final = 64 * 1024
"""How much a reader has to take within the time there is for it."""


class Line:
    """The socket of a connection; has what the server's parser and its answers use of one."""

    def __init__(self, sock: socket.socket, waiters: BoundedSemaphore, seconds: float) -> None:
        sock.setblocking(False)
        self.sock = sock
        self.kept = KEPT
        self._waiters, self._seconds = waiters, seconds
        self._received = b""
        self._to_send = bytearray()

    def give(self, request: bytes) -> None:
        """A whole request, to be read by a thread."""
        self._received = request

    def recv(self, size: int) -> bytes:
        """The next piece of the request; nothing when it was read to its end."""
        piece, self._received = self._received[:size], self._received[size:]
        return piece

    def sendall(self, data: bytes) -> None:
        """Keep a piece of an answer to be sent; wait for the reader only when too much is kept. Raises OSError."""
        self._to_send += data
        if len(self._to_send) > self.kept:
            self._wait_for_reader()

    def send(self, data: bytes) -> int:
        """The same."""
        self.sendall(data)
        return len(data)

    @property
    def pending(self) -> int:
        """How many bytes the client has not taken yet."""
        return len(self._to_send)

    def flush(self) -> int:
        """Send as much as the client takes now; how much that was. Raises OSError."""
        before = len(self._to_send)
        with suppress(BlockingIOError):
            while self._to_send:
                sent = self.sock.send(self._to_send)
                del self._to_send[:sent]
        return before - len(self._to_send)

    def _wait_for_reader(self) -> None:
        self.flush()
        if len(self._to_send) <= self.kept:
            return
        if not self._waiters.acquire(blocking=False):
            raise ConnectionAbortedError
        try:
            self._wait()
        finally:
            self._waiters.release()

    def _wait(self) -> None:
        poll, deadline, taken = select.poll(), time.monotonic() + self._seconds, 0
        poll.register(self.sock, select.POLLOUT)
        while len(self._to_send) > self.kept:
            left = deadline - time.monotonic()
            if left <= 0 or not poll.poll(left * 1000):
                raise ConnectionAbortedError
            taken += self.flush()
            if taken >= TAKEN:
                deadline, taken = time.monotonic() + self._seconds, 0

    def fileno(self) -> int:
        """The descriptor of the socket."""
        return self.sock.fileno()

    def setblocking(self, flag: bool) -> None:
        """Nothing to be done: nothing here blocks."""

    def settimeout(self, value: float | None) -> None:
        """Nothing to be done: nothing here blocks."""

    def gettimeout(self) -> None:
        """No timeout."""

    def shutdown(self, how: int) -> None:
        """Say that nothing more comes."""
        self.sock.shutdown(how)

    def close(self) -> None:
        """Let go of the connection."""
        self.sock.close()
