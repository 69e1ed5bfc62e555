"""A client that dawdles holds up nobody: no thread and no loop waits for it, and its time is limited."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from hashlib import sha256

import pytest

from tests.support.hasty import LARGE, hasty

pytestmark = pytest.mark.xdist_group("hasty")
BOUND = 15.0
HEAD = b"GET / HTTP/1.1\r\nHost: localhost\r\n"
EXPECTS = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\nExpect: 100-continue\r\n\r\n"
MANY = 12


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[int, subprocess.Popen[str]]]:
    with hasty() as started:
        yield started


@pytest.fixture
def port(server: tuple[int, subprocess.Popen[str]]) -> int:
    return server[0]


@pytest.fixture
def lines(port: int) -> Iterator[Lines]:
    with ExitStack() as stack:
        yield Lines(stack, port)


class Lines:
    """Connections that are closed at the end of a test."""

    def __init__(self, stack: ExitStack, port: int) -> None:
        self.stack, self.port = stack, port

    def begin(self, sent: bytes = b"") -> socket.socket:
        line = self.stack.enter_context(socket.create_connection(("127.0.0.1", self.port), timeout=BOUND))
        line.sendall(sent)
        return line

    def answered(self, sent: bytes = HEAD + b"\r\n") -> tuple[int, int, str]:
        """Of one request: how often the application was called, how much it read, the hash of that."""
        line = self.begin(sent)
        found = read_one(line)
        line.close()
        return found


def read_one(line: socket.socket) -> tuple[int, int, str]:
    got = b""
    while (found := re.search(rb"\r\n\r\n(\d+) (\d+) ([0-9a-f]{64})", got)) is None:
        piece = line.recv(65_536)
        assert piece, got
        got += piece
    return int(found[1]), int(found[2]), found[3].decode()


def until_closed(line: socket.socket) -> bytes:
    got = b""
    try:
        while piece := line.recv(1 << 20):
            got += piece
    except ConnectionResetError:
        pass
    return got


def half_bodies(lines: Lines, many: int = MANY) -> list[socket.socket]:
    """Heads that the server has read, as it says, and bodies that do not come."""
    begun = [lines.begin(EXPECTS) for _ in range(many)]
    for line in begun:
        assert line.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        line.sendall(b"a" * 10)
    return begun


def test_half_requests_and_silence_hold_up_nobody_and_are_closed_by_their_deadline(lines: Lines) -> None:
    """P49."""
    bodies = half_bodies(lines)
    heads = [lines.begin(HEAD) for _ in range(MANY)]
    silent = [lines.begin() for _ in range(MANY)]
    for _again in range(3):
        assert lines.answered()[1] == 0
    assert all(until_closed(line).startswith(b"HTTP/1.1 408 ") for line in (*bodies, *heads))
    assert [until_closed(line) for line in silent] == [b""] * MANY


def test_a_byte_now_and_then_wins_no_time(lines: Lines) -> None:
    dripping = half_bodies(lines, 3)
    for line in dripping:
        line.settimeout(0.05)
    for _byte in range(900):
        for line in list(dripping):
            try:
                line.send(b"a")
                if line.recv(100):
                    dripping.remove(line)
            except TimeoutError:
                pass
        if not dripping:
            break
    assert dripping == []


def test_the_application_is_called_when_the_body_is_there(lines: Lines) -> None:
    before = lines.answered()[0]
    large = b"b" * 60_000
    line = lines.begin(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 60000\r\n\r\n" + large[:59_999])
    assert lines.answered()[0] == before + 1
    line.sendall(large[59_999:])
    assert read_one(line) == (before + 2, 60_000, sha256(large).hexdigest())


def test_a_body_in_chunks_is_read_to_its_end_too(lines: Lines) -> None:
    pieces = [b"5;a=b\r\nhello\r\n", b"1\r", b"\n \r\n5\r\nworld", b"\r\n0\r\nX: y\r\n", b"\r\n"]
    line = lines.begin(b"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
    for piece in pieces:
        calls = lines.answered()[0]
        line.sendall(piece)
    assert read_one(line) == (calls + 1, 11, sha256(b"hello world").hexdigest())


def test_several_requests_at_once_are_answered_one_after_the_other(lines: Lines) -> None:
    line = lines.begin((HEAD + b"\r\n") * 3)
    got = b""
    while got.count(b"HTTP/1.1 200 OK") < 3:
        got += line.recv(65_536)
    calls = [int(each) for each in re.findall(rb"\r\n\r\n(\d+) 0 ", got)]
    assert calls == [calls[0], calls[0] + 1, calls[0] + 2]


def test_a_connection_is_used_again_and_again_and_closed_when_idle(lines: Lines) -> None:
    line = lines.begin()
    for _again in range(5):
        line.sendall(HEAD + b"\r\n")
        read_one(line)
    assert until_closed(line) == b""


def test_who_does_not_close_after_the_answer_holds_up_nobody(lines: Lines) -> None:
    staying = [lines.begin(HEAD + b"Connection: close\r\n\r\n") for _ in range(MANY)]
    for line in staying:
        read_one(line)
    assert lines.answered()[1] == 0


def test_who_does_not_read_the_answer_holds_up_nobody_and_is_left(lines: Lines) -> None:
    lazy = [lines.begin(b"GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n") for _ in range(6)]
    for _again in range(3):
        assert lines.answered()[1] == 0
    assert sum(len(until_closed(line)) < LARGE for line in lazy) >= 5


def test_who_reads_gets_all_of_a_large_answer(lines: Lines) -> None:
    line = lines.begin(b"GET /large HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert len(until_closed(line).partition(b"\r\n\r\n")[2]) == LARGE


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (HEAD + b"X: " + b"a" * 40_000, 431),
        (b"GET /" + b"a" * 40_000, 414),
        (b"\r\nGET /" + b"a" * 3_000 + b" HTTP/1.1\r\n\r\n", 414),
        (b"POST /api/x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n5000\r\n", 413),
        (b"POST /x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\na\r\n" * 70_000, 413),
        (b"POST /x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (b"GET\r\n\r\n", 400),
    ],
)  # fmt: skip
def test_what_is_too_large_or_no_request_is_refused_at_once(lines: Lines, sent: bytes, status: int) -> None:
    line = lines.begin()
    try:
        line.sendall(sent)
        line.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # it was refused before all of it was sent
    got = line.recv(65_536)
    assert got.startswith(b"HTTP/1.1 %d " % status)
    assert b"gunicorn" not in got.lower()


def test_a_body_that_is_too_large_is_no_request_and_the_connection_ends_behind_the_answer(lines: Lines) -> None:
    """The application refuses it by its length (here it only counts). Nothing behind the head is read as a request."""
    before = lines.answered()[0]
    inside = b"GET /inside HTTP/1.1\r\nHost: localhost\r\n\r\n"
    for body in (inside + b"a" * 70_000, b"a" * 70_000):
        head = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(body)
        got = until_closed(lines.begin(head + body))
        before += 1
        assert got.startswith(b"HTTP/1.1 200 ")
        assert (got.count(b"HTTP/1.1 "), b"\r\nconnection: close\r\n" in got.lower()) == (1, True)
        assert got.partition(b"\r\n\r\n")[2].startswith(b"%d 0 " % before)


def test_a_request_is_answered_before_the_one_behind_it_is_refused(lines: Lines) -> None:
    got = until_closed(lines.begin(HEAD + b"\r\n" + HEAD + b"X: " + b"a" * 40_000))
    assert re.findall(rb"HTTP/1\.1 (\d+)", got) == [b"200", b"431"]


def test_a_new_client_finds_room_where_all_is_full_of_those_who_dawdle() -> None:
    with hasty(connections=20) as (port, _server), ExitStack() as stack:
        lines = Lines(stack, port)
        for _again in range(3):
            for _line in range(60):
                lines.begin(HEAD)
            assert lines.answered()[1] == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_it_stops_and_starts_anew_while_clients_dawdle(number: signal.Signals) -> None:
    with hasty() as (port, server), ExitStack() as stack:
        lines = Lines(stack, port)
        half_bodies(lines)
        server.send_signal(number)
        if number is signal.SIGTERM:
            assert server.wait(BOUND) == 0
            return
        assert server.stderr is not None
        assert next(line for line in server.stderr if "Booting worker" in line)
        assert lines.answered()[1] == 0
