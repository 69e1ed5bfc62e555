"""The product's own web server with short deadlines, two threads and an application that tells what it was sent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from hashlib import sha256
from itertools import count
from threading import Event
from typing import Any

from petition.bootstrap import commands
from petition.config.addresses import PROJECT
from petition.web.serving.admission import LONGEST
from petition.web.serving.answers import EXTENSION, Overload
from petition.web.serving.worker import Worker
from tests.support.served import free_port

LARGE = 24 * 1024 * 1024
SOON = 1.0
CALLS = count(1)


class Hasty(Worker):
    """Ours, in a hurry."""

    HEAD_SECONDS = BODY_SECONDS = SEND_SECONDS = SOON


class Patient(Hasty):
    """In a hurry with clients, and never with requests that wait for a thread."""

    LONGEST = dict.fromkeys(LONGEST, 60.0)


def app(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
    """How often it was called, how long the body was, its hash; or much to read."""
    calls, body = next(CALLS), environ["wsgi.input"].read()
    if environ["PATH_INFO"] == "/large":
        start("200 OK", [("Content-Length", str(LARGE))])
        return (b"x" * 1024 * 1024 for _ in range(LARGE // 1024 // 1024))
    told = f"{calls} {len(body)} {sha256(body).hexdigest()}".encode()
    start("200 OK", [("Content-Length", str(len(told)))])
    return [told]


def old_page(address: tuple[str, str], *, old: bool = False) -> object | None:
    """The page `/old`, which is never current."""
    return address[0] if old and address[0] == "/old" else None


def what_there_was(_environ: dict[str, Any], start: Any) -> Iterable[bytes]:
    """That page."""
    start("200 OK", [("Content-Length", "14")])
    return [b"what there was"]


class Held:
    """An application whose `/hold…` and `/…/sign` wait until `/release` is asked for; that and `/page` are its pages."""

    def __init__(self) -> None:
        self.released = Event()
        pages = {("/page", ""), ("/release", "")}
        self.extensions = {EXTENSION: Overload(has_page=pages.__contains__, ready=old_page, send=what_there_was)}

    def __call__(self, environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        """Say how often it was called, once it may."""
        path = environ["PATH_INFO"]
        if path == "/release":
            self.released.set()
        if path.startswith("/hold") or path.endswith("/sign"):
            self.released.wait()
        told = f"{next(CALLS)} {path}".encode()
        start("200 OK", [("Content-Length", str(len(told)))])
        return [told]


held = Held()


@contextmanager
def hasty(connections: int = 40, threads: int = 2, name: str = "app") -> Iterator[tuple[int, subprocess.Popen[str]]]:
    """One process of the server with the product's own arguments and an application of this module; its port."""
    port = free_port()
    own = {
        "--worker-class": f"tests.support.hasty.{'Patient' if name == 'app' else 'Hasty'}", "--workers": "1", "--threads": str(threads), "--keep-alive": "1",
        "--worker-connections": str(connections), "--log-level": "info",
    }  # fmt: skip
    argv = [own.get(before, word) for before, word in zip(("", *commands.WEB), commands.WEB, strict=False)]
    server = subprocess.Popen(
        [sys.executable, *argv, "--bind", f"127.0.0.1:{port}", f"tests.support.hasty:{name}"],
        cwd=PROJECT, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    try:
        assert server.stderr is not None
        for line in server.stderr:
            if "Booting worker" in line:
                break
        yield port, server
    finally:
        with suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)
        server.wait()
        server.stderr.close()
