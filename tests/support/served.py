"""An app of this process on a port of its own, and ports for whatever opens its own."""

from __future__ import annotations

import secrets
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

from werkzeug.serving import make_server

QUIET = range(15_000, 32_000)
"""Below the ports that the system gives to connections by itself, so that none of them takes one before it is used."""


def free_port() -> int:
    """A port nobody listens on, for a process that opens it a moment later."""
    while True:
        port = secrets.choice(QUIET)
        with socket.socket() as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                trial.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port


@contextmanager
def served(
    app_at: Callable[[str], Callable[..., Any]], host: str = "127.0.0.1", tls: ssl.SSLContext | None = None
) -> Iterator[str]:
    """Serve an app that is told its address; its socket is open before, so that nobody comes in between."""
    with socket.create_server(("127.0.0.1", 0)) as opened:
        url = f"http{'s' if tls else ''}://{host}:{opened.getsockname()[1]}"
        server = make_server("127.0.0.1", 0, app_at(url), threaded=True, fd=opened.fileno(), ssl_context=tls)
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1})
        thread.start()
        try:
            yield url
        finally:
            server.shutdown()
            thread.join()
            server.server_close()
