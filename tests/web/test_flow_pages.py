"""Signing, the receipt, going back on it: every page has the way out, and its tab and history tell nothing."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from petition.web.flow import ADDRESS, BLUEPRINTS
from tests.support.suzie import SUZIE, Suzie, fields, found_by

EXIT = '<a id="exit" href="/leave" rel="noreferrer">'


def quiet(page: TestResponse) -> str:
    """The title of a page that has the way out, a neutral icon and a script for the way out."""
    assert page.text.count(EXIT) == 1, page.text
    assert re.search(r'<link rel="icon"[^>]*/plain\.svg">', page.text)
    assert re.search(r'src="[^"]*/js/(page|sign|receipt|change)\.js"', page.text)
    assert '<meta name="robots" content="noindex">' in page.text
    found = re.search(r"<title>(.*?)</title>", page.text)
    assert found
    return found[1]


@pytest.mark.parametrize(
    ("lang", "title", "mend"), [("en", "Form", "Error: Form"), ("fr", "Formulaire", "Erreur\u202f: Formulaire")]
)
def test_every_page_of_signing_has_the_way_out_and_a_title_that_says_nothing(
    suzie: Suzie, lang: str, title: str, mend: str
) -> None:
    suzie.lang = lang
    kept = suzie.gets_a_pass()
    wrong = suzie.asks_for_a_code() | {"code": "1"}
    receipt = fields(suzie.post("sign", **{"pass": kept, "show": "anonymous"}))["receipt"]
    seen = [
        (suzie.get("sign"), title),
        (suzie.client.get(f"/c/{suzie.slug}/sign?have=pass&lang={lang}"), title),
        (suzie.post("verify", address="suzie@elsewhere.example"), mend),
        (suzie.post("verify", address=SUZIE), title),
        (suzie.post("pass", **wrong), mend),
        (suzie.post("sign", **{"pass": kept, "show": "anonymous"}), mend),
        (suzie.post("sign", **{"pass": "x", "show": "name"}), mend),
        (suzie.post("check", **{"pass": kept, "show": "name"}), mend),
        (suzie.post("check", **{"pass": kept, "show": "anonymous"}), title),
        (suzie.post("step", receipt=receipt), title),
        (suzie.post("step", address=SUZIE), title),
        (suzie.get("receipt"), title),
        (suzie.post("receipt", receipt=receipt), title),
        (suzie.post("receipt", receipt="cut"), mend),
        (suzie.get("change"), title),
        (suzie.post("change", receipt="cut"), mend),
        (suzie.post("change", receipt=receipt), title),
        (suzie.post("offer", hw="cut"), mend),
        (suzie.post("offer", **found_by(receipt)), title),
        (suzie.post("amend", receipt=receipt, show="name"), mend),
        (suzie.post("amend", receipt=receipt, show="anonymous"), title),
        (suzie.post("hide", receipt=receipt), title),
        (suzie.post("withdraw", receipt=receipt), title),
        (suzie.get("subscribe"), title),
        (suzie.post("subscribe", address=SUZIE), mend),
    ]
    assert [quiet(page) for page, _ in seen] == [said for _, said in seen]


@pytest.mark.parametrize(
    "page", ["sign", "verify", "pass", "receipt", "receipt.json", "change", "offer", "withdraw", "hide", "subscribe"]
)
def test_an_error_inside_the_flow_is_like_the_rest_of_it(client: FlaskClient, slug: str, page: str) -> None:
    assert quiet(client.post(f"/c/nothing/{page}", data={})) == "Form"
    assert quiet(client.delete(f"/c/{slug}/{page}")) == "Form"
    assert quiet(client.post(f"/c/{slug}/{page}", data={"pass": "x" * 2_000_000})) in {"Form", "Error: Form"}


def test_an_error_elsewhere_says_in_its_title_what_it_is(client: FlaskClient, slug: str) -> None:
    page = client.get("/c/nothing")
    assert ("<title>No such campaign – Undersigned</title>" in page.text, EXIT in page.text) == (True, False)


def test_every_address_of_the_flow_is_known_as_one(app: Flask) -> None:
    rules = {
        rule.rule.replace("<slug>", "a")
        for rule in app.url_map.iter_rules()
        if rule.endpoint.partition(".")[0] in BLUEPRINTS
    }
    assert rules
    assert [rule for rule in rules if not ADDRESS.fullmatch(rule)] == []


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_the_advice_before_signing_names_neither_signing_nor_the_site_in_its_title(
    client: FlaskClient, lang: str
) -> None:
    page = client.get(f"/safety?lang={lang}").text
    assert f"<title>{'Before you start' if lang == 'en' else 'Avant de commencer'}</title>" in page
    assert (page.count(EXIT), page.count("/plain.svg"), page.count("/js/page.js")) == (1, 1, 1)
