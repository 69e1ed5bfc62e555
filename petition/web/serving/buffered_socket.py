"""A connection as gunicorn's threads see it: the request is complete, and the worker's loop sends the response.

Threads do not wait for clients. Reading never waits. A response is buffered here until the client takes it, and the
worker's loop watches over that. A thread waits for its client only if the response is larger than the buffer. At most
half of the threads may wait, and a client that takes nothing is dropped.
"""

from __future__ import annotations

import select
import socket
import time
from contextlib import suppress
from threading import BoundedSemaphore
from typing import Final

MAX_BUFFERED: Final = 4 * 1024 * 1024
MAX_BUFFERED_WHEN_MANY: Final = 256 * 1024
MIN_PROGRESS: Final = 64 * 1024
"""The number of bytes that a client must take within its time limit."""


class BufferedSocket:
    """The socket of a connection, with the methods that gunicorn's parser and responses use."""

    def __init__(self, sock: socket.socket, waiting_slots: BoundedSemaphore, seconds: float) -> None:
        sock.setblocking(False)
        self.sock = sock
        self.max_buffered = MAX_BUFFERED
        self._waiting_slots, self._seconds = waiting_slots, seconds
        self._received = b""
        self._to_send = bytearray()

    def set_request(self, request: bytes) -> None:
        """Provide a whole request for a thread to read."""
        self._received = request

    def recv(self, size: int) -> bytes:
        """Returns the next piece of the request, or nothing at its end."""
        piece, self._received = self._received[:size], self._received[size:]
        return piece

    def sendall(self, data: bytes) -> None:
        """Buffer a piece of a response. It waits for the client only if the buffer is full. Raises OSError."""
        self._to_send += data
        if len(self._to_send) > self.max_buffered:
            self._wait_for_client()

    def send(self, data: bytes) -> int:
        """Buffer a piece of a response, as `sendall` does, and return its length. Raises OSError."""
        self.sendall(data)
        return len(data)

    @property
    def pending(self) -> int:
        """Returns how many bytes the client has not taken yet."""
        return len(self._to_send)

    def flush(self) -> int:
        """Send as much as the client takes now, and return how much that was. Raises OSError."""
        before = len(self._to_send)
        with suppress(BlockingIOError):
            while self._to_send:
                sent = self.sock.send(self._to_send)
                del self._to_send[:sent]
        return before - len(self._to_send)

    def _wait_for_client(self) -> None:
        self.flush()
        if len(self._to_send) <= self.max_buffered:
            return
        if not self._waiting_slots.acquire(blocking=False):
            raise ConnectionAbortedError
        try:
            self._wait()
        finally:
            self._waiting_slots.release()

    def _wait(self) -> None:
        poll, deadline, progress = select.poll(), time.monotonic() + self._seconds, 0
        poll.register(self.sock, select.POLLOUT)
        while len(self._to_send) > self.max_buffered:
            left = deadline - time.monotonic()
            if left <= 0 or not poll.poll(left * 1000):
                raise ConnectionAbortedError
            progress += self.flush()
            if progress >= MIN_PROGRESS:
                deadline, progress = time.monotonic() + self._seconds, 0

    def fileno(self) -> int:
        """Returns the descriptor of the socket."""
        return self.sock.fileno()

    def setblocking(self, flag: bool) -> None:
        """Do nothing, because no method here blocks."""

    def settimeout(self, value: float | None) -> None:
        """Do nothing, because no method here blocks."""

    def gettimeout(self) -> None:
        """Returns None: there is no timeout."""

    def shutdown(self, how: int) -> None:
        """Tell the client that no more data follows."""
        self.sock.shutdown(how)

    def close(self) -> None:
        """Close the connection."""
        self.sock.close()
