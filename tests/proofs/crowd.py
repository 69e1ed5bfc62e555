"""A crowd: clients that send at given rates, whether or not they are answered, each answer with its status and its time.

`python -m tests.proofs.crowd` reads a pickled `Plan` and writes pickled `Answered`: it runs in a process of its own, so
that neither the test's threads nor its memory slow it down. It keeps connections alive, as browsers do, opens new ones
while all others wait, and measures from the moment at which a request was given to the system.
"""

from __future__ import annotations

import pickle
import re
import selectors
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from petition.config.addresses import PROJECT

LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
CLOSES = re.compile(rb"(?i)\r\nconnection: *close")
RETRY = re.compile(rb"(?i)\r\nretry-after: *(\d+)")
MOST_CONNECTIONS = 400
PATIENCE = 15.0


@dataclass(frozen=True)
class Stream:
    """Requests of one kind, `rate` of them a second; the last one is repeated when they run out."""

    name: str
    rate: float
    requests: Sequence[bytes]


@dataclass(frozen=True)
class Plan:
    """What a crowd sends to a port of this machine, and for how many seconds."""

    port: int
    seconds: float
    streams: Sequence[Stream]


class Answered(NamedTuple):
    """One request: when it was sent (in seconds since the beginning), its status (0: none), how long that took."""

    name: str
    at: float
    status: int
    seconds: float
    retry_after: int | None
    body: bytes


@dataclass
class Line:
    """A connection, and the request on it that waits for its answer."""

    sock: socket.socket
    name: str = ""
    sent: float = 0.0
    got: bytes = b""


@dataclass
class Crowd:
    """All clients: one loop, no threads."""

    plan: Plan
    poller: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)
    free: list[Line] = field(default_factory=list)
    waiting: set[int] = field(default_factory=set)
    late: deque[tuple[str, bytes]] = field(default_factory=deque)
    answers: list[Answered] = field(default_factory=list)
    began: float = 0.0

    def run(self) -> list[Answered]:
        """Send everything when it is due, and wait for the answers."""
        due = sorted(
            (number / stream.rate, stream.name, stream.requests[min(number, len(stream.requests) - 1)])
            for stream in self.plan.streams
            for number in range(int(stream.rate * self.plan.seconds))
        )
        self.began, at = time.perf_counter(), 0
        while at < len(due):
            now = time.perf_counter() - self.began
            while at < len(due) and due[at][0] <= now:
                self.late.append(due[at][1:])
                at += 1
            self.send_late()
            self.read(max(0.0, due[at][0] - (time.perf_counter() - self.began)) if at < len(due) else 0.0)
        end = time.perf_counter() + PATIENCE
        while (self.waiting or self.late) and time.perf_counter() < end:
            self.read(0.1)
            self.send_late()
        for key in list(self.poller.get_map().values()):
            self.lost(key.data)  # what was not answered was not answered
        return self.answers

    def send_late(self) -> None:
        """Send what is due, as long as there are connections for it."""
        while self.late and (self.free or len(self.waiting) < MOST_CONNECTIONS):
            name, request = self.late.popleft()
            line = self.free.pop() if self.free else self.connected()
            line.name, line.sent, line.got = name, time.perf_counter(), b""
            self.waiting.add(line.sock.fileno())
            try:
                line.sock.sendall(request)
            except OSError:
                self.lost(line)

    def connected(self) -> Line:
        """A new connection."""
        line = Line(socket.create_connection(("127.0.0.1", self.plan.port), timeout=PATIENCE))
        line.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.poller.register(line.sock, selectors.EVENT_READ, line)
        return line

    def read(self, seconds: float) -> None:
        """Take what came within so many seconds."""
        for key, _ in self.poller.select(seconds):
            line: Line = key.data
            try:
                piece = line.sock.recv(262_144)
            except OSError:
                piece = b""
            line.got += piece
            if not piece:
                self.lost(line)
            elif line.sock.fileno() in self.waiting:
                self.look(line)

    def look(self, line: Line) -> None:
        """Note an answer once it is whole."""
        head, found, body = line.got.partition(b"\r\n\r\n")
        length = LENGTH.search(head)
        if not found or (length and len(body) < int(length[1])):
            return
        self.note(line, int(head[9:12]), RETRY.search(head), body)
        if CLOSES.search(head):
            self.close(line)
        else:
            self.free.append(line)

    def note(self, line: Line, status: int, retry: re.Match[bytes] | None, body: bytes) -> None:
        """Keep what became of a request; bodies only of those that were not read."""
        self.waiting.discard(line.sock.fileno())
        took = time.perf_counter() - line.sent
        kept = body if status in {200, 201} and len(body) < 4096 else b""
        self.answers.append(
            Answered(line.name, line.sent - self.began, status, took, int(retry[1]) if retry else None, kept)
        )

    def lost(self, line: Line) -> None:
        """A connection ended: with a request on it, that one has no answer."""
        if line.sock.fileno() in self.waiting:
            self.note(line, 0, None, b"")
        self.close(line)

    def close(self, line: Line) -> None:
        """Close a connection."""
        if line in self.free:
            self.free.remove(line)
        self.poller.unregister(line.sock)
        line.sock.close()


def crowd(plan: Plan) -> list[Answered]:
    """Run a plan in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.proofs.crowd"],
        input=pickle.dumps(plan), cwd=PROJECT, stdout=subprocess.PIPE, check=True, timeout=plan.seconds + 60,
    )  # fmt: skip
    answered: list[Answered] = pickle.loads(done.stdout)
    return answered


def get(host: str, path: str) -> bytes:
    """A GET of a page, as bytes."""
    return f"GET {path} HTTP/1.1\r\nHost: {host}\r\nAccept-Encoding: gzip\r\n\r\n".encode()


def post(host: str, path: str, body: str) -> bytes:
    """A POST of JSON, as bytes."""
    head = f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body.encode())}\r\n\r\n{body}".encode()


def percentile(answers: Sequence[Answered], share: float) -> float:
    """The time within which this share of the answers came, in seconds."""
    times = sorted(each.seconds for each in answers)
    return times[min(len(times) - 1, int(len(times) * share))] if times else 0.0


if __name__ == "__main__":
    # The plan and the answers are those of the importing process, under this module's own name.
    from tests.proofs import crowd as module

    sys.stdout.buffer.write(pickle.dumps(module.Crowd(pickle.loads(sys.stdin.buffer.read())).run()))
