"""docs/api.md says what is served: the calls of the OpenAPI document, the other addresses, settings, commands, the puzzle."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from typing import Any

import altcha
import pytest
from werkzeug.exceptions import default_exceptions

from petition.bootstrap import commands
from petition.bootstrap.entry import OWN
from petition.cli import COMMANDS
from petition.config import Config
from petition.config.addresses import PROJECT
from petition.mailing.subscribers import Frequency
from petition.web import overload, proof_of_work
from petition.web.api.openapi import document
from petition.web.app import build
from petition.web.error_messages import MESSAGES
from petition.web.errors import _dashed
from petition.web.headers import PROBLEM
from petition.web.serving.incoming import LARGEST_HEAD
from petition.web.sizes import LARGEST_CALL

DOCUMENT = (PROJECT / "docs/api.md").read_text()
CALLS = [(method.upper(), path) for path, calls in document()["paths"].items() for method in calls]
KINDS = {"string": "text", "integer": "number", "boolean": "true or false", "array": "list", "object": "object"}
OF_CALLS = ("petition.campaigns.errors", "petition.verification", "petition.blindsign", "petition.signatures",
            "petition.mailing.subscribers", "petition.core", "petition.privacy")  # fmt: skip
"""Parts of the domain that the calls use."""
NOT_OF_CALLS = {
    "letter-frozen", "campaign-incomplete", "campaign-faulty", "slug-taken", "step-skipped", "text-missing",
    "link-broken", "signature-wrong", "report-unreadable", "criteria-empty", "signer-unknown", "bulk-removal-unknown",
    "removal-over",
}  # fmt: skip
"""Errors of these parts that belong to organisers, to links in mails and to relays."""
SECRET = "an example key of the document, 32 and more"
Schema = dict[str, Any]


def operation(method: str, path: str) -> Schema:
    found: Schema = document()["paths"][path][method.lower()]
    return found


def part(method: str, path: str) -> str:
    """What the document says of one call."""
    begin = DOCUMENT.partition(f"### {method} {path}\n")[2]
    assert begin, f"docs/api.md has no call {method} {path}"
    return re.split(r"^##", begin, maxsplit=1, flags=re.MULTILINE)[0]


def rows(text: str, header: str) -> list[list[str]]:
    """The cells of the table whose first header begins so."""
    lines = iter(text.splitlines())
    for line in lines:
        if line.startswith(f"| {header}"):
            next(lines)
            break
    table = []
    for line in lines:
        if not line.startswith("|"):
            break
        table.append([cell.strip() for cell in line.strip("|").split("|")])
    return table


def kind(schema: Schema) -> str:
    """A schema in the words of the document."""
    if "anyOf" in schema:
        return f"{kind(schema['anyOf'][0])} or null"
    if "enum" in schema:
        return "one of " + ", ".join(f"`{value}`" for value in schema["enum"])
    if "const" in schema:
        return f"`{schema['const']}`"
    return "date" if schema.get("format") == "date" else KINDS[schema["type"]]


def fields(schema: Schema, at: str = "", optional: str = "") -> Iterator[tuple[str, str]]:
    """Every field of an answer by its place, with its kind."""
    inner = schema["anyOf"][0] if "anyOf" in schema else schema
    if at:
        yield at, kind(schema) + optional
    if inner.get("type") == "array" and inner["items"].get("type") == "object":
        yield from within(inner["items"], f"{at}[]")
    elif inner.get("type") == "object":
        yield from within(inner, at)


def within(schema: Schema, at: str) -> Iterator[tuple[str, str]]:
    for name, each in schema.get("properties", {}).items():
        optional = "" if at or name in schema["required"] else ", optional"
        yield from fields(each, f"{at}.{name}" if at else name, optional)
    if isinstance(schema.get("additionalProperties"), dict):
        yield from fields(schema["additionalProperties"], f"{at}.<key>")


def test_the_document_has_the_calls_that_are_served_and_no_others() -> None:
    assert sorted(re.findall(r"^### (GET|POST) (/api/\S*)$", DOCUMENT, re.MULTILINE)) == sorted(CALLS)


@pytest.mark.parametrize(("method", "path"), CALLS)
def test_statuses_of_a_call_are_those_of_the_openapi_document(method: str, path: str) -> None:
    text = part(method, path)
    (done,) = re.findall(r"^\| answer ([0-9]+) \|", text, re.MULTILINE)
    (others,) = re.findall(r"^Other statuses: ([0-9, ]+)\.", text, re.MULTILINE)
    assert sorted([done, *others.split(", ")]) == sorted(operation(method, path)["responses"])


@pytest.mark.parametrize(("method", "path"), CALLS)
def test_what_is_sent_is_what_the_openapi_document_takes(method: str, path: str) -> None:
    told = operation(method, path)
    query = {each["name"] for each in told["parameters"] if each["in"] == "query"}
    assert {name.strip("`") for name, _ in rows(part(method, path), "query")} == query
    body = told.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
    sent = {name.strip("`"): what.endswith(", required") for name, what, _ in rows(part(method, path), "sent")}
    assert sent == {name: name in body["required"] for name in body.get("properties", {})}


@pytest.mark.parametrize(("method", "path"), CALLS)
def test_answers_have_the_fields_and_kinds_of_the_openapi_document(method: str, path: str) -> None:
    text, told = part(method, path), document()
    (done,) = re.findall(r"^\| answer ([0-9]+) \|", text, re.MULTILINE)
    schema = operation(method, path)["responses"][done]["content"]["application/json"]["schema"]
    answer = told["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    assert [(name.strip("`"), what) for name, what, _ in rows(text, "answer")] == list(fields(answer))


def test_problem_types_are_those_of_the_code() -> None:
    """Every error that a call can end with, whichever part of the domain raises it, and its status."""
    listed = {
        name.strip("` "): int(status) for names, status, _ in rows(DOCUMENT, "type |") for name in names.split(",")
    }
    ours = {_dashed(kind.__name__): kind.status for kind in MESSAGES} | {"away": 503, overload.NAME: 503}
    theirs = {_dashed(kind().name.replace(" ", "")): code for code, kind in default_exceptions.items()}
    assert {name: (ours | theirs).get(name) for name in listed} == listed
    of_calls = {_dashed(kind.__name__) for kind in MESSAGES if kind.__module__.startswith(OF_CALLS)}
    assert of_calls - listed.keys() == NOT_OF_CALLS


def test_other_addresses_are_routes(config: Config) -> None:
    listed = re.findall(r"`(GET|POST) (/[^`]+)`", DOCUMENT.partition("## Other addresses")[2].partition("\n## ")[0])
    routes = {(method, rule.rule) for rule in build(config).url_map.iter_rules() for method in rule.methods or ()}
    assert len(listed) >= 10
    assert set(listed) - routes == set()


def test_settings_stand_in_the_readme() -> None:
    told = set(re.findall(r"`((?:PETITION_|DATABASE_|REDIS_|SMTP_|MAIL_|CODE_)[A-Z_]+)`", DOCUMENT))
    readme = (PROJECT / "README.md").read_text()
    assert len(told) >= 10
    assert sorted(name for name in told if f"`{name}`" not in readme) == []


def test_commands_are_those_that_there_are() -> None:
    table = rows(DOCUMENT.partition("## Commands")[2], "command")
    listed = [name for names, _ in table for name in re.findall(r"`([a-z]+)`", names)]
    assert sorted(listed) == sorted([*OWN, *COMMANDS])
    assert listed[: len(OWN)] == ["up", "test", "proof", "bench"]  # the container knows all but these


def test_commands_below_a_command_are_those_that_there_are() -> None:
    from petition.cli import cli

    for names, text in rows(DOCUMENT.partition("## Commands")[2], "command"):
        (name, *more) = re.findall(r"`([a-z]+)`", names)
        group = None if more or name in OWN else cli.get_command(None, name)  # type: ignore[arg-type]
        if group is not None and hasattr(group, "commands"):
            assert {each for each in group.commands if f"`{each}`" in text} == set(group.commands), name


def test_the_example_of_the_puzzle_is_solved_as_the_document_says() -> None:
    text = DOCUMENT.partition("## The proof of work")[2]
    payload = json.loads(text.partition("```json\n")[2].partition("```")[0])
    asked, found = payload["challenge"]["parameters"], payload["solution"]
    counter = found["counter"].to_bytes(4)
    derived = hashlib.sha256(bytes.fromhex(asked["salt"]) + bytes.fromhex(asked["nonce"]) + counter).hexdigest()
    assert (derived, derived.startswith(asked["keyPrefix"])) == (found["derivedKey"], True)
    sent = base64.b64encode(json.dumps(payload).encode()).decode()
    assert altcha.verify_solution(sent, proof_of_work._key(SECRET)).verified
    assert asked.keys() == proof_of_work.challenge(SECRET, 0)["parameters"].keys()


def web(option: str) -> str:
    """Returns a setting of the web server's command line."""
    return commands.WEB[commands.WEB.index(option) + 1]


def test_the_figures_of_the_document_are_the_codes() -> None:
    sentences = [
        f"at most {LARGEST_CALL // 1024} kB (413)",
        f"an address above {int(web('--limit-request-line')):,} characters (414)",
        f"above {int(web('--limit-request-field_size')):,} characters each, {web('--limit-request-fields')} in number",
        f"or {LARGEST_HEAD // 1024} kB together (431)",
        f"from 0 to {proof_of_work.MOST_TRIES:,}",
        "ten minutes" if proof_of_work.LIFE == 600 else "",
        f"`{PROBLEM}`",
        *(f"`{frequency}`" for frequency in Frequency),
    ]
    assert all(sentences)
    assert [sentence for sentence in sentences if sentence not in DOCUMENT] == []
