"""A reload, Back and another language lose nobody the right to sign; who leaves with an unsaved text is asked first."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import BrowserContext, Dialog, Page, Request, Route, expect
from sqlalchemy.orm import Session

from petition import campaigns, publication
from petition.campaigns import Campaign, switches
from petition.core import db
from petition.core.encoding import unb64u
from tests.support.browser import PATIENCE
from tests.support.clients import attach
from tests.support.foreign_client import SLUG
from tests.support.installation import Running
from tests.support.looks import presses, reloads_until
from tests.support.signing import WHOLE, checks, letter_of, looks_right, opened, proves, signed, somebody

pytestmark = pytest.mark.xdist_group("tree")

STORED = "Object.values(sessionStorage).join('')"


@dataclass
class Signer:
    """Somebody at the signing page of a browser with a script; `asked` counts questions before leaving."""

    page: Page
    running: Running
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("dialog", self._answer)

    def _answer(self, dialog: Dialog) -> None:
        self.asked.append(dialog.type)
        dialog.accept()

    def asks(self) -> str:
        """Ask for a code; the address it went to."""
        address = somebody()
        self.page.locator("#address").press_sequentially(address)
        self.page.locator("#address").press("Enter")
        self.page.locator("#code-form button").wait_for()
        return address

    def at_the_code(self) -> str:
        """Ask for a code, until the tab has kept that; the address it went to."""
        address = self.asks()
        self.stored()
        return address

    def at_the_choice(self) -> str:
        """Get a pass; the pass."""
        proves(self.page, self.running, somebody())
        self.stored()
        return self.held()

    def held(self) -> str:
        return self.page.locator("#pass").input_value()

    def stored(self) -> None:
        """Wait until the tab has kept something: at once, or half a minute after a server that answered too late."""
        self.page.wait_for_function(f"{STORED} !== ''", timeout=3 * PATIENCE)

    def receipt(self) -> str:
        expect(self.page.locator("textarea#receipt")).to_have_value(WHOLE)
        return self.page.locator("textarea#receipt").input_value()


@pytest.fixture
def signer(running: Running, scripted: BrowserContext) -> Signer:
    return Signer(opened(scripted, f"{letter_of(running)}/sign"), running)


def test_the_code_is_typed_after_a_reload_and_gives_the_pass_of_the_first_blinded_value(signer: Signer) -> None:
    """P55."""
    page, blinded = signer.page, []

    def lost(route: Route, request: Request) -> None:
        blinded.append(request.post_data_json["blinded"])
        if len(blinded) > 1:
            return route.continue_()
        route.fetch()  # the stamp is made, and its reply gets lost
        return route.abort()

    page.route("**/api/campaigns/*/pass*", lost)
    address = signer.at_the_code()
    expect(page.locator("#asked-for")).to_have_text(address)
    page.locator("#code").fill(signer.running.code_for(address))
    page.locator("#code").press("Enter")
    expect(page.locator("#errors")).to_be_focused()
    page.reload()
    page.locator("#code").fill(signer.running.code_for(address))
    looks_right(page)
    page.locator("#code").press("Enter")
    page.locator("#choose-form button[type=submit]").wait_for()
    assert signer.held().startswith("P2.")
    assert blinded[0] == blinded[1]


@pytest.mark.parametrize("way", ["reload", "back", "language"])
def test_the_pass_and_what_was_typed_are_there_again(signer: Signer, way: str) -> None:
    """P55."""
    page = signer.page
    held = signer.at_the_choice()
    page.locator("#show-name").check()
    page.locator("#name").press_sequentially("Suzie Example")
    page.locator("#comment").press_sequentially("I stay.")
    if way == "reload":
        page.reload()
    if way == "back":
        page.get_by_role("link", name="Back to the letter").click()
        page.locator(".letter-page").wait_for()
        page.go_back()
    if way == "language":
        page.locator(".languages a[lang=fr]").click()
        expect(page.locator("html")).to_have_attribute("lang", "fr")
    page.locator("#choose-form button[type=submit]").wait_for()
    assert signer.held() == held
    assert page.locator("#name").input_value() == "Suzie Example"
    assert page.locator("#comment").input_value() == "I stay."
    assert signer.asked == ([] if way == "language" else ["beforeunload"])
    looks_right(page)
    checks(page)
    expect(page.locator("#shown")).to_contain_text("Suzie Example")
    assert signed(page)["w0"]


def test_a_receipt_is_there_again_until_it_was_saved(signer: Signer) -> None:
    """P55."""
    page = signer.page
    signer.at_the_choice()
    signed(page)
    assert page.evaluate("history.state") == {"at": "check"}  # a browser writes it to its disk: nothing says "signed"
    first = signer.receipt()
    page.reload()
    assert signer.receipt() == first
    page.locator("h1").click()  # a browser asks only those who touched the page
    for _ in range(2):
        page.go_back()
        expect(page.locator("#stays")).to_be_visible()
        assert signer.receipt() == first
    page.go_back()
    page.go_forward()
    assert signer.receipt() == first
    assert signer.asked == ["beforeunload"] * 2
    page.locator(".languages a[lang=fr]").click()
    expect(page.locator("html")).to_have_attribute("lang", "fr")
    assert signer.receipt() == first
    expect(page.locator("#public")).to_contain_text("Rien")
    looks_right(page)
    with page.expect_download():
        page.locator("#receipt-form button[type=submit]").click()
    page.wait_for_function(f"{STORED} === ''")
    page.reload()
    expect(page.locator("#address")).to_be_visible()
    assert len(signer.asked) == 2


def test_a_receipt_is_there_again_after_back_and_forward_right_after_signing(signer: Signer) -> None:
    """P55."""
    page = signer.page
    signer.at_the_choice()
    signed(page)
    first = signer.receipt()
    page.go_back()
    page.go_forward()
    assert signer.receipt() == first


def test_leaving_while_a_signature_is_on_its_way_asks_first(signer: Signer) -> None:
    """The receipt would be lost, although the pass was saved."""
    page = signer.page
    signer.at_the_choice()
    page.locator(".keep summary").click()
    with page.expect_download():
        page.locator("[data-save=pass]").click()
    page.route("**/sign?**", lambda _route: None)  # the answer does not come
    checks(page)
    with page.expect_request("**/sign?**"):
        page.locator("#sign-now").click()
    page.reload()
    assert signer.asked == ["beforeunload"]


def test_nobody_is_asked_before_leaving_with_a_pass_that_was_saved(signer: Signer) -> None:
    page = signer.page
    held = signer.at_the_choice()
    page.locator(".keep summary").click()
    with page.expect_download():
        page.locator("[data-save=pass]").click()
    page.reload()
    page.locator("#choose-form button[type=submit]").wait_for()
    assert signer.held() == held
    page.goto(letter_of(signer.running))
    assert signer.asked == []


def test_the_tab_stores_what_only_the_server_s_key_opens_and_nothing_after_the_way_out(signer: Signer) -> None:
    """P55."""
    page, said = signer.page, []
    page.on("request", lambda request: said.append(request) if "/tab-key/" in request.url else None)
    held = signer.at_the_choice()
    lengths = {len(page.evaluate(STORED))}
    assert held[3:43] not in page.evaluate(STORED)
    assert {request.url.rsplit("/", 1)[1] for request in said} == {"keep"}
    assert all("?" not in request.url for request in said)
    assert {len(unb64u(request.post_data_json["key"], 32)) for request in said} == {32}
    page.locator("#show-name").check()
    page.locator("#name").press_sequentially("Suzanne with a long name indeed")
    lengths.add(len(page.evaluate(STORED)))
    assert len(lengths) == 1
    page.route("**/leave", lambda route: route.fulfill(body="<h1>Elsewhere</h1>", content_type="text/html"))
    with page.expect_request("**/tab-key/forget"):
        page.locator("#exit").click()
    expect(page.locator("h1")).to_have_text("Elsewhere")
    assert page.evaluate(STORED) == ""
    assert signer.asked == []


def test_the_key_that_is_gone_leads_to_the_first_step_and_a_server_that_is_away_says_so(signer: Signer) -> None:
    page = signer.page
    signer.at_the_code()
    page.route("**/tab-key/read", lambda route: route.fulfill(status=503))
    page.reload()
    expect(page.locator("#unreadable")).to_be_visible()
    expect(page.locator("#address")).to_be_visible()
    looks_right(page)
    page.unroute("**/tab-key/read")
    page.reload()
    expect(page.locator("#code")).to_be_visible()
    page.route("**/tab-key/read", lambda route: route.fulfill(status=404))
    page.reload()
    expect(page.locator("#address")).to_be_visible()
    assert page.evaluate(STORED) == ""


def test_a_step_is_kept_later_if_the_server_was_away_for_a_moment(running: Running, scripted: BrowserContext) -> None:
    """P55. Nothing else happens on this page meanwhile that would store the step again."""
    page = scripted.new_page()
    page.clock.install()
    page.route("**/tab-key/keep", lambda route: route.fulfill(status=503))
    page.goto(f"{letter_of(running)}/sign")
    signer = Signer(page, running)
    with page.expect_response("**/tab-key/keep"):
        signer.asks()
    page.unroute("**/tab-key/keep")
    page.clock.fast_forward(31_000)
    signer.stored()
    page.reload()
    expect(page.locator("#code")).to_be_visible()


def test_signing_goes_on_when_nothing_can_be_kept(running: Running, scripted: BrowserContext) -> None:
    scripted.route("**/tab-key/*", lambda route: route.fulfill(status=503))
    page = opened(scripted, f"{letter_of(running)}/sign")
    proves(page, running, somebody())
    assert signed(page)["w0"]
    assert page.evaluate(STORED) == ""


def test_a_form_without_a_pass_is_no_step_that_comes_back(signer: Signer) -> None:
    """Otherwise the first step could not be reached from this tab for half an hour."""
    address = signer.page.url.partition("?")[0]
    signer.page.goto(f"{address}?have=pass")
    signer.page.locator("#pass").press_sequentially("P2.half")
    signer.page.locator("[name=show][value=role]").check()
    signer.page.goto(address)
    expect(signer.page.locator("#address")).to_be_visible()
    assert signer.page.evaluate(STORED) == ""


def test_a_seal_that_fell_meanwhile_stays_on_a_name_that_was_typed_under_it(signer: Signer) -> None:
    signer.at_the_choice()
    signer.page.locator("[name=show][value=name]").check()
    signer.page.locator("[name=sealed_until]").evaluate("field => { field.value = '500' }")
    signer.page.locator("#name").press_sequentially("Suzie Example")
    signer.page.reload()
    expect(signer.page.locator("#name")).to_have_value(re.compile("Suzie"))
    expect(signer.page.locator("[name=sealed_until]")).to_have_value("500")


@contextmanager
def signing_stopped(running: Running) -> Iterator[None]:
    """The organisers stop signing for as long as the block lasts."""
    attach(running)

    def switch(act: Callable[[Session, Campaign, str], bool]) -> None:
        with db.transaction() as session:
            campaign = campaigns.find(session, SLUG)
            act(session, campaign, switches.SIGNING)
            publication.refresh(session, campaign)

    switch(switches.stop)
    try:
        yield
    finally:
        switch(switches.resume)


@pytest.mark.parametrize("step", ["pass", "receipt"])
def test_what_a_signer_holds_is_there_again_although_signing_was_stopped_meanwhile(signer: Signer, step: str) -> None:
    page = signer.page
    held = signer.at_the_choice()
    if step == "receipt":
        signed(page)
        held = signer.receipt()
    with signing_stopped(signer.running):
        reloads_until(page, lambda: page.locator("#signing[data-stage=paused]").count() == 1)
        kept = page.locator("#pass" if step == "pass" else "textarea#receipt")
        expect(kept).to_have_value(held)
        looks_right(page)
    reloads_until(page, lambda: page.locator("#signing[data-stage=address]").count() == 1)


def test_back_goes_from_step_to_step_and_what_was_typed_stays(signer: Signer) -> None:
    """P55."""
    page = signer.page
    current = page.locator("#steps [aria-current]")
    address = signer.at_the_code()
    page.go_back()
    expect(page.locator("#address")).to_have_value(address)
    page.go_forward()
    expect(page.locator("#asked-for")).to_have_text(address)
    page.locator("#code").fill(signer.running.code_for(address))
    page.locator("#code").press("Enter")
    page.locator("#show-name").check()
    page.locator("#name").press_sequentially("Suzie Example")
    held = signer.held()
    expect(current).to_contain_text("Choose what is shown")
    checks(page)
    expect(current).to_contain_text("Sign")
    page.go_back()
    expect(page.locator("#name")).to_be_visible()
    expect(current).to_contain_text("Choose what is shown")
    page.go_forward()
    expect(page.locator("#sign-now")).to_be_visible()
    page.locator("#change-choice").click()
    expect(page.locator("#name")).to_have_value("Suzie Example")
    page.go_back()
    page.go_back()
    page.go_back()
    expect(page.locator("#stays")).to_be_visible()  # a pass is held, so there is no first step to go back to
    assert signer.held() == held
    assert signer.asked == []
    assert page.evaluate("history.state") == {"at": "address"}  # a browser writes it to its disk
    assert signed(page)["w0"]


def test_back_after_signing_says_what_happened_also_when_the_receipt_was_saved(signer: Signer) -> None:
    """Nothing of it is stored then: the page that shows the receipt is still there, and says so."""
    page = signer.page
    signer.at_the_choice()
    signed(page)
    first = signer.receipt()
    with page.expect_download():
        page.locator("#receipt-form button[type=submit]").click()
    page.wait_for_function(f"{STORED} === ''")
    page.go_back()
    expect(page.locator("#stays")).to_be_visible()
    looks_right(page)
    assert signer.receipt() == first
    assert signer.asked == []


@pytest.mark.parametrize("lang", ["en", "fr"])
@pytest.mark.parametrize("script", [True, False])
def test_who_has_a_pass_already_is_led_on(
    running: Running, request: pytest.FixtureRequest, script: bool, lang: str
) -> None:
    context: BrowserContext = request.getfixturevalue("scripted" if script else "plain")
    address = somebody()
    proves(opened(context, f"{letter_of(running)}/sign"), running, address)
    page = opened(context, f"{letter_of(running)}/sign?lang={lang}")
    page.locator("#address").fill(address)
    page.locator("#address").press("Enter")
    page.locator("#code-form button").wait_for()
    page.locator("#code").fill(running.code_for(address))
    page.locator("#code").press("Enter")
    expect(page.locator("#lead-on")).to_be_visible()
    if script:
        looks_right(page)
    told = {"en": "If you signed already, you are done", "fr": "Si vous avez déjà signé"}[lang]
    expect(page.locator("#lead-on")).to_contain_text(told)
    links = [f"{running.url.rstrip('/')}{each.get_attribute('href')}" for each in page.locator("#lead-on a").all()]
    assert len(links) == 3
    for link, what in zip(links, ("#pass", "main #receipt", "main #receipt"), strict=True):
        page.goto(link)
        expect(page.locator(what)).to_be_visible()
        assert page.locator("html").get_attribute("lang") == lang


def test_without_a_script_the_language_is_changed_at_every_step_and_nothing_typed_is_lost(
    running: Running, plain: BrowserContext
) -> None:
    """P55."""
    page, address = opened(plain, f"{letter_of(running)}/sign"), somebody()

    def turns(lang: str) -> None:
        presses(page.locator(f".languages .turn[lang={lang}]"))
        assert page.locator("html").get_attribute("lang") == lang

    page.locator("#address").fill("suzie@elsewhere.example")
    page.locator("#address").press("Enter")
    turns("fr")
    assert page.locator("#address").input_value() == "suzie@elsewhere.example"
    page.locator("#address").fill(address)
    page.locator("#address").press("Enter")
    expect(page.locator("#asked-for")).to_have_text(address)
    code = running.code_for(address)
    page.locator("#code").fill(code)
    turns("en")
    assert page.locator("#code").input_value() == code
    page.locator("#code").press("Enter")
    held = page.locator("#pass").input_value()
    assert held.startswith("P2.")
    page.locator("#show-name").check()
    page.locator("#name").fill("Suzie Example")
    turns("fr")
    assert page.locator("#pass").input_value() == held
    assert page.locator("#name").input_value() == "Suzie Example"
    assert signed(page)["w0"]
    page.reload()  # the pass is sent again: the page says what happened, and leads on
    expect(page.locator("#lead-on")).to_be_visible()
    assert page.locator("#pass").input_value() == held


def test_without_a_script_a_receipt_changes_its_language_and_stays(running: Running, plain: BrowserContext) -> None:
    page = opened(plain, f"{letter_of(running)}/sign")
    proves(page, running, somebody())
    page.locator("#show-name").check()
    page.locator("#name").fill("Suzie Example")
    kept = signed(page)
    presses(page.locator(".languages .turn[lang=fr]"))
    assert page.locator("html").get_attribute("lang") == "fr"
    expect(page.locator("#public")).to_contain_text("Suzie Example")
    page.reload()
    assert kept["w0"] in page.locator("textarea#receipt").input_value()
