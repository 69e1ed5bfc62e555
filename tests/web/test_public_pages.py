"""What Rita reads: the letter, its signers, its count; the same for everybody, and nothing that unmasks."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from html import unescape

import pytest
from flask import Flask
from flask.testing import FlaskClient

from petition import campaigns, epochs
from petition.campaigns import CampaignState
from petition.campaigns.milestones import MilestoneKind
from petition.config import Config, Environment
from petition.core import db
from petition.mail import InboxPostbox, Message, inbox_folder
from petition.privacy.data_elsewhere import FILES, KEYS
from petition.privacy.data_map import DATA_MAP
from petition.web.app import build
from petition.web.headers import MAIL_POLICY
from tests import make
from tests.support.public_pages import forget, published, text_of

PAGES = ("", "/signers", "/count")


def test_the_only_letter_is_the_front_page(client: FlaskClient, slug: str) -> None:
    answer = client.get("/")
    assert (answer.status_code, answer.headers["Location"]) == (302, f"/c/{slug}")
    assert client.get("/?lang=fr").headers["Location"] == f"/c/{slug}?lang=fr"
    assert client.get("/?lang=//mallory.example").headers["Location"] == f"/c/{slug}"


def test_several_letters_make_a_list_and_none_says_so(client: FlaskClient, app: Flask) -> None:
    assert "No letter is public yet." in text_of(client.get("/").text)
    with db.transaction() as session:
        slugs = [make.campaign(session).slug for _ in range(2)]
    forget(app)
    assert re.findall(r'<h2[^>]*><a href="/c/([^"]+)"', client.get("/").text) == sorted(slugs)


def test_the_letter_is_told_in_the_order_of_a_printed_one(client: FlaskClient) -> None:
    slug = published(named=2, anonymous=3, goals=((MilestoneKind.COUNT, 3), (MilestoneKind.COUNT, 10)))
    page = client.get(f"/c/{slug}").text
    marks = [
        "Open for signatures", "<h1", "To <b>Chief Executive</b>", 'data-figure="5"', "<rect",
        "5 more signatures reach the next milestone, 10.", "Answer us.", "No answer yet", 'class="button"',
        "please answer.", "How it is counted", "Open until", "Milestone: 3 signatures.", "Suzie0 Example",
        "and 3 verified employees who stay anonymous",
    ]  # fmt: skip
    places = [page.find(mark) for mark in marks]
    assert -1 not in places
    assert places == sorted(places)


def test_a_count_below_the_least_is_not_told_and_says_why(client: FlaskClient) -> None:
    slug = published(named=2, anonymous=2, public_min=5)
    for page in (client.get(f"/c/{slug}{path}").text for path in PAGES):
        assert "The count is shown from 5 signatures on." in text_of(page)
        assert "Suzie" not in page
        assert "data-figure" not in page
        assert "anonymous</" not in page


def test_a_letter_that_is_closed_has_a_sentence_instead_of_a_button(client: FlaskClient) -> None:
    slug = published(anonymous=1)
    with db.transaction() as session:
        epochs.change(session, campaigns.find(session, slug), CampaignState.CLOSED, make.NOW)
    page = client.get(f"/c/{slug}").text
    assert "This letter is closed and accepts no more signatures." in text_of(page)
    assert f'/c/{slug}/sign"' not in page


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_the_same_for_everybody_and_may_be_kept(client: FlaskClient, path: str) -> None:
    slug = published(named=1)
    first = client.get(f"/c/{slug}{path}")
    second = client.get(
        f"/c/{slug}{path}?utm_source=x",
        headers={"Cookie": "a=b", "Accept-Language": "fr", "X-Forwarded-Host": "mallory.example"},
    )
    assert first.data == second.data
    assert first.headers["Cache-Control"].startswith("public")
    assert "Set-Cookie" not in first.headers
    assert client.get(f"/c/{slug}{path}", headers={"If-None-Match": first.headers["ETag"]}).status_code == 304


def test_a_page_says_where_it_is_and_in_which_languages(client: FlaskClient, slug: str) -> None:
    page = client.get(f"/c/{slug}?lang=fr").text
    assert '<html lang="fr">' in page
    assert f'<link rel="canonical" href="http://localhost/c/{slug}?lang=fr">' in page
    assert f'hreflang="en" href="http://localhost/c/{slug}">' in page
    assert f'hreflang="fr" href="http://localhost/c/{slug}?lang=fr">' in page
    assert f'<meta property="og:url" content="http://localhost/c/{slug}?lang=fr">' in page
    assert '<meta property="og:title" content="Une lettre">' in page
    assert f'href="/c/{slug}/sign?lang=fr"' in page


def test_an_unknown_letter_is_a_page_in_the_same_clothes(client: FlaskClient) -> None:
    answer = client.get("/c/nothing")
    assert answer.status_code == 404
    assert "There is no campaign with this name here." in text_of(answer.text)
    assert 'class="masthead' in answer.text


def test_names_are_found_by_search_and_the_search_is_not_kept(client: FlaskClient) -> None:
    slug = published(named=3, anonymous=1)
    found = client.get(f"/c/{slug}/signers?q=suzie1")
    assert names_of(found.text) == ["Suzie1 Example"]
    assert found.headers["Cache-Control"] == "no-store"
    assert '<meta name="robots" content="noindex">' in found.text
    assert sorted(names_of(client.get(f"/c/{slug}/signers").text)) == [f"Suzie{n} Example" for n in range(3)]


@pytest.mark.parametrize("q", ["\x00", "%", "_", "'; --", "<script>", "x" * 5000, "\u202e", "٣"])
def test_a_hostile_search_finds_nothing_and_breaks_nothing(client: FlaskClient, q: str) -> None:
    slug = published(named=1)
    page = client.get(f"/c/{slug}/signers", query_string={"q": q})
    assert page.status_code == 200
    assert "<script>" not in page.text
    assert names_of(page.text) in ([], ["Suzie0 Example"])


@pytest.mark.parametrize("page", ["0", "-1", "2", "999999999999999999999", "x", "1e9", "9" * 5000])
def test_a_page_that_does_not_exist_is_the_nearest(client: FlaskClient, page: str) -> None:
    slug = published(named=1)
    assert names_of(client.get(f"/c/{slug}/signers?page={page}").text) == ["Suzie0 Example"]


def test_the_101st_name_stands_on_the_second_page(client: FlaskClient) -> None:
    slug = published(named=101)
    pages = [client.get(f"/c/{slug}/signers?page={page}").text for page in (1, 2)]
    assert [len(names_of(page)) for page in pages] == [100, 1]
    assert len({name for page in pages for name in names_of(page)}) == 101
    assert 'rel="next"' in pages[0]
    assert 'rel="prev"' in pages[1]
    assert len(names_of(client.get(f"/c/{slug}").text)) == 100


def test_a_role_of_nine_is_counted_among_the_anonymous(client: FlaskClient) -> None:
    slug = published(roles={"Engineer": 10, "Designer": 9}, anonymous=1)
    letter, signers = (client.get(f"/c/{slug}{path}").text for path in ("", "/signers"))
    assert re.findall(r"<li><span>(\w+)</span> <b>(\d+)[+]</b>", letter) == [("Engineer", "10")]
    assert groups_of(signers) == [("Engineer", "10")]
    for page in (letter, signers):
        assert "and 10 verified employees who stay anonymous" in text_of(page)
        assert "Designer" not in page


def test_before_there_are_groups_of_ten_the_page_says_when_there_are(client: FlaskClient) -> None:
    slug = published(roles={"Engineer": 9}, anonymous=1)
    page = text_of(client.get(f"/c/{slug}/signers").text)
    assert "No role is shown here yet. A role is shown when ten people show it without a name." in page
    assert "No team is shown here yet." in page


@pytest.fixture
def with_roles(client: FlaskClient) -> str:
    """A campaign with two roles, neither of which has a round number."""
    return published(roles={"Engineer": 17, "Designer": 13}, anonymous=10, teams={})


def test_groups_are_rounded_on_the_page(client: FlaskClient, with_roles: str) -> None:
    assert groups_of(client.get(f"/c/{with_roles}/signers").text) == [("Engineer", "15"), ("Designer", "10")]


def test_groups_are_told_by_the_calls_as_on_the_page(client: FlaskClient, with_roles: str) -> None:
    assert client.get(f"/api/campaigns/{with_roles}/breakdown").json == {
        "by": [
            {"kind": "role", "cells": [{"value": "Engineer", "n": 15}, {"value": "Designer", "n": 10}], "other": False},
            {"kind": "team", "cells": [], "other": False},
        ],
        "rounded_to": 5,
        "least": 10,
        "epoch": 1,
    }
    signers = client.get(f"/api/campaigns/{with_roles}/signers").json
    assert (signers["roles"][0], signers["anonymous"]) == ({"role": "Engineer", "n": 15}, 15)


def test_the_integrity_report_adds_up(client: FlaskClient) -> None:
    slug = published(named=2, anonymous=3, unused=4)
    page = client.get(f"/c/{slug}/count").text
    rows = re.findall(r'<th scope="row">([^<]+)</th><td>(\d+)</td>', page)
    assert rows == [
        ("Passes issued", "9"),
        ("by a code sent to a work address", "9"),
        ("not used so far", "4"),
        ("Signatures made", "5"),
        ("withdrawn by the signer", "0"),
        ("removed by the organisers", "0"),
        ("Signatures counted", "5"),
        ("shown by name", "2"),
        ("shown by role", "0"),
        ("anonymous", "3"),
    ]
    assert f'href="/c/{slug}/bundle.zip"' in page
    assert 'href="/verify.py"' in page


def test_the_root_is_written_as_the_script_prints_it(client: FlaskClient) -> None:
    slug = published(named=1)
    root = client.get(f"/c/{slug}/checkpoint").text.splitlines()[2]
    assert f"<code>{root}</code>" in unescape(client.get(f"/c/{slug}/count").text)
    assert f"ledger root {root}</p>" in unescape(client.get(f"/c/{slug}").text)


def test_nothing_is_offered_to_recount_before_the_count_is_public(client: FlaskClient) -> None:
    slug = published(named=1, public_min=5)
    assert client.get(f"/c/{slug}/bundle.zip").status_code == 404
    page = client.get(f"/c/{slug}/count").text
    assert ("bundle.zip" in page, "Entries in the ledger" in page, "Key that signs it" in page) == (False, False, True)


def test_a_seizure_is_told_column_by_column(client: FlaskClient) -> None:
    page = client.get("/seizure").text
    told = set()
    for table, columns in re.findall(r"<p><b>([^<]+)</b> ([^<]+)</p>", page):
        told |= {f"{table}.{column}".replace("\u200b", "") for column in columns.split(", ")}
    assert told == {column.removeprefix("public.") for column in DATA_MAP}
    elsewhere = re.findall(r"<p><b>([^<]+)</b></p><p>", page)
    assert elsewhere == [row.names.replace("*", "…") for row in (*KEYS, *FILES)]


@pytest.mark.parametrize(("path", "words"), [("/safety", "Use your own device"), ("/seizure", "No list of signers")])
def test_pages_about_safety_may_be_kept_too(client: FlaskClient, path: str, words: str) -> None:
    page = client.get(path)
    assert words in page.text
    assert page.headers["Cache-Control"].startswith("public")
    assert client.get(f"{path}?lang=fr").text.count('<html lang="fr">') == 1


def test_the_way_out_tells_the_other_site_nothing(client: FlaskClient) -> None:
    assert '<a id="exit" href="/leave" rel="noreferrer">' in client.get("/safety").text
    left = client.get("/leave").headers
    assert (left["Location"], left["Referrer-Policy"]) == ("https://duckduckgo.com/", "same-origin")


def test_the_inbox_shows_the_newest_mail_first_and_its_code(client: FlaskClient, config: Config) -> None:
    assert "No mail yet." in client.get("/dev/inbox").text
    postbox = InboxPostbox(inbox_folder(config))
    for minute, code in enumerate(["1234 5678", "8765 4321"]):
        postbox.send(a_mail(f"Your code: {code}", datetime(2026, 11, 24, 9, minute, tzinfo=UTC)))
    page = client.get("/dev/inbox")
    assert re.findall(r'<p class="code"[^>]*><code>(\d+)</code>', page.text) == ["87654321", "12345678"]
    assert page.headers["Cache-Control"] == "no-store"


def test_a_mail_is_seen_as_it_looks_and_can_do_nothing(client: FlaskClient, config: Config) -> None:
    mail = a_mail("See http://localhost/c/letter?a=1&b=2. <script>", datetime(2026, 11, 24, 9, 0, tzinfo=UTC))
    html = '<p style="color: red"><a href="http://localhost/c/letter">Letter</a><script>alert(1)</script></p>\n'
    InboxPostbox(inbox_folder(config)).send(replace(mail, html=html))
    page = client.get("/dev/inbox").text
    assert '<a href="http://localhost/c/letter?a=1&amp;b=2">http://localhost/c/letter?a=1&amp;b=2</a>.' in page
    assert "&lt;script&gt;" in page
    found = re.search(r'href="(/dev/inbox/[^"]+)"', page)
    assert found
    seen = client.get(found[1])
    policy = seen.headers.getlist("Content-Security-Policy")
    assert (seen.text, policy, seen.headers["Cache-Control"]) == (html, [MAIL_POLICY], "no-store")
    assert client.get("/dev/inbox/..%2f..%2fsecret").status_code == 404


def test_production_has_no_inbox(config: Config) -> None:
    built = build(replace(config, env=Environment.PRODUCTION))
    for path in ("/dev/inbox", "/dev/inbox/x"):
        answer = built.test_client().get(path)
        assert (answer.status_code, "unsafe-inline" in answer.headers["Content-Security-Policy"]) == (404, False)
    db.disconnect()


def groups_of(page: str) -> list[tuple[str, str]]:
    """Each group of the breakdown and its figure."""
    return re.findall(r'<th scope="row">(\w+)\s*<svg.*?<td>(\d+)[+]</td>', page, re.DOTALL)


def a_mail(words: str, date: datetime) -> Message:
    """A code mail."""
    return Message(
        to="suzie@corp.example",
        sender="codes@post.example",
        subject="Your code",
        text=words,
        html="",
        lang="en",
        message_id=f"<{date:%M}@post.example>",
        date=date,
    )


def names_of(page: str) -> list[str]:
    """The names in a page's list of signers."""
    listed = re.search(r'<ul class="names">(.*?)</ul>', page, re.DOTALL)
    return re.findall(r"<li>([^<]+?)\s*<", listed[1]) if listed else []
