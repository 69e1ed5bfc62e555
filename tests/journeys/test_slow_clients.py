"""P49: clients that send half a request, or nothing, stop nobody: the installation as it is shipped goes on answering."""

from __future__ import annotations

import socket
import time
from contextlib import ExitStack
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest

from petition.bootstrap import commands
from tests.support.figures import Write
from tests.support.installation import Running

pytestmark = pytest.mark.xdist_group("tree")
THREADS = int(commands.WEB[commands.WEB.index("--workers") + 1]) * int(
    commands.WEB[commands.WEB.index("--threads") + 1]
)
OF_EACH = 5 * THREADS
BOUND = 10.0


def halves(host: str) -> list[bytes]:
    """What clients send before they fall silent."""
    body = f"Host: {host}\r\nContent-Length: 9000\r\nContent-Type: "
    form, call = "application/x-www-form-urlencoded\r\n\r\naddress=", 'application/json\r\n\r\n{"address"'
    return [
        b"",
        f"GET / HTTP/1.1\r\nHost: {host}\r\n".encode(),
        f"POST /api/campaigns/ice-letter/verify HTTP/1.1\r\n{body}{call}".encode(),
        f"POST /c/ice-letter/verify HTTP/1.1\r\n{body}{form}".encode(),
        f"POST /organise/sign-in HTTP/1.1\r\n{body}{form}".encode(),
    ]


def answered(netloc: str, path: str) -> tuple[int, float]:
    """The status of a page, and after how many seconds it was there."""
    began = time.monotonic()
    line = HTTPConnection(netloc.replace("localhost", "127.0.0.1"), timeout=BOUND)
    try:
        line.request("GET", path, headers={"Host": netloc})
        answer = line.getresponse()
        assert answer.read()
        return answer.status, time.monotonic() - began
    finally:
        line.close()


def test_half_requests_of_many_clients_stop_nobody(running: Running, figure: Write) -> None:
    where = urlsplit(running.url)
    with ExitStack() as stack:
        for sent in halves(where.netloc) * OF_EACH:
            line = stack.enter_context(socket.create_connection(("127.0.0.1", where.port or 0), timeout=BOUND))
            line.sendall(sent)
        told = [
            answered(where.netloc, path)
            for _again in range(10)
            for path in ("/healthz", "/c/ice-letter", "/organise/sign-in")
        ]
    assert {status for status, _ in told} == {200}
    figure(
        f"P49: slowest of {len(told)} answers beside {5 * OF_EACH} half requests, s",
        max(took for _, took in told),
        f"{BOUND:.0f}",
    )
