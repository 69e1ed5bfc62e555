"""Requests no browser would send, to the real server: each is refused in time, and the next reader is served."""

from __future__ import annotations

import re
import socket

import pytest

from tests.support.foreign_client import call
from tests.support.installation import Running

pytestmark = pytest.mark.xdist_group("tree")

SIGN = "/api/campaigns/ice-letter/sign"
JSON = "Content-Type: application/json\r\n"
FORM = "Content-Type: application/x-www-form-urlencoded\r\n"
CHUNKED = JSON + "Transfer-Encoding: chunked\r\n"


def status(running: Running, request: str, seconds: float = 10) -> int:
    """The status of the first answer to raw bytes."""
    port = int(running.url.rsplit(":", 1)[1])
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as line:
        line.sendall(request.replace("HOST", f"localhost:{port}").encode("latin-1"))
        got = line.recv(65_536)
        while b"\r\n" not in got:
            got += line.recv(65_536)
    found = re.match(rb"HTTP/1\.[01] (\d{3})", got)
    assert found is not None, got
    assert b"Traceback" not in got
    return int(found[1])


def post(headers: str, body: str, path: str = SIGN) -> str:
    return f"POST {path} HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n{headers}\r\n{body}"


def get(path: str, headers: str = "") -> str:
    return f"GET {path} HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n{headers}\r\n"


REFUSED = {
    "no Host at all": ("GET / HTTP/1.1\r\nConnection: close\r\n\r\n", 400),
    "two Hosts": ("GET / HTTP/1.1\r\nHost: HOST\r\nHost: evil.example\r\n\r\n", 400),
    "a foreign Host": ("GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n", 400),
    "no HTTP": ("\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", 400),
    "an address of 3,000 characters": (get("/c/" + "a" * 3_000), 414),
    "a hundred headers": (get("/", "".join(f"X-{n}: a\r\n" for n in range(100))), 431),
    "a header of 9,000 characters": (get("/", "X: " + "a" * 9_000 + "\r\n"), 431),
    "an address without end": (get("/c/" + "a" * 40_000), 414),
    "a call of 20,000 characters": (post(JSON + "Content-Length: 20000\r\n", "x" * 20_000), 413),
    "a call of 50,000 characters": (post(JSON + "Content-Length: 50000\r\n", "x" * 50_000), 413),
    "a form of 70,000 characters": (post(FORM + "Content-Length: 70000\r\n", "x" * 70_000, "/c/ice-letter/sign"), 413),
    "a method of no standard": (get("/").replace("GET", "PROPFIND", 1), 405),
    "a path that climbs": (get("/c/../../etc/passwd"), 404),
    "a NUL in the path": (get("/c/%00"), 404),
    "a chunk without a size": (post(CHUNKED, "zz\r\n{}\r\n0\r\n\r\n"), 400),
    "20,480 characters in chunks": (post(CHUNKED, ("1000\r\n" + "x" * 4_096 + "\r\n") * 5 + "0\r\n\r\n"), 413),
    "a length and chunks": (post(CHUNKED + "Content-Length: 2\r\n", "2\r\n{}\r\n0\r\n\r\n"), 400),
    "a negative length": (post(JSON + "Content-Length: -1\r\n", "{}"), 400),
    "packed JSON": (post(JSON + "Content-Encoding: gzip\r\nContent-Length: 2\r\n", "\x1f\x8b"), 400),
    "a form in broken chunks": (
        post(FORM + "Transfer-Encoding: chunked\r\n", "zz\r\n", "/c/ice-letter/sign"),
        400,
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_a_request_that_is_none_is_refused_and_the_next_one_is_served(running: Running, what: str) -> None:
    request, refused = REFUSED[what]
    assert status(running, request) == refused
    assert call(f"{running.url}/api/campaigns/ice-letter/count").status == 200
