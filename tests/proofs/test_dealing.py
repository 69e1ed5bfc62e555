"""Connections are dealt evenly, even where one process takes almost all."""

from __future__ import annotations

import os
import signal
import socket
import sys
import time
from collections.abc import Iterator

import pytest

from tests.proofs.dealing import dealt, processes, taker_of
from tests.proofs.load import Driver

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells who took a connection")


@pytest.fixture
def port() -> Iterator[int]:
    """A port at which two processes of this one's take connections, the second one slowly."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        children = [fork(listener, pause) for pause in (0.0, 0.01)]
        yield listener.getsockname()[1]
        for pid in children:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


def fork(listener: socket.socket, pause: float) -> int:
    pid = os.fork()
    kept = []
    while pid == 0:
        time.sleep(pause)
        kept.append(listener.accept()[0])
        kept[-1].sendall(b"!")
    return pid


def answered(port: int) -> socket.socket:
    line = socket.create_connection(("127.0.0.1", port), timeout=30)
    assert line.recv(1) == b"!"
    return line


def test_each_process_gets_as_many(port: int) -> None:
    takers = processes(port)
    lines = dealt(lambda: answered(port), 8, takers)
    took = [taker_of(line, takers) for line in lines]
    assert [took.count(taker) for taker in takers] == [4, 4]
    assert took[0] != took[1]
    for line in lines:
        line.close()


def test_the_clock_of_a_row_starts_when_its_connections_are_dealt(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a slow machine dealing took longer than a quick row lasts, and the row read nothing at all."""
    driver = Driver(0, "localhost")
    monkeypatch.setattr(driver, "deal", lambda _: time.sleep(0.1))
    monkeypatch.setattr(driver, "_talk", lambda _: (200, b"", b""))
    assert driver.gets("/", 0.05) > 0


def test_as_they_fall_where_nobody_can_tell(port: int) -> None:
    lines = dealt(lambda: answered(port), 5, [])
    assert len({line.getsockname() for line in lines}) == 5
    for line in lines:
        line.close()
