"""Error handlers. Each error becomes a page, or a problem document (RFC 9457) for API clients.

The status comes from the error's class (`petition.core.errors`), the sentences from `petition.web.error_messages`; both
are looked up along the class hierarchy. Nobody sees a stack trace, and a page and an API call give the same message. An
unexpected error is answered with a 503 that the client may retry. The log gets an id, a type and a place in the code,
but never the message, which may quote a name.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Final

import structlog
from flask import Flask, Response, current_app, render_template, request
from gunicorn.http.errors import ParseException  # type: ignore[import-untyped]
from sqlalchemy import exc
from werkzeug.exceptions import BadRequest, HTTPException, MethodNotAllowed
from werkzeug.routing import RequestRedirect
from werkzeug.wrappers import Response as BaseResponse

from petition.core import db
from petition.core.errors import ExpectedError
from petition.core.i18n import marked as _
from petition.core.logs import place
from petition.privacy import AddressRefused
from petition.privacy.addresses import SENTENCES as ADDRESS_SENTENCES
from petition.signatures import DisplayRefused
from petition.web import pasted_links, security_events
from petition.web.dashboard import access, resubmission
from petition.web.error_messages import AWAY, HTTP_MESSAGES, MESSAGES, Message
from petition.web.field_messages import DISPLAY_MESSAGES, FIELD_MESSAGES
from petition.web.flow import in_flow
from petition.web.forms.base import FormRefused
from petition.web.headers import PROBLEM, PROBLEM_TYPE
from petition.web.language import gettext, spoken

FOR_MACHINES: Final = ("/api/", "/hooks/", "/tab-key/")
FOR_ORGANISERS: Final = "/organise"
RETRY_SECONDS: Final = 5

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ErrorDescription:
    """The description of an error, in this request's language. `errors` holds messages by field."""

    status: int
    name: str
    title: str
    sentence: str
    retry_after: int | None = None
    errors: Mapping[str, list[str]] = field(default_factory=dict)


def nearest(error: Exception, table: Mapping[type[ExpectedError], object]) -> type[ExpectedError] | None:
    """Returns the class of an error, or the nearest class above it, that a table contains."""
    return next((each for each in type(error).__mro__ if each in table), None)


def explain(error: Exception) -> ErrorDescription:
    """Describe an error. An unexpected one becomes a 503."""
    if isinstance(error, HTTPException) and error.code:
        return _explain_http(error, error.code)
    kind = nearest(error, MESSAGES)
    if kind is None or not isinstance(error, ExpectedError):
        return _describe(503, "away", AWAY)
    return _describe(error.status, _dashed(kind.__name__), MESSAGES[kind], error.retry_after, field_errors(error))


def _explain_http(error: HTTPException, status: int) -> ErrorDescription:
    message = HTTP_MESSAGES.get(status, (error.name, error.name))
    return _describe(status, _dashed(error.name.replace(" ", "")), message, getattr(error, "retry_after", None))


def _describe(
    status: int,
    name: str,
    message: Message,
    retry_after: int | None = None,
    errors: Mapping[str, list[str]] | None = None,
) -> ErrorDescription:
    title, sentence = map(gettext, message)
    return ErrorDescription(
        status, name, title, sentence, RETRY_SECONDS if status == 503 else retry_after, errors or {}
    )


def field_errors(error: Exception) -> dict[str, list[str]]:
    """Returns messages by field, in this request's language. It is empty for errors that belong to no field."""
    if isinstance(error, FormRefused):
        return error.errors
    if isinstance(error, AddressRefused):
        return {"address": [gettext(ADDRESS_SENTENCES[error.reason])]}
    if isinstance(error, DisplayRefused):
        return {error.field: [gettext(DISPLAY_MESSAGES[error.reason])]}
    kind = nearest(error, FIELD_MESSAGES)
    if kind is None:
        return {}
    name, sentence = FIELD_MESSAGES[kind]
    return {name: [gettext(sentence)]}


def answer(error: Exception) -> Response:
    """Returns the response for an error: a problem document for API calls, a page for people."""
    description = explain(error)
    response = problem(description) if request.path.startswith(FOR_MACHINES) else page(description)
    if description.retry_after is not None:
        response.headers["Retry-After"] = str(description.retry_after)
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        response.headers["Allow"] = ", ".join(sorted(error.valid_methods))
    return response


def problem(description: ErrorDescription) -> Response:
    """Returns an RFC 9457 problem document."""
    document: dict[str, object] = {
        "type": PROBLEM_TYPE + description.name,
        "title": description.title,
        "status": description.status,
        "detail": description.sentence,
    }
    if description.errors:
        document["errors"] = dict(description.errors)
    body = json.dumps(document, ensure_ascii=False)
    return Response(body, description.status, {"Content-Language": spoken()}, content_type=PROBLEM)


def page(description: ErrorDescription) -> Response:
    """Returns an error page in the usual layout, with a link back to the organiser's campaigns or to the letters."""
    for_organisers = request.path.startswith(f"{FOR_ORGANISERS}/")
    posted = resubmission.of_request() if for_organisers and access.is_ours() else None
    html = render_template(
        "public/error.html",
        status=description.status,
        title=description.title,
        sentence=description.sentence,
        next_url=FOR_ORGANISERS if for_organisers else None,
        next_words=gettext(_("Your letters")) if for_organisers else None,
        flow=in_flow(),
        posted=posted,
        stays=for_organisers and request.method == "POST" and posted is None,
        form_token=request.form["token"] if posted and description.retry_after and "token" in request.form else "",
    )
    return Response(html, description.status, content_type="text/html; charset=utf-8")


def register(app: Flask) -> None:
    """Register the handler for every error of an app."""
    app.register_error_handler(Exception, _handle)


def _handle(error: Exception) -> BaseResponse:
    if isinstance(error, RequestRedirect):
        return error.get_response()
    if isinstance(error, ParseException):  # the server rejected the request's bytes while a view was reading them
        return answer(BadRequest())
    if not (nearest(error, MESSAGES) or isinstance(error, HTTPException) or _is_database_away(error)):
        if current_app.testing:
            raise error
        log.error("unexpected", id=secrets.token_hex(4), error=type(error).__name__, where=place(error))
    security_events.record(error)
    response = answer(error)
    return (pasted_links.redirect_to_page() if response.status_code == HTTPStatus.NOT_FOUND else None) or response


def _is_database_away(error: Exception) -> bool:
    if isinstance(error, exc.TimeoutError) or (isinstance(error, exc.DBAPIError) and db.is_away(error)):
        log.warning("database away", error=type(error).__name__, where=place(error))
        return True
    return False


def _dashed(name: str) -> str:
    return "".join(f"-{letter.lower()}" if letter.isupper() else letter for letter in name).strip("-")
