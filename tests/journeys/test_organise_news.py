"""Omar tells what happened, in a real browser: updates with their mail, demands, milestones, the delivery, the answer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from petition import campaigns, epochs, organisers
from petition.campaigns.milestones import MilestoneKind
from petition.config import Config
from petition.core import clock, db
from petition.core.redis_store import RedisStore
from petition.ledger.entries import Visibility
from petition.mailing import subscribers
from petition.mailing.subscribers import Frequency, Subscriber, SubscriberState
from petition.organisers import Role
from petition.organisers.actor import Actor
from petition.organisers.approvals import approve
from petition.signatures import DisplayChoice
from petition.usecases import acts, updates
from petition.web.app import build
from tests import make
from tests.support.looks import WIDTHS, Looks, presses, reloads_until
from tests.support.served import served

TEXT = {
    "en": "Suzie and Omar met the works council.\n\n- It agrees with **demand 1**.\n- It meets again on Friday.",
    "fr": "Suzie et Omar ont rencontré le comité : il soutient la **demande 1**.",
}
DEMANDS = [
    {"en": "End the contract.", "fr": "Mettez fin au contrat."},
    {"en": "Publish every such contract.", "fr": "Publiez tous les contrats de ce genre."},
]


@dataclass(frozen=True)
class Site:
    """A served app, its open letter, and what stands in it."""

    url: str
    slug: str
    draft: str

    def enter(self, context: BrowserContext, lang: str) -> Page:
        """Omar at a browser, signed in by a link."""
        with db.transaction() as session:
            omar = organisers.named(session, "Omar")
            assert omar
            omar.lang = lang
            link = organisers.let_in(session, omar.id, clock.now())
        page = context.new_page()
        page.goto(f"{self.url}/organise/enter/{link}")
        presses(page.locator("main button"))
        return page

    def at(self, path: str) -> str:
        return f"{self.url}/organise/c/{self.slug}/{path}"


@pytest.fixture
def site(config: Config, redis_store: RedisStore) -> Iterator[Site]:
    with served(lambda url: build(replace(config, port=int(url.rsplit(":", 1)[1]), base_url=url))) as url:
        yield _furnished(url)
    db.engine().dispose()


def _furnished(url: str) -> Site:
    now = clock.now()
    with db.transaction() as session:
        campaign = make.campaign(session, demands=DEMANDS, goals=((MilestoneKind.COUNT, 2), (MilestoneKind.SHARE, 10)))
        omar, suzie = (organisers.enrol(session, name, "en", now).id for name in ("Omar", "Suzie"))
        for who in (omar, suzie):
            organisers.join(session, campaign.id, who, Role.OWNER, now)
        for address, lang in (("one@post.example", "en"), ("two@post.example", "fr")):
            given = (session, make.PEPPER, campaign.id, campaign.policies(), address, lang, Frequency.MILESTONES, now)
            subscribers.ask(*given)
            newest = session.query(Subscriber).filter_by(state=SubscriberState.UNCONFIRMED).one()
            subscribers.confirm(session, newest.id, now)
        for name in ("Alice Example", "Bob Example"):
            make.signature(session, campaign, DisplayChoice(Visibility.NAME, name))
        epochs.close_epoch(session, campaign, now)
        drafts = [updates.write(session, campaign, TEXT, Actor(omar, now)) for _ in range(4)]
        session.flush()
        request = updates.ask_to_mail(session, campaign, drafts[0], None, Actor(omar, now))
        acts.ACTS[request.act](session, campaign, approve(session, campaign.id, request.id, Actor(suzie, now)), now)
        updates.plan(session, campaign, drafts[1], now + timedelta(days=2), Actor(omar, now))
        updates.ask_to_mail(session, campaign, drafts[2], now + timedelta(days=3), Actor(omar, now))
        return Site(url, campaign.slug, drafts[3].hex())


def refresh() -> None:
    """What the workers do every three seconds."""
    with db.transaction() as session:
        epochs.refresh_stale(session, clock.now())


@pytest.mark.parametrize(
    ("lang", "width"), [("en", 390), ("fr", 1280), pytest.param("fr", 320, marks=pytest.mark.proof)]
)
def test_omar_tells_what_happened_until_the_answer(site: Site, browser: Browser, lang: str, width: int) -> None:
    context = browser.new_context(viewport={"width": width, "height": 844}, java_script_enabled=True)
    page = site.enter(context, lang)
    look = Looks(page, lang, WIDTHS)
    for name in ("updates", "updates/new", f"updates/{site.draft}", f"updates/{site.draft}/mail", "milestones"):
        page.goto(site.at(name))
        look.at(name)
    page.goto(site.at(f"updates/{site.draft}/mail"))
    frame = page.frame_locator("iframe").nth(1)
    expect(frame.locator("strong").first).to_have_text("demande 1")
    _updates(site, page, look)
    _milestones(site, page, look)
    _demands(site, page, look)
    _ending(site, page, look)
    page.goto(f"{site.url}/c/{site.slug}?lang={lang}")
    reloads_until(page, lambda: page.locator("section[aria-labelledby=answer]").count() == 1)
    look.at("letter")
    expect(page.locator(".timeline strong").first).to_be_visible()
    expect(page.locator("section[aria-labelledby=answer]")).to_contain_text(
        "Nous agirons" if lang == "fr" else "We will act"
    )
    context.close()
    assert look.faults == {}


def _updates(site: Site, page: Page, look: Looks) -> None:
    page.goto(site.at("updates/new"))
    presses(page.locator("button[value=save]"))
    expect(page.locator("#errors")).to_be_visible()
    look.at("update to mend")
    for code, text in TEXT.items():
        page.locator(f"#text-{code}").fill(text)
    presses(page.locator("button[value=preview]"))
    expect(page.locator(".seen strong").first).to_have_text("demand 1")
    look.at("update seen")
    presses(page.locator("button[value=save]"))
    presses(page.locator("button[formaction$='/mail']"))
    expect(page.locator("form[action$='/cancel']")).to_be_visible()
    look.at("update asked for")
    presses(page.locator("form[action$='/cancel'] button"))
    presses(page.locator("button[formaction$='/publish']"))
    look.at("update published")


def _milestones(site: Site, page: Page, look: Looks) -> None:
    page.goto(site.at("milestones"))
    page.locator("#value").fill("many")
    presses(page.locator("form[action$='/milestones'] button"))
    look.at("milestone to mend")
    page.locator("#value").fill("500")
    presses(page.locator("form[action$='/milestones'] button"))
    presses(page.locator("a[href$='/count/500']"))
    look.at("milestone")
    presses(page.locator("form[action$='/remove'] button"))
    expect(page.locator(".rows li")).to_have_count(2)


def _demands(site: Site, page: Page, look: Looks) -> None:
    page.goto(site.at("demands"))
    look.at("demands")
    page.locator(".work summary").first.click()
    page.locator("#source-1").fill("javascript:alert(1)")
    presses(page.locator("form[action$='/demands/1'] button"))
    look.at("demand to mend")
    for state, source in (("partly_met", "https://press.example/1"), ("met", "https://press.example/2")):
        page.goto(site.at("demands"))
        page.locator(".work summary").first.click()
        page.locator("#state-1").select_option(state)
        page.locator("#source-1").fill(source)
        presses(page.locator("form[action$='/demands/1'] button"))
    expect(page.locator(".steps-told li")).to_have_count(2)
    look.at("demand met")


def _ending(site: Site, page: Page, look: Looks) -> None:
    page.goto(site.at("answer"))
    look.at("nothing to deliver yet")
    with db.transaction() as session:
        epochs.close_campaign(session, campaigns.find(session, site.slug), clock.now())
    page.goto(site.at("answer"))
    page.locator("#how-en").fill("Handed over in person")
    presses(page.locator("form[action$='/delivery'] button"))
    look.at("delivery to mend")
    page.locator("#how-fr").fill("Remise en main propre")
    presses(page.locator("form[action$='/delivery'] button"))
    page.locator("#text-en").fill("We will act.\n\n> All of it.")
    page.locator("#text-fr").fill("Nous agirons.")
    presses(page.locator("button[value=preview]"))
    look.at("answer seen")
    presses(page.locator("button[value=save]"))
    look.at("answer recorded")
    refresh()
