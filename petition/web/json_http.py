"""JSON in requests and answers, for the calls under `/api` and for the pages' own scripts.

Refuses what is no JSON object, what is not sent as `application/json`, and bodies above 16 kB.
"""

from __future__ import annotations

import json
from typing import Any, Final

from flask import Response, request
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge, UnsupportedMediaType

from petition.web.sizes import LARGEST_CALL

JSON: Final = "application/json"


def json_response(value: object, status: int = 200) -> Response:
    """An answer in JSON."""
    return Response(json_text(value), status, content_type=JSON)


def json_text(value: object) -> str:
    """JSON without spaces, in UTF-8 as it is."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def json_object() -> dict[str, Any]:
    """The JSON object that was posted; raises UnsupportedMediaType, BadRequest, RequestEntityTooLarge."""
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
    """The whole body. Werkzeug cuts one of unknown length at the limit without an error, so the limit is one byte higher."""
    request.max_content_length = LARGEST_CALL + 1
    body = request.get_data(cache=False)
    if len(body) > LARGEST_CALL:
        raise RequestEntityTooLarge
    return body
