"""The OpenAPI document, the routes and the live answers say the same."""

from __future__ import annotations

import re
from typing import Any

import jsonschema_rs
import pytest
import schemathesis
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode

from petition import campaigns, epochs
from petition.blindsign import passes
from petition.campaigns.milestones import MilestoneKind
from petition.core import clock, db
from petition.core.encoding import b64u
from petition.ledger.entries import Visibility
from petition.signatures import DisplayChoice
from petition.web.api.calls import CALLS, Call
from petition.web.api.openapi import document
from petition.web.forms.base import FormRefused
from tests import make

JSON = "application/json"


def test_document_describes_every_route_and_no_other(app: Flask) -> None:
    routed = {
        (method, re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule))
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.rule.startswith("/api/") and rule.endpoint != "api.openapi"
    }
    described = {(method.upper(), path) for path, calls in document()["paths"].items() for method in calls}
    assert routed == described


def test_document_is_served_and_is_openapi_31(client: FlaskClient) -> None:
    answer = client.get("/api/openapi.json")
    assert (answer.content_type, answer.json["openapi"]) == (JSON, "3.1.0")
    assert answer.json == document()
    for schema in document()["components"]["schemas"].values():
        jsonschema_rs.meta.validate({"$schema": "https://json-schema.org/draft/2020-12/schema"} | schema)


def test_every_shape_is_used_and_every_used_shape_is_there() -> None:
    used = set(re.findall(r"'#/components/schemas/(\w+)'", str(document()["paths"])))
    assert used == set(document()["components"]["schemas"])


@pytest.mark.parametrize("call", [call for call in CALLS if call.form], ids=lambda call: call.name)
def test_required_fields_are_those_that_the_form_refuses_when_they_are_not_sent(app: Flask, call: Call) -> None:
    assert call.form
    with app.test_request_context("/api/x"), pytest.raises(FormRefused) as refused:
        call.form.from_json({})
    operation = document()["paths"]["/api" + re.sub(r"<(\w+)>", r"{\1}", call.path)]["post"]
    schema = operation["requestBody"]["content"][JSON]["schema"]
    assert (
        {*schema["required"]} == {*refused.value.errors} == {each.name for each in call.form() if each.flags.required}
    )


def test_required_fields_are_those_that_clients_rely_on() -> None:
    required = {
        (path.rsplit("/")[-1], name)
        for path, calls in document()["paths"].items() if "post" in calls
        for name in calls["post"]["requestBody"]["content"][JSON]["schema"]["required"]
    }  # fmt: skip
    assert required == {
        ("verify", "address"), ("pass", "challenge"), ("pass", "code"), ("pass", "blinded"), ("sign", "pass"), ("sign", "show"),
        ("withdraw", "withdraw"), ("hide", "withdraw"), ("amend", "withdraw"), ("amend", "show"), ("subscribe", "address"), ("subscribe", "rhythm"),
    }  # fmt: skip


def validate(answer: Any, path: str, method: str = "get") -> None:
    described = document()["paths"][path][method]["responses"][str(answer.status_code)]
    ((kind, content),) = described["content"].items()
    assert answer.content_type == kind
    whole = content["schema"] | {"components": document()["components"]}
    jsonschema_rs.validator_for(whole, validate_formats=True).validate(answer.json)


def test_live_answers_have_the_described_shapes(client: FlaskClient, slug: str) -> None:
    with db.transaction() as session:
        made = make.campaign(session, goals=((MilestoneKind.COUNT, 2), (MilestoneKind.SHARE, 5)))
        for _ in range(23):
            make.signature(session, made, DisplayChoice(Visibility.ROLE, role="Engineer"))
        kept = make.signature(session, made, DisplayChoice(Visibility.NAME, name="Alice Example"))
        held = make.a_pass(session, made).held.encode()
    with db.transaction() as session:
        epochs.close_epoch(session, campaigns.find(session, made.slug), clock.now())
    at, path = f"/api/campaigns/{made.slug}", "/api/campaigns/{slug}"
    validate(client.get("/api/campaigns"), "/api/campaigns")
    for call in ("", "/count", "/signers", "/breakdown", "/challenge"):
        validate(client.get(at + call), path + call)
        validate(client.get(f"/api/campaigns/unknown{call}"), path + call)
    validate(client.get(f"/api/campaigns/{slug}/count"), path + "/count")
    validate(client.get(f"{at}/receipt/{b64u(kept.leaf)}"), path + "/receipt/{leaf}")
    validate(client.get(f"{at}/receipt/x"), path + "/receipt/{leaf}")
    assert client.get(at + "/count").json["next"] == {"kind": "share", "value": 5}
    assert client.get(at + "/signers").json["roles"] == [{"role": "Engineer", "n": 10}]

    for call, fields in (
        ("verify", {"address": "alice@corp.example"}),
        ("verify", {"address": "alice"}),
        ("pass", {"challenge": "A" * 22, "code": "12345678", "blinded": b64u(b"\x01" * 256)}),
        ("sign", {"pass": held, "show": "anonymous"}),
        ("sign", {"pass": held, "show": "anonymous"}),
        ("sign", {"pass": held, "show": "x", "name": 1}),
        ("amend", {"withdraw": b64u(kept.withdraw), "show": "anonymous"}),
        ("amend", {"withdraw": b64u(kept.withdraw), "show": "role", "role": "Engineer"}),
        ("withdraw", {"withdraw": b64u(passes.reveal(kept.w0, 1))}),
        ("hide", {"withdraw": b64u(passes.reveal(kept.w0, 2))}),
        ("hide", {"withdraw": "A" * 43}),
        ("subscribe", {"address": "suzie@post.example", "lang": "en", "rhythm": "weekly"}),
        ("subscribe", {"address": "suzie@corp.example", "rhythm": "weekly"}),
    ):
        validate(client.post(f"{at}/{call}", json=fields), f"{path}/{call}", "post")
    for call in ("verify", "pass", "sign", "withdraw", "hide", "subscribe"):
        for body, kind in ((b"{", JSON), (b"{}", "text/plain"), (b"x" * 17_000, JSON), (b"{}", JSON)):
            validate(client.post(f"{at}/{call}", data=body, content_type=kind), f"{path}/{call}", "post")


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_generated_calls_meet_no_fault_of_ours(app: Flask, slug: str, mode: GenerationMode) -> None:
    schema = schemathesis.openapi.from_wsgi("/api/openapi.json", app)
    operations = [found.ok() for found in schema.get_all_operations()]
    for operation in operations if mode is GenerationMode.POSITIVE else (each for each in operations if each.body):
        described = document()["paths"][operation.path][operation.method.lower()]["responses"]
        send_generated(
            operation, mode, slug, {*described, "400", "405"} if mode is GenerationMode.NEGATIVE else set(described)
        )


def send_generated(operation: Any, mode: GenerationMode, slug: str, expected: set[str]) -> None:
    """The app of the tests lets errors that nobody foresaw pass, so each of them fails here by itself."""

    @settings(
        max_examples=40, deadline=None, database=None, derandomize=True, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=operation.as_strategy(generation_mode=mode))
    def call(case: Any) -> None:
        if mode is GenerationMode.POSITIVE and "slug" in (case.path_parameters or {}):
            case.path_parameters["slug"] = slug
        assert str(case.call().status_code) in expected

    call()
