"""Suzie signs in a real browser, of a whole installation: with a script and without, in English and in French."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, BrowserContext, Page, Request, ViewportSize, expect

from tests.journeys.tree import Running

PHONE = ViewportSize(width=320, height=740)
IN_THE_LEDGER = {"en": re.compile(r"It is in the ledger, epoch \d+\."), "fr": re.compile(r"époque \d+\.")}
_people = count(1)


@pytest.fixture
def scripted(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport=PHONE, accept_downloads=True)
    faults: list[str] = []
    context.on("weberror", lambda fault: faults.append(str(fault.error)))
    yield context
    assert context.cookies() == []
    assert faults == []
    context.close()


@pytest.fixture
def plain(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport=PHONE, java_script_enabled=False, accept_downloads=True)
    yield context
    assert context.cookies() == []
    context.close()


def letter_of(running: Running) -> str:
    """The founding campaign's address."""
    return f"{running.url.rstrip('/')}/c/ice-letter"


def somebody() -> str:
    """A work address that nobody used before."""
    return f"suzie{next(_people)}.example@salesforce.example"


def opened(context: BrowserContext, address: str) -> Page:
    page = context.new_page()
    page.goto(address)
    return page


def looks_right(page: Page) -> None:
    """No accessibility fault, nothing wider than a small phone."""
    found = [f"{each['id']}: {each['nodes'][0]['html']}" for each in Axe().run(page).response["violations"]]
    assert found == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def proves(page: Page, running: Running, address: str) -> None:
    """From the address to the pass, by keyboard."""
    page.locator("#address").focus()
    page.keyboard.type(address)
    page.keyboard.press("Enter")
    page.locator("#code").wait_for()
    page.locator("#code").fill(running.code_for(address))
    page.keyboard.press("Enter")
    page.locator("#choose-form").wait_for()


def signed(page: Page) -> dict[str, object]:
    """Press the button; the receipt that is shown."""
    page.locator("#choose-form button[type=submit]").click()
    kept = json.loads(page.locator("textarea#receipt").input_value())
    assert isinstance(kept, dict)
    return kept


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_signing_with_a_script_never_sends_the_pass_before_it_is_spent(
    running: Running, scripted: BrowserContext, lang: str
) -> None:
    page = opened(scripted, f"{letter_of(running)}/sign?lang={lang}")
    sent: list[Request] = []
    page.on("request", lambda request: sent.append(request))
    looks_right(page)
    proves(page, running, somebody())
    looks_right(page)
    assert page.locator("html").get_attribute("lang") == lang
    held = page.locator("#pass").input_value()
    assert held.startswith("P1.")
    assert len(held) == 430
    assert not any(held[3:43] in (each.post_data or "") for each in sent)
    kept = signed(page)
    expect(page.locator("#standing")).to_have_text(IN_THE_LEDGER[lang], timeout=20_000)
    looks_right(page)
    assert kept["body"] == {"show": "anonymous", "name": "", "role": "", "team": "", "comment": ""}
    assert {each.url.startswith(running.url) for each in sent} == {True}
    assert not any(str(kept["salt"]) in (each.post_data or "") for each in sent)


def test_signing_without_a_script_needs_three_posts(running: Running, plain: BrowserContext) -> None:
    page = opened(plain, f"{letter_of(running)}/sign")
    proves(page, running, somebody())
    assert page.locator("#pass").input_value().startswith("P1.")
    page.locator("#show-name").check()
    page.locator("#name").fill("Suzie Example")
    signed(page)
    expect(page.locator("#standing")).to_have_text("It waits for the next batch.")
    page.get_by_role("button", name="Look again").click()
    for _ in range(20):
        page.get_by_role("button", name="Show where it stands").click()
        if "epoch" in page.locator("#standing").inner_text():
            break
        page.wait_for_timeout(1000)
    expect(page.locator("#standing")).to_have_text(IN_THE_LEDGER["en"])


def test_a_browser_without_cryptography_goes_on_without_a_script_and_says_so(
    running: Running, scripted: BrowserContext
) -> None:
    scripted.add_init_script("Object.defineProperty(globalThis, 'isSecureContext', {value: false})")
    page = opened(scripted, f"{letter_of(running)}/sign")
    expect(page.locator("#no-secrets")).to_be_visible()
    looks_right(page)
    proves(page, running, somebody())
    looks_right(page)
    assert page.url.endswith("/pass")
    assert signed(page)["withdraw"]


def test_mistakes_are_named_beside_their_fields_and_the_text_is_kept(
    running: Running, scripted: BrowserContext
) -> None:
    page = opened(scripted, f"{letter_of(running)}/sign")
    page.locator("#address").fill("suzie@elsewhere.example")
    page.locator("#address-form button").click()
    expect(page.locator("#errors")).to_be_focused(timeout=20_000)
    expect(page.locator("#address")).to_have_value("suzie@elsewhere.example")
    expect(page.locator("#address")).to_have_attribute("aria-invalid", "true")
    looks_right(page)
    page.locator("#errors a").click()
    expect(page.locator("#address")).to_be_focused()
    address = somebody()
    proves_wrongly_then_rightly(page, running, address)
    page.locator("#show-name").check()
    page.locator("#choose-form button[type=submit]").click()
    expect(page.locator("#errors")).to_be_focused()
    expect(page.locator("#name")).to_have_attribute("aria-invalid", "true")
    looks_right(page)


def proves_wrongly_then_rightly(page: Page, running: Running, address: str) -> None:
    page.locator("#address").fill(address)
    page.keyboard.press("Enter")
    page.locator("#code").wait_for()
    right = running.code_for(address)
    page.locator("#code").fill("00000000" if right != "00000000" else "11111111")
    page.keyboard.press("Enter")
    expect(page.locator("#code")).to_have_attribute("aria-invalid", "true")
    page.locator("#code").fill(f"{right[:4]} {right[4:]}")
    page.keyboard.press("Enter")
    page.locator("#choose-form").wait_for()


def test_a_pass_is_kept_and_signs_later_from_another_place(
    running: Running, browser: Browser, scripted: BrowserContext
) -> None:
    page = opened(scripted, f"{letter_of(running)}/sign")
    proves(page, running, somebody())
    page.locator(".keep summary").click()
    with page.expect_download() as saving:
        page.locator("[data-save=pass]").click()
    assert saving.value.suggested_filename == "pass.txt"
    kept = Path(saving.value.path()).read_text()
    page.close()
    with browser.new_context(viewport=PHONE) as elsewhere:
        later = opened(elsewhere, f"{letter_of(running)}/sign")
        later.get_by_role("link", name="I have a pass already").click()
        later.locator("#pass").fill(kept[:-1])
        later.locator("#choose-form button[type=submit]").click()
        expect(later.locator("#pass")).to_have_attribute("aria-invalid", "true")
        later.locator("#pass").fill(kept)
        assert signed(later)["withdraw"]
        expect(later.locator("#standing")).to_have_text(IN_THE_LEDGER["en"], timeout=20_000)


def test_the_saved_receipt_finds_the_signature_again_and_withdraws_it(
    running: Running, scripted: BrowserContext
) -> None:
    page = opened(scripted, f"{letter_of(running)}/sign")
    proves(page, running, somebody())
    kept = signed(page)
    expect(page.locator("#standing")).to_have_text(IN_THE_LEDGER["en"], timeout=20_000)
    with page.expect_download() as saving:
        page.get_by_role("button", name="Save the receipt as a file").click()
    file = Path(saving.value.path())
    assert json.loads(file.read_text()) == kept
    found = opened(scripted, f"{letter_of(running)}/receipt")
    found.locator("#file").set_input_files({"name": "receipt.json", "mimeType": "", "buffer": file.read_bytes()})
    found.get_by_role("button", name="Show where it stands").click()
    expect(found.locator("#standing")).to_have_text(IN_THE_LEDGER["en"])
    looks_right(found)
    page.get_by_role("button", name="Withdraw, or take my name off").click()
    looks_right(page)
    page.get_by_role("button", name="Withdraw my signature").click()
    expect(page.locator("h1")).to_have_text("Withdrawn")
    looks_right(page)
    found.get_by_role("button", name="Show where it stands").click()
    expect(found.locator("#standing")).to_have_text("It has been withdrawn and no longer counts.")


def test_a_name_is_taken_off_and_the_signature_stays(running: Running, scripted: BrowserContext) -> None:
    page = opened(scripted, f"{letter_of(running)}/sign")
    proves(page, running, somebody())
    page.locator("#show-name").check()
    page.locator("#name").fill("Suzanne Hidden Example")
    expect(page.locator("#shown")).to_have_text("Shown of you: your name, “Suzanne Hidden Example”.")
    signed(page)
    expect(page.locator("#standing")).to_have_text(IN_THE_LEDGER["en"], timeout=20_000)
    listed = opened(scripted, f"{letter_of(running)}/signers?q=Suzanne+Hidden")
    expect(listed.locator("main")).to_contain_text("Suzanne Hidden Example")
    page.get_by_role("button", name="Withdraw, or take my name off").click()
    page.get_by_role("button", name="Take my name off, keep it counted").click()
    expect(page.locator("h1")).to_have_text("Your name is off")
    looks_right(page)
    listed.reload()
    expect(listed.locator(".names")).to_have_count(0)
