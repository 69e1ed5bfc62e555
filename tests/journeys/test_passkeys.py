"""Organisers come in with a real browser: by link, by passkey, and by recovery code without a script."""

from __future__ import annotations

import re
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.support.authenticator import AUTHENTICATOR
from tests.support.installation import Running
from tests.support.looks import SMALL, Looks, presses

pytestmark = pytest.mark.xdist_group("tree")


@pytest.fixture
def device(browser: Browser) -> Iterator[tuple[BrowserContext, Page]]:
    """A browser on a device that can keep passkeys."""
    context = browser.new_context(viewport=SMALL)
    page = context.new_page()
    line = context.new_cdp_session(page)
    line.send("WebAuthn.enable")
    line.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    yield context, page
    context.close()


def press(page: Page, action: str) -> None:
    """The button of the form that posts to an address ending so."""
    presses(page.locator(f"main form[action*='{action}'] button").first)


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_an_organiser_comes_in_by_invitation_and_from_then_on_by_passkey(
    running: Running, device: tuple[BrowserContext, Page], browser: Browser, lang: str
) -> None:
    """P36: invitation, name, codes, passkey, sign out, sign in with it, confirm, remove it; a code without a script."""
    context, page = device
    look = Looks(page, lang)
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    made = running.command("organiser", "invite", "--campaign", "ice-letter", "--role", "owner")
    link = made.stdout.strip().rsplit("/", 1)[-1]
    name = f"Suzie {lang}"

    page.goto(f"{running.url}/organise/invitation/{link}?lang={lang}")
    look.at("invitation")
    press(page, "/invitation/")
    look.at("invitation-to-mend")
    page.locator("#name").fill(name)
    press(page, "/invitation/")
    look.at("codes")
    codes = page.locator("#codes").input_value().split()
    assert len(codes) == 10
    (cookie,) = context.cookies()
    assert (cookie["name"], cookie["httpOnly"], cookie["secure"], cookie["sameSite"]) == (
        "__Host-undersigned", True, True, "Lax",
    )  # fmt: skip

    presses(page.locator("main p.next a").last)
    assert page.url == f"{running.url}/organise/c/ice-letter"
    presses(page.locator(".who-am-i a").last)
    look.at("account-new")
    presses(page.locator("form[data-passkey=make] button"))
    expect(page.locator("#passkeys ~ .rows li")).to_have_count(1)
    look.at("account")
    presses(page.locator(".who-am-i form button").last)
    page.goto(f"{running.url}/organise/c/ice-letter/keys?lang={lang}")
    assert "/organise/sign-in" in page.url
    page.goto(f"{running.url}/organise/sign-in?next=/organise/c/ice-letter/keys&lang={lang}")
    look.at("sign-in")
    presses(page.locator("form[data-passkey=ask] button"))
    assert page.url == f"{running.url}/organise/c/ice-letter/keys"
    look.at("keys")
    page.goto(f"{running.url}/organise/confirm?next=/organise/account")
    look.at("confirm")
    presses(page.locator("form[data-passkey=ask] button"))
    assert page.url == f"{running.url}/organise/account"
    for path in ("team", "journal"):
        page.goto(f"{running.url}/organise/c/ice-letter/{path}")
        look.at(path)
    page.goto(f"{running.url}/organise/c/ice-letter/team")
    press(page, "/team/invite")
    look.at("invited")
    page.goto(f"{running.url}/organise/c/ice-letter/keys")
    press(page, "/keys/close")
    look.at("keys-asked")
    press(page, "/keys/refuse")
    page.goto(f"{running.url}/organise/account")
    press(page, "/passkeys/remove")
    expect(page.locator("#passkeys")).to_be_visible()
    expect(page.locator("#passkeys ~ .rows")).to_have_count(0)
    assert look.faults == {}
    assert [text for text in complaints if "Content Security Policy" in text] == []

    plain = browser.new_context(java_script_enabled=False, viewport=SMALL)
    quiet = plain.new_page()
    quiet.goto(f"{running.url}/organise/sign-in?lang={lang}")
    assert not quiet.locator("form[data-passkey=ask]").is_visible()
    quiet.locator("#name").fill(name.upper())
    quiet.locator("#code").fill(codes[0].upper())
    presses(quiet.locator("#code"), "Enter")
    assert quiet.url == f"{running.url}/organise"
    assert quiet.locator("html").get_attribute("lang") == lang
    other = "fr" if lang == "en" else "en"
    presses(quiet.locator(f".languages button[lang={other}]"))
    assert quiet.locator("html").get_attribute("lang") == other
    assert quiet.url == f"{running.url}/organise"
    quiet.goto(f"{running.url}/organise/account")
    assert quiet.locator("noscript").is_visible()
    plain.close()


def test_the_line_in_the_terminal_lets_the_owner_in_once(running: Running, browser: Browser) -> None:
    assert re.fullmatch(re.escape(running.url) + r"/organise/enter/[\w-]{32}", running.sign_in)
    assert not (running.home / "run" / "sign-in").exists()
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(running.sign_in)
    press(page, "/enter/")
    assert page.url == f"{running.url}/organise"
    presses(page.locator(".letters h2 a"))
    presses(page.get_by_role("link", name="Team"))
    assert "Owner" in page.locator("main").inner_text()
    page.goto(running.sign_in)
    assert page.locator("h1").inner_text() == "This link does not work"
    context.close()


def test_the_link_lies_where_nobody_else_reads_it_until_it_is_printed(tmp_path: Path) -> None:
    from petition.bootstrap import leave_sign_in, take_sign_in

    leave_sign_in(tmp_path, "http://localhost/one")
    leave_sign_in(tmp_path, "http://localhost/two")
    (left,) = (tmp_path / "run").iterdir()
    assert stat.S_IMODE(left.stat().st_mode) == 0o600
    assert (take_sign_in(tmp_path), take_sign_in(tmp_path)) == ("http://localhost/two", "")


def test_commands_invite_and_list_and_whoever_is_disabled_is_out_at_once(running: Running, browser: Browser) -> None:
    made = running.command("organiser", "invite")
    link = made.stdout.strip()
    assert re.fullmatch(r"http://[^/]+/organise/invitation/[\w-]{32}", link)
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{running.url}/organise/invitation/{link.rsplit('/', 1)[-1]}")
    page.locator("#name").fill("Mallory")
    press(page, "/invitation/")
    assert page.locator("#codes").count() == 1
    assert re.search(r"^Owner +ice-letter owner$", running.command("organiser", "list").stdout, re.MULTILINE)
    again = running.command("organiser", "let-in", "Mallory").stdout.strip()
    assert "/organise/enter/" in again
    assert running.command("organiser", "disable", "mallory").stdout == "Mallory is disabled; every visit is over.\n"
    page.goto(f"{running.url}/organise")
    assert "/organise/sign-in" in page.url
    page.goto(f"{running.url}/organise/enter/{again.rsplit('/', 1)[-1]}")
    assert page.locator("h1").inner_text() == "This link does not work"
    context.close()
    assert refused(running, "let-in", "Mallory") == "Mallory is disabled.\n"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("disable", "Nobody"), "There is no organiser 'Nobody'.\n"),
        (("invite", "--campaign", "nothing"), "There is no campaign 'nothing'.\n"),
        (("invite", "--role", "owner"), "A role is a role in a campaign: name it with --campaign.\n"),
    ],
)
def test_a_command_that_names_nobody_is_refused_in_one_line(running: Running, words: tuple[str], said: str) -> None:
    assert refused(running, *words) == said


def test_a_role_that_is_none_is_refused(running: Running) -> None:
    assert running.command("organiser", "invite", "--role", "king").returncode == 2


def refused(running: Running, *words: str) -> str:
    """What a command says that ends with 2."""
    done = running.command("organiser", *words)
    assert (done.returncode, done.stdout) == (2, "")
    return done.stderr
