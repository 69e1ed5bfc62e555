"""Pages are HTML that a checker accepts; those of the dashboard are looked at by every walk (`tests/support/crawl.py`)."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from tests.support import html_rules
from tests.support.suzie import Suzie

PAGES = (
    "",
    "/signers",
    "/signers?q=a",
    "/count",
    "/checkpoints",
    "/sign",
    "/change",
    "/receipt",
    "/embed",
    "/legal",
    "/subscribe",
    "/nothing",
)


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_public_pages_break_no_rule_of_html(client: FlaskClient, slug: str, lang: str) -> None:
    paths = [f"/c/{slug}{page}" for page in PAGES] + [
        "/safety",
        "/seizure",
        "/nothing",
        "/mail/settings/none",
        "/dev/inbox",
    ]
    asked = {path: client.get(f"{path}{'&' if '?' in path else '?'}lang={lang}") for path in paths}
    found = {path: html_rules.faults(answer.text) for path, answer in asked.items() if answer.mimetype == "text/html"}
    assert len(found) > 12
    assert {path: faults for path, faults in found.items() if faults} == {}


def test_the_pages_of_signing_and_changing_break_no_rule_of_html(suzie: Suzie) -> None:
    receipt = suzie.signs(show="name", name="Suzie Example", comment="Yes")
    pages = {
        "code refused": suzie.post("verify", address="nobody@elsewhere.example"),
        "sign refused": suzie.post("sign", **{"pass": "x"}),
        "receipt": suzie.post("receipt", receipt=receipt),
        "no receipt": suzie.post("receipt", receipt="x"),
        "change": suzie.post("change", receipt=receipt),
        "amend refused": suzie.post("amend", receipt=receipt, show="name", name=""),
        "amended": suzie.post("amend", receipt=receipt, show="anonymous"),
        "subscribe refused": suzie.post("subscribe", address="x"),
        "withdrawn": suzie.post("withdraw", receipt=receipt),
    }
    found = {name: html_rules.faults(answer.text) for name, answer in pages.items() if answer.mimetype == "text/html"}
    assert len(found) == len(pages)
    assert {name: faults for name, faults in found.items() if faults} == {}


@pytest.mark.parametrize(
    ("html", "fault"),
    [
        ('<input required="True">', "<input required=True>"),
        ('<input type="file" value="">', "<input type=file value>"),
        ('<p id="a"></p><p id="a"></p>', "two elements have the id a"),
        ("<ul><p></p></ul>", "<p> in <ul>"),
        ("<p><div></div></p>", "<div> in <p>"),
        ("<a href=x><button></button></a>", "<button> to be pressed in another"),
        ("<p>", "<p> does not end"),
        ('<label for="b"></label>', "for names 'b', which is not there"),
        ('<p class="a" class="b"></p>', "<p> has class twice"),
    ],
)
def test_each_rule_finds_its_fault(html: str, fault: str) -> None:
    assert html_rules.faults(f"<!doctype html>{html}") == [fault]
    assert html_rules.faults("<!doctype html><p>Fine</p>") == []
