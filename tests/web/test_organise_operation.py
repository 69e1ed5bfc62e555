"""The page "Operation": owners read a word for each check of the last day, and no host, version or sentence."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from flask import Flask

from petition.config import Config, Environment
from petition.core import clock, db
from petition.operation import CHECKS, Finding, Verdict, results
from petition.organisers import Role
from petition.web.services import Services
from tests.support.omar import Omar, signed_in

FOUND = [
    Finding(Verdict.OK, "PostgreSQL 18.1 at db.internal.example answers.", "database"),
    Finding(Verdict.FAULT, "smtp://relay.example refuses.", "relay"),
    Finding(Verdict.OK, "Fine.", "spf", "letters.example"),
    Finding(Verdict.WARNING, "Not named: 203.0.114.7.", "spf", "accounts.example"),
]


def keep(found: list[Finding], ago: timedelta = timedelta(minutes=5)) -> None:
    with db.transaction() as session:
        results.record(session, found, clock.now() - ago)


def rows(text: str) -> list[tuple[str, str]]:
    found = re.findall(r"<tr><td>(.+?)</td><td class=\"\w+\">(.+?)</td></tr>", text)
    return [(title.replace("&#39;", "'"), word) for title, word in found]


def test_owners_read_the_worst_of_each_check_first(omar: Omar) -> None:
    keep(FOUND)
    page = omar.sees("~/operation").text
    assert rows(page) == [
        ("Mail server: connection, TLS, sign-in", "fault"),
        ("Sender’s domain: who may send (SPF)", "warning"),
        ("Database: version", "OK"),
    ]
    assert re.search(r"Checked 5\D{1,20} ago", page)
    assert [
        word
        for word in ("18.1", "internal", "relay.example", "letters.example", "accounts.example", "203.0")
        if word in page
    ] == []


def test_the_page_is_in_french_too(omar: Omar) -> None:
    keep(FOUND)
    page = omar.sees("~/operation?lang=fr").text
    assert [word for _, word in rows(page)] == ["défaut", "avertissement", "OK"]
    assert "Exploitation" in page


@pytest.mark.parametrize("role", [each for each in Role if each is not Role.OWNER])
def test_others_than_owners_do_not_see_it(app: Flask, slug: str, role: Role) -> None:
    keep(FOUND)
    someone = signed_in(app, slug, role, "Mallory")
    assert someone.sees("~/operation").status_code == 403
    assert "/operation" not in someone.sees("~").text


def test_a_new_run_replaces_the_one_before_and_unknown_names_are_left_out(omar: Omar) -> None:
    keep([*FOUND, Finding(Verdict.OK, "x", "a check of a later version")])
    assert len(rows(omar.sees("~/operation").text)) == 3
    keep([Finding(Verdict.OK, "x", each.name) for each in CHECKS])
    assert [word for _, word in rows(omar.sees("~/operation").text)] == ["OK"] * len(CHECKS)


def test_an_old_run_is_called_old(omar: Omar) -> None:
    keep(FOUND, timedelta(hours=27))
    assert "more than a day old" in omar.sees("~/operation").text


def test_before_the_first_run_the_page_says_when_there_will_be_one(
    omar: Omar, parts: Services, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A demonstration is never checked by itself, and the page does not look as if it had been."""
    assert "This is a demonstration: nothing is checked by itself" in omar.sees("~/operation").text
    production = replace(config, env=Environment.PRODUCTION)
    monkeypatch.setattr("petition.web.dashboard.operation.services", lambda: replace(parts, config=production))
    assert "Nothing was checked yet" in omar.sees("~/operation").text
