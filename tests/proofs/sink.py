"""The cheapest mail server there is: it answers as RFC 5321 wants, keeps nothing unless it is told to, and is never the bottleneck.

`python -m tests.proofs.sink` prints its port and serves until it is ended; the bench's limit and its figure share one.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable


def nothing(_recipient: str, _mail: bytes) -> None:
    """What the sink keeps by default."""


def serve(connection: socket.socket, keep: Callable[[str, bytes], None] = nothing) -> None:
    """One client, until it leaves; `keep` gets each mail before the client hears that it was taken."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connection.sendall(b"220 sink\r\n")
    waiting, recipient = b"", ""
    while got := connection.recv(65_536):
        waiting, answers = waiting + got, b""
        while b"\r\n" in waiting:
            line, _, waiting = waiting.partition(b"\r\n")
            word = line[:4].upper()
            if word == b"EHLO":
                answers += b"250-sink\r\n250 PIPELINING\r\n"
                continue
            if word == b"RCPT":
                recipient = line.partition(b"<")[2].partition(b">")[0].decode()
            if word == b"DATA":
                connection.sendall(answers + b"354 go\r\n")
                mail, waiting = swallowed(connection, waiting)
                keep(recipient, mail)
                answers = b""
            answers += b"250 OK\r\n"
        connection.sendall(answers)


def swallowed(connection: socket.socket, waiting: bytes) -> tuple[bytes, bytes]:
    """Read a mail to its final dot; gives it, and what came after it."""
    while b"\r\n.\r\n" not in waiting:
        got = connection.recv(262_144)
        if not got:
            break
        waiting += got
    mail, _, rest = waiting.partition(b"\r\n.\r\n")
    return mail, rest


def main() -> None:
    """Print the port, then take mail for ever."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(listener.getsockname()[1], flush=True)
        while True:
            threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()


if __name__ == "__main__":
    main()
