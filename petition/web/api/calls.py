"""One table of calls, and the frame that each call is answered in."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, Final, TypeVar

from flask import Blueprint, Response, request
from werkzeug.exceptions import BadRequest, RequestEntityTooLarge, UnsupportedMediaType

from petition.web import page_cache
from petition.web.forms import Shape
from petition.web.language import page_language
from petition.web.sizes import LARGEST_CALL

JSON: Final = "application/json"
Schema = dict[str, Any]
View = Callable[..., Any]
AnyShape = TypeVar("AnyShape", bound=Shape)

bp = Blueprint("api", __name__, url_prefix="/api")


@dataclass(frozen=True, slots=True)
class Call:
    """What a client may rely on: where, what goes in, what comes out (a schema's name), how it may be refused."""

    name: str
    method: str
    path: str
    summary: str
    status: int
    answer: str
    refusals: tuple[int, ...]
    form: type[Shape] | None = None
    query: dict[str, Schema] = field(default_factory=dict)
    cached: bool = False


CALLS: Final[list[Call]] = []


def reads(path: str, summary: str, answer: str, *, cached: bool = True, **more: Any) -> Callable[[View], View]:
    """A GET. The view gives a Response of its own, or something to be said as JSON that no cache may keep."""

    def register(view: View) -> View:
        refusals = (404, 503) if "<slug>" in path else (503,)
        CALLS.append(Call(view.__name__, "GET", path, summary, 200, answer, refusals, cached=cached, **more))

        @wraps(view)
        def answered(**values: str) -> Response:
            _choose_language(values.get("slug"))
            given = view(**values)
            return given if isinstance(given, Response) else json_response(given)

        bp.add_url_rule(path, view.__name__, answered, methods=["GET"])
        return view

    return register


def writes(
    path: str, summary: str, form: type[Shape], *, status: int, answer: str, refusals: tuple[int, ...] = ()
) -> Callable[[View], View]:
    """A POST of JSON that fills a form; the view gets it as `form`."""

    def register(view: View) -> View:
        always = (400, 404, 413, 415, 422, 503)
        refused = tuple(sorted({*always, *refusals}))
        CALLS.append(Call(view.__name__, "POST", path, summary, status, answer, refused, form=form))

        @wraps(view)
        def answered(slug: str) -> Response:
            _choose_language(slug)
            return json_response(view(slug=slug, form=form.from_json(json_object())), status)

        bp.add_url_rule(path, view.__name__, answered, methods=["POST"])
        return view

    return register


def json_response(value: object, status: int = 200) -> Response:
    """An answer in JSON."""
    return Response(text_of(value), status, content_type=JSON)


def text_of(value: object) -> str:
    """JSON without spaces, in UTF-8 as it is."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _choose_language(slug: str | None) -> None:
    page_language(page_cache.snapshot(slug) if slug else None)


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
    """All of it; one of unknown length is cut in silence at the limit, so the limit is one byte further off."""
    request.max_content_length = LARGEST_CALL + 1
    body = request.get_data(cache=False)
    if len(body) > LARGEST_CALL:
        raise RequestEntityTooLarge
    return body
