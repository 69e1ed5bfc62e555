"""Serves the table of calls: it parses requests, calls the views, and writes JSON."""

from __future__ import annotations

from functools import wraps

from flask import Blueprint, Response

from petition.web import page_cache
from petition.web.api import openapi
from petition.web.api.calls import CALLS, Call, View
from petition.web.json_http import json_object, json_response
from petition.web.language import page_language

PREFIX = "/api"


def make_blueprint() -> Blueprint:
    """Make the blueprint for every call of the table and for the document that describes them."""
    bp = Blueprint("api", __name__, url_prefix=PREFIX)
    for call in CALLS:
        bp.add_url_rule(call.path, call.name, _answering(call), methods=[call.method])
    bp.add_url_rule("/openapi.json", "openapi", openapi.openapi)
    return bp


def _answering(call: Call) -> View:
    """Returns the call's view, wrapped: it gets the form, if there is one, and its result becomes JSON.

    A result that is a response already stays as it is.
    """

    @wraps(call.view)
    def answer(**values: str) -> Response:
        page_language(page_cache.snapshot(values["slug"]) if "slug" in values else None)
        form = {"form": call.form.from_json(json_object())} if call.form else {}
        given = call.view(**values, **form)
        return given if isinstance(given, Response) else json_response(given, call.status)

    return answer


bp = make_blueprint()
