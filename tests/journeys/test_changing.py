"""Suzie changes her signature with a script: the secret stays in her browser, and each act sends one value of its chain."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, ConsoleMessage, Dialog, Page, Request, Route, expect

from petition import campaigns
from petition.blindsign.passes import ACTS, reveal
from petition.config import Config
from petition.core import db
from petition.core.encoding import b64u, unb64u
from petition.core.redis_store import RedisStore
from petition.web.app import build
from tests import make
from tests.support.foreign_client import SLUG, call, leaf_hash
from tests.support.installation import Running
from tests.support.looks import PHONE, WIDTHS, Looks, presses
from tests.support.served import served
from tests.support.signing import WHOLE, looks_right, opened, proves, signed, somebody

pytestmark = pytest.mark.xdist_group("tree")

ASKS = "#change[data-stage=ask]"
OFFERS = "#change[data-stage=offer]"
NEXT = {"en": "Continue", "fr": "Continuer"}


@dataclass
class Signer:
    """Somebody with a script and a receipt; everything that her browser sends and that its console says is written down."""

    context: BrowserContext
    url: str
    slug: str = SLUG
    lang: str = "en"
    sent: list[Request] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    receipt: dict[str, Any] = field(default_factory=dict)
    held: str = ""

    def __post_init__(self) -> None:
        self.context.on("request", lambda request: self.sent.append(request))
        self.context.on("console", self._hear)

    def _hear(self, message: ConsoleMessage) -> None:
        if "Permissions-Policy" not in message.text:  # features that some browsers do not know
            self.said.append(message.text)

    def opens(self, path: str) -> Page:
        return opened(self.context, f"{self.letter()}/{path}?lang={self.lang}")

    def letter(self) -> str:
        return f"{self.url.rstrip('/')}/c/{self.slug}"

    def call(self, path: str, document: object | None = None, ticket: str = "") -> Any:
        """The answer of one of the letter's calls."""
        headers = {"Petition-Ticket": ticket} if ticket else {}
        return call(f"{self.url.rstrip('/')}/api/campaigns/{self.slug}{path}", document, headers).body

    def signs(self, **choice: str) -> None:
        """By the calls, without a browser."""
        with db.transaction() as session:
            kept = make.a_pass(session, campaigns.find(session, self.slug))
        answer = self.call("/sign", {"pass": kept.held.encode(), **(choice or {"show": "anonymous"})})
        campaign = self.call("")
        known = {"campaign": campaign["id"], "origin": campaign["origin"], "w0": b64u(kept.w0)}
        self.receipt, self.held = known | answer["receipt"], kept.encode()

    def asks(self, text: str = "") -> Page:
        """The page with what can be changed."""
        page = self.opens("change")
        self.pastes(page, text or json.dumps(self.receipt))
        page.locator(OFFERS).wait_for()
        return page

    def pastes(self, page: Page, text: str) -> None:
        page.locator("#receipt").fill(text)
        page.get_by_role("button", name=NEXT[self.lang]).click()

    def revealed(self) -> set[int]:
        """The numbers of the acts whose values of the chain anything that was sent contained."""
        w0 = unb64u(self.receipt["w0"], 32)
        everything = "\n".join(
            f"{each.url} {each.headers} {(each.post_data_buffer or b'').decode(errors='replace')}" for each in self.sent
        )
        return {number for number in range(ACTS) if b64u(reveal(w0, number)) in everything}

    def used(self) -> int:
        """How many values the server counts as used."""
        leaf = b64u(leaf_hash(self.receipt["entry"]))
        return int(self.call(f"/receipt/{leaf}", ticket=self.receipt["ticket"]).get("used", 0))


@pytest.fixture
def suzie(config: Config, redis_store: RedisStore, scripted: BrowserContext) -> Iterator[Signer]:
    """At a letter whose batches nobody writes: an act stays one that waits."""
    with served(lambda url: build(replace(config, port=int(url.rsplit(":", 1)[1]), base_url=url))) as url:
        with db.transaction() as session:
            slug = make.campaign(session).slug
        yield Signer(scripted, url, slug)
    db.disconnect()


@pytest.fixture
def quiet(suzie: Signer) -> Iterator[Signer]:
    """The same, whose console says nothing, because no call is refused."""
    yield suzie
    assert suzie.said == []


def submit(page: Page, act: str) -> None:
    page.locator(f"form[data-act={act}] button").click()


def saved(page: Page) -> dict[str, Any]:
    """Save the new receipt as a file."""
    expect(page.locator("textarea#receipt")).to_have_value(WHOLE)
    with page.expect_download() as saving:
        page.locator("main form button[type=submit]").click()
    text = Path(saving.value.path()).read_text()
    assert text == page.locator("textarea#receipt").input_value()
    kept: dict[str, Any] = json.loads(text)
    assert kept["by_epoch"] == 2**64 - 1
    return kept


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_each_act_sends_one_value_of_the_chain_and_never_the_secret(
    running: Running, scripted: BrowserContext, lang: str
) -> None:
    """P32, P38: from signing to the last act, in every request that leaves the browser."""
    her = Signer(scripted, running.url, lang=lang)
    page = her.opens("sign")
    page.set_viewport_size(PHONE)
    looks = Looks(page, lang, WIDTHS)
    proves(page, running, somebody())
    page.locator("#show-name").check()
    page.locator("#name").fill("Suzie Mistyped")
    her.receipt = signed(page)
    page.locator("#change-form button").click()
    expect(page.locator("h1")).to_be_focused()
    looks.at("offer of a name")
    assert her.revealed() == set()

    expect(page.locator("#name")).to_have_value("Suzie Mistyped")
    page.locator("#name").fill("Suzie Corrected")
    page.locator("#name").press("Enter")
    expect(page.locator("h1")).to_be_focused()
    expect(page.locator("#public")).to_contain_text("Suzie Corrected")
    looks.at("changed")
    kept = saved(page)
    assert kept == her.receipt | {name: kept[name] for name in ("commitment", "salt", "body")}
    assert kept["body"]["name"] == "Suzie Corrected"
    page.wait_for_function("sessionStorage.length === 0")  # the tab kept the first receipt until one was saved
    assert (her.revealed(), her.used()) == ({0}, 1)

    page.goto(f"{her.letter()}/change?lang={lang}")
    looks.at("asked for the receipt")
    file = {"name": "receipt.json", "mimeType": "", "buffer": json.dumps(kept).encode()}
    page.locator("#file").set_input_files(file)
    page.get_by_role("button", name=NEXT[lang]).click()
    page.locator(OFFERS).wait_for()
    looks.at("offer of a change that waits")
    page.locator("#show-role").check()
    expect(page.locator("#name")).to_be_hidden()
    page.locator("#role").select_option(index=1)
    submit(page, "amend")
    expect(page.locator("#public")).to_be_visible()
    kept = saved(page)
    assert kept["body"]["name"] == ""
    assert (her.revealed(), her.used()) == ({0, 1}, 2)

    for number, act in enumerate(["hide", "withdraw"], 2):
        page = her.asks(json.dumps(kept))
        submit(page, act)
        page.locator(OFFERS).locator("h1:focus").wait_for()
        expect(page.locator("main form")).to_have_count(0)
        looks_right(page)
        assert (her.revealed(), her.used()) == (set(range(number + 1)), number + 1)

    assert (her.said, looks.faults) == ([], {})


def test_a_withdrawal_that_waits_is_taken_back_with_the_next_value(quiet: Signer) -> None:
    """P32."""
    quiet.signs(show="name", name="Suzie Example")
    page = quiet.asks()
    submit(page, "withdraw")
    expect(page.locator("h1")).to_have_text("Withdrawn")
    assert (quiet.revealed(), quiet.used()) == ({0}, 1)
    page = quiet.asks()
    looks_right(page)
    expect(page.locator("form[data-act=withdraw]")).to_have_count(0)
    page.locator("#show-anonymous").check()
    submit(page, "amend")
    kept = saved(page)
    assert (kept["body"]["show"], kept["w0"]) == ("anonymous", quiet.receipt["w0"])
    assert (quiet.revealed(), quiet.used()) == ({0, 1}, 2)


@pytest.mark.parametrize("kept", ["secret", "pass"])
def test_a_secret_or_a_pass_is_enough_and_stays_in_the_browser(suzie: Signer, kept: str) -> None:
    """P32: the signature is found by the public hash. Values that were used before are sent again, and the next one."""
    suzie.signs(show="name", name="Suzie Example")
    text = f' "{suzie.receipt["w0"]}" ' if kept == "secret" else suzie.held
    page = suzie.asks(text)
    expect(page.locator("section[aria-labelledby=now]")).to_contain_text(
        "This page cannot tell what your signature shows"
    )
    looks_right(page)
    submit(page, "hide")
    expect(page.locator("h1")).to_have_text("Your name is removed")
    assert (suzie.revealed(), suzie.said) == ({0}, [])
    page = suzie.asks(text)
    page.locator("#show-anonymous").check()
    submit(page, "amend")
    expect(page.locator("main")).to_contain_text("Keep your pass")
    looks_right(page)
    assert (suzie.revealed(), suzie.used()) == ({0, 1}, 2)


def test_a_value_that_was_used_in_another_tab_leads_to_the_next_one(suzie: Signer) -> None:
    suzie.signs(show="name", name="Suzie Example")
    first, second = suzie.asks(), suzie.asks()
    for page, name, count in ((first, "Suzie One", 1), (second, "Suzie Two", 2)):
        page.locator("#name").fill(name)
        submit(page, "amend")
        expect(page.locator("#public")).to_contain_text(name)
        assert (suzie.used(), len(suzie.revealed())) == (count, count)


def losing(times: int, asked: list[Request]) -> Callable[[Route, Request], None]:
    """Carries requests out; the first replies get lost."""

    def handle(route: Route, request: Request) -> None:
        asked.append(request)
        if len(asked) > times:
            return route.continue_()
        route.fetch()
        return route.abort()

    return handle


def answering(status: int, body: str) -> Callable[[Route], None]:
    """Answers in place of the server, or not at all."""
    return lambda route: route.fulfill(status=status, body=body, content_type="text/html") if status else route.abort()


@pytest.mark.parametrize("act", ["amend", "hide", "withdraw"])
def test_a_lost_reply_loses_no_text_and_the_act_sent_again_is_done_once(suzie: Signer, act: str) -> None:
    suzie.signs(show="name", name="Suzie Mistyped")
    page, asked = suzie.asks(), list[Request]()
    page.route(f"**/{act}?*", losing(1, asked))
    page.locator("#name").fill("Suzie Corrected")
    submit(page, act)
    expect(page.locator("#errors")).to_be_focused()
    expect(page.locator("#errors")).to_contain_text("Your text is still here")
    expect(page.locator("#name")).to_have_value("Suzie Corrected")
    looks_right(page)
    submit(page, act)
    expect(page.locator(OFFERS).locator("h1")).to_be_focused()
    assert [each.post_data for each in asked] == [asked[0].post_data] * 2
    assert (suzie.revealed(), suzie.used()) == ({0}, 1)


def test_a_change_that_waits_and_is_sent_again_from_a_new_page_is_not_made_twice(quiet: Signer) -> None:
    quiet.signs(show="name", name="Suzie Mistyped")
    for _ in range(2):
        page = quiet.asks()
        page.locator("#name").fill("Suzie Corrected")
        submit(page, "amend")
        expect(page.locator("#public")).to_contain_text("Suzie Corrected")
    assert (quiet.revealed(), quiet.used()) == ({0}, 1)


LIES: dict[str, dict[str, Any]] = {
    "another body": {"body": {"show": "name", "name": "Mallory Example", "role": "", "team": "", "comment": ""}},
    "more than a body": {"body": {"show": "anonymous", "name": "", "role": "", "team": "", "comment": "", "n": ""}},
    "another salt": {"salt": "A" * 43},
    "another commitment": {"commitment": "A" * 43},
    "no commitment": {"commitment": None},
    "no receipt": {},
}


def lying(route: Route, lie: dict[str, Any]) -> None:
    """Carries a change out, and answers with something else."""
    answer = route.fetch()
    route.fulfill(response=answer, json={**answer.json(), "receipt": lie and {**answer.json()["receipt"], **lie}})


@pytest.mark.parametrize("lie", LIES)
def test_a_receipt_that_is_not_of_this_change_is_refused_and_the_old_one_stays(suzie: Signer, lie: str) -> None:
    suzie.signs(show="name", name="Suzie Mistyped")
    page = suzie.asks()
    page.route("**/amend?*", lambda route: lying(route, LIES[lie]))
    page.locator("#show-anonymous").check()
    submit(page, "amend")
    expect(page.locator("#errors")).to_contain_text("is not a receipt of your change")
    assert page.locator("textarea#receipt").count() == 0
    looks_right(page)
    assert (suzie.revealed(), suzie.used()) == ({0}, 1)


def test_a_receipt_of_a_change_replaces_nothing_but_what_a_change_changes(quiet: Signer) -> None:
    quiet.signs(show="name", name="Suzie Mistyped")
    page = quiet.asks()
    page.route("**/amend?*", lambda route: lying(route, {"w0": "A" * 43, "entry": "{}", "origin": "elsewhere", "x": 1}))
    page.locator("#name").fill(" Zoe\u0308  “Zo”  Example ")
    submit(page, "amend")
    kept = saved(page)
    assert kept == quiet.receipt | {name: kept[name] for name in ("commitment", "salt", "body")}
    assert kept["body"]["name"] == "Zoë “Zo” Example"


def test_a_button_that_is_pressed_twice_acts_once(quiet: Signer) -> None:
    quiet.signs(show="name", name="Suzie Example")
    page, asked = quiet.asks(), list[Request]()
    page.on("request", lambda request: asked.append(request) if "/withdraw?" in request.url else None)
    page.locator("form[data-act=withdraw] button").dblclick()
    expect(page.locator("h1")).to_have_text("Withdrawn")
    assert (len(asked), quiet.used()) == (1, 1)


def test_a_server_that_is_away_is_named_and_what_was_typed_stays(suzie: Signer) -> None:
    suzie.signs(show="name", name="Suzie Mistyped")
    text, page = json.dumps(suzie.receipt), suzie.opens("change")
    for status, body in ((503, "<h1>Bad gateway</h1>"), (200, "{}"), (0, "")):
        page.route("**/offer*", answering(status, body))
        suzie.pastes(page, text)
        expect(page.locator("#errors")).to_be_focused()
        expect(page.locator("#errors")).to_contain_text("The site cannot be reached right now.")
        expect(page.locator("#receipt")).to_have_value(text)
        looks_right(page)
        page.unroute("**/offer*")
    suzie.pastes(page, text)
    page.locator("#name").fill("")
    submit(page, "amend")
    expect(page.locator("#name")).to_have_attribute("aria-invalid", "true")
    page.locator("#name").fill("Suzie Corrected")
    page.route("**/amend?*", lambda route: route.fulfill(status=503, json={"title": "Away", "detail": "Try again."}))
    submit(page, "amend")
    expect(page.locator("#errors")).to_contain_text("Try again.")
    expect(page.locator("#name")).to_have_value("Suzie Corrected")
    page.unroute("**/amend?*")
    submit(page, "amend")
    expect(page.locator("#public")).to_contain_text("Suzie Corrected")
    assert suzie.revealed() == {0}


def test_a_text_that_is_no_receipt_is_named_and_not_sent(quiet: Signer) -> None:
    quiet.signs()
    page = quiet.opens("change")
    foreign = {"w0": "A" * 43}, {"campaign": "0" * 32}, {"entry": "{}"}, {"entry": "null"}
    wrong = ["", "nonsense", "[]", "P2.cut", "ä" * 43, *(json.dumps(quiet.receipt | each) for each in foreign)]
    for text in wrong:
        quiet.pastes(page, text)
        expect(page.locator("#receipt-error")).to_contain_text("This is not a receipt of this letter.")
        expect(page.locator("#receipt")).to_have_value(text)
        page.locator("#receipt").fill("")
    assert {each.method for each in quiet.sent} == {"GET"}
    looks_right(page)


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_a_secret_of_no_signature_is_named(suzie: Signer, lang: str) -> None:
    suzie.lang = lang
    page = suzie.opens("change")
    suzie.pastes(page, "A" * 43)
    said = {"en": "No signature of this campaign fits this receipt.", "fr": "Aucune signature"}[lang]
    expect(page.locator("#receipt-error")).to_contain_text(said)
    expect(page.locator("#receipt")).to_have_value("A" * 43)
    looks_right(page)


def test_nothing_is_stored_and_whoever_leaves_at_once_does_not_find_the_page_by_going_back(quiet: Signer) -> None:
    quiet.signs(show="name", name="Suzie Example")
    page = opened(quiet.context, quiet.letter())
    page.goto(f"{quiet.letter()}/change")
    quiet.pastes(page, json.dumps(quiet.receipt))
    page.locator(OFFERS).wait_for()
    assert page.evaluate("[sessionStorage.length, localStorage.length, location.search + location.hash]") == [0, 0, ""]
    page.reload()
    expect(page.locator(ASKS)).to_be_visible()
    expect(page.locator("#receipt")).to_have_value("")
    quiet.pastes(page, json.dumps(quiet.receipt))
    submit(page, "amend")
    expect(page.locator("textarea#receipt")).to_have_value(re.compile(quiet.receipt["w0"]))
    elsewhere = "<!doctype html><html lang=en><title>Elsewhere</title><h1>Elsewhere</h1>"
    page.route("**/leave", lambda route: route.fulfill(body=elsewhere, content_type="text/html"))
    page.locator("#exit").click()
    expect(page.locator("h1")).to_have_text("Elsewhere")
    page.go_back()
    expect(page).to_have_url(quiet.letter())


def test_a_new_receipt_asks_before_leaving_until_it_is_saved(quiet: Signer) -> None:
    quiet.signs(show="name", name="Suzie Mistyped")
    page, asked = quiet.asks(), list[str]()

    def answer(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.accept()

    page.on("dialog", answer)
    submit(page, "amend")
    page.locator("textarea#receipt").click()  # a browser asks only those who touched the page
    page.reload()
    assert asked == ["beforeunload"]
    quiet.pastes(page, json.dumps(quiet.receipt))
    submit(page, "amend")
    saved(page)
    page.reload()
    assert len(asked) == 1


def test_an_offer_that_began_on_the_signing_page_leads_back_to_the_receipt_by_a_reload(
    running: Running, scripted: BrowserContext
) -> None:
    her = Signer(scripted, running.url)
    page = her.opens("sign")
    proves(page, running, somebody())
    her.receipt = signed(page)
    page.wait_for_function("sessionStorage.length === 1")
    page.locator("#change-form button").click()
    page.locator(OFFERS).wait_for()
    page.reload()
    expect(page.locator("textarea#receipt")).to_have_value(json.dumps(her.receipt, separators=(",", ":")))
    page.locator("#change-form button").click()
    submit(page, "withdraw")
    expect(page.locator("h1")).to_have_text("Withdrawn")
    assert her.revealed() == {0}


def test_a_browser_without_cryptography_goes_on_without_a_script(quiet: Signer) -> None:
    quiet.signs(show="name", name="Suzie Example")
    quiet.context.add_init_script("Object.defineProperty(globalThis, 'isSecureContext', {value: false})")
    for act, title in (("amend", "Your change is recorded"), ("hide", "Your name is removed")):
        page = quiet.opens("change")
        page.locator("#receipt").fill(json.dumps(quiet.receipt))
        presses(page.get_by_role("button", name="Continue"))
        looks_right(page)
        presses(page.locator(f"form[data-act={act}] button"))
        expect(page.locator("h1")).to_have_text(title)
        looks_right(page)
