"""A server on loopback that says some bytes to each client, whatever it is asked, and then waits or hangs up."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Thread


@contextmanager
def raw_server(says: bytes, *, stays: bool = False) -> Iterator[int]:
    """Serve and give the port. `stays`: the connection is kept open in silence until the client leaves."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        Thread(target=_accept, args=(listening, says, stays), daemon=True).start()
        yield listening.getsockname()[1]
        with suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)


def _accept(listening: socket.socket, says: bytes, stays: bool) -> None:
    with suppress(OSError):
        while True:
            client, _ = listening.accept()
            Thread(target=_serve, args=(client, says, stays), daemon=True).start()


def _serve(client: socket.socket, says: bytes, stays: bool) -> None:
    with client, suppress(OSError):
        client.sendall(says)
        while stays and client.recv(65_536):
            pass
