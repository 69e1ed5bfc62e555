"""Errors and what people and programs are told about them.

Clients rely on the type, status, title and detail of a problem document; `data/problems.json` has all of them.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Final

from flask import Flask
from werkzeug.exceptions import default_exceptions

from petition.campaigns import CampaignClosed, CampaignIncomplete, SlugTaken
from petition.mailing.subscribers import AskedTooOften
from petition.organisers import NetworkTriedTooOften, TriedTooOften
from petition.privacy import AddressFault, AddressRefused
from petition.signatures import DisplayFault, DisplayRefused
from petition.verification import NetworkExhausted
from petition.web import errors
from petition.web.error_messages import HTTP_MESSAGES, MESSAGES
from petition.web.forms.base import FormRefused

PROBLEMS: Final = json.loads((Path(__file__).parent / "data" / "problems.json").read_text())
EXAMPLES: Final[dict[type[Exception], Callable[[], Exception]]] = {
    CampaignIncomplete: lambda: CampaignIncomplete([]),
    AskedTooOften: lambda: AskedTooOften(7),
    TriedTooOften: lambda: TriedTooOften(7),
    NetworkTriedTooOften: lambda: NetworkTriedTooOften(7),
    NetworkExhausted: lambda: NetworkExhausted(7),
    AddressRefused: lambda: AddressRefused(next(iter(AddressFault))),
    DisplayRefused: lambda: DisplayRefused("role", DisplayFault.ROLE_MISSING),
    FormRefused: lambda: FormRefused({"code": ["A sentence."]}),
}


def example(kind: type[Exception]) -> Exception:
    """An error of a class, made with arguments where it takes some."""
    return EXAMPLES.get(kind, kind)()


def documented(app: Flask, error: Exception) -> dict[str, object]:
    """The problem document of an error, and the header that says when to try again."""
    with app.test_request_context("/api/"):
        response = errors.answer(error)
    return json.loads(response.get_data()) | {"retry": response.headers.get("Retry-After")}


def test_no_problem_document_has_changed(app: Flask) -> None:
    http = [default_exceptions[code]() for code in HTTP_MESSAGES]
    documents = [documented(app, error) for error in (*map(example, MESSAGES), *http, RuntimeError())]
    assert {str(each["type"]): each for each in documents} == PROBLEMS


def test_an_error_without_a_message_of_its_own_has_that_of_its_class(app: Flask) -> None:
    class CampaignAway(CampaignClosed):
        pass

    class SlugReserved(SlugTaken):
        status = 409

    assert documented(app, CampaignAway()) == documented(app, CampaignClosed())
    assert documented(app, SlugReserved()) == documented(app, SlugTaken()) | {"status": 409}


def test_an_unexpected_error_says_nothing_about_itself(app: Flask) -> None:
    assert documented(app, KeyError("Ada Lovelace")) == PROBLEMS["urn:undersigned:problem:away"]


def test_a_method_that_a_route_does_not_name_is_refused(app: Flask) -> None:
    """TRACE is none of ours either: it would repeat a request with its headers."""
    for path in ("/", "/api/openapi.json", "/organise/sign-in", "/healthz"):
        for method in ("TRACE", "PUT", "DELETE", "PATCH"):
            assert app.test_client().open(path, method=method).status_code == 405, (method, path)
