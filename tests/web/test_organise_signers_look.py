"""Signers and removals in a real browser: accessible, at 320 px, in both languages, without a script of ours."""

from __future__ import annotations

from collections import Counter
from itertools import product

from flask import Flask
from playwright.sync_api import Browser
from sqlalchemy import select

from petition.campaigns import find_any
from petition.core import clock, db
from petition.ledger.entries import Removal
from petition.organisers.actor import Actor
from petition.signatures import bulk_removal
from petition.signatures.selection import Criteria
from petition.signatures.tables import Signature
from petition.usecases import removals
from petition.web.dashboard.access import COOKIE
from tests import make
from tests.support.looks import SMALL, Looks, presses
from tests.support.omar import Omar
from tests.support.served import served
from tests.support.signers import an_epoch, named


def a_busy_campaign(omar: Omar) -> int:
    """Hints, a removal that waits, one that is asked for, one that runs; gives the entry of a signer who commented."""
    an_epoch(omar.slug, named("Alice Example", "We were promised an answer in spring."), named("Suzie Quux"))
    for _ in range(2):
        an_epoch(omar.slug, named("Bob Example"), make.ANONYMOUS)
    an_epoch(omar.slug, *[named(f"Test User {number}") for number in range(52)])
    with db.transaction() as session:
        campaign = find_any(session, omar.slug)
        assert campaign
        commented, bob = (
            session.scalars(select(Signature.index).where(found).order_by(Signature.index)).all()[0]
            for found in (Signature.comment != "", Signature.name == "Suzie Quux")
        )
        removals.remove_one(session, campaign, bob, Removal.REQUEST, Actor(omar.organiser_id, clock.now()))
        criteria = Criteria(q="test user", first=4, last=4)
        seen = removals.preview(session, campaign, criteria)
        told, by = (seen.epoch, seen.digest()), omar.organiser_id
        removals.remove(session, campaign, criteria, told, Removal.FRAUD, Actor(by, clock.now()))
        kept = {"text": True, "first": 4, "last": 4}
        removal = bulk_removal.begin(session, campaign, seen.members[:51], Removal.FRAUD, Actor(by, clock.now()), kept)
        bulk_removal.advance(session, removal, 20)
    return commented


PAGES = (
    "signers", "signers/{}", "removals", "removals/new", "removals/new?first=1", "removals/new?first=x",
)  # fmt: skip
SEARCHES = (("signers", "bob"), ("signers", "nobody"), ("removals/new", "bob"))


def test_no_page_of_signers_or_removals_has_an_accessibility_fault_or_is_too_wide(
    app: Flask, omar: Omar, browser: Browser
) -> None:
    """P38; the server's port is not known to the app, so Host, Origin and cookie are set behind the browser's back."""
    index, cookie = a_busy_campaign(omar), omar.client.get_cookie(COOKIE, domain="localhost")
    assert cookie
    ours = {"HTTP_HOST": "localhost", "HTTP_COOKIE": f"{COOKIE}={cookie.value}", "HTTP_ORIGIN": "http://localhost"}
    context = browser.new_context(viewport=SMALL)
    look, titles = Looks(context.new_page()), set()
    with served(lambda _: lambda env, start: app({**env, **ours}, start), "localhost") as url:
        for path, lang in product(PAGES, ("en", "fr")):
            address = f"{omar.slug}/{path.format(index)}"
            look.page.goto(f"{url}/organise/c/{address}{'&' if '?' in path else '?'}lang={lang}")
            look.at(path, lang)
            titles.add((lang, look.page.title()))
        for path, name in SEARCHES:
            look.page.goto(f"{url}/organise/c/{omar.slug}/{path}")
            if path == "signers":
                look.page.locator(".work summary").first.click()
            look.page.locator("#q").fill(name)
            presses(look.page.locator("form:has(#q) button").last)
            look.at(f"{path} {name}", "en")
            assert look.page.locator("[role=status]").count() == 1, (path, name)
        context.close()
    assert look.faults == {}
    assert Counter(lang for lang, _ in titles) == {"en": 4, "fr": 4}
