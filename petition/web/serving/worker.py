"""The worker process of the web server: gunicorn's thread worker, but only a complete request gets a thread.

It protects the few threads from slow clients. One loop reads all connections, gives each head and each body a total
deadline (408), sends responses as fast as clients take them, and closes connections cleanly. If there are too many
connections, it drops the one that has been waiting longest. Neither a thread nor the loop waits for a client without
limit.

No request waits long for a thread, either (`admission.py`): what would wait too long is refused in the loop, with 503.
"""

from __future__ import annotations

import errno
import gc
import selectors
import socket
import sys
import time
from collections.abc import Mapping
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from http import HTTPStatus
from threading import BoundedSemaphore
from typing import Any, ClassVar, Final

import structlog
from gunicorn.workers.gthread import ThreadWorker  # type: ignore[import-untyped]

from petition.web.serving.admission import LONGEST, Admission, Kind, kind_of
from petition.web.serving.answers import EXTENSION, Head, Overload, malformed, respond
from petition.web.serving.buffered_socket import MAX_BUFFERED, MAX_BUFFERED_WHEN_MANY, MIN_PROGRESS, BufferedSocket
from petition.web.serving.connection import Connection, WaitsFor
from petition.web.serving.incoming import Stage, TooLarge

TICK: Final = 0.25
ASKING_SECONDS: Final = 0.001
"""If the loop waited longer than this for an event, nothing was there before."""
ACCEPTED_AT_ONCE: Final = 8
SWITCH_SECONDS: Final = 0.001
"""After this long a thread that computes lets others have a turn (sys.setswitchinterval), the loop among them."""
QUIET_SECONDS: Final = 600.0
"""The log says at most this often that requests are refused."""
LINGER_SECONDS: Final = 2.0
MANY_SENDING: Final = 16
PIECE: Final = 64 * 1024
MOST_UNREAD: Final = 1024 * 1024
CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
ACCEPT_ERRORS: Final = {errno.EAGAIN, errno.EWOULDBLOCK, errno.ECONNABORTED, errno.EINTR}
TOO_MANY_FILES: Final = {errno.EMFILE, errno.ENFILE}
log = structlog.get_logger(__name__)


class Worker(ThreadWorker):  # type: ignore[misc]
    """One process: a loop that waits for all clients, and threads that handle requests."""

    HEAD_SECONDS: ClassVar[float] = 10.0
    BODY_SECONDS: ClassVar[float] = 20.0
    SEND_SECONDS: ClassVar[float] = 30.0
    LONGEST: ClassVar[Mapping[Kind, float]] = LONGEST

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        gc.freeze()  # before the fork: garbage collections then leave alone what the processes share
        self.waiting: dict[Connection, None] = {}
        self.sending, self.next_check, self.next_warning = 0, 0.0, 0.0
        self.looked = self.arrived = time.monotonic()
        self.waiting_slots = BoundedSemaphore(max(1, self.cfg.threads // 2))
        self.admission = Admission[Connection](self.cfg.threads, self.cfg.threads // 3, self.LONGEST)

    def load_wsgi(self) -> None:
        """Load the application, and what it says about pages and overload."""
        super().load_wsgi()
        self.overload: Overload = getattr(self.wsgi, "extensions", {}).get(EXTENSION, Overload())

    def init_process(self) -> None:
        """Begin the life of the process."""
        sys.setswitchinterval(SWITCH_SECONDS)
        super().init_process()

    def accept(self, listener: socket.socket) -> None:
        """Accept new connections, a few at once."""
        for _ in range(ACCEPTED_AT_ONCE):
            if not self._accept_one(listener):
                return

    def _accept_one(self, listener: socket.socket) -> bool:
        """Accept a new connection. If there are too many, drop an old one first. Returns False if there was none."""
        if self.nr_conns + 1 >= self.worker_connections:
            self._drop_oldest()
        try:
            sock, client = listener.accept()
        except OSError as error:
            if error.errno in TOO_MANY_FILES:
                self._drop_oldest()
            elif error.errno not in ACCEPT_ERRORS:
                raise
            return False
        stream = BufferedSocket(sock, self.waiting_slots, self.SEND_SECONDS)
        self.nr_conns += 1
        conn = Connection(self.cfg, stream, client, listener.getsockname())
        self._wait(conn, WaitsFor.HEAD, self.HEAD_SECONDS)
        return True

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

    def enqueue_req(self, conn: Connection, kind: Kind = Kind.OTHER) -> None:
        """Give a request to a thread that is free."""
        done = self.tpool.submit(self.handle, conn)
        done.add_done_callback(lambda future: self.method_queue.defer(self._finished, kind, conn, future))

    def _finished(self, kind: Kind, conn: Connection, done: Future[Any]) -> None:
        self.admission.finished(kind)
        self.finish_request(conn, done)

    def finish_request(self, conn: Connection, done: Future[Any]) -> None:
        """Called when a thread is done: send the rest of the response, then wait for the next request or close."""
        failed = done.cancelled() or done.exception() is not None
        conn.keeps_alive = not failed and bool(done.result()) and not conn.parser.unreader.buf.getvalue()
        self._send(conn)

    def wait_for_and_dispatch_events(self, timeout: float) -> None:
        """Wait for clients and threads, refuse who waits too long, and only then give requests to threads.

        While the loop has much to read, the threads so run out of work and leave the processor to it.
        """
        began = time.monotonic()
        events = self.poller.select(self._seconds_to_wait(timeout, began))
        before, self.looked = self.looked, time.monotonic()
        # What was there before the loop asked may have come when it last asked.
        self.arrived = self.looked if self.looked - began > ASKING_SECONDS else before
        for key, _ in events:
            key.data(key.fileobj)
        for conn in list(self.admission.expired(time.monotonic())):
            self._refuse_overloaded(conn)
        self._start_waiting()

    def _seconds_to_wait(self, timeout: float, now: float) -> float:
        soonest = self.admission.soonest
        most = min(timeout, TICK) if self.waiting else timeout
        return most if soonest is None else max(0.0, min(most, soonest - now))

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
        """Let a whole request wait for a thread, or refuse it if it would wait too long."""
        conn.reuses = conn.incoming.has_no_body
        request = conn.incoming.take()
        conn.head = Head.of(request)
        if self._send_page(conn):
            return
        kind = kind_of(conn.head.method, conn.head.path, conn.head.query, self.overload.has_page)
        if self.admission.is_refused(kind, time.monotonic()):
            self._refuse_overloaded(conn)
            return
        self._unwait(conn)
        conn.waits_for = WaitsFor.THREAD
        conn.stream.set_request(request)
        self.admission.add(kind, conn, self.arrived)

    def _start_waiting(self) -> None:
        """Give requests to the threads that are free."""
        while (found := self.admission.next_to_start()) is not None:
            kind, conn = found
            conn.stream.max_buffered = MAX_BUFFERED if self.sending < MANY_SENDING else MAX_BUFFERED_WHEN_MANY
            self.enqueue_req(conn, kind)

    def _refuse_overloaded(self, conn: Connection) -> None:
        """Answer with 503. The connection ends behind a request with a body, because nobody has checked its framing.

        It ends, too, if more was sent already, so that a client gets one refusal for many requests sent at once. Who asked
        for a page gets the one that exists, although it may be ten seconds old.
        """
        self._warn()
        if self._send_page(conn, old=True):
            return
        conn.stream.set_request(b"")
        conn.keeps_alive = conn.head.keeps_alive and conn.reuses and conn.incoming.stage is Stage.NOTHING and self.alive
        self._respond(conn, self.overload.answer)

    def _send_page(self, conn: Connection, *, old: bool = False) -> bool:
        """Send a page that exists as bytes, and is current unless `old`, without a thread. Returns whether there is one."""
        if not conn.head.is_plain or conn.incoming.stage is not Stage.NOTHING:
            return False
        page = self.overload.ready((conn.head.path, conn.head.query), old=old)
        if page is None:
            return False
        conn.keeps_alive = self.alive
        self._respond(conn, self.overload.send, page)
        return True

    def _respond(self, conn: Connection, app: Any, page: object = None) -> None:
        try:
            conn.stream.sendall(respond(app, conn.head, str(conn.server[1]), keeps_alive=conn.keeps_alive, page=page))
        except OSError:
            self._drop(conn)
            return
        self._send(conn)

    def _warn(self) -> None:
        if (now := time.monotonic()) >= self.next_warning:
            self.next_warning = now + QUIET_SECONDS
            log.warning("overloaded: requests are refused")

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
        conn.keeps_alive = False
        try:
            conn.stream.sock.send(malformed(status))
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
