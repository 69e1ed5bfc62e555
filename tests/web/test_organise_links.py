"""No link of the dashboard leads to nothing: every one is followed, by each role, in both languages."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from petition import epochs, organisers
from petition.campaigns import CampaignState
from petition.core import clock, db
from petition.ledger.entries import Visibility
from petition.organisers import Role
from petition.organisers.actor import Operator
from petition.signatures import DisplayChoice
from tests import make
from tests.support.accounts import invited
from tests.support.crawl import Crawl, Page
from tests.support.omar import Omar, signed_in

TEXT = {"text-en": "We met them.", "text-fr": "Nous les avons rencontrés."}
LANGUAGES = ("en", "fr")


def onward(answer: TestResponse) -> str:
    """Where the last link of a page with codes leads."""
    found = re.findall(r'<p class="next"><a href="([^"]*)"', answer.text)
    assert found
    return found[-1]


def newcomer(client: FlaskClient, link: str, name: str = "Rita") -> TestResponse:
    answer = client.post(link, data={"name": name})
    assert answer.status_code == 200
    return answer


@pytest.fixture
def omar(app: Flask, slug: str) -> Omar:
    return signed_in(app, slug)


@pytest.fixture
def full(app: Flask) -> Omar:
    """An owner of letters in each state, with something on every page."""
    owner = signed_in(app, written(app, CampaignState.OPEN))
    for state in (CampaignState.DRAFT, CampaignState.CLOSED, CampaignState.ANSWERED):
        signed_in(app, written(app, state))
    owner.does("~/milestones", kind="count", value="100")
    owner.does("~/milestones", kind="share", value="50")
    draft = owner.does("~/updates/new", **TEXT).headers["Location"]
    asked = owner.does("~/updates/new", **TEXT).headers["Location"]
    owner.does(f"{owner.does('~/updates/new', **TEXT).headers['Location']}/publish")
    owner.does(f"{asked}/mail")
    assert owner.sees(draft).status_code == 200
    owner.does("~/demands/1", **{"state-1": "met", "day-1": "2026-11-20", "source-1": "https://news.example/"})
    owner.does("~/exports", kind="ledger")
    return owner


def written(app: Flask, state: CampaignState) -> str:
    with db.transaction() as session:
        if state is CampaignState.DRAFT:
            return make.draft(session, make.a_draft()).slug
        made = make.campaign(session)
        for name in ("Suzie Quux", "Mallory A"):
            make.signature(session, made, DisplayChoice(Visibility.NAME, name=name))
        epochs.close_epoch(session, made, make.NOW)
        if state is not CampaignState.OPEN:
            epochs.close_campaign(session, made, clock.now())
        slug = made.slug
    if state is CampaignState.ANSWERED:
        finish(signed_in(app, slug))
    return slug


def finish(owner: Omar) -> None:
    words = {"how-en": "By hand", "how-fr": "En main propre"}
    assert owner.does("~/answer/delivery", delivered="2026-11-24", **words).status_code == 303
    assert owner.does("~/answer", answered="2026-11-24", **TEXT).status_code == 303


def test_the_link_below_a_newcomers_codes_leads_to_the_campaign(app: Flask, omar: Omar) -> None:
    rita = app.test_client()
    to = onward(newcomer(rita, invited(omar)))
    assert to == f"/organise/c/{omar.slug}"
    assert rita.get(to).status_code == 200


def test_the_link_below_a_founders_codes_leads_to_the_campaigns(app: Flask) -> None:
    with db.transaction() as session:
        link = organisers.invite(session, None, None, Operator(clock.now()))
    rita = app.test_client()
    to = onward(newcomer(rita, f"/organise/invitation/{link}"))
    assert to == "/organise"
    assert rita.get(to).status_code == 200


def test_the_link_below_renewed_codes_leads_to_the_account(omar: Omar) -> None:
    to = onward(omar.does("/organise/account/codes"))
    assert to == "/organise/account"
    assert omar.sees(to).status_code == 200


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("role", list(Role))
def test_an_organiser_who_joins_finds_no_dead_link(app: Flask, omar: Omar, role: Role, lang: str) -> None:
    rita, link = app.test_client(), invited(omar, role.value)
    crawl = Crawl(app, rita)
    crawl.walk(f"{link}?lang={lang}")
    codes = newcomer(rita, f"{link}?lang={lang}")
    crawl.seen.clear()
    crawl.walk(*crawl.read("/organise/invitation/used", codes.text), onward(codes))
    assert {"/organise", "/organise/account", f"/organise/c/{omar.slug}"} <= crawl.seen.keys()
    assert crawl.faults == []


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("role", [None, *Role])
def test_no_link_of_any_page_is_dead(app: Flask, full: Omar, role: Role | None, lang: str) -> None:
    """P57."""
    visitor = full
    if role is not Role.OWNER:
        visitor = signed_in(app, full.slug, role, "Suzie")
    visitor.does("/organise/account/language", lang=lang)
    crawl = Crawl(app, visitor.client)
    crawl.walk("/organise", "/organise/account", "/organise/confirm", "/organise/sign-in")
    assert crawl.faults == []
    assert len(crawl.seen) >= (60 if role is Role.OWNER else 5)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_pages_that_answer_a_post_have_no_dead_link(app: Flask, full: Omar, lang: str) -> None:
    """P57."""
    full.does("/organise/account/language", lang=lang)
    crawl = Crawl(app, full.client)
    for path, typed in (
        ("/organise/account/codes", {}),
        ("/organise/account/passkeys", {"passkey": ""}),
        ("/organise/confirm", {"code": "1"}),
        ("/organise/new", {"title": ""}),
        ("~/team/invite", {"role": "editor"}),
        ("~/updates/new", {"do": "preview"} | TEXT),
        ("~/updates/new", {"text-en": "One language only."}),
        ("~/milestones", {"value": "0"}),
        ("~/settings/closing", {"closes_at": "tomorrow"}),
        ("~/duplicate", {"slug": "A Name"}),
    ):
        answer = full.does(path, **typed)
        assert answer.status_code in {200, 403, 422}, path
        crawl.walk(*crawl.read(path.replace("~", f"/organise/c/{full.slug}"), answer.text))
    assert crawl.faults == []


def test_a_used_invitation_leads_the_organiser_who_used_it_to_the_campaign(app: Flask, omar: Omar) -> None:
    rita, link = app.test_client(), invited(omar)
    newcomer(rita, link)
    again = rita.get(link)
    assert again.status_code == 404
    (back,) = [each for each in Page(again.text).links if each == "/organise"]
    assert rita.get(back).status_code == 200
