"""Reads and writes JSON over HTTP, for the API under `/api` and for the pages' own scripts.

It rejects bodies that are not JSON objects, that are not sent as `application/json`, or that are above 16 kB.
"""

from __future__ import annotations

import json
from typing import Any, Final

from flask import Response, request
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge, UnsupportedMediaType

from petition.web.sizes import LARGEST_CALL

JSON: Final = "application/json"


def json_response(value: object, status: int = 200) -> Response:
    """Returns a JSON response."""
    return Response(json_text(value), status, content_type=JSON)


def json_text(value: object) -> str:
    """Returns JSON without spaces and with unescaped UTF-8."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def json_object() -> dict[str, Any]:
    """Returns the JSON object that was posted. Raises UnsupportedMediaType, BadRequest, RequestEntityTooLarge."""
    if request.mimetype != JSON:
        raise UnsupportedMediaType
    try:
        document = json.loads(_body().decode())
    except (ValueError, RecursionError):
        raise BadRequest from None
    if not isinstance(document, dict):
        raise BadRequest
    return document


def _body() -> bytes:
    """Returns the whole body.

    Werkzeug cuts a body of unknown length at the limit without an error, so the limit is set one byte higher.
    """
    request.max_content_length = LARGEST_CALL + 1
    body = request.get_data(cache=False)
    if len(body) > LARGEST_CALL:
        raise RequestEntityTooLarge
    return body
