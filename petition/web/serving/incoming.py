"""Splits the bytes of one connection into whole requests (RFC 9112, section 6). It uses no sockets and no clocks.

The code behind it never has to wait for the rest of a request. This module decides only where a request ends;
gunicorn's own parser decides whether the request is valid. A request that cannot be framed therefore counts as whole,
and that parser rejects it. Heads and bodies that are too large are rejected as soon as that is certain. A body whose
announced length is too large is never read: its head is a whole request, which the application answers with 413 in its
own form, and no further request can follow on that connection.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import Enum, auto
from http import HTTPStatus
from typing import Final

LARGEST_HEAD: Final = 32 * 1024
LONGEST_SIZE_LINE: Final = 1024
# A chunk of one byte takes six bytes. Only attackers send many of them.
CHUNK_OVERHEAD: Final = 6
SIZE: Final = re.compile(rb"[0-9A-Fa-f]{1,8}[ \t]*(?:;[^\r\n]*)?")
LENGTH: Final = re.compile(rb"[0-9]{1,12}")
BODY_HEADER: Final = re.compile(rb"\n[ \t]*(?:content-length|transfer-encoding)[ \t]*:", re.IGNORECASE)
END: Final = b"\r\n\r\n"

Limit = Callable[[str], int]


class Stage(Enum):
    """How much of the request has arrived."""

    NOTHING = auto()
    HEAD = auto()
    BODY = auto()
    WHOLE = auto()


class TooLarge(Exception):
    """The address (414), the header fields (431) or the body (413) are larger than the limit."""

    def __init__(self, status: HTTPStatus) -> None:
        super().__init__(status)
        self.status = status


class RequestFramer:
    """Collects received bytes, and returns each request when it is whole.

    `limit` returns the largest body for a path.
    """

    def __init__(self, limit: Limit) -> None:
        self._limit = limit
        self._bytes = bytearray()
        self.ended = False
        """Whether no request can follow, because the body of the last one was too large and is not read."""
        self.refused: HTTPStatus | None = None
        """Why the request behind the one that was taken is refused, once that one is answered."""
        self._reset()

    def _reset(self) -> None:
        self._searched = 0
        self._at = 0  # start of the body, or of its next chunk
        self._end: int | None = None  # end of the request, once it is known
        self._body = 0  # number of bytes announced by the chunks so far
        self._largest: int | None = None
        self.expects_continue = False
        """Whether the client waits for `100 Continue` before it sends the body."""
        self.has_no_body = False
        """Whether the request ends behind its head, which names no body."""

    @property
    def stage(self) -> Stage:
        """Returns how much of the request has arrived."""
        if self._end is not None and len(self._bytes) >= self._end:
            return Stage.WHOLE
        if self._at:
            return Stage.BODY
        return Stage.HEAD if self._bytes else Stage.NOTHING

    def feed(self, data: bytes) -> Stage:
        """Add received bytes, and return how much of the request has arrived now. Raises TooLarge."""
        if not self.ended:
            self._bytes += data
            self._parse()
        return self.stage

    def _parse(self) -> None:
        if not self._at:
            self._find_head()
        if self._at and self._end is None:
            self._find_chunks()

    def take(self) -> bytes:
        """Remove the whole request from the buffer and return it. Bytes behind it start the next request, unless `ended`."""
        assert self._end is not None
        taken = bytes(self._bytes[: self._end])
        rest = bytes(self._bytes[self._end :])
        self._bytes.clear()
        self._reset()
        if rest:
            try:
                self.feed(rest)
            except TooLarge as error:
                self.refused = error.status
        return taken

    def _find_head(self) -> None:
        found = self._bytes.find(END, self._searched)
        if (found if found >= 0 else len(self._bytes)) > LARGEST_HEAD:
            in_first_line = b"\n" not in self._bytes.lstrip(b"\r\n")[:LARGEST_HEAD]
            raise TooLarge(
                HTTPStatus.REQUEST_URI_TOO_LONG if in_first_line else HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE
            )
        self._searched = max(0, len(self._bytes) - len(END) + 1)
        if found >= 0:
            self._at = found + len(END)
            self._frame(bytes(self._bytes[:found]))

    def _frame(self, head: bytes) -> None:
        """Find the end of the body, if the head determines it.

        A body that is too large is not read: the request ends behind its head, and the connection behind the answer.
        """
        if not BODY_HEADER.search(head):
            self._end, self.has_no_body = self._at, True
            return
        first, *lines = head.lstrip(b"\r\n").split(b"\r\n")
        fields = [(name.strip().lower(), value.strip()) for name, _, value in (line.partition(b":") for line in lines)]
        target = [*first.split(b" "), b"", b""][1]
        largest = self._limit(target.decode("latin-1").partition("?")[0])
        if any(name == b"transfer-encoding" for name, _ in fields):
            self._largest = largest
        else:
            sizes = {value for name, value in fields if name == b"content-length"}
            size = sizes.pop() if len(sizes) == 1 else b""
            length = int(size) if LENGTH.fullmatch(size) else 0
            self.ended = length > largest
            self._end = self._at + (0 if self.ended else length)
        waits = (b"expect", b"100-continue") in [(name, value.lower()) for name, value in fields]
        self.expects_continue = waits and self._end != self._at

    def _find_chunks(self) -> None:
        while self._end is None:
            line_end = self._bytes.find(b"\r\n", self._at, self._at + LONGEST_SIZE_LINE)
            if line_end < 0:
                if len(self._bytes) - self._at >= LONGEST_SIZE_LINE:
                    self._end = len(self._bytes)
                return
            line = bytes(self._bytes[self._at : line_end])
            if not SIZE.fullmatch(line):
                self._end = len(self._bytes)
                return
            if not self._skip_chunk(int(line.partition(b";")[0], 16), line_end):
                return

    def _skip_chunk(self, size: int, line_end: int) -> bool:
        """Go on behind a chunk of this size, or to the end of the trailer. Returns False if more bytes must arrive."""
        assert self._largest is not None
        if self._body + size > self._largest or len(self._bytes) > CHUNK_OVERHEAD * self._largest + 2 * LARGEST_HEAD:
            raise TooLarge(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        if size == 0:
            return self._find_trailer(line_end)
        next_chunk = line_end + 2 + size + 2
        if len(self._bytes) < next_chunk:
            return False
        self._at, self._body = next_chunk, self._body + size
        return True

    def _find_trailer(self, line_end: int) -> bool:
        found = self._bytes.find(END, line_end, line_end + LARGEST_HEAD)
        if found >= 0:
            self._end = found + len(END)
        elif len(self._bytes) - line_end >= LARGEST_HEAD:
            raise TooLarge(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
        return found >= 0
