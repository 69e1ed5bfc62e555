"""Asking for mail, confirming, choosing, leaving: by pages, by calls, by machines that follow links."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser
from sqlalchemy import delete, select

from petition.core import clock, db
from petition.core.redis_store import RedisStore
from petition.mailing import subscribers
from petition.mailing.subscribers import Audience, Frequency, Purpose, Report, Subscriber, SubscriberState, Trouble
from petition.publication import Publication
from petition.web.services import Services
from tests import make
from tests.support.reader import ADDRESS, Reader, everything, subscriber
from tests.support.served import served
from tests.support.suzie import fields, mistakes, text

WORK = "This is a work address: your employer can read the mail that arrives there. Use a personal one."
PURPOSES = list(Purpose)


def seen(answer: Any) -> tuple[object, ...]:
    """All that somebody outside can tell."""
    return answer.status_code, list(answer.headers), answer.data


def test_the_answer_is_the_same_for_new_known_and_suppressed_addresses(reader: Reader) -> None:
    """P30."""
    reader.asks("third@post.example")
    reader.client.post(reader.link(Purpose.CONFIRM))
    with db.transaction() as session:
        assert subscribers.record(session, make.PEPPER, Report(Trouble.HARD, "third@post.example"), make.NOW.date())
        subscribers.record(session, make.PEPPER, Report(Trouble.COMPLAINT, "fourth@post.example"), make.NOW.date())
    reader.asks("known@post.example")
    with db.transaction() as session:
        for each in session.scalars(select(Subscriber).where(Subscriber.state == SubscriberState.UNCONFIRMED)):
            subscribers.confirm(session, each.id, make.NOW)
    addresses = [f"{each}@post.example" for each in ("fresh", "known", "third", "fourth", "known")]
    assert len({str(seen(reader.asks(each))) for each in addresses}) == 1
    assert len({str(seen(reader.calls(each))) for each in addresses}) == 1
    assert reader.calls().json == {"state": "asked"}
    assert reader.calls().status_code == 202


def test_a_mail_asks_to_confirm_and_its_button_does(reader: Reader) -> None:
    assert "Check your mailbox" in text(reader.asks())
    (mail,) = reader.mails()
    path = re.search(r"http://localhost(/mail/confirm/\S+)", mail.text)
    assert path
    page = reader.client.get(path[1])
    assert subscriber().state is SubscriberState.UNCONFIRMED
    assert "Nothing more is sent to it unless you press the button." in text(page)
    first, second = reader.client.post(path[1]), reader.client.post(path[1])
    assert subscriber().state is SubscriberState.ACTIVE
    assert first.data == second.data == reader.client.get(path[1]).data
    assert "You get one mail a week, if there is news." in text(first)


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_a_page_speaks_the_language_of_the_mails_unless_asked_otherwise(reader: Reader, lang: str) -> None:
    reader.asks(lang=lang)
    other = {"en": "fr", "fr": "en"}[lang]
    for purpose in PURPOSES:
        assert f'<html lang="{lang}">' in reader.client.get(reader.link(purpose)).text
        assert f'<html lang="{other}">' in reader.client.get(f"{reader.link(purpose)}?lang={other}").text


@pytest.mark.parametrize(
    ("typed", "name", "sentence"),
    [
        ({"address": "suzie@corp.example"}, "address", WORK),
        ({"address": "suzie@mail.corp.example"}, "address", WORK),
        ({"address": ""}, "address", "Enter your email address."),
        ({"address": "suzie"}, "address", "This is not a complete e-mail address. Write it like name@company.example."),
        ({"address": "a@b.example, c@d.example"}, "address", None),
        ({"rhythm": "hourly"}, "rhythm", "Choose how often: milestones, weekly or daily."),
    ],
)
def test_what_cannot_be_used_is_kept_and_says_how_to_mend_it(
    reader: Reader, typed: dict[str, str], name: str, sentence: str | None
) -> None:
    given = {"address": ADDRESS, "rhythm": "daily", "lang": "fr"} | typed
    page, call = reader.asks(**given), reader.calls(**given)
    assert (page.status_code, call.status_code, call.content_type) == (422, 422, "application/problem+json")
    assert call.json["errors"] == {name: mistakes(page)}
    assert sentence is None or mistakes(page) == [sentence]
    kept = fields(page)
    assert (kept["address"], kept["lang"]) == (given["address"], "fr")
    assert name == "rhythm" or kept["rhythm"] == "daily"
    assert everything() == []


def test_mistakes_are_told_in_french_too(reader: Reader) -> None:
    page = reader.client.post(
        f"/c/{reader.slug}/subscribe?lang=fr", data={"address": "suzie@corp.example", "rhythm": "weekly"}
    )
    assert "professionnelle" in mistakes(page)[0]


def test_one_network_cannot_make_us_mail_thousands(reader: Reader) -> None:
    statuses = [reader.calls(f"suzie{n}@post.example").status_code for n in range(70)]
    assert statuses == [202] * 60 + [429] * 10
    page = reader.asks()
    assert (page.status_code, page.headers["Retry-After"] > "0") == (429, True)
    assert fields(page)["address"] == ADDRESS
    assert len(reader.mails()) == 60


def test_without_redis_nothing_is_mailed_and_the_page_says_so(
    reader: Reader, parts: Services, monkeypatch: Any
) -> None:
    gone = RedisStore("redis://127.0.0.1:1/0")
    monkeypatch.setattr(RedisStore, "take_ask", lambda *_, **__: gone.ping())
    page, call = reader.asks(), reader.calls()
    assert (page.status_code, call.status_code, call.headers["Retry-After"]) == (503, 503, "5")
    assert "You cannot ask for mail right now." in text(page)
    assert fields(page)["address"] == ADDRESS
    assert everything() == []


def test_links_that_are_followed_change_nothing(reader: Reader) -> None:
    """P20, P57: a scanner that follows every link of every mail."""
    reader.asks()
    mails = [mail.text + mail.html for mail in reader.mails()]
    found = {path for mail in mails for path in re.findall(r"http://localhost(/[^\s\"<]*)", mail)}
    found |= {reader.link(purpose) for purpose in PURPOSES}
    assert len(found) >= 3
    for confirmed in (False, True):
        if confirmed:
            reader.client.post(reader.link(Purpose.CONFIRM))
        before = everything()
        for path in found:
            for _ in range(100):
                assert reader.client.get(path).status_code == 200
                assert reader.client.head(path).status_code == 200
        assert everything() == before


def test_a_browser_that_runs_every_script_changes_nothing_either(reader: Reader, app: Flask, browser: Browser) -> None:
    """P20; the server's port is not known to the app, so the Host is set behind the browser's back."""
    reader.asks()
    before, wrong = everything(), []
    context = browser.new_context()
    page = context.new_page()
    page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    with served(lambda _: lambda env, start: app({**env, "HTTP_HOST": "localhost"}, start), "localhost") as url:
        for purpose in PURPOSES:
            page.goto(f"{url}{reader.link(purpose)}", wait_until="networkidle")
            assert page.locator("button").count() >= 1
        context.close()
    assert (everything(), wrong) == (before, [])


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("application/x-www-form-urlencoded", b"List-Unsubscribe=One-Click"),
        (
            "multipart/form-data; boundary=B",
            b'--B\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--B--\r\n',
        ),
        ("", b""),
        ("application/json", b"{"),
    ],
)
def test_one_click_leaves_the_list(reader: Reader, kind: str, body: bytes) -> None:
    """P40: as RFC 8058 says, without a cookie, 200, no redirect; a second time too."""
    reader.is_on_the_list()
    path = reader.link(Purpose.UNSUBSCRIBE)
    for _ in range(3):
        answer = reader.client.post(path, data=body, content_type=kind)
        assert answer.status_code == 200
        assert "Set-Cookie" not in answer.headers
    with db.session() as session:
        assert subscribers.numbers(session, make_id(reader)) == {}
    assert "You are not subscribed" in text(answer)


def make_id(reader: Reader) -> bytes:
    from petition import campaigns

    with db.session() as session:
        return campaigns.find(session, reader.slug).id


def test_leaving_drops_what_is_on_its_way(reader: Reader) -> None:
    reader.asks()
    reader.client.post(reader.link(Purpose.UNSUBSCRIBE))
    assert reader.mails() == []


def test_the_way_out_of_the_header_is_the_one_of_the_page(reader: Reader) -> None:
    reader.asks()
    (mail,) = reader.mails()
    assert mail.headers["List-Unsubscribe"] == f"<http://localhost{reader.link(Purpose.UNSUBSCRIBE)}>"
    done = reader.client.post(reader.link(Purpose.UNSUBSCRIBE))
    assert "You get no more mail about “A letter”." in text(done)
    assert f'href="/c/{reader.slug}/subscribe"' in done.text


def test_settings_are_shown_and_changed(reader: Reader) -> None:
    path = reader.is_on_the_list().link(Purpose.SETTINGS)
    assert {name: fields(reader.client.get(path))[name] for name in ("rhythm", "lang")} == {
        "rhythm": "weekly",
        "lang": "en",
    }
    saved = reader.client.post(path, data={"rhythm": "daily", "lang": "fr", "act": "save"})
    assert (saved.status_code, fields(saved)["rhythm"], fields(saved)["lang"]) == (200, "daily", "fr")
    assert (subscriber().frequency, subscriber().lang) == (Frequency.DAILY, "fr")
    assert reader.client.post(path, data={"rhythm": "hourly", "lang": "fr"}).status_code == 422
    assert subscriber().frequency is Frequency.DAILY


def test_mail_is_paused_and_resumed(reader: Reader) -> None:
    path = reader.is_on_the_list().link(Purpose.SETTINGS)
    paused = reader.client.post(path, data={"act": "pause"})
    assert "Your mail is paused." in text(paused)
    assert subscriber().state is SubscriberState.PAUSED
    assert reader.client.post(path, data={"act": "resume"}).status_code == 200
    assert subscriber().state is SubscriberState.ACTIVE


def test_an_organiser_chooses_a_language_and_no_rhythm(reader: Reader) -> None:
    with db.transaction() as session:
        subscribers.enter(
            session, make.PEPPER, make_id(reader), [], Audience.ORGANISER, "omar@post.example", "en", clock.now()
        )
    page = reader.client.get(reader.link(Purpose.SETTINGS))
    assert 'type="radio"' not in page.text
    reader.client.post(reader.link(Purpose.SETTINGS), data=fields(page) | {"lang": "fr"})
    assert (subscriber().lang, subscriber().frequency) == ("fr", Frequency.DAILY)


@pytest.mark.parametrize("purpose", PURPOSES)
def test_a_link_that_was_cut_is_explained_and_opens_nothing(reader: Reader, purpose: Purpose) -> None:
    """P21."""
    reader.is_on_the_list()
    before, whole = everything(), reader.link(purpose)
    token = whole.rpartition("/")[2]
    others = [reader.link(other).rpartition("/")[2] for other in PURPOSES if other is not purpose]
    wrong = [token[:-1], token[1:], token.swapcase(), f"{token}A", "x", "%00", "é", *others]
    for each in wrong:
        for answer in (reader.client.get(f"/mail/{purpose}/{each}"), reader.client.post(f"/mail/{purpose}/{each}")):
            assert answer.status_code == 404
            assert "This link does not work" in text(answer)
    assert everything() == before


@pytest.mark.parametrize("purpose", PURPOSES)
def test_whoever_is_gone_is_told_calmly(reader: Reader, purpose: Purpose) -> None:
    path = reader.is_on_the_list().link(purpose)
    reader.client.post(reader.link(Purpose.UNSUBSCRIBE))
    for answer in (reader.client.get(path), reader.client.post(path)):
        assert answer.status_code == 200
        assert "You are not subscribed" in text(answer)
    assert '<html lang="fr">' in reader.client.get(f"{path}?lang=fr").text


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_who_subscribed_to_a_letter_that_is_a_draft_again_can_confirm_and_leave(
    reader: Reader, app: Flask, lang: str
) -> None:
    """P58: after an upgrade ended its ledger nothing of it is public, and the links in mails still work."""
    reader.asks(lang=lang)
    with db.transaction() as session:
        session.execute(delete(Publication))
    app.extensions["undersigned"].page_cache._snapshots.clear()  # an upgrade starts the web anew
    told = {"en": "This letter is not public now", "fr": "Cette lettre n’est pas publique en ce moment"}[lang]
    for purpose in PURPOSES:
        page = reader.client.get(reader.link(purpose))
        assert (page.status_code, told in text(page)) == (200, True)
    assert subscriber().state is SubscriberState.UNCONFIRMED
    assert told in text(reader.client.post(reader.link(Purpose.CONFIRM)))
    assert subscriber().state is SubscriberState.ACTIVE
    left = reader.client.post(reader.link(Purpose.UNSUBSCRIBE))
    assert {"en": "You are unsubscribed", "fr": "Vous êtes désabonné"}[lang] in text(left)
    with db.session() as session:
        assert session.scalars(select(Subscriber)).all() == []


def test_every_page_is_private_and_without_cookies_scripts_or_an_index(reader: Reader) -> None:
    asked = reader.asks()
    pages = [asked, reader.client.get(f"/c/{reader.slug}/subscribe")]
    pages += [reader.client.get(reader.link(purpose)) for purpose in PURPOSES]
    gone = reader.link(Purpose.SETTINGS)
    pages += [reader.client.post(reader.link(Purpose.CONFIRM)), reader.client.post(reader.link(Purpose.UNSUBSCRIBE))]
    for page in [*pages, reader.client.get(gone)]:
        assert page.status_code == 200
        assert page.headers.getlist("Cache-Control") == ["no-store"]
        told = "no-referrer" if page.request.path.startswith("/mail/") else "same-origin"
        assert page.headers["Referrer-Policy"] == told
        assert "Set-Cookie" not in page.headers
        assert '<meta name="robots" content="noindex">' in page.text
        assert not re.search(r"style=|<script(?![^>]*\bsrc=)", page.text)


def test_the_letter_invites_to_subscribe(reader: Reader) -> None:
    assert f'href="/c/{reader.slug}/subscribe' in reader.client.get(f"/c/{reader.slug}").text


def test_the_receipt_invites_to_subscribe_and_the_way_to_it_does_not(reader: Reader) -> None:
    page = reader.client.get(f"/c/{reader.slug}/sign").text
    way, _, receipt = page.partition('<template id="receipt-stage">')
    link = f'href="/c/{reader.slug}/subscribe'
    assert (link in way, link in receipt) == (False, True)


def test_short_days_are_told_where_there_are_some(reader: Reader) -> None:
    assert "In this demonstration" not in text(reader.client.get(f"/c/{reader.slug}/subscribe"))
    with db.transaction() as session:
        short = make.campaign(session, mailing={"daily_seconds": 120, "weekly_seconds": 600}).slug
    page = reader.client.get(f"/c/{short}/subscribe")
    assert "In this demonstration a day lasts 2 minutes and a week 10 minutes." in text(page)
    assert "un jour dure 2 minutes" in text(reader.client.get(f"/c/{short}/subscribe?lang=fr"))


def test_a_letter_nobody_knows_has_no_list(reader: Reader) -> None:
    assert reader.client.get("/c/nothing/subscribe").status_code == 404
    assert reader.client.post("/c/nothing/subscribe", data={"address": ADDRESS}).status_code == 404
    assert reader.client.post("/api/campaigns/nothing/subscribe", json={"address": ADDRESS}).status_code == 404
