"""Makes the OpenAPI 3.1 document from the table of calls. A call that is not in the table does not exist."""

from __future__ import annotations

import re
from typing import Any, Final

from flask import Response
from wtforms import Field

from petition.web import page_cache
from petition.web.api.calls import CALLS, Call
from petition.web.api.shapes import SHAPES
from petition.web.forms.base import BaseForm, known_fields
from petition.web.forms.fields import IntegerField
from petition.web.headers import PROBLEM
from petition.web.json_http import JSON, json_text
from petition.web.page import PAGES_CACHED

PARAMETER: Final = re.compile(r"<(\w+)>")
DESCRIPTIONS: Final = {
    304: "Not modified: the ETag is still right",
    400: "Not understood",
    403: "Wrong code, or not a pass of this campaign",
    404: "Unknown campaign or signature",
    409: "The state does not allow it: closed, spent, or verified before",
    413: "More than 16 kB",
    415: "Not JSON",
    422: "Fields that cannot be used as they are; `errors` says which",
    429: "Too many; try again after Retry-After seconds",
    503: "Not just now; try again after Retry-After seconds",
}


def openapi() -> Response:
    """Returns the document as a response, the same for everybody."""
    return page_cache.cached_text("", "openapi", lambda _: json_text(document()), kind=JSON, caching=PAGES_CACHED)


def document() -> dict[str, Any]:
    """Returns the OpenAPI 3.1 document of every call in the table."""
    paths: dict[str, dict[str, Any]] = {}
    for call in CALLS:
        path = "/api" + PARAMETER.sub(r"{\1}", call.path)
        paths.setdefault(path, {})[call.method.lower()] = _operation(call)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Undersigned",
            "version": "1",
            "license": {"name": "AGPL-3.0-or-later", "identifier": "AGPL-3.0-or-later"},
        },
        "paths": paths,
        "components": {"schemas": SHAPES},
    }


def _operation(call: Call) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": call.name,
        "summary": call.summary,
        "parameters": [*_path_parameters(call), *_query_parameters(call)],
        "responses": {str(call.status): _answer(call.answer, JSON)} | _refusals(call),
    }
    if call.form is not None:
        operation["requestBody"] = {"required": True, "content": {JSON: {"schema": _form(call.form)}}}
    return operation


def _path_parameters(call: Call) -> list[dict[str, Any]]:
    names = PARAMETER.findall(call.path)
    return [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names]


def _query_parameters(call: Call) -> list[dict[str, Any]]:
    return [{"name": name, "in": "query", "schema": schema} for name, schema in call.query.items()]


def _refusals(call: Call) -> dict[str, Any]:
    problems = {str(status): _answer("Problem", PROBLEM, DESCRIPTIONS[status]) for status in _statuses(call)}
    return problems | ({"304": {"description": DESCRIPTIONS[304]}} if call.cached else {})


def _statuses(call: Call) -> list[int]:
    return sorted({*call.refusals, *([400] if call.query or "<leaf>" in call.path else [])})


def _answer(schema: str, media_type: str, description: str = "Done") -> dict[str, Any]:
    return {"description": description, "content": {media_type: {"schema": {"$ref": f"#/components/schemas/{schema}"}}}}


def _form(form: type[BaseForm]) -> dict[str, Any]:
    fields = known_fields(form)
    required = [name for name, field in fields.items() if field.flags.required]
    return {
        "type": "object",
        "properties": {name: _field_schema(fields[name]) for name in sorted(fields)},
        "required": required,
    }


def _field_schema(field: Field) -> dict[str, Any]:
    """Returns the type of a field. A required field is a string.

    An optional field may be null, and a number may be sent as an integer.
    """
    if field.flags.required:
        return {"type": "string"}
    return {"type": ["integer", "string", "null"] if isinstance(field, IntegerField) else ["string", "null"]}
