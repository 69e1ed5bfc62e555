"""Omar gets a letter in two languages online, by keyboard, with a script and without; each page is accessible."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from playwright.sync_api import Browser, Page

from petition import organisers
from petition.campaigns import CampaignState, find_any
from petition.config import Config
from petition.core import clock, db
from petition.core.redis_store import RedisStore
from petition.organisers import Role, approvals
from petition.organisers.actor import Actor
from petition.usecases import acts
from petition.web.app import build
from tests.support.looks import PHONE, WIDTHS, Looks, presses
from tests.support.served import served

STEPS = ("who", "domains", "roles", "workforce", "visible", "batches", "milestones", "mail", "dates", "legal")


@pytest.fixture
def site(config: Config, redis_store: RedisStore) -> Iterator[str]:
    """The web alone, on a port of its own."""
    with served(lambda url: build(replace(config, base_url=url, port=int(url.rsplit(":", 1)[1])))) as url:
        yield url
    db.engine().dispose()


class Desk(Looks):
    """Omar's browser; what each page lacks is noted on the way."""

    def __init__(self, page: Page, site: str, lang: str) -> None:
        super().__init__(page, lang, WIDTHS)
        self.site = site
        with db.transaction() as session:
            someone = organisers.named(session, "Omar") or organisers.enrol(session, "Omar", lang, clock.now())
            link = organisers.let_in(session, someone.id, clock.now())
        page.goto(f"{site}/organise/enter/{link}")
        presses(page.locator("main button"), "Enter")
        assert page.url == f"{site}/organise"

    def types(self, **typed: str) -> None:
        """By keyboard: each field is reached by name and typed into."""
        for name, text in typed.items():
            field = self.page.locator(f"main [name={name}]").first
            field.focus()
            if field.evaluate("each => each.tagName") == "SELECT":
                field.select_option(text)
            else:
                field.press("Control+a")
                self.page.keyboard.insert_text(text)

    def presses(self, words: str) -> None:
        presses(self.page.get_by_role("button", name=words).first, "Enter")

    def sees(self, path: str, name: str) -> None:
        self.page.goto(f"{self.site}/organise{path}")
        self.at(name)


def test_omar_opens_a_letter_in_two_languages_by_keyboard_without_a_script(browser: Browser, site: str) -> None:
    with browser.new_context(java_script_enabled=False, viewport=PHONE) as context:
        desk = Desk(context.new_page(), site, "en")
        begin(desk)
        desk.types(title="A letter", markdown="Dear chief executive,\n\n*please* answer.")
        desk.presses("Save and preview")
        assert desk.page.url.endswith("#preview")
        assert desk.page.locator("[data-shown] em").inner_text() == "please"
        complete(desk)
        assert "Nothing is missing" in desk.page.inner_text("main")
        open_it(desk)


@pytest.mark.parametrize(
    ("lang", "width"), [("en", 1280), ("fr", 390), pytest.param("en", 320, marks=pytest.mark.proof)]
)
def test_each_page_of_a_draft_has_no_accessibility_fault_and_the_preview_is_live(
    browser: Browser, site: str, lang: str, width: int
) -> None:
    with browser.new_context(viewport={"width": width, "height": 800}) as context:
        desk = Desk(context.new_page(), site, lang)
        desk.at("campaigns")
        desk.sees("/new", "new")
        begin(desk)
        desk.at("letter-empty")
        desk.sees("/c/our-letter/draft", "checklist-empty")
        desk.page.goto(f"{site}/organise/c/our-letter/draft/letter/en")
        desk.types(
            title="A letter", markdown="## Hello\n\n[x](javascript:alert(1)) <img src=x onerror=alert(1)> *please*"
        )
        desk.page.locator("[data-shown] em").wait_for()
        shown = desk.page.locator("[data-shown]").inner_html()
        assert "<h3>Hello</h3>" in shown
        assert not {"<img", 'href="javascript:'} & {part for part in ("<img", 'href="javascript:') if part in shown}
        desk.at("letter")
        presses(desk.page.locator("main form[data-preview] button").first, "Enter")
        assert desk.page.url.endswith("saved=yes")
        for step in STEPS:
            desk.sees(f"/c/our-letter/draft/{step}", f"{step}")
        if lang == "en":
            complete(desk)
            for path, name in (
                ("draft", "checklist"),
                ("draft/preview", "preview"),
                ("open", "open"),
                ("duplicate", "duplicate"),
                ("draft/demands", "demands"),
                ("draft/domains", "domains-listed"),
            ):
                desk.sees(f"/c/our-letter/{path}", f"{name}")
            open_it(desk)
            desk.sees("/c/our-letter/settings", "settings")
        assert desk.faults == {}


def begin(desk: Desk) -> None:
    desk.page.goto(f"{desk.site}/organise/new")
    desk.types(title="A letter", language="en", second="fr", slug="our-letter")
    presses(desk.page.locator("main .next button"), "Enter")
    assert desk.page.url.endswith("/draft/letter/en")


def complete(desk: Desk) -> None:
    """The rest of what an opening needs, in English."""
    here = f"{desk.site}/organise/c/our-letter/draft"
    desk.page.goto(f"{here}/letter/fr")
    desk.types(title="Une lettre", markdown="Madame, Monsieur,")
    desk.presses("Save")
    desk.page.goto(f"{here}/demands")
    for english, french in (("Two", "Deux"), ("One", "Un")):
        form = desk.page.locator("form[action$='/demands']")
        form.locator("[name=text_en]").fill(english)
        form.locator("[name=text_fr]").fill(french)
        presses(form.get_by_role("button", name="Add this demand"), "Enter")
    presses(desk.page.locator("#demand-2 button[value=up]"), "Enter")
    assert desk.page.url.endswith("#demand-1")
    desk.page.goto(f"{here}/who")
    desk.types(addressee="Chief Executive", organisation="Example")
    presses(desk.page.locator("main [name=organisation]"), "Enter")
    assert desk.page.url.endswith("/draft/who?saved=yes")
    desk.types(organisation="Example and others")
    desk.presses("Next: Work addresses")
    assert desk.page.url.endswith("/draft/domains")
    desk.presses("Addressee and organisers")
    assert desk.page.locator("main [name=organisation]").input_value() == "Example and others"
    desk.page.goto(f"{here}/domains")
    desk.types(domain="corp.example")
    desk.presses("Save this domain")
    desk.types(address="info@corp.example")
    desk.presses("Try it")
    assert "This address would not be accepted." in desk.page.inner_text("main")
    desk.page.goto(here)
    assert "There is only one owner." in desk.page.inner_text("main")
    with db.transaction() as session:
        campaign, rita = find_any(session, "our-letter"), organisers.enrol(session, "Rita", "en", clock.now())
        assert campaign
        organisers.join(session, campaign.id, rita.id, Role.OWNER, clock.now())
    desk.page.goto(here)


def open_it(desk: Desk) -> None:
    """Omar asks, and another owner approves."""
    desk.page.goto(f"{desk.site}/organise/c/our-letter/open")
    desk.presses("Ask to open with 2 demands")
    assert desk.page.url.endswith("/organise/c/our-letter/keys")
    with db.transaction() as session:
        campaign, rita = find_any(session, "our-letter"), organisers.named(session, "Rita")
        assert campaign
        assert rita
        (asked,) = session.scalars(approvals.waiting(campaign.id, clock.now()))
        acts.approve(session, campaign, asked.id, Actor(rita.id, clock.now()))
    with db.session() as session:
        campaign = find_any(session, "our-letter")
        assert campaign
        assert campaign.state is CampaignState.OPEN
        assert [each.text["en"] for each in campaign.demands] == ["One", "Two"]
    desk.page.goto(f"{desk.site}/c/our-letter?lang=fr")
    assert "Madame, Monsieur," in desk.page.inner_text("main")
