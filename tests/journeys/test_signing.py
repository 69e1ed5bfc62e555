"""Suzie signs in a real browser, of a whole installation: with a script and without, in English and in French."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, Route, expect

from petition.core.encoding import canonical_json
from tests.support.guesses import guess_fifty
from tests.support.installation import Running
from tests.support.looks import SMALL, presses, reloads_until
from tests.support.signing import IN_THE_LEDGER, WHOLE, checks, letter_of, looks_right, opened, proves, signed, somebody
from tests.support.waiting import until

pytestmark = pytest.mark.xdist_group("tree")


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
    assert held.startswith("P2.")
    assert len(held) == 474
    assert not any(held[3:43] in (each.post_data or "") for each in sent)
    kept = signed(page)
    assert held.endswith(f".{kept['w0']}")
    assert any(held[3:43] in (each.post_data or "") for each in sent)
    assert not any(kept["w0"] in (each.post_data or "") for each in sent)
    expect(page.locator("#standing")).to_have_text(IN_THE_LEDGER[lang])
    looks_right(page)
    assert kept["body"] == {"show": "anonymous", "name": "", "role": "", "team": "", "comment": ""}
    assert {each.url.startswith(running.url) for each in sent} == {True}
    assert not any(str(kept["salt"]) in (each.post_data or "") for each in sent)


def altered(receipt: dict[str, Any], lie: str) -> dict[str, Any]:
    """The site's answer with a receipt that is not of this signature."""
    entry = json.loads(receipt["entry"])
    lies = {
        "no entry": {"entry": "not an entry"},
        "another secret": {"entry": canonical_json({**entry, "w": "A" * 43}).decode()},
        "another pass": {"entry": canonical_json({**entry, "r": "A" * 43}).decode()},
        "another body": {"body": {**receipt["body"], "show": "name", "name": "Mallory Example"}},
        "another salt": {"salt": "A" * 43},
        "no body": {"body": None},
    }
    return {**receipt, **lies[lie]}


@pytest.mark.parametrize(
    "lie", ["no entry", "another secret", "another pass", "another body", "another salt", "no body"]
)
def test_a_receipt_that_is_not_of_this_signature_is_not_called_signed(
    running: Running, scripted: BrowserContext, lie: str
) -> None:
    page = opened(scripted, f"{letter_of(running)}/sign?lang=en")
    proves(page, running, somebody())
    held = page.locator("#pass").input_value()

    def lies(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, json={"receipt": altered(answer.json()["receipt"], lie)})

    page.route("**/api/campaigns/*/sign?*", lies)
    checks(page)
    page.locator("#sign-now").click()
    expect(page.locator("#choose-form .errors")).to_contain_text("is not a receipt of your signature")
    assert page.locator("#pass").input_value() == held
    assert page.locator("#receipt").count() == 0


def test_a_receipt_with_a_composed_name_is_of_this_signature(running: Running, scripted: BrowserContext) -> None:
    page = opened(scripted, f"{letter_of(running)}/sign?lang=en")
    proves(page, running, somebody())
    page.locator("#show-name").check()
    page.locator("#name").fill(" Zoe\u0308  “Zo”  Example ")
    page.locator("#comment").fill("One.\nTwo “words”. ")
    assert '"name": "Zoë “Zo” Example"' in json.dumps(signed(page)["body"], ensure_ascii=False)


def test_a_receipt_of_a_signature_says_nothing_of_where_it_is_and_nothing_more(
    running: Running, scripted: BrowserContext
) -> None:
    page = opened(scripted, f"{letter_of(running)}/sign?lang=en")
    proves(page, running, somebody())

    def more(route: Route) -> None:
        answer = route.fetch()
        said = {"campaign": "0" * 32, "origin": "elsewhere.example", "x": 1}
        route.fulfill(response=answer, json={"receipt": {**answer.json()["receipt"], **said}})

    page.route("**/api/campaigns/*/sign?*", more)
    kept = signed(page)
    assert kept["campaign"] != "0" * 32
    assert kept["origin"] != "elsewhere.example"
    assert "x" not in kept


def test_signing_without_a_script_needs_four_posts(running: Running, plain: BrowserContext) -> None:
    page = opened(plain, f"{letter_of(running)}/sign")
    proves(page, running, somebody())
    assert page.locator("#pass").input_value().startswith("P2.")
    page.locator("#show-name").check()
    page.locator("#name").fill("Suzie Example")
    signed(page)
    expect(page.locator("#standing")).to_have_text("It waits for the next batch.")
    presses(page.get_by_role("button", name="Check again"))

    def looked() -> str:
        presses(page.get_by_role("button", name="Show its status"))
        return page.locator("#standing").inner_text()

    until("the batch", looked, lambda standing: "in batch" in standing, pause=0.3)
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
    assert urlsplit(page.url).path.endswith("/pass")
    assert signed(page)["w0"]


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


def test_who_is_asked_for_the_long_code_types_it_on_the_same_page(running: Running, scripted: BrowserContext) -> None:
    """P47: strangers typed fifty wrong codes; the other number in her mail goes on."""
    address = somebody()
    guess_fifty(running, address)
    page = opened(scripted, f"{letter_of(running)}/sign")
    page.locator("#address").fill(address)
    page.locator("#address").press("Enter")
    page.locator("#code-form button").wait_for()
    page.locator("#code").fill(running.code_for(address))
    page.locator("#code").press("Enter")
    expect(page.locator("#code-error")).to_contain_text("Type the long code of sixteen digits")
    expect(page.locator("#code")).to_have_attribute("aria-invalid", "true")
    looks_right(page)
    page.locator("#code").fill(running.long_code_for(address))
    page.locator("#code").press("Enter")
    page.locator("#choose-form button[type=submit]").wait_for()


def proves_wrongly_then_rightly(page: Page, running: Running, address: str) -> None:
    page.locator("#address").fill(address)
    page.locator("#address").press("Enter")
    page.locator("#code-form button").wait_for()
    right = running.code_for(address)
    page.locator("#code").fill("00000000" if right != "00000000" else "11111111")
    page.locator("#code").press("Enter")
    expect(page.locator("#code")).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#code-form")).not_to_have_attribute("aria-busy", "true")
    page.locator("#code").fill(f"{right[:4]} {right[4:]}")
    page.locator("#code").press("Enter")
    page.locator("#choose-form button[type=submit]").wait_for()


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
    with browser.new_context(viewport=SMALL) as elsewhere:
        later = opened(elsewhere, f"{letter_of(running)}/sign")
        presses(later.get_by_role("link", name="I have a pass already"))
        later.locator("#pass").fill(kept[:-1])
        later.locator("#choose-form button[type=submit]").click()
        expect(later.locator("#pass")).to_have_attribute("aria-invalid", "true")
        later.locator("#pass").fill(kept)
        assert signed(later)["w0"]
        expect(later.locator("#standing")).to_have_text(IN_THE_LEDGER["en"])


def test_the_saved_receipt_finds_the_signature_again_and_withdraws_it(
    running: Running, scripted: BrowserContext
) -> None:
    page = opened(scripted, f"{letter_of(running)}/sign")
    proves(page, running, somebody())
    kept = signed(page)
    expect(page.locator("#standing")).to_have_text(IN_THE_LEDGER["en"])
    with page.expect_download() as saving:
        page.get_by_role("button", name="Save your receipt").click()
    file = Path(saving.value.path())
    assert json.loads(file.read_text()) == kept
    found = opened(scripted, f"{letter_of(running)}/receipt")
    found.locator("#file").set_input_files({"name": "receipt.json", "mimeType": "", "buffer": file.read_bytes()})
    expect(found.locator("#receipt")).to_have_value(WHOLE)
    found.get_by_role("button", name="Show its status").click()
    expect(found.locator("#standing")).to_have_text(IN_THE_LEDGER["en"])
    looks_right(found)
    page.get_by_role("button", name="Change my signature").click()
    expect(page.locator("h1")).to_be_focused()
    looks_right(page)
    page.get_by_role("button", name="Withdraw my signature").click()
    expect(page.locator("h1")).to_have_text("Withdrawn")
    looks_right(page)
    found.get_by_role("button", name="Show its status").click()
    expect(found.locator("#standing")).to_have_text("It has been withdrawn and no longer counts.")


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_a_name_is_corrected_with_the_receipt_without_a_script(
    running: Running, plain: BrowserContext, lang: str
) -> None:
    """The page says what will be visible, and when; withdrawing is not its first button."""
    page = opened(plain, f"{letter_of(running)}/sign?lang={lang}")
    proves(page, running, somebody())
    page.locator("#show-name").check()
    page.locator("#name").fill(f"Suzie Mistyped {lang}")
    kept = signed(page)
    page.goto(f"{letter_of(running)}/change?lang={lang}")
    page.locator("#receipt").fill(json.dumps(kept))
    presses(page.locator("main button").first)
    expect(page.locator("#name")).to_have_value(f"Suzie Mistyped {lang}")
    page.locator("#name").fill(f"Suzie Corrected {lang}")
    presses(page.locator("main button:not(.quiet)"))
    expect(page.locator("#public")).to_contain_text(f"Suzie Corrected {lang}")
    assert json.loads(page.locator("#receipt").input_value())["body"]["name"] == f"Suzie Corrected {lang}"
    listed = opened(plain, f"{letter_of(running)}/signers?q=Corrected+{lang}")
    reloads_until(listed, lambda: listed.locator(".names").count() == 1)
    expect(listed.locator(".names")).to_contain_text(f"Suzie Corrected {lang}")


def test_a_name_is_taken_off_and_the_signature_stays(running: Running, scripted: BrowserContext) -> None:
    page = opened(scripted, f"{letter_of(running)}/sign")
    proves(page, running, somebody())
    page.locator("#show-name").check()
    page.locator("#name").fill("Suzanne Hidden Example")
    checks(page)
    expect(page.locator("#shown dd").first).to_have_text("Suzanne Hidden Example")
    looks_right(page)
    signed(page)
    expect(page.locator("#standing")).to_have_text(IN_THE_LEDGER["en"])
    listed = opened(scripted, f"{letter_of(running)}/signers?q=Suzanne+Hidden")
    reloads_until(listed, lambda: listed.locator(".names").count() == 1)
    expect(listed.locator(".names")).to_contain_text("Suzanne Hidden Example")
    page.get_by_role("button", name="Change my signature").click()
    page.get_by_role("button", name="Remove my name, stay counted").click()
    expect(page.locator("h1")).to_have_text("Your name is removed")
    looks_right(page)
    listed.reload()
    reloads_until(listed, lambda: listed.locator(".names").count() == 0)


@pytest.mark.parametrize("path", ["sign", "receipt", "change", "subscribe", "../../safety"])
def test_whoever_leaves_at_once_does_not_find_the_page_by_going_back(
    running: Running, scripted: BrowserContext, path: str
) -> None:
    page = opened(scripted, letter_of(running))
    page.goto(f"{letter_of(running)}/{path}")
    elsewhere = "<!doctype html><html lang=en><title>Elsewhere</title><h1>Elsewhere</h1>"
    page.route("**/leave", lambda route: route.fulfill(body=elsewhere, content_type="text/html"))
    page.locator("#exit").click()
    expect(page.locator("h1")).to_have_text("Elsewhere")
    page.go_back()
    expect(page).to_have_url(letter_of(running))


def refused_twice(route: Route, left: Iterator[int]) -> None:
    """Answer as an overloaded site does, and pass the third request on."""
    if next(left, None) is None:
        route.continue_()
        return
    told = {"type": "urn:undersigned:problem:overloaded", "title": "Too many", "status": 503, "detail": "Too many."}
    headers = {"Content-Type": "application/problem+json", "Retry-After": "1"}
    route.fulfill(status=503, headers=headers, body=json.dumps(told))


@pytest.mark.parametrize("call", ["verify", "pass", "sign"])
def test_a_crowd_is_waited_for_and_the_browser_sends_again(
    running: Running, scripted: BrowserContext, call: str
) -> None:
    """P16: nothing that was typed is lost, and the signer has to press nothing."""
    page, left = opened(scripted, f"{letter_of(running)}/sign?lang=en"), iter(range(2))
    page.route(f"**/api/campaigns/*/{call}?*", lambda route: refused_twice(route, left))
    proves(page, running, somebody())
    page.locator("#show-name").check()
    page.locator("#name").fill("Suzie Patient")
    assert '"name": "Suzie Patient"' in json.dumps(signed(page)["body"])
    assert next(left, None) is None


def test_while_it_waits_for_a_crowd_the_page_says_so(running: Running, scripted: BrowserContext) -> None:
    page, left = opened(scripted, f"{letter_of(running)}/sign?lang=fr"), iter(range(100))
    page.route("**/api/campaigns/*/verify?*", lambda route: refused_twice(route, left))
    page.locator("#address").fill(somebody())
    page.locator("#address-form button").click()
    expect(page.locator("#address-form .busy")).to_contain_text("Votre navigateur réessaie")
    expect(page.locator("#errors")).to_contain_text("Too many.", timeout=30_000)
    expect(page.locator("#address-form .busy")).to_have_count(0)


def test_without_a_script_a_reload_sends_a_refused_form_again(running: Running, plain: BrowserContext) -> None:
    """P16: as the page of the refusal says."""
    page, left, address = opened(plain, f"{letter_of(running)}/sign?lang=en"), iter(range(1)), somebody()
    page.route("**/c/*/verify*", lambda route: refused_twice(route, left))
    page.locator("#address").fill(address)
    page.locator("#address-form button").click()
    page.wait_for_url("**/verify*")
    page.reload()
    expect(page.locator("#code")).to_be_visible()
    assert running.code_for(address)
