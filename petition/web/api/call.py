"""The description of one call of the API."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from petition.web.forms.base import BaseForm

Schema = dict[str, Any]
View = Callable[..., Any]
ALWAYS: Final = (400, 404, 413, 415, 422, 503)
"""Statuses with which any POST may be rejected."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call: its URL and form, the schema of its answer, and the statuses with which it may be rejected."""

    method: str
    path: str
    view: View
    summary: str
    answer: str
    status: int = 200
    refusals: tuple[int, ...] = ()
    form: type[BaseForm] | None = None
    query: dict[str, Schema] = field(default_factory=dict)
    cached: bool = False

    @property
    def name(self) -> str:
        """Returns the name of the view, which is the call's `operationId`."""
        return self.view.__name__


def get(path: str, view: View, summary: str, answer: str, *, cached: bool = False, **query: Schema) -> Call:
    """Describe a call that reads. Its view returns a response, or a value that becomes uncacheable JSON."""
    refusals = (404, 503) if "<slug>" in path else (503,)
    return Call("GET", path, view, summary, answer, refusals=refusals, query=query, cached=cached)


def post(
    path: str,
    view: View,
    summary: str,
    answer: str,
    *,
    form: type[BaseForm],
    status: int = 200,
    refused: tuple[int, ...] = (),
) -> Call:
    """Describe a call that writes. Its view takes the form that the JSON object filled; `refused` adds to `ALWAYS`."""
    refusals = tuple(sorted({*ALWAYS, *refused}))
    return Call("POST", path, view, summary, answer, status=status, refusals=refusals, form=form)
