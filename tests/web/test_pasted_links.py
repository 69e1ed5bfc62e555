"""Links as people paste them lead to the page that they mean, and never to another site."""

from __future__ import annotations

from urllib.parse import quote, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from petition import organisers
from petition.core import clock, db
from petition.web.pasted_links import meant
from tests.support.omar import signed_in

ENDS = (
    "/",
    ".",
    ",",
    ")",
    ">",
    "»",
    ";",
    ":",
    "!",
    "?",
    "…",
    "”",
    "’",
    "'",
    '"',
    "].",
    ")/",
    "%20",
    "\u00a0»",
    "**",
    "_",
    "\u200b",
    "//",
    "、",
    "。",
)


@pytest.mark.parametrize("end", ENDS)
def test_what_stands_after_a_link_is_left_out(client: FlaskClient, slug: str, end: str) -> None:
    for page in ("", "/signers", "/count", "/sign"):
        answer = client.get(f"/c/{slug}{page}{quote(end, safe='/%')}")
        assert (answer.status_code, answer.headers["Location"]) == (302, f"/c/{slug}{page}")
        assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("change", [str.upper, str.title])
def test_capitals_do_not_matter(client: FlaskClient, slug: str, change: object) -> None:
    answer = client.get(change(f"/c/{slug}/signers") + "/?lang=fr")  # type: ignore[operator]
    assert (answer.status_code, answer.headers["Location"]) == (302, f"/c/{slug}/signers?lang=fr")


def test_the_front_of_a_link_may_have_two_slashes(client: FlaskClient, slug: str) -> None:
    assert client.get(f"/c//{slug}").headers["Location"].endswith(f"/c/{slug}")


@pytest.mark.parametrize(
    "path", ["/c/nothing/", "/c/nothing.", "/c/LETTERS", "/c/", "/c/.", "/nothing.", "/static/.", "/c/{slug}/nothing)"]
)
def test_what_leads_nowhere_stays_not_found(client: FlaskClient, slug: str, path: str) -> None:
    assert client.get(path.format(slug=slug)).status_code == 404


def test_only_a_get_is_led_on(client: FlaskClient, slug: str) -> None:
    assert client.post(f"/c/{slug}/subscribe.", data={"address": "suzie@example.org"}).status_code == 404


def test_the_link_of_an_invitation_keeps_its_capitals(app: Flask, client: FlaskClient, slug: str) -> None:
    omar = signed_in(app, slug)
    with db.transaction() as session:
        link = organisers.let_in(session, omar.organiser_id, clock.now())
    for end in (".", ")", ">", "%20", "/"):
        answer = client.get(f"/organise/enter/{link}{end}")
        assert (answer.status_code, answer.headers["Location"]) == (302, f"/organise/enter/{link}")
    assert client.get(f"/organise/enter/{link}").status_code == 200


@given(st.text(alphabet="/c\\.:@aA-%?#é\n\t)mailorgns", max_size=30))
def test_no_path_leads_to_another_site(rest: str) -> None:
    found = meant(f"/{rest}")
    assert found == f"/{rest}" or (
        found[:1] == "/" and urlsplit(found[:2]).netloc == "" and found[1:2] not in {"/", "\\"}
    )
    assert meant(found) == found
