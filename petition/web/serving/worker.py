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

from petition.web.serving.buffered_socket import MAX_BUFFERED, MAX_BUFFERED_WHEN_MANY, MIN_PROGRESS, BufferedSocket
from petition.web.serving.incoming import RequestFramer, Stage, TooLarge
from petition.web.sizes import largest_body

TICK: Final = 0.25
LINGER_SECONDS: Final = 2.0
MANY_SENDING: Final = 16
PIECE: Final = 64 * 1024
MOST_UNREAD: Final = 1024 * 1024
CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
ACCEPT_ERRORS: Final = {errno.EAGAIN, errno.EWOULDBLOCK, errno.ECONNABORTED, errno.EINTR}
TOO_MANY_FILES: Final = {errno.EMFILE, errno.ENFILE}
MESSAGES: Final = {
    HTTPStatus.REQUEST_TIMEOUT: "The request did not arrive in time.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "What was sent is too large.",
    HTTPStatus.REQUEST_URI_TOO_LONG: "The address of the request is too long.",
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: "The head of the request is too large.",
}


class WaitsFor(Enum):
    """What a connection waits for."""

    THREAD = auto()
    IDLE = auto()
    HEAD = auto()
    BODY = auto()
    CLIENT = auto()
    CLOSE = auto()
    NOTHING = auto()


class Connection(TConn):  # type: ignore[misc]
    """The connection of one client."""

    def __init__(self, cfg: Any, stream: BufferedSocket, client: Any, server: Any) -> None:
        super().__init__(cfg, stream, client, server)
        self.parser: Any = None
        self.stream = stream
        self.incoming = RequestFramer(largest_body)
        self.waits_for, self.deadline = WaitsFor.NOTHING, 0.0
        self.keeps_alive, self.unread, self.progress = True, 0, 0
        self.data_ready = True

    def init(self) -> None:
        """Create the parser of this connection, which reads from `stream`."""
        if self.parser is None:
            self.parser = http.get_parser(self.cfg, self.stream, self.client)
        self.initialized = True


class Worker(ThreadWorker):  # type: ignore[misc]
    """One process: a loop that waits for all clients, and threads that handle requests."""

    HEAD_SECONDS: ClassVar[float] = 10.0
    BODY_SECONDS: ClassVar[float] = 20.0
    SEND_SECONDS: ClassVar[float] = 30.0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.waiting: dict[Connection, None] = {}
        self.sending, self.next_check = 0, 0.0
        self.waiting_slots = BoundedSemaphore(max(1, self.cfg.threads // 2))

    def accept(self, listener: socket.socket) -> None:
        """Accept a new connection. If there are too many, drop an old one first."""
        if self.nr_conns + 1 >= self.worker_connections:
            self._drop_oldest()
        try:
            sock, client = listener.accept()
        except OSError as error:
            if error.errno in TOO_MANY_FILES:
                self._drop_oldest()
            elif error.errno not in ACCEPT_ERRORS:
                raise
            return
        stream = BufferedSocket(sock, self.waiting_slots, self.SEND_SECONDS)
        self.nr_conns += 1
        conn = Connection(self.cfg, stream, client, listener.getsockname())
        self._wait(conn, WaitsFor.HEAD, self.HEAD_SECONDS)

    def handle(self, conn: Connection) -> Any:
        """Runs in a thread: handle a request, and send as much of the response as the client takes at once."""
        keeps_alive = super().handle(conn)
        with suppress(OSError):  # the loop sees the error again
            conn.stream.flush()
        return keeps_alive

    def handle_request(self, req: Any, conn: Connection) -> Any:
        """Runs in a thread. The answer to a request whose body is not read closes the connection (RFC 9112, 9.3)."""
        if conn.incoming.ended:
            req.force_close()
        return super().handle_request(req, conn)

    def finish_request(self, conn: Connection, done: Future[Any]) -> None:
        """Called when a thread is done: send the rest of the response, then wait for the next request or close."""
        failed = done.cancelled() or done.exception() is not None
        conn.keeps_alive = not failed and bool(done.result()) and not conn.parser.unreader.buf.getvalue()
        self._send(conn)

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """Wait for clients and threads, at most until the next check of the deadlines."""
        super().wait_for_and_dispatch_events(min(timeout, TICK))

    def murder_keepalived(self, *, force: bool = False) -> None:
        """Drop the connections whose deadline has passed or, with `force`, all that wait."""
        now = time.monotonic()
        if now < self.next_check and not force:
            return
        self.next_check = now + TICK
        for conn in [each for each in self.waiting if force or each.deadline <= now]:
            late = conn.waits_for in {WaitsFor.HEAD, WaitsFor.BODY} and conn.incoming.stage is not Stage.NOTHING
            if late and not force:
                self._refuse(conn, HTTPStatus.REQUEST_TIMEOUT)
            else:
                self._drop(conn)

    def _cap_keepalive(self, deadline: float) -> None:
        for conn in self.waiting:
            if conn.waits_for in {WaitsFor.IDLE, WaitsFor.HEAD, WaitsFor.BODY}:
                conn.deadline = min(conn.deadline, deadline)

    def _wait(self, conn: Connection, waits_for: WaitsFor, seconds: float) -> None:
        """Let the loop watch a connection until an event or its deadline."""
        event = selectors.EVENT_WRITE if waits_for is WaitsFor.CLIENT else selectors.EVENT_READ
        ready = partial(self._ready, conn)
        if conn in self.waiting:
            self.poller.modify(conn.stream.sock, event, ready)
        else:
            self.poller.register(conn.stream.sock, event, ready)
            self.waiting[conn] = None
        self.sending += (waits_for is WaitsFor.CLIENT) - (conn.waits_for is WaitsFor.CLIENT)
        conn.waits_for, conn.deadline = waits_for, time.monotonic() + seconds

    def _unwait(self, conn: Connection) -> None:
        if conn in self.waiting:
            del self.waiting[conn]
            self.poller.unregister(conn.stream.sock)
            self.sending -= conn.waits_for is WaitsFor.CLIENT

    def _ready(self, conn: Connection, _sock: object) -> None:
        try:
            if conn.waits_for is WaitsFor.CLIENT:
                self._send(conn)
            elif conn.waits_for is WaitsFor.CLOSE:
                self._discard_input(conn)
            elif conn.waits_for is not WaitsFor.NOTHING:
                self._receive(conn)
        except BlockingIOError:
            pass
        except OSError:
            self._drop(conn)

    def _receive(self, conn: Connection) -> None:
        data = conn.stream.sock.recv(PIECE)
        if not data:
            self._drop(conn)
            return
        try:
            stage = conn.incoming.feed(data)
        except TooLarge as error:
            self._refuse(conn, error.status)
            return
        self._follow_stage(conn, stage)

    def _follow_stage(self, conn: Connection, stage: Stage) -> None:
        if stage is Stage.WHOLE:
            self._answer(conn)
        elif stage is Stage.BODY and conn.waits_for is not WaitsFor.BODY:
            if conn.incoming.expects_continue:
                conn.stream.sock.send(CONTINUE)
            self._wait(conn, WaitsFor.BODY, self.BODY_SECONDS)
        elif stage is Stage.HEAD and conn.waits_for is WaitsFor.IDLE:
            self._wait(conn, WaitsFor.HEAD, self.HEAD_SECONDS)

    def _answer(self, conn: Connection) -> None:
        """Pass a whole request to a thread."""
        self._unwait(conn)
        conn.waits_for = WaitsFor.THREAD
        conn.stream.set_request(conn.incoming.take())
        conn.stream.max_buffered = MAX_BUFFERED if self.sending < MANY_SENDING else MAX_BUFFERED_WHEN_MANY
        self.enqueue_req(conn)

    def _send(self, conn: Connection) -> None:
        try:
            conn.progress += conn.stream.flush()
        except OSError:
            self._drop(conn)
            return
        if conn.stream.pending:
            if conn.waits_for is not WaitsFor.CLIENT or conn.progress >= MIN_PROGRESS:
                conn.progress = 0
                self._wait(conn, WaitsFor.CLIENT, self.SEND_SECONDS)
        elif conn.keeps_alive and conn.incoming.refused:
            self._refuse(conn, conn.incoming.refused)
        elif conn.keeps_alive and conn.incoming.stage is Stage.WHOLE:
            self._answer(conn)
        elif conn.keeps_alive:
            self._wait(conn, WaitsFor.IDLE, self.cfg.keepalive if self.alive else LINGER_SECONDS)
            self._follow_stage(conn, conn.incoming.stage)
        else:
            self._close(conn)

    def _refuse(self, conn: Connection, status: HTTPStatus) -> None:
        body = f"{MESSAGES[status]}\n"
        head = f"HTTP/1.1 {status.value} {status.phrase}\r\nConnection: close\r\nCache-Control: no-store\r\n"
        kind = f"Content-Type: text/plain; charset=utf-8\r\nContent-Length: {len(body)}\r\n\r\n"
        conn.keeps_alive = False
        try:
            conn.stream.sock.send(f"{head}{kind}{body}".encode())
        except OSError:
            self._drop(conn)
            return
        self._close(conn)

    def _close(self, conn: Connection) -> None:
        """Close our direction, and read what the client still sends, so that it sees the response (RFC 9112, 9.6)."""
        try:
            conn.stream.shutdown(socket.SHUT_WR)
        except OSError:
            self._drop(conn)
            return
        self._wait(conn, WaitsFor.CLOSE, LINGER_SECONDS)

    def _discard_input(self, conn: Connection) -> None:
        data = conn.stream.sock.recv(PIECE)
        conn.unread += len(data)
        if not data or conn.unread > MOST_UNREAD:
            self._drop(conn)

    def _drop(self, conn: Connection) -> None:
        if conn.waits_for is WaitsFor.NOTHING:
            return
        self._unwait(conn)
        conn.waits_for = WaitsFor.NOTHING
        self.nr_conns -= 1
        conn.stream.close()

    def _drop_oldest(self) -> None:
        """Drop the connection that has been waiting longest, if there is one."""
        oldest = next(iter(self.waiting), None)
        if oldest is not None:
            self._drop(oldest)
