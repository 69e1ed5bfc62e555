"""A public page as bytes: it is made once and sent many times.

Everybody gets the same bytes, plain or gzipped, each with a strong ETag of its own (RFC 9110 §8.8.3). A client that
already has a page gets 304. This module does not know who asks.
"""

from __future__ import annotations

import gzip
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TYPE_CHECKING, Final

from flask import Response

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

PAGES_CACHED: Final = "public, max-age=5, stale-while-revalidate=30"
CALLS_CACHED: Final = "public, max-age=5"
MIN_GZIP_BYTES: Final = 600
COMPRESSED_TYPES: Final = frozenset({"image/png"})

Headers = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Representation:
    """One representation of a page: its bytes, its ETag, and its headers with and without a body."""

    body: bytes = field(repr=False)
    etag: str
    headers: Headers
    headers_without_body: Headers


@dataclass(slots=True)
class Page:
    """A page made from `source`. `last_read` is the time of its last request, on the page cache's clock."""

    source: object
    plain: Representation
    gzipped: Representation | None
    last_read: float = 0.0

    def answer(self, environ: WSGIEnvironment) -> Response:
        """Returns the page, or 304 if the client has it in either representation."""
        status, headers, body = self._choose(environ)
        return Response(body, status, headers=headers)

    def send(self, environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        """Send the page through WSGI directly, for callers that answer without a framework."""
        status, headers, body = self._choose(environ)
        start_response(status, headers)
        return [body]

    def _choose(self, environ: WSGIEnvironment) -> tuple[str, Headers, bytes]:
        representation = self.gzipped if self.gzipped and _takes_gzip(environ) else self.plain
        etags = environ.get("HTTP_IF_NONE_MATCH")
        if etags is not None and self._matches(etags):
            return "304 NOT MODIFIED", representation.headers_without_body, b""
        return "200 OK", representation.headers, representation.body

    def _matches(self, header: str) -> bool:
        tags = {"*", self.plain.etag, *([self.gzipped.etag] if self.gzipped else [])}
        return any(tag.strip().removeprefix("W/") in tags for tag in header.split(","))


def make(source: object, text: str | bytes, kind: str, caching: str) -> Page:
    """Make a page of media type `kind` with this Cache-Control value."""
    body = text.encode() if isinstance(text, str) else text
    tag = sha256(kind.encode() + b"\0" + body).hexdigest()[:24]
    plain = _represent(body, f'"{tag}"', kind, caching, [])
    if len(body) < MIN_GZIP_BYTES or kind in COMPRESSED_TYPES:
        return Page(source, plain, None)
    compressed = gzip.compress(body, mtime=0)
    return Page(source, plain, _represent(compressed, f'"{tag}-gz"', kind, caching, [("Content-Encoding", "gzip")]))


def _represent(body: bytes, etag: str, kind: str, caching: str, encoding: Headers) -> Representation:
    without_body = [("ETag", etag), ("Cache-Control", caching), ("Vary", "Accept-Encoding")]
    with_body = [("Content-Type", kind), ("Content-Length", str(len(body))), *without_body, *encoding]
    return Representation(body, etag, with_body, without_body)


def _takes_gzip(environ: WSGIEnvironment) -> bool:
    accepted = str(environ.get("HTTP_ACCEPT_ENCODING", ""))
    return "gzip" in accepted and "gzip;q=0" not in accepted.replace(" ", "")
