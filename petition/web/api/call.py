"""What a client may rely on about one call."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from petition.web.forms.base import BaseForm

Schema = dict[str, Any]
View = Callable[..., Any]
ALWAYS: Final = (400, 404, 413, 415, 422, 503)
"""Statuses with which any POST may be refused."""


@dataclass(frozen=True, slots=True)
class Call:
    """Where a call is, what goes in, what comes out (`answer`: a schema's name), how it may be refused (statuses)."""

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
        """The name of the view, which is the call's `operationId`."""
        return self.view.__name__


def get(path: str, view: View, summary: str, answer: str, *, cached: bool = False, **query: Schema) -> Call:
    """A call that reads. Its view returns a response, or a value to be written as JSON that no cache may keep."""
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
    """A call that writes: its view takes the form that the JSON object filled; `refused` adds to `ALWAYS`."""
    refusals = tuple(sorted({*ALWAYS, *refused}))
    return Call("POST", path, view, summary, answer, status=status, refusals=refusals, form=form)
