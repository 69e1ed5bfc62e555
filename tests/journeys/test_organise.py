"""Omar runs a campaign from the invitation to the answer, on a whole installation; Suzie holds the second key."""

from __future__ import annotations

import re
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from petition import campaigns
from petition.core import db
from petition.mail import InboxMail, read_inbox
from tests import make
from tests.support.authenticator import AUTHENTICATOR
from tests.support.clients import attach
from tests.support.foreign_client import Answer, Applicant, call, modulus, unb64u
from tests.support.gallery import Gallery
from tests.support.installation import Running, installation
from tests.support.looks import DESK, presses
from tests.support.waiting import until

pytestmark = pytest.mark.xdist_group("organise journey")

SLUG, FAKES = "four-days", 52
DRAFT = ("letter/en", "demands", "who", "domains", "roles", "teams", "workforce", "visible", "batches", "milestones", "mail",
         "dates", "legal")  # fmt: skip
MENU = ("", "/chart", "/updates", "/demands", "/milestones", "/answer", "/signers", "/removals", "/subscribers", "/share",
         "/exports", "/keys", "/team", "/settings", "/journal")  # fmt: skip
LETTER = {
    "en": ("Four days are enough", "We ask for a week of four days.\n\n**Please** answer by spring."),
    "fr": ("Quatre jours suffisent", "Nous demandons une semaine de quatre jours.\n\nMerci de **répondre**."),
}
UPDATE = {"en": "Suzie met the *works council*.", "fr": "Suzie a rencontré le *comité*."}
ANSWER = {"en": "We will try it for a year.", "fr": "Nous l’essaierons pendant un an."}
READERS = {"en": "reader@post.example", "fr": "lectrice@post.example"}


TOLD = (
    "Joined the team: Owner", "Changed the campaign’s settings: Batches", "Added or changed a milestone: Signatures, 1",
    "Opened the campaign", "Published an update", f"Removed signatures: {FAKES}, as fraud", "Exported a file: Figures by day",
    "Approved as the second organiser: Close the campaign", "Closed the campaign", "Recorded the delivery",
    "Recorded the addressee’s answer",
)  # fmt: skip


class Organiser:
    """Somebody at the dashboard in a browser of their own."""

    def __init__(self, running: Running, context: BrowserContext) -> None:
        self.running, self.context, self.page = running, context, context.new_page()

    def goes(self, path: str) -> Page:
        """To a room of the campaign."""
        self.page.goto(f"{self.running.url}/organise/c/{SLUG}{path}")
        return self.page

    def searches(self, path: str, text: str) -> Page:
        """For a name, in a room with a search."""
        self.goes(path)
        self.page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
        self.page.locator("#q").fill(text)
        presses(self.page.locator("form:has(#q) button").last)
        assert text not in self.page.url
        return self.page

    def fills(self, **typed: str) -> None:
        """Fields by their name; a field that stands there several times is the last one."""
        for name, text in typed.items():
            field = self.page.locator(f"main [name={name}]:not([type=hidden])").last
            if field.evaluate("each => each.tagName") == "SELECT":
                field.select_option(text)
            else:
                field.fill(text)

    def presses(self, action: str) -> None:
        """The first button of the last form that posts to an address ending so."""
        presses(self.page.locator(f"main form[action$='{action}']").last.locator("button").first)

    def joins(self, link: str, name: str) -> list[str]:
        """By an invitation; gives the recovery codes."""
        self.page.goto(f"{self.running.url}/organise/invitation/{link}")
        self.page.locator("#name").fill(name)
        presses(self.page.locator("main form[action*='/invitation/'] button"))
        codes = self.page.locator("#codes").input_value().split()
        presses(self.page.locator("main p.next a").last)
        assert urlsplit(self.page.url).path in {"/organise", f"/organise/c/{SLUG}"}
        return codes


def test_omar_runs_a_campaign_from_the_invitation_to_the_answer(browser: Browser) -> None:
    with installation() as running, browser.new_context(viewport=DESK) as first, browser.new_context() as second:
        omar, suzie = Organiser(running, first), Organiser(running, second)
        gallery = Gallery(first, running.url)
        _comes_in(omar, gallery)
        _drafts(omar, gallery)
        _invites(omar, suzie, gallery)
        _opens(omar, suzie, gallery)
        _readers_confirm(running)
        _somebody_signs(running, omar)
        _mails_an_update(omar, suzie, gallery)
        _removes_fakes(omar, suzie, gallery)
        _downloads_figures(omar, gallery)
        _closes(omar, suzie, gallery)
        _records_the_answer(omar, gallery)
        _reads_the_journal(omar, gallery)
        assert gallery.faults == {}


def _comes_in(omar: Organiser, gallery: Gallery) -> None:
    """By invitation, and the second time by passkey."""
    line = omar.context.new_cdp_session(omar.page)
    line.send("WebAuthn.enable")
    line.send("WebAuthn.addVirtualAuthenticator", {"options": AUTHENTICATOR})
    made = omar.running.command("organiser", "invite")
    assert len(omar.joins(made.stdout.strip().rsplit("/", 1)[-1], "Omar")) == 10
    presses(omar.page.locator(".who-am-i a").last)
    omar.page.locator("#passkey").fill("Telephone")
    omar.page.bring_to_front()  # an authenticator answers the page that has the focus
    presses(omar.page.locator("form[data-passkey=make] button"))
    expect(omar.page.locator("#passkeys ~ .rows li")).to_have_count(1)
    gallery.look("/account", "account")
    omar.page.goto(f"{omar.running.url}/organise")
    presses(omar.page.locator(".who-am-i form button").last)
    omar.page.goto(f"{omar.running.url}/organise/sign-in")
    omar.page.bring_to_front()
    presses(omar.page.locator("form[data-passkey=ask] button"))
    assert omar.page.url == f"{omar.running.url}/organise"


def _drafts(omar: Organiser, gallery: Gallery) -> None:
    """A letter in two languages, step by step; what is missing stands in the checklist."""
    gallery.look("", "campaigns-empty")
    gallery.look("/new", "new")
    omar.page.goto(f"{omar.running.url}/organise/new")
    omar.fills(title=LETTER["en"][0], language="en", second="fr", slug=SLUG)
    omar.presses("/new")
    gallery.look(f"/c/{SLUG}/draft", "checklist-empty", ("fr",))
    for lang, (title, markdown) in LETTER.items():
        omar.goes(f"/draft/letter/{lang}")
        omar.fills(title=title, markdown=markdown)
        omar.presses(f"/letter/{lang}")
    for english, french in (
        ("A week of four days.", "Une semaine de quatre jours."),
        ("No less pay.", "Le même salaire."),
    ):
        omar.goes("/draft/demands")
        omar.fills(text_en=english, text_fr=french)
        omar.presses("/demands")
    steps: dict[str, dict[str, str]] = {
        "who": {"addressee": "Alice Example", "organisation": "Example", "addressee_role_en": "Chief Executive",
                "addressee_role_fr": "Directrice générale", "organisers_en": "Employees.", "organisers_fr": "Des salariés."},
        "domains": {"domain": "corp.example"},
        "roles": {"value_0": "Engineer", "label_0_en": "Engineer", "label_0_fr": "Ingénierie"},
        "workforce": {"workforce": "1000", "workforce_source_en": "Annual report", "workforce_source_fr": "Rapport annuel"},
        "visible": {"public_min": "1"},
        "batches": {"batch_min": "5", "interval": "5"},
        "milestones": {"value": "1"},
        "mail": {"time_zone": "Europe/Paris", "quiet_from": "0", "quiet_to": "0"},
    }  # fmt: skip
    for step, typed in steps.items():
        omar.goes(f"/draft/{step}")
        if step == "batches":
            _offer_five_seconds(omar.page)
        omar.fills(**typed)
        omar.presses(f"/draft/{step}")
    for step in DRAFT:
        gallery.look(f"/c/{SLUG}/draft/{step}", f"draft-{step}")
    gallery.look(f"/c/{SLUG}/draft", "checklist")
    gallery.look(f"/c/{SLUG}/duplicate", "duplicate")
    for room in MENU:
        if room != "/settings":
            gallery.look(f"/c/{SLUG}{room}", f"before{room or '/overview'}", ("fr",))


def _offer_five_seconds(page: Page) -> None:
    """The form offers minutes and days; the rule behind it takes any number of seconds."""
    page.locator("#interval").evaluate("each => each.add(new Option('5', '5'))")


def _invites(omar: Organiser, suzie: Organiser, gallery: Gallery) -> None:
    """A second owner, by a link that is handed over."""
    omar.goes("/team")
    omar.page.locator("#invite-owner").check()
    omar.presses("/team/invite")
    link = omar.page.locator("#link").input_value().strip()
    gallery.look(f"/c/{SLUG}/team", "team-invited", ("fr",))
    assert len(suzie.joins(link.rsplit("/", 1)[-1], "Suzie")) == 10


def _opens(omar: Organiser, suzie: Organiser, gallery: Gallery) -> None:
    """Two owners: one asks, and the other one reads the draft and approves it."""
    gallery.look(f"/c/{SLUG}/open", "open")
    attach(omar.running)
    with db.transaction() as session:
        draft = campaigns.find_any(session, SLUG)
        assert draft
        draft.batch_min = 1  # no form takes it; here one signs at a time
    omar.goes("/open")
    omar.presses("/open")
    assert omar.page.url.endswith(f"/organise/c/{SLUG}/keys")
    gallery.look(f"/c/{SLUG}/keys", "keys-open")
    gallery.look(f"/c/{SLUG}/open", "open-asked", ("fr",))
    presses(suzie.goes("/keys").get_by_role("link", name="See it as the public will see it"))
    suzie.goes("/keys")
    suzie.presses("/keys/approve")


def _readers_confirm(running: Running) -> None:
    """Two readers, each in a language, by the link in their mail."""
    for lang, address in READERS.items():
        asked = {"address": address, "rhythm": "milestones", "lang": lang}
        assert call(f"{running.url}/api/campaigns/{SLUG}/subscribe", asked).status == 202
    for address in READERS.values():
        (mail,) = _mails(running, address, "/mail/confirm/")
        found = re.search(r"/mail/confirm/([\w.-]+)", mail.text)
        assert found
        done = urllib.request.urlopen(f"{running.url}/mail/confirm/{found[1]}", b"")
        assert done.status == 200


def _mails(running: Running, address: str, words: str) -> list[InboxMail]:
    """The mails to an address with these words, once there is one."""

    def read() -> list[InboxMail]:
        return [each for each in read_inbox(running.home / "inbox", 400) if each.to == address and words in each.text]

    return until("a mail", read)


def _api(running: Running, path: str, document: object | None = None) -> Answer:
    return call(f"{running.url}/api/campaigns/{SLUG}{path}", document)


def _count(running: Running) -> int | None:
    found = _api(running, "/count").body.get("count")
    return found if isinstance(found, int) else None


def _somebody_signs(running: Running, omar: Organiser) -> None:
    """With a code from the inbox; the first signature is the milestone, which readers get by mail."""
    address = "bob@corp.example"
    asked, campaign = _api(running, "/verify", {"address": address, "lang": "en"}), _api(running, "").body
    applicant = Applicant(modulus(unb64u(campaign["groups"][0]["issuer"])), bytes.fromhex(campaign["id"]))
    given = {"challenge": asked.body["challenge"], "code": running.code_for(address), "blinded": applicant.blinded}
    held = applicant.complete(_api(running, "/pass", given).body["stamp"])
    assert _api(running, "/sign", {"pass": held, "show": "name", "name": "Bob Example"}).status == 201
    until("the first signature", lambda: _count(running), lambda count: count == 1)
    for lang, address in READERS.items():
        (mail,) = _mails(running, address, LETTER[lang][0])[:1]
        assert mail.subject
    omar.goes("/milestones")
    expect(omar.page.locator("main")).to_contain_text("Reached on")


def _mails_an_update(omar: Organiser, suzie: Organiser, gallery: Gallery) -> None:
    """Written in two languages, previewed, approved by a second organiser, in the inbox in the reader's language."""
    page = omar.goes("/updates/new")
    for lang, text in UPDATE.items():
        page.locator(f"#text-{lang}").fill(text)
    presses(page.locator("button[value=preview]"))
    expect(page.locator(".seen em").first).to_have_text("works council")
    presses(page.locator("button[value=save]"))
    draft = page.url.rsplit("/updates/", 1)[1].split("?")[0]
    for path, name in (
        ("updates", "updates"),
        (f"updates/{draft}", "update"),
        (f"updates/{draft}/mail", "update-mail"),
    ):
        gallery.look(f"/c/{SLUG}/{path}", name)
    presses(page.locator("button[formaction$='/mail']"))
    expect(page.locator(".said")).to_contain_text("fewer than 10 subscribers")
    gallery.look(f"/c/{SLUG}/updates/{draft}", "update-asked", ("fr",))
    suzie.goes("/keys")
    expect(suzie.page.locator("main")).to_contain_text("Omar asks for it")
    suzie.presses("/keys/approve")
    for lang, address in READERS.items():
        words = re.findall(r"\w+", UPDATE[lang])[-1]
        assert _mails(omar.running, address, words)
    gallery.look(f"/c/{SLUG}/updates/{draft}", "update-mailed", ("fr",))


def _removes_fakes(omar: Organiser, suzie: Organiser, gallery: Gallery) -> None:
    """More than fifty take two keys; then the count falls, and the ledger still recounts."""
    running = omar.running
    attach(running)
    with db.transaction() as session:
        campaign = campaigns.find(session, SLUG)
        passes = [make.a_pass(session, campaign).held.encode() for _ in range(FAKES)]
    fakes = [{"pass": held, "show": "name", "name": f"Mallory {n}"} for n, held in enumerate(passes, 1)]
    with ThreadPoolExecutor(4) as pool:
        assert {each.status for each in pool.map(lambda each: _api(running, "/sign", each), fakes)} == {201}
    until("the fakes to count", lambda: _count(running), lambda count: count == 1 + FAKES)
    for room in MENU:
        gallery.look(f"/c/{SLUG}{room}", f"open{room or '/overview'}")
    gallery.look(f"/c/{SLUG}/removals/new", "removal-criteria")
    presses(omar.searches("/signers", "bob").locator(".rows a").first)
    gallery.look(omar.page.url.split("/organise", 1)[1], "signer")
    page = omar.searches("/removals/new", "mallory")
    page.locator("#why").select_option("fraud")
    presses(page.get_by_role("button", name=f"Ask to remove {FAKES} signatures"))
    gallery.look(f"/c/{SLUG}/removals", "removals-asked")
    gallery.look(f"/c/{SLUG}/keys", "keys-asked")
    presses(suzie.goes("/keys").get_by_role("button", name=f"Remove {FAKES} signatures", exact=True))
    until("the fakes to be gone", lambda: _count(running), lambda count: count == 1)
    verified = running.command("ledger", "verify")
    assert (verified.returncode, verified.stderr) == (0, "")
    gallery.look(f"/c/{SLUG}/removals", "removals-done", ("fr",))
    gallery.look(f"/c/{SLUG}", "overview-after-removal", ("fr",))


def _downloads_figures(omar: Organiser, gallery: Gallery) -> None:
    """Made in the background while the campaign runs."""
    page = omar.goes("/exports")
    presses(page.locator("button[name=kind]").first)
    files = page.locator(".files a")
    until("the export", lambda: (omar.goes("/exports"), files.count())[1])
    with page.expect_download() as download:
        files.first.click()
    assert re.fullmatch(rf"{SLUG}-.*\d{{4}}-\d\d-\d\d.*\.csv", download.value.suggested_filename)
    assert len(download.value.path().read_text().splitlines()) >= 2
    gallery.look(f"/c/{SLUG}/exports", "exports-made", ("fr",))


def _closes(omar: Organiser, suzie: Organiser, gallery: Gallery) -> None:
    """Two keys again, and a day in which each of them could keep it open."""
    omar.goes("/keys")
    omar.presses("/keys/close")
    gallery.look(f"/c/{SLUG}/keys", "keys-close", ("fr",))
    suzie.goes("/keys")
    suzie.presses("/keys/approve")
    gallery.look(f"/c/{SLUG}/keys", "keys-closes-soon")
    gallery.look(f"/c/{SLUG}", "overview-closes-soon")
    with db.transaction() as session:
        campaign = campaigns.find(session, SLUG)
        assert campaign.closes_at
        campaign.closes_at -= timedelta(days=1)
    until("the close", lambda: _api(omar.running, "").body["state"], lambda state: state == "closed")
    for room in ("", "/keys", "/removals", "/settings"):
        gallery.look(f"/c/{SLUG}{room}", f"closed{room or '/overview'}", ("fr",))


def _records_the_answer(omar: Organiser, gallery: Gallery) -> None:
    """First the delivery, then the answer, which stands on the letter's page in both languages."""
    page = omar.goes("/answer")
    omar.fills(**{"how-en": "Handed over in person", "how-fr": "Remise en main propre"})
    omar.presses("/answer/delivery")
    gallery.look(f"/c/{SLUG}/answer", "answer-delivered", ("fr",))
    for lang, text in ANSWER.items():
        page.locator(f"#text-{lang}").fill(text)
    presses(page.locator("button[value=save]"))
    gallery.look(f"/c/{SLUG}/answer", "answer-recorded")
    for lang, text in ANSWER.items():
        address = f"{omar.running.url}/c/{SLUG}?lang={lang}"
        until(
            f"{address} to tell of the answer",
            lambda at=address: (page.goto(at), page.locator("main").inner_text())[1],
            lambda seen, text=text: text in seen,
        )


def _reads_the_journal(omar: Organiser, gallery: Gallery) -> None:
    """Every deed, and no signer."""
    gallery.look(f"/c/{SLUG}/journal", "journal", ("fr",))
    told = omar.goes("/journal").locator("main table").inner_text()
    for line in TOLD:
        assert line in told
    assert "Bob" not in told
    assert "allory" not in told
