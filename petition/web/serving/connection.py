"""The connection of one client, and what it waits for."""

from __future__ import annotations

from enum import Enum, auto
from typing import Any

from gunicorn import http  # type: ignore[import-untyped]
from gunicorn.workers.gthread import TConn  # type: ignore[import-untyped]

from petition.web.serving.answers import Head
from petition.web.serving.buffered_socket import BufferedSocket
from petition.web.serving.incoming import RequestFramer
from petition.web.sizes import largest_body


class WaitsFor(Enum):
    """What a connection waits for."""

    THREAD = auto()
    IDLE = auto()
    HEAD = auto()
    BODY = auto()
    CLIENT = auto()
    CLOSE = auto()
    NOTHING = auto()


class Connection(TConn):  # type: ignore[misc]
    """The connection of one client."""

    def __init__(self, cfg: Any, stream: BufferedSocket, client: Any, server: Any) -> None:
        super().__init__(cfg, stream, client, server)
        self.parser: Any = None
        self.stream = stream
        self.incoming = RequestFramer(largest_body)
        self.waits_for, self.deadline = WaitsFor.NOTHING, 0.0
        self.keeps_alive, self.unread, self.progress = True, 0, 0
        self.head, self.reuses = Head("", "", "", "", keeps_alive=False), False
        self.data_ready = True

    def init(self) -> None:
        """Create the parser of this connection, which reads from `stream`."""
        if self.parser is None:
            self.parser = http.get_parser(self.cfg, self.stream, self.client)
        self.initialized = True
