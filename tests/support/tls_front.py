"""TLS before a server that speaks none, as stunnel does it: every byte goes to its unix socket and back."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Thread


@contextmanager
def tls_front(certificate: tuple[Path, Path], server: Path, protocol: str = "") -> Iterator[int]:
    """Serve TLS on a port of localhost before a unix socket; gives the port. `protocol` is agreed on by ALPN, if given."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    if protocol:
        context.set_alpn_protocols([protocol])
    with socket.create_server(("127.0.0.1", 0)) as listening:
        Thread(target=accept, args=(listening, context, server), daemon=True).start()
        yield listening.getsockname()[1]


def accept(listening: socket.socket, context: ssl.SSLContext, server: Path) -> None:
    """Connect each client, until the port is closed."""
    while True:
        try:
            client, _ = listening.accept()
        except OSError:
            return
        Thread(target=connect, args=(client, context, server), daemon=True).start()


def connect(client: socket.socket, context: ssl.SSLContext, server: Path) -> None:
    """Shake hands and carry bytes both ways, until one side ends."""
    with suppress(OSError), socket.socket(socket.AF_UNIX) as behind:
        behind.connect(str(server))
        with context.wrap_socket(client, server_side=True) as secure:
            back = Thread(target=carry, args=(behind, secure), daemon=True)
            back.start()
            carry(secure, behind)
            back.join()


def carry(source: socket.socket, target: socket.socket) -> None:
    """Carry bytes until the source ends, and end the target."""
    with suppress(OSError):
        while data := source.recv(65_536):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_RDWR)
