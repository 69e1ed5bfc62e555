"""The driver: one raw keep-alive connection a thread, the same for rows and limits; and a sink that reads codes."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from petition.config.addresses import PROJECT
from tests.proofs import dealing, sink

THREADS = 4
LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
NONE: Mapping[str, str] = {}


class Driver:
    """A client of one server; a connection for each thread, dealt evenly where there are several."""

    def __init__(self, port: int, host: str) -> None:
        self.port, self.host = port, host
        self._own = threading.local()
        self._dealt: list[socket.socket] = []

    def deal(self, n: int) -> None:
        """Open connections for the next threads that come, as many to each process of the server."""
        self._dealt[:] = dealing.dealt(self._answered, n, dealing.processes(self.port))

    def get(self, path: str, headers: Mapping[str, str] = NONE) -> tuple[int, bytes, bytes]:
        """Status, body and head of a page."""
        return self._talk(self._request("GET", path, b"", headers))

    def status(self, path: str) -> int:
        """The status of a page, 0 where nobody answers."""
        try:
            return self.get(path)[0]
        except OSError:
            self._own.__dict__.clear()
            return 0

    def header(self, path: str, name: str) -> str:
        """One of the answer's headers."""
        found = re.search(rf"(?i)\r\n{name}: ([^\r]+)".encode(), self.get(path)[2])
        assert found is not None
        return found[1].decode()

    def post(self, path: str, document: object, wanted: int) -> Any:
        """What a JSON call gave, with the status that was wanted."""
        status, body, _ = self._talk(self._request("POST", path, json.dumps(document).encode(), NONE))
        assert status == wanted, (status, body)
        return json.loads(body)

    def gets(self, path: str, seconds: float, headers: Mapping[str, str] = NONE) -> float:
        """GETs a second, from four threads."""
        request, counts = self._request("GET", path, b"", headers), [0] * THREADS
        self.deal(THREADS)
        began = time.perf_counter()

        def one(number: int) -> None:
            while time.perf_counter() < began + seconds:
                assert self._talk(request)[0] in {200, 304}
                counts[number] += 1

        in_threads(one, THREADS)
        return sum(counts) / (time.perf_counter() - began)

    def posts(self, path: str, bodies: Sequence[str], threads: int, wanted: int) -> float:
        """POSTs a second; each body once."""
        requests = [self._request("POST", path, body.encode(), NONE) for body in bodies]

        def one(number: int) -> None:
            for request in requests[number::threads]:
                assert self._talk(request)[0] == wanted

        self.deal(threads)
        began = time.perf_counter()
        in_threads(one, threads)
        return len(requests) / (time.perf_counter() - began)

    def _request(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> bytes:
        lines = [f"{method} {path} HTTP/1.1", f"Host: {self.host}", *(f"{k}: {v}" for k, v in headers.items())]
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"] if body else []
        return "\r\n".join([*lines, "", ""]).encode() + body

    def _talk(self, request: bytes) -> tuple[int, bytes, bytes]:
        for attempt in (1, 2):
            try:
                return self._once(request)
            except (ConnectionError, IndexError):
                self._own.__dict__.clear()
                self._dealt.clear()
                if attempt == 2:
                    raise
        raise AssertionError

    def _connected(self) -> socket.socket:
        line = socket.create_connection(("127.0.0.1", self.port), timeout=30)
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return line

    def _answered(self) -> socket.socket:
        """A connection that some process has accepted, and that no longer keeps one of its threads waiting."""
        line = self._connected()
        exchange(line, self._request("GET", "/healthz", b"", NONE))
        return line

    def _once(self, request: bytes) -> tuple[int, bytes, bytes]:
        line = getattr(self._own, "line", None)
        if line is None:
            line = self._own.line = self._dealt.pop() if self._dealt else self._connected()
        head, body = exchange(line, request)
        if b"\r\nConnection: close" in head:
            self._own.__dict__.clear()
        return int(head[9:12]), body, head


def exchange(line: socket.socket, request: bytes) -> tuple[bytes, bytes]:
    """Send a request, read the whole answer: its head and its body."""
    line.sendall(request)
    got = line.recv(65_536)
    if not got:
        raise ConnectionResetError
    while b"\r\n\r\n" not in got:
        got += line.recv(65_536)
    head, _, body = got.partition(b"\r\n\r\n")
    found = LENGTH.search(head)
    length = int(found[1]) if found else 0
    while len(body) < length:
        body += line.recv(65_536)
    return head, body


def in_threads(work: Any, n: int) -> None:
    """work(0) … work(n - 1) at once; the first error is raised."""
    errors: list[BaseException] = []

    def one(number: int) -> None:
        try:
            work(number)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(n)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


class Mailbox:
    """Codes by address, as the mails bring them."""

    def __init__(self) -> None:
        self._codes: dict[str, str] = {}
        self._came = threading.Condition()

    def keep(self, recipient: str, mail: bytes) -> None:
        """A mail came."""
        found = re.search(rb"\b(\d{8})\b", mail.partition(b"\r\n\r\n")[2])
        with self._came:
            self._codes[recipient] = found[1].decode() if found else ""
            self._came.notify_all()

    def code(self, address: str, seconds: float = 30) -> str:
        """The code that was mailed to an address, taken once."""
        with self._came:
            assert self._came.wait_for(lambda: address in self._codes, seconds), address
            return self._codes.pop(address)


@contextmanager
def codes_sink(port: int, mailbox: Mailbox) -> Iterator[None]:
    """An SMTP server on loopback for as long as the block lasts."""
    listener = socket.create_server(("127.0.0.1", port))

    def accept() -> None:
        with suppress(OSError):  # the listener was shut
            while True:
                threading.Thread(target=sink.serve, args=(listener.accept()[0], mailbox.keep), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield
    finally:
        listener.close()


@contextmanager
def process(argv: Sequence[str], env: dict[str, str], ready: Callable[[], bool]) -> Iterator[int]:
    """A server for as long as the block lasts; its process id."""
    running = subprocess.Popen(
        argv, cwd=PROJECT, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        end = time.monotonic() + 30
        while not ready():
            assert time.monotonic() < end, argv
            time.sleep(0.05)
        yield running.pid
    finally:
        running.terminate()
        running.wait(20)
