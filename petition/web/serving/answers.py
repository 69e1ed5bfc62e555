"""Answers that the worker's loop gives itself, without a thread: pages that exist as bytes, and refusals.

The application says what they look like (`petition.web.overload`). If it says nothing, no page exists as bytes, and a
refusal is a sentence.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any, Final, NamedTuple, Protocol

from gunicorn import SERVER  # type: ignore[import-untyped]
from gunicorn.util import http_date, unquote_to_wsgi_str  # type: ignore[import-untyped]

EXTENSION: Final = "overload"
"""The name of an `Overload` among the application's `extensions`."""
PAGE: Final = "undersigned.page"
"""The name of the page in the environment of `Overload.send`."""
FIELD: Final = re.compile(rb"\r\n(host|connection|if-none-match|accept-encoding):[ \t]*([^\r\n]*)", re.IGNORECASE)
PLAIN: Final = re.compile(
    rb"GET [!-~]{1,2000} HTTP/1\.1\r\n(?:[!#$%&'*+.^_`|~0-9A-Za-z-]{1,80}:[ -~\t]{0,4000}\r\n){1,40}\r\n"
)
"""A GET that no parser reads in two ways. Everything else is parsed by gunicorn, in a thread."""
STATUS: Final = f"{HTTPStatus.SERVICE_UNAVAILABLE.value} Service Unavailable"
SENTENCE: Final = b"Too many requests at once. Try again in a few seconds.\n"

MESSAGES: Final = {
    HTTPStatus.REQUEST_TIMEOUT: "The request did not arrive in time.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "What was sent is too large.",
    HTTPStatus.REQUEST_URI_TOO_LONG: "The address of the request is too long.",
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: "The head of the request is too large.",
}


def malformed(status: HTTPStatus) -> bytes:
    """Returns the response to what is no request that could be answered. The connection ends behind it."""
    body = f"{MESSAGES[status]}\n"
    head = f"HTTP/1.1 {status.value} {status.phrase}\r\nConnection: close\r\nCache-Control: no-store\r\n"
    kind = f"Content-Type: text/plain; charset=utf-8\r\nContent-Length: {len(body)}\r\n\r\n"
    return f"{head}{kind}{body}".encode()


class Head(NamedTuple):
    """What an answer of the loop depends on. `path` is decoded as in a WSGI environment.

    `is_plain`: the request is a GET without a body that has each of the fields read here once at most.
    """

    method: str
    path: str
    query: str
    host: str
    keeps_alive: bool
    is_plain: bool = False
    fields: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, request: bytes) -> Head:
        """Read the head of a whole request. What is malformed becomes an empty text, and the connection ends."""
        head = request[: request.find(b"\r\n\r\n") + 2].lstrip(b"\r\n")
        words = head.partition(b"\r\n")[0].decode("latin-1").split(" ")
        method, target, version = words if len(words) == 3 else ("", "", "")
        found = FIELD.findall(head)
        fields = {name.lower().decode(): value.decode("latin-1").strip() for name, value in found}
        path, _, query = target.partition("?")
        keeps_alive = version == "HTTP/1.1" and fields.pop("connection", "keep-alive").lower() == "keep-alive"
        is_plain = keeps_alive and len(found) == len({name.lower() for name, _ in found})
        is_plain = is_plain and PLAIN.fullmatch(request) is not None
        host = fields.pop("host", "")
        others = tuple((f"HTTP_{name.upper().replace('-', '_')}", value) for name, value in fields.items())
        return cls(method, _decoded(path), query, host, keeps_alive, is_plain, others)


def _decoded(path: str) -> str:
    return str(unquote_to_wsgi_str(path)) if "%" in path else path


def too_many(_environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """The answer of an application that says nothing about overload."""
    headers = [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(SENTENCE)))]
    start_response(STATUS, [*headers, ("Retry-After", "5"), ("Cache-Control", "no-store")])
    return [SENTENCE]


Address = tuple[str, str]


class Ready(Protocol):
    """Returns the page at a path and query, if it exists as bytes and is current, or `old` is true."""

    def __call__(self, address: Address, *, old: bool = False) -> object | None:
        """Returns the page, or None. It never waits."""


def _no_page(address: Address, *, old: bool = False) -> None:  # noqa: ARG001 (the signature is that of Ready)
    return None


class Overload(NamedTuple):
    """What an application says. None of its functions waits for anything.

    `answer` is the WSGI application that refuses. `has_page` tells whether a path and query lead to a page that exists as
    bytes; `ready` returns that page, and the WSGI application `send` sends it.
    """

    answer: Any = too_many
    has_page: Callable[[Address], bool] = lambda _address: False
    ready: Ready = _no_page
    send: Any = too_many


def respond(app: Any, head: Head, port: str, *, keeps_alive: bool, page: object = None) -> bytes:
    """Returns the bytes of the response of a WSGI application. `port` is that of the socket."""
    lines: list[str] = []

    def start_response(status: str, headers: list[tuple[str, str]], _exc_info: Any = None) -> None:
        ours = [("Server", SERVER), ("Date", http_date()), ("Connection", "keep-alive" if keeps_alive else "close")]
        lines.extend((f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in (*ours, *headers)), "", ""))

    environ = {
        "REQUEST_METHOD": head.method,
        "PATH_INFO": head.path,
        "QUERY_STRING": head.query,
        "HTTP_HOST": head.host,
        "SERVER_PORT": port,
        PAGE: page,
        **dict(head.fields),
    }
    body = b"".join(app(environ, start_response))
    return "\r\n".join(lines).encode("latin-1") + (b"" if head.method == "HEAD" else body)
