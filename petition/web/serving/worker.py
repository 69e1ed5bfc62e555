"""The worker process of the web server: gunicorn's thread worker, but only a complete request gets a thread.

It protects the few threads from slow clients. One loop reads all connections, gives each head and each body a total
deadline (408), sends responses as fast as clients take them, and closes connections cleanly. If there are too many
connections, it drops the one that has been waiting longest. Neither a thread nor the loop waits for a client without
limit.
"""

from __future__ import annotations

import errno
import selectors
import socket
import time
from concurrent.futures import Future
from contextlib import suppress
from enum import Enum, auto
from functools import partial
from http import HTTPStatus
from threading import BoundedSemaphore
from typing import Any, ClassVar, Final

from gunicorn import http  # type: ignore[import-untyped]
from gunicorn.workers.gthread import TConn, ThreadWorker  # type: ignore[import-untyped]

from petition.web.serving.incoming import Incoming, Stage, TooLarge
from petition.web.serving.line import KEPT, KEPT_WHEN_MANY, TAKEN, Line
from petition.web.sizes import largest_body

TICK: Final = 0.25
LINGER_SECONDS: Final = 2.0
MANY: Final = 16
PIECE: Final = 64 * 1024
MOST_UNREAD: Final = 1024 * 1024
GO_ON: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
TAKEN_ALREADY: Final = {errno.EAGAIN, errno.EWOULDBLOCK, errno.ECONNABORTED, errno.EINTR}
NO_ROOM: Final = {errno.EMFILE, errno.ENFILE}
SENTENCES: Final = {
    HTTPStatus.REQUEST_TIMEOUT: "The request did not arrive in time.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "What was sent is too large.",
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: "The head of the request is too large.",
}


class Doing(Enum):
    """What a connection waits for."""

    THREAD = auto()
    IDLE = auto()
    HEAD = auto()
    BODY = auto()
    READER = auto()
    END = auto()
    NOTHING = auto()


class Connection(TConn):  # type: ignore[misc]
    """The connection of one client."""

    def __init__(self, cfg: Any, line: Line, client: Any, server: Any) -> None:
        super().__init__(cfg, line, client, server)
        self.parser: Any = None
        self.line = line
        self.incoming = Incoming(largest_body)
        self.doing, self.deadline = Doing.NOTHING, 0.0
        self.stays, self.unread, self.taken = True, 0, 0
        self.data_ready = True

    def init(self) -> None:
        """Create the parser of this connection, which reads from `line`."""
        if self.parser is None:
            self.parser = http.get_parser(self.cfg, self.line, self.client)
        self.initialized = True


class Worker(ThreadWorker):  # type: ignore[misc]
    """One process: a loop that waits for all clients, and threads that handle requests."""

    HEAD_SECONDS: ClassVar[float] = 10.0
    BODY_SECONDS: ClassVar[float] = 20.0
    READER_SECONDS: ClassVar[float] = 30.0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.waiting: dict[Connection, None] = {}
        self.readers, self.look = 0, 0.0
        self.waiters = BoundedSemaphore(max(1, self.cfg.threads // 2))

    def accept(self, listener: socket.socket) -> None:
        """Accept a new connection. If there are too many, drop an old one first."""
        if self.nr_conns + 1 >= self.worker_connections:
            self._make_room()
        try:
            sock, client = listener.accept()
        except OSError as error:
            if error.errno in NO_ROOM:
                self._make_room()
            elif error.errno not in TAKEN_ALREADY:
                raise
            return
        line = Line(sock, self.waiters, self.READER_SECONDS)
        self.nr_conns += 1
        conn = Connection(self.cfg, line, client, listener.getsockname())
        self._wait(conn, Doing.HEAD, self.HEAD_SECONDS)

    def handle(self, conn: Connection) -> Any:
        """Runs in a thread: handle a request, and send as much of the response as the client takes at once."""
        stays = super().handle(conn)
        with suppress(OSError):  # the loop sees the error again
            conn.line.flush()
        return stays

    def finish_request(self, conn: Connection, done: Future[Any]) -> None:
        """Called when a thread is done: send the rest of the response, then wait for the next request or close."""
        failed = done.cancelled() or done.exception() is not None
        conn.stays = not failed and bool(done.result()) and not conn.parser.unreader.buf.getvalue()
        self._send(conn)

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """Wait for clients and threads, at most until the next check of the deadlines."""
        super().wait_for_and_dispatch_events(min(timeout, TICK))

    def murder_keepalived(self, *, force: bool = False) -> None:
        """Drop the connections whose deadline has passed or, with `force`, all that wait."""
        now = time.monotonic()
        if now < self.look and not force:
            return
        self.look = now + TICK
        for conn in [each for each in self.waiting if force or each.deadline <= now]:
            late = conn.doing in {Doing.HEAD, Doing.BODY} and conn.incoming.stage is not Stage.NOTHING
            if late and not force:
                self._refuse(conn, HTTPStatus.REQUEST_TIMEOUT)
            else:
                self._drop(conn)

    def _cap_keepalive(self, deadline: float) -> None:
        for conn in self.waiting:
            if conn.doing in {Doing.IDLE, Doing.HEAD, Doing.BODY}:
                conn.deadline = min(conn.deadline, deadline)

    def _wait(self, conn: Connection, doing: Doing, seconds: float) -> None:
        """Let the loop watch a connection until an event or its deadline."""
        event = selectors.EVENT_WRITE if doing is Doing.READER else selectors.EVENT_READ
        ready = partial(self._ready, conn)
        if conn in self.waiting:
            self.poller.modify(conn.line.sock, event, ready)
        else:
            self.poller.register(conn.line.sock, event, ready)
            self.waiting[conn] = None
        self.readers += (doing is Doing.READER) - (conn.doing is Doing.READER)
        conn.doing, conn.deadline = doing, time.monotonic() + seconds

    def _unwait(self, conn: Connection) -> None:
        if conn in self.waiting:
            del self.waiting[conn]
            self.poller.unregister(conn.line.sock)
            self.readers -= conn.doing is Doing.READER

    def _ready(self, conn: Connection, _sock: object) -> None:
        try:
            if conn.doing is Doing.READER:
                self._send(conn)
            elif conn.doing is Doing.END:
                self._see_off(conn)
            elif conn.doing is not Doing.NOTHING:
                self._receive(conn)
        except BlockingIOError:
            pass
        except OSError:
            self._drop(conn)

    def _receive(self, conn: Connection) -> None:
        data = conn.line.sock.recv(PIECE)
        if not data:
            self._drop(conn)
            return
        try:
            stage = conn.incoming.feed(data)
        except TooLarge as error:
            self._refuse(conn, error.status)
            return
        self._go_on(conn, stage)

    def _go_on(self, conn: Connection, stage: Stage) -> None:
        if stage is Stage.WHOLE:
            self._answer(conn)
        elif stage is Stage.BODY and conn.doing is not Doing.BODY:
            if conn.incoming.wants_to_go_on:
                conn.line.sock.send(GO_ON)
            self._wait(conn, Doing.BODY, self.BODY_SECONDS)
        elif stage is Stage.HEAD and conn.doing is Doing.IDLE:
            self._wait(conn, Doing.HEAD, self.HEAD_SECONDS)

    def _answer(self, conn: Connection) -> None:
        """Pass a whole request to a thread."""
        self._unwait(conn)
        conn.doing = Doing.THREAD
        try:
            conn.line.give(conn.incoming.take())
        except TooLarge as error:  # the next request, which arrived before this one was answered
            self._refuse(conn, error.status)
            return
        conn.line.kept = KEPT if self.readers < MANY else KEPT_WHEN_MANY
        self.enqueue_req(conn)

    def _send(self, conn: Connection) -> None:
        try:
            conn.taken += conn.line.flush()
        except OSError:
            self._drop(conn)
            return
        if conn.line.pending:
            if conn.doing is not Doing.READER or conn.taken >= TAKEN:
                conn.taken = 0
                self._wait(conn, Doing.READER, self.READER_SECONDS)
        elif conn.stays and conn.incoming.stage is Stage.WHOLE:
            self._answer(conn)
        elif conn.stays:
            self._wait(conn, Doing.IDLE, self.cfg.keepalive if self.alive else LINGER_SECONDS)
            self._go_on(conn, conn.incoming.stage)
        else:
            self._end(conn)

    def _refuse(self, conn: Connection, status: HTTPStatus) -> None:
        body = f"{SENTENCES[status]}\n"
        head = f"HTTP/1.1 {status.value} {status.phrase}\r\nConnection: close\r\nCache-Control: no-store\r\n"
        kind = f"Content-Type: text/plain; charset=utf-8\r\nContent-Length: {len(body)}\r\n\r\n"
        conn.stays = False
        try:
            conn.line.sock.send(f"{head}{kind}{body}".encode())
        except OSError:
            self._drop(conn)
            return
        self._end(conn)

    def _end(self, conn: Connection) -> None:
        """Close our direction, and read what the client still sends, so that it sees the response (RFC 9112, 9.6)."""
        try:
            conn.line.shutdown(socket.SHUT_WR)
        except OSError:
            self._drop(conn)
            return
        self._wait(conn, Doing.END, LINGER_SECONDS)

    def _see_off(self, conn: Connection) -> None:
        data = conn.line.sock.recv(PIECE)
        conn.unread += len(data)
        if not data or conn.unread > MOST_UNREAD:
            self._drop(conn)

    def _drop(self, conn: Connection) -> None:
        if conn.doing is Doing.NOTHING:
            return
        self._unwait(conn)
        conn.doing = Doing.NOTHING
        self.nr_conns -= 1
        conn.line.close()

    def _make_room(self) -> None:
        """Drop the connection that has been waiting longest, if there is one."""
        oldest = next(iter(self.waiting), None)
        if oldest is not None:
            self._drop(oldest)
