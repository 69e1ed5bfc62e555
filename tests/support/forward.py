"""A port of this machine under another address of its loopback, so that it counts as another host."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Thread

from tests.support.tls_front import carry


@contextmanager
def forward(address: str, port: int) -> Iterator[int]:
    """Listen at an address and carry every byte to a port of 127.0.0.1 and back; gives the port there."""
    with socket.create_server((address, 0)) as listening:
        Thread(target=_accept, args=(listening, port), daemon=True).start()
        yield listening.getsockname()[1]
        with suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)


def _accept(listening: socket.socket, port: int) -> None:
    with suppress(OSError):
        while True:
            client, _ = listening.accept()
            Thread(target=_connect, args=(client, port), daemon=True).start()


def _connect(client: socket.socket, port: int) -> None:
    with client, suppress(OSError), socket.create_connection(("127.0.0.1", port)) as behind:
        back = Thread(target=carry, args=(behind, client), daemon=True)
        back.start()
        carry(client, behind)
        back.join()
