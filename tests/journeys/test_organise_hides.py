"""Mallory hides names in a real browser until a second organiser is needed, and Omar reads what he approves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy import select

from petition import campaigns, epochs, organisers
from petition.config import Config
from petition.core import clock, db
from petition.core.redis_store import RedisStore
from petition.ledger.entries import Visibility
from petition.organisers import Role, audit_log
from petition.organisers.actor import Actor
from petition.organisers.audit_log import Action
from petition.signatures import DisplayChoice
from petition.signatures.tables import Signature
from petition.usecases.approval_rules import MOST_HIDDEN
from petition.web.app import build
from tests import make
from tests.support.looks import WIDTHS, Looks, presses
from tests.support.served import served

WORDS = {
    "en": ("Hide the comment", "Ask to hide the name", "waits for a second organiser", "Hide the name of entry"),
    "fr": (
        "Masquer le commentaire",
        "Demander de masquer le nom",
        "attend un second organisateur",
        "Masquer le nom de l’entrée",
    ),
}


@pytest.fixture
def site(config: Config, redis_store: RedisStore) -> Iterator[tuple[str, str]]:
    """The address of a letter's dashboard, and its name: one more name may be hidden by one organiser alone."""
    with served(lambda url: build(replace(config, port=int(url.rsplit(":", 1)[1]), base_url=url))) as url:
        now = clock.now()
        with db.transaction() as session:
            campaign = make.campaign(session)
            for name, role in (("Mallory", Role.MODERATOR), ("Omar", Role.OWNER)):
                organisers.join(session, campaign.id, organisers.enrol(session, name, "en", now).id, role, now)
            mallory = organisers.named(session, "Mallory")
            assert mallory
            for _name in range(MOST_HIDDEN - 1):
                audit_log.write(session, campaign.id, Actor(mallory.id, now), Action.SIGNER_HIDDEN, {"what": "name"})
            for name in ("Alice Example", "Bob Example"):
                make.signature(session, campaign, DisplayChoice(Visibility.NAME, name, comment="Mind the gap & more"))
            epochs.close_epoch(session, campaign, now)
        yield f"{url}/organise", campaign.slug
    db.engine().dispose()


def enters(context: BrowserContext, home: str, name: str, lang: str) -> Page:
    """Somebody at a browser, signed in by a link."""
    with db.transaction() as session:
        someone = organisers.named(session, name)
        assert someone
        someone.lang = lang
        link = organisers.let_in(session, someone.id, clock.now())
    page = context.new_page()
    page.goto(f"{home}/enter/{link}")
    presses(page.locator("main button"))
    return page


def names(slug: str) -> set[str]:
    with db.session() as session:
        found = campaigns.find(session, slug)
        return set(
            session.scalars(select(Signature.name).where(Signature.campaign_id == found.id, Signature.name != ""))
        )


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_a_moderator_hides_until_another_organiser_has_to_approve(
    site: tuple[str, str], browser: Browser, lang: str
) -> None:
    """P46: in slices of one. The page says so before, the request shows the name, and the signer's page says that it waits."""
    (home, slug), (comment, ask, waits, approve) = site, WORDS[lang]
    with browser.new_context(viewport={"width": 390, "height": 844}) as one, browser.new_context() as other:
        mallory, omar = (enters(context, home, name, lang) for context, name in ((one, "Mallory"), (other, "Omar")))
        looks = Looks(mallory, lang, WIDTHS)
        mallory.goto(f"{home}/c/{slug}/signers")
        presses(mallory.get_by_role("link", name="Bob Example"))
        looks.at("signer")
        presses(mallory.get_by_role("button", name=comment, exact=True))
        expect(mallory.locator("blockquote.comment")).to_have_count(0)
        looks.at("signer, one more asks")
        presses(mallory.get_by_role("button", name=ask, exact=True))
        expect(mallory.locator("main")).to_contain_text(waits)
        expect(mallory.get_by_role("button", name=ask, exact=True)).to_have_count(0)
        looks.at("signer, asked")
        assert names(slug) == {"Alice Example", "Bob Example"}
        mallory.goto(f"{home}/c/{slug}/keys")
        looks.at("approvals of who asked")
        expect(mallory.get_by_role("button", name=approve)).to_have_count(1)  # to take the request back
        omar.goto(f"{home}/c/{slug}/keys")
        expect(omar.locator("main")).to_contain_text("Bob Example")
        looks_of_omar = Looks(omar, lang, WIDTHS)
        looks_of_omar.at("approvals")
        presses(omar.get_by_role("link", name="Bob Example"))
        presses(omar.get_by_role("main").get_by_role("link").last)
        presses(omar.locator("form[action$='/keys/approve'] button"))
        assert names(slug) == {"Alice Example"}
        omar.goto(f"{home}/c/{slug}/journal")
        looks_of_omar.at("journal")
        assert (looks.faults, looks_of_omar.faults) == ({}, {})
