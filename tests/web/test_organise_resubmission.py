"""A visit that ends while somebody types: the text comes back after signing in, to the page where it was typed, and nowhere else."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from html.parser import HTMLParser

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError
from werkzeug.test import TestResponse

from petition import epochs, organisers
from petition.campaigns import Answer, Update, UpdateDraft, find
from petition.core import clock, db
from petition.organisers import sessions
from petition.organisers.approvals import ApprovalRequest
from petition.web.dashboard import access, resubmission
from petition.web.dashboard.access import COOKIE
from petition.web.sizes import LARGEST_FIELDS
from tests import make
from tests.support.accounts import renewed, with_passkey
from tests.support.authenticator import Device
from tests.support.omar import Omar, signed_in
from tests.support.suzie import fields, text

WORDS = {"text-en": "We <met> them & more.\nTwice.", "text-fr": "Nous les avons « rencontrés »."}
SAME = {"Origin": "http://localhost"}


class Forms(HTMLParser):
    """The forms of a page: where each posts to, and what it would send."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self._area = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {key: value or "" for key, value in attrs}
        if tag == "form":
            self.found.append((given.get("action", ""), {}))
        elif tag == "input" and given.get("name") and self.found:
            self.found[-1][1][given["name"]] = given.get("value", "")
        elif tag == "textarea" and given.get("name") and self.found:
            self._area = given["name"]
            self.found[-1][1][self._area] = ""

    def handle_data(self, data: str) -> None:
        if self._area:
            self.found[-1][1][self._area] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea" and self._area:
            sent = self.found[-1][1]
            sent[self._area] = sent[self._area].removeprefix("\n").replace("\n", "\r\n")
            self._area = ""


def form(page: TestResponse, action: str) -> dict[str, str]:
    return next(sent for where, sent in Forms(page.text).found if where.split("?")[0].endswith(action))


def ended(omar: Omar) -> tuple[str, list[str]]:
    """The token of a visit that ends now, and codes to come in again."""
    codes, token = renewed(omar), omar.token()
    with db.transaction() as session:
        sessions.end_all(session, omar.organiser_id)
    return token, codes


def back(omar: Omar, page: TestResponse, code: str) -> TestResponse:
    """Sign in on a page that asks for it, by the form that it has."""
    sent = form(page, "/sign-in") | {"name": "Omar", "code": code}
    return omar.client.post("/organise/sign-in", data=sent)


def goes_on(omar: Omar, page: TestResponse) -> TestResponse:
    """Press the button that sends the text again."""
    assert "Continue with what I typed" in page.text
    (where, sent) = next(each for each in Forms(page.text).found if access.SENT_AGAIN in each[1])
    return omar.client.post(unescape(where), data=sent)


def test_a_text_typed_into_a_visit_that_ended_comes_back_and_is_kept(omar: Omar) -> None:
    """P56."""
    token, codes = ended(omar)
    path = f"/organise/c/{omar.slug}/updates/new"
    page = omar.client.post(path, data={"token": token, "do": "save"} | WORDS)
    assert page.status_code == 401
    assert page.headers["Cache-Control"] == "no-store"
    assert "Your session has ended" in text(page)
    assert "What you typed is kept on this page" in text(page)
    wrong = back(omar, page, "1" * 16)
    assert wrong.status_code == 403
    again = back(omar, wrong, codes[0])
    assert again.headers["Set-Cookie"].startswith(f"{COOKIE}=")
    assert path in again.text
    done = goes_on(omar, again)
    assert done.status_code == 303
    with db.session() as session:
        kept = session.scalars(select(UpdateDraft)).one().text
    assert kept == {"en": WORDS["text-en"], "fr": WORDS["text-fr"]}


def test_it_comes_back_after_a_passkey_too(app: Flask, omar: Omar) -> None:
    device = Device()
    with_passkey(omar, device)
    token, _codes = ended(omar)
    page = omar.client.post(f"/organise/c/{omar.slug}/updates/new", data={"token": token} | WORDS)
    options = omar.client.post("/organise/sign-in/challenge").json
    assert isinstance(options, dict)
    sent = form(page, "/sign-in/passkey") | {"credential": device.ask(options)}
    again = omar.client.post("/organise/sign-in/passkey", data=sent)
    assert goes_on(omar, again).status_code == 303


def test_a_step_of_a_draft_comes_back_and_is_saved(app: Flask, slug: str) -> None:
    someone = signed_in(app, slug, None)
    someone.does("/organise/new", title="A letter", slug="our-letter", language="en", second="fr")
    token, codes = ended(someone)
    typed = {"addressee": "Chief Executive", "organisers_en": "Some of us.", "go": "domains"}
    page = someone.client.post("/organise/c/our-letter/draft/who", data={"token": token} | typed)
    done = goes_on(someone, back(someone, page, codes[0]))
    assert done.headers["Location"] == "/organise/c/our-letter/draft/domains"
    kept = fields(someone.sees("/organise/c/our-letter/draft/who"))
    assert (kept["addressee"], kept["organisers_en"]) == ("Chief Executive", "Some of us.")


def closed(omar: Omar) -> None:
    with db.transaction() as session:
        epochs.close_campaign(session, find(session, omar.slug), clock.now())
    how = {"how-en": "By hand", "how-fr": "En main propre"}
    assert omar.does("~/answer/delivery", delivered="2026-11-24", **how).status_code == 303


def test_an_answer_comes_back_as_a_form_for_it_would_be_public(omar: Omar) -> None:
    closed(omar)
    token, codes = ended(omar)
    typed = {"answered": "2026-11-24", "do": "save"} | WORDS
    page = omar.client.post(f"/organise/c/{omar.slug}/answer", data={"token": token} | typed)
    screen = goes_on(omar, back(omar, page, codes[0]))
    assert screen.status_code == 422
    assert "Nothing was done. Check it again" in text(screen)
    assert fields(screen)["text-en"].replace("\r\n", "\n") == WORDS["text-en"]
    with db.session() as session:
        assert session.scalar(select(func.count()).select_from(Answer)) == 0
    assert omar.does("~/answer", **typed).status_code == 303


@pytest.mark.parametrize("act", ["publish", "mail", "trial"])
def test_an_update_comes_back_as_a_form_and_is_not_published(omar: Omar, act: str) -> None:
    """P56."""
    at = omar.does("~/updates/new", **WORDS).headers["Location"]
    token, codes = ended(omar)
    typed = WORDS | {"text-en": "Better words.", "due": "", "mail_due": "", "address": "omar@post.example"}
    page = omar.client.post(f"{at}/{act}", data={"token": token} | typed)
    screen = goes_on(omar, back(omar, page, codes[0]))
    assert (screen.status_code, fields(screen)["text-en"]) == (422, "Better words.")
    with db.session() as session:
        assert session.scalar(select(func.count()).select_from(Update)) == 0
        assert session.scalar(select(func.count()).select_from(ApprovalRequest)) == 0


@pytest.mark.parametrize(
    ("path", "typed", "shown"),
    [
        ("settings/translation", {"language": "de", "title": "Ein Brief", "markdown": "Guten Tag."}, "Guten Tag."),
        ("settings/closing", {"closes_at": "2099-01-01T10:00"}, "2099-01-01T10:00"),
        ("settings/domains", {"domain": "other.example"}, "other.example"),
        ("demands/1", {"state-1": "met", "day-1": "2026-11-20", "source-1": "https://news.example/"}, "news.example"),
        ("milestones", {"kind": "count", "value": "4321"}, "4321"),
    ],
)
def test_what_others_would_see_comes_back_as_a_form(omar: Omar, path: str, typed: dict[str, str], shown: str) -> None:
    token, codes = ended(omar)
    page = omar.client.post(f"/organise/c/{omar.slug}/{path}", data={"token": token} | typed)
    screen = goes_on(omar, back(omar, page, codes[0]))
    assert (screen.status_code, shown in screen.text) == (422, True)


def test_a_text_waits_while_an_old_sign_in_is_proved_again(app: Flask, slug: str) -> None:
    with time_machine.travel(make.NOW, tick=True) as watch:
        omar = signed_in(app, slug)
        codes = renewed(omar)
        at = omar.does("~/updates/new", **WORDS).headers["Location"]
        watch.shift(timedelta(minutes=11))
        page = omar.does(f"{at}/mail", **(WORDS | {"text-en": "Better words."}))
        assert page.status_code == 401
        assert "What you typed is kept on this page" in text(page)
        sent = form(page, "/confirm") | {"code": codes[0]}
        again = omar.client.post("/organise/confirm", data=sent)
        screen = goes_on(omar, again)
        assert (screen.status_code, fields(screen)["text-en"]) == (422, "Better words.")


def test_a_form_that_is_older_than_the_sign_in_comes_back(omar: Omar) -> None:
    old = omar.token()
    with db.transaction() as session:
        link = organisers.let_in(session, omar.organiser_id, clock.now())
    omar.client.post(f"/organise/enter/{link}")
    path = f"/organise/c/{omar.slug}/updates/new"
    refused = omar.client.post(path, data={"token": old} | WORDS)
    assert (refused.status_code, "&lt;met&gt;" in refused.text) == (403, False)
    page = omar.client.post(path, data={"token": old} | WORDS, headers=SAME)
    assert page.status_code == 403
    assert goes_on(omar, page).status_code == 303


def test_nothing_from_elsewhere_is_shown_or_carried(app: Flask, omar: Omar) -> None:
    path = f"/organise/c/{omar.slug}/updates/new"
    stranger = app.test_client()
    for headers in ({}, {"Origin": "https://mallory.example"}, {"Sec-Fetch-Site": "cross-site"}):
        answer = stranger.post(path, data={"token": "0" * 64} | WORDS, headers=headers)
        assert answer.status_code in {303, 403}
        assert "&lt;met&gt;" not in answer.text
    token, _codes = ended(omar)
    sealed = form(omar.client.post(path, data={"token": token} | WORDS), "/sign-in")["resubmission"]
    mac, _, body = sealed.partition(".")
    for forged in ("0" * 64 + "." + body, mac + "." + body.replace("more", "mallory"), "", ".", "x", "é.é"):
        answer = omar.client.post("/organise/sign-in", data={"name": "Omar", "code": "1", "resubmission": forged})
        assert "mallory" not in answer.text
        assert 'name="resubmission"' not in answer.text


@pytest.mark.parametrize(
    "path", ["https://mallory.example/", "//mallory.example", "/c/letter/sign", "/organise/nothing"]
)
def test_it_leads_to_an_address_of_the_dashboard_only(app: Flask, path: str) -> None:
    with app.test_request_context("/organise"):
        assert resubmission.read(resubmission.Resubmission(path, (("a", "b"),)).sealed()) is None
        assert resubmission.read(resubmission.Resubmission("/organise/new", (("a", "b"),)).sealed())


def test_a_text_that_is_too_long_for_the_page_says_so(omar: Omar) -> None:
    token, _codes = ended(omar)
    page = omar.client.post(
        f"/organise/c/{omar.slug}/updates/new", data={"token": token, "text-en": "x" * (LARGEST_FIELDS + 1)}
    )
    assert page.status_code == 401
    assert "Go back in your browser" in text(page)
    assert "x" * 100 not in page.text


def test_a_long_text_of_any_script_comes_through(omar: Omar) -> None:
    token, codes = ended(omar)
    long = {"text-en": '"\\é' * 6_000, "text-fr": "字" * 20_000}
    page = omar.client.post(f"/organise/c/{omar.slug}/updates/new", data={"token": token} | long)
    assert goes_on(omar, back(omar, page, codes[0])).status_code == 303


def test_secrets_are_never_carried(omar: Omar) -> None:
    token, _codes = ended(omar)
    for path in ("/organise/confirm", "/organise/account/passkeys", "/organise/account/language"):
        answer = omar.client.post(path, data={"token": token, "code": "abcd-efgh-ijkl", "passkey": "My telephone"})
        assert answer.status_code == 303
        assert 'name="resubmission"' not in answer.text
        assert "abcd-efgh" not in answer.text


def test_a_page_that_is_asked_for_says_why_it_asks_to_sign_in(client: FlaskClient, omar: Omar) -> None:
    ended(omar)
    page = omar.client.get(omar.sees("~").headers["Location"])
    assert "Your session has ended" in text(page)
    assert "Your session has ended" not in text(client.get("/organise/sign-in"))
    assert "Sign in to continue to the page you wanted." in text(client.get("/organise/sign-in?next=/organise/new"))


def test_the_page_that_ends_a_visit_speaks_its_language(app: Flask, slug: str) -> None:
    with time_machine.travel(make.NOW, tick=True) as watch:
        omar = signed_in(app, slug)
        codes = renewed(omar)
        omar.does("/organise/account/language", lang="fr")
        token = omar.token()
        watch.shift(timedelta(minutes=31))
        page = omar.client.post(f"/organise/c/{slug}/updates/new", data={"token": token} | WORDS)
        assert "Votre session est terminée" in unescape(page.text)
        again = back(omar, page, codes[0])
        assert "Continuer avec ma saisie" in again.text


@pytest.mark.parametrize(
    ("asked", "led"),
    [
        ("/organise/c/a/updates/00ff/publish", "/organise/c/a/updates/00ff"),
        ("/organise/c/a/draft/demands/2", "/organise/c/a/draft/demands"),
        ("/organise/c/a/settings/translation", "/organise/c/a/settings"),
        ("/organise/account/codes", "/organise/account"),
        ("/organise/c/a/removals/new?first=1", "/organise/c/a/removals/new?first=1"),
        ("/organise/c/a/removals/new/preview", "/organise/c/a/removals/new"),
        ("/organise/nothing/at/all", "/organise"),
    ],
)
def test_after_signing_in_nobody_is_led_to_an_address_that_only_takes_posts(app: Flask, asked: str, led: str) -> None:
    with app.test_request_context("/organise"):
        assert access.next_page(asked) == led


def away(*_given: object, **_named: object) -> None:
    raise OperationalError("SELECT", None, ConnectionError("away"))


def test_while_the_database_is_away_the_text_stands_on_the_page(omar: Omar, monkeypatch: pytest.MonkeyPatch) -> None:
    token, path = omar.token(), f"/organise/c/{omar.slug}/updates/new"
    monkeypatch.setattr(db, "is_away", lambda _error: True)
    with monkeypatch.context() as broken:
        broken.setattr(sessions, "find", away)
        page = omar.client.post(path, data={"token": token} | WORDS)
    assert page.status_code == 503
    assert page.headers["Retry-After"]
    sent = form(page, "/updates/new")
    assert "Send it again" in page.text
    assert omar.client.post(path, data=sent).status_code == 303


def test_what_cannot_be_read_says_that_the_browser_still_has_it(omar: Omar) -> None:
    page = omar.client.post(f"/organise/c/{omar.slug}/updates/new", data={"text-en": "x" * (access.LARGEST_FORM + 1)})
    assert page.status_code == 413
    assert "is still there when you go back" in text(page)


def test_a_text_for_a_letter_that_was_opened_meanwhile_stands_on_the_page_that_says_so(omar: Omar) -> None:
    words = "The words that somebody typed for an hour."
    page = omar.does("~/draft/letter/en", title="A letter", markdown=words)
    assert (page.status_code, words in page.text) == (409, True)
    assert re.search(r"<textarea readonly", page.text)
