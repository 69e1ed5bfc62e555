"""Signing in a real browser, step by step."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import count

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.support.installation import Running
from tests.support.looks import SMALL, faults

IN_THE_LEDGER = {"en": re.compile(r"It is in the ledger, in batch \d+\."), "fr": re.compile(r"lot \d+\.")}


WHOLE = re.compile(r"^\{.*\}\s*$", re.DOTALL)


@pytest.fixture
def scripted(browser: Browser) -> Iterator[BrowserContext]:
    """A phone with JavaScript, on which no script may fail and no cookie be left."""
    context = browser.new_context(viewport=SMALL, accept_downloads=True)
    errors: list[str] = []
    context.on("weberror", lambda fault: errors.append(str(fault.error)))
    yield context
    assert context.cookies() == []
    assert errors == []
    context.close()


@pytest.fixture
def plain(browser: Browser) -> Iterator[BrowserContext]:
    """A phone without JavaScript, on which no cookie may be left."""
    context = browser.new_context(viewport=SMALL, java_script_enabled=False, accept_downloads=True)
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
    """A new tab at an address."""
    page = context.new_page()
    page.goto(address)
    return page


def looks_right(page: Page) -> None:
    """No accessibility fault, nothing wider than a small phone, a title that says nothing, the way out in reach."""
    assert faults(page) == []
    assert page.title().replace("Error: ", "").replace("À corriger\u202f: ", "") in {"Form", "Formulaire"}
    expect(page.locator("#exit")).to_be_in_viewport()


def proves(page: Page, running: Running, address: str) -> None:
    """From the address to the pass, by keyboard; with a script it is one page, without one three."""
    page.locator("#address").focus()
    page.keyboard.type(address)
    page.locator("#address").press("Enter")
    page.locator("#code-form button").wait_for()
    page.locator("#code").fill(running.code_for(address))
    page.locator("#code").press("Enter")
    page.locator("#choose-form button[type=submit]").wait_for()


def checks(page: Page) -> None:
    """Go on from the choice to the check of what becomes public, unless it is there."""
    if not page.locator("#sign-now").is_visible():
        page.locator("#choose-form button[type=submit]").click()
    page.locator("#sign-now").wait_for()


def signed(page: Page) -> dict[str, object]:
    """Go on to the check, and sign there; the receipt that is shown."""
    checks(page)
    page.locator("#sign-now").click()
    expect(page.locator("textarea#receipt")).to_have_value(WHOLE)
    kept = json.loads(page.locator("textarea#receipt").input_value())
    assert kept["by_epoch"] == 2**64 - 1  # also where a script wrote it, whose numbers cannot hold it
    assert isinstance(kept, dict)
    return kept


_people = count(1)
