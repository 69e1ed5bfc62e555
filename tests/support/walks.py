"""The whole public way, as somebody goes it in a browser: reads, asks for mail, signs, goes back on it."""

from __future__ import annotations

import json
import secrets
from pathlib import Path

from playwright.sync_api import Page, expect

from petition.web.public.pages import AWAY
from tests.support.inbox import link, mail_to
from tests.support.installation import Running
from tests.support.signing import IN_THE_LEDGER, letter_of, proves, signed
from tests.support.traces import STEP, Watch, stored
from tests.support.waiting import until

READ = ("", "/signers", "/signers?q=alice", "/signers?page=2", "/count", "/checkpoints", "/legal", "/embed")
SHARED = ("/card.png", "/badge.svg", "/qr.svg", "/qr.png")
ELSEWHERE = ("/", "/safety", "/seizure", "/nothing-here", "/c/no-such-letter", "/mail/confirm/cut")


class Walk:
    """Somebody who reads, asks for mail, signs and goes back on it.

    `words` is what must be found nowhere, `secret` what a script sends to nobody.
    """

    def __init__(self, running: Running, watch: Watch, lang: str, scripted: bool, profile: Path) -> None:
        self.running, self.watch, self.lang, self.scripted, self.profile = running, watch, lang, scripted, profile
        self.letter = letter_of(running)
        self.mark = f"qzv{secrets.token_hex(6)}"
        self.words, self.tokens = {self.mark}, set[str]()
        self.left, self.secret = 0, ""
        self.page = watch.context.new_page()

    def goes(self, address: str) -> None:
        """Open an address in this walk's language."""
        self.page.goto(f"{address}{'&' if '?' in address else '?'}lang={self.lang}")
        self.watch.look(self.page)

    def leaves(self) -> None:
        """By the quick exit, and come back in a new tab."""
        if self.scripted:
            self.page.evaluate("localStorage.setItem('left', 'here'); caches.open('left')")
        self.page.locator("#exit").click()
        self.page.wait_for_url(AWAY)
        self.left += 1
        self.watch.judge()
        self.page.close()
        self.page = self.watch.context.new_page()

    def loads_again(self, wanted: str) -> None:
        """With a script: wait until the browser wrote down what the tab keeps, then reload and be where one was."""
        if not self.scripted:
            return

        def written() -> bool:
            kept = self.page.evaluate(STEP)  # nothing yet, while the tab waits for its key
            return bool(kept) and stored(self.profile, json.loads(kept)["sealed"])

        until("the browser to write down what the tab stores: without it nothing would be proved", written, pause=0.1)
        self.page.reload()
        self.page.locator(wanted).wait_for()
        self.watch.look(self.page)

    def reads(self) -> None:
        """Read every public page, and the letter in the other language."""
        self.page.goto(self.letter)
        other = "fr" if self.lang == "en" else "en"
        self.page.locator(f".languages a[lang={other}]").click()
        expect(self.page.locator("html")).to_have_attribute("lang", other)
        self.watch.look(self.page)
        for path in (*READ[1:], READ[0]):
            self.goes(f"{self.letter}{path}")
        for path in SHARED:
            with self.page.expect_response(f"**{path}"):
                self.page.evaluate(
                    "src => document.body.append(Object.assign(new Image(), { src }))", f"{self.letter}{path}"
                )
        for path in ELSEWHERE:
            self.goes(f"{self.running.url.rstrip('/')}{path}")
        for path in ("/sign", "/sign?have=pass", "/receipt", "/withdraw", "/subscribe"):
            self.goes(f"{self.letter}{path}")
            self.leaves()

    def subscribes(self) -> None:
        """Subscribe, after an address that is refused."""
        address = f"{self.mark}@post.example"
        self.goes(f"{self.letter}/subscribe")
        for typed, then in ((f"{self.mark}@salesforce.example", "#address[aria-invalid]"), (address, "main .act")):
            self.page.locator("#address").fill(typed)
            self.page.locator("main form button").click()
            self.page.locator(then).wait_for()
            self.watch.look(self.page)
        first = link(mail_to(self.running, address, ""), "confirm")
        self.tokens.add(token_of(first))
        self.page.goto(first)
        for _, button in BY_MAIL:
            self.watch.look(self.page)
            self.tokens |= {token_of(each) for each in tokens(self.page)}
            with self.page.expect_navigation():
                self.page.locator(button).click()
        self.watch.look(self.page)

    def proves(self, address: str) -> None:
        """Get a pass for an address."""
        self.goes(f"{self.letter}/sign")
        proves(self.page, self.running, address)
        self.words.add(self.running.code_for(address))
        self.watch.look(self.page)
        self.loads_again("#choose-form")

    def keeps_the_pass(self) -> str:
        """The pass as a file, or copied by hand; then away."""
        self.page.locator(".keep summary").click()
        held = self.page.locator("#pass").input_value()
        if self.scripted:
            with self.page.expect_download() as saving:
                self.page.locator("[data-save=pass]").click()
            assert Path(saving.value.path()).read_text() == held
        self.words |= {held[3:43], held[60:100]}
        self.leaves()
        return held

    def signs(self, held: str) -> bytes:
        """Later, with the pass that was kept; gives the saved receipt."""
        self.goes(f"{self.letter}/sign?have=pass")
        self.page.locator("#pass").fill(held)
        self.page.locator("#show-name").check()
        self.page.locator("#name").fill(f"Suzie {self.mark}")
        self.page.locator("#comment").fill(f"Said by {self.mark}")
        kept = signed(self.page)
        self.secret = str(kept["w0"])
        self.words |= {str(kept[name]) for name in ("w0", "ticket", "salt", "promise")}
        self.watch.look(self.page)
        self.loads_again("#receipt-form")
        with self.page.expect_download() as saving:
            self.page.locator("#receipt-form button[type=submit]").click()
        receipt = Path(saving.value.path()).read_bytes()
        assert json.loads(receipt) == kept
        self.leaves()
        return receipt

    def looks_it_up(self, receipt: bytes) -> None:
        """Find the signature by its receipt until it is in the ledger."""
        self.goes(f"{self.letter}/receipt")

        def looked() -> str:
            self.page.locator("#file").set_input_files({"name": "r.json", "mimeType": "", "buffer": receipt})
            self.page.locator("#look-form button").click()
            self.page.locator("#standing[data-state]:not([data-state=''])").wait_for()
            return self.page.locator("#standing").inner_text()

        until("the ledger", looked, IN_THE_LEDGER[self.lang].search, pause=0.3)
        expect(self.page.locator("#standing")).to_have_text(IN_THE_LEDGER[self.lang])
        self.watch.look(self.page)

    def regrets(self, receipt: bytes) -> None:
        """First another name, then none, then the whole."""
        for act in ("amend", "hide", "withdraw"):
            self.goes(f"{self.letter}/change")
            self.page.locator("#file").set_input_files({"name": "r.json", "mimeType": "", "buffer": receipt})
            self.page.locator("main form button").click()
            self.page.locator("#all").wait_for()
            self.watch.look(self.page)
            if act == "amend":
                self.page.locator("#show-name").check()
                self.page.locator("#name").fill(f"{self.mark} Changed")
            self.page.locator(f"main form[action*='/{act}'] button").click()
            self.page.locator("#all").wait_for(state="detached")
            self.watch.look(self.page)
        self.leaves()

    def all(self) -> None:
        """The whole way: read, subscribe, sign, look it up, take it back."""
        self.reads()
        self.subscribes()
        address = f"{self.mark}@salesforce.example"
        self.goes(f"{self.letter}/sign")
        self.page.locator("#address").fill(f"{self.mark}@salesforce.example")
        self.page.locator("#address-form button").click()
        self.page.locator("#code").wait_for()
        self.watch.look(self.page)
        self.words.add(self.running.code_for(address))
        self.loads_again("#code")
        self.leaves()
        self.proves(f"{self.mark}.e@salesforce.example")
        receipt = self.signs(self.keeps_the_pass())
        self.looks_it_up(receipt)
        self.regrets(receipt)


def tokens(page: Page) -> list[str]:
    """Addresses of a page's links and forms that hold a subscriber's token."""
    found: list[str] = page.evaluate(
        "[...document.querySelectorAll('[href],[action]')].map(each => each.getAttribute('href') ?? each.getAttribute('action'))"
    )
    return [each for each in found if each.startswith("/mail/")]


def token_of(address: str) -> str:
    """The token in the address of a link by mail."""
    return address.partition("?")[0].rsplit("/", 1)[1]


BY_MAIL = (
    ("confirm", "main button"),
    ("done", "main .fields a"),
    ("settings", "button[value=save]"),
    ("saved", "button[value=pause]"),
    ("paused", "form[action*=unsubscribe] button"),
    ("left", "main .state a"),
)
"""From the link of a mail to the letter: each page, and what is pressed there."""
