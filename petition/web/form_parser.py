"""Parses posted forms in time that grows with their length alone, and slowly.

Werkzeug's parser handles each field and each percent sign in Python: 0.4 s for the largest body that a page of the
dashboard may get, before anybody has to be signed in. Here the number of fields is checked first, and the bytes are
decoded by the standard library's codec in C.
"""

from __future__ import annotations

import re
from binascii import a2b_qp
from typing import IO, Any, Final

from flask import Request
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge
from werkzeug.formparser import FormDataParser

from petition.web.sizes import LARGEST_FORM

URLENCODED: Final = "application/x-www-form-urlencoded"
MULTIPART: Final = "multipart/form-data"
MOST_FIELDS: Final = 1_000
NO_ESCAPE: Final = re.compile(rb"%(?![0-9A-Fa-f]{2})")
"""A percent sign that begins no byte. Browsers send none."""


class FormParser(FormDataParser):
    """Werkzeug's parser, with limits that are checked before the work."""

    def parse(
        self, stream: IO[bytes], mimetype: str, content_length: int | None, options: dict[str, str] | None = None
    ) -> Any:
        """Parse a form. Raises RequestEntityTooLarge for too many fields, BadRequest for what no browser sends.

        Only the short forms of the public pages may have several parts; they have a file.
        """
        if mimetype == URLENCODED:
            return stream, self.cls(fields(stream.read())), self.cls()
        if mimetype == MULTIPART and (content_length is None or content_length > LARGEST_FORM):
            raise RequestEntityTooLarge
        return super().parse(stream, mimetype, content_length, options)


class BoundedRequest(Request):
    """A request whose form is parsed in bounded time."""

    form_data_parser_class = FormParser


def fields(body: bytes) -> list[tuple[str, str]]:
    """Returns the names and values of a urlencoded form, in their order.

    Raises RequestEntityTooLarge for more than a thousand, and BadRequest.
    """
    if body.count(b"&") >= MOST_FIELDS:
        raise RequestEntityTooLarge
    pairs = (each.partition(b"=") for each in body.split(b"&") if each)
    return [(unquoted(name), unquoted(value)) for name, _equals, value in pairs]


def unquoted(text: bytes) -> str:
    """Returns a text that was percent-encoded. A percent sign that begins no byte stays. Raises BadRequest."""
    text, wrong = NO_ESCAPE.subn(b"%25", text.replace(b"+", b" "), MOST_FIELDS)
    if wrong == MOST_FIELDS:
        raise BadRequest
    if b"%" in text:
        # Quoted-printable (RFC 2045) is the same encoding with another sign, and its decoder is written in C.
        text = a2b_qp(text.replace(b"=", b"=3D").replace(b"%", b"="))
    return text.decode(errors="replace")
