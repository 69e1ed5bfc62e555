"""What the mails say: each of them, in each language, as text and as HTML, from fixed facts.

The expected mails are files under `data/mails/`. After a wanted change, write them anew with
`PETITION_WRITE_MAILS=1 python3 app.py test tests/domain/test_mail_texts.py`, and read the difference before it is kept.
"""

from __future__ import annotations

import os
import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Final

import pytest
from sqlalchemy.orm import Session

from petition import epochs
from petition.campaigns import Campaign, CampaignState, Letter
from petition.campaigns.milestones import MilestoneKind
from petition.ledger.entries import Visibility
from petition.mail import ListPostbox
from petition.mail.templates import WIDTH
from petition.mailing import digests
from petition.mailing.digests import DIGESTS, NOTICES, RenderedMail, Sender
from petition.mailing.digests.addressee_weekly import ForAddressee
from petition.mailing.digests.codes_stopped import CodesStopped, SilenceFact
from petition.mailing.digests.facts import DemandFact, Happened, NextStep, ReachedFact, UpdateFact, Window, as_json
from petition.mailing.digests.organiser_approvals import ForApprovers, PendingFact
from petition.mailing.digests.organiser_daily import BouncesFact, CodesFact, ForOrganisers
from petition.mailing.digests.sending import message
from petition.mailing.queue import Claim
from petition.organisers import approvals
from petition.organisers.actor import Actor
from petition.organisers.approvals import ApprovalKind
from petition.signatures import DisplayChoice
from petition.verification.tables import CodeDay
from tests import make

HERE: Final = Path(__file__).parent / "data" / "mails"
TEMPLATES: Final = Path(__file__).parents[2] / "templates" / "mail"
BASE: Final = "https://letters.example"
PRESS: Final = "https://press.example/2026/pay-bands?page=1&full=yes"
LANGUAGES: Final = ("en", "fr")
MONDAY, SUNDAY = date(2026, 11, 16), date(2026, 11, 22)
CONTRAST: Final = 4.5

REACHED: Final = ReachedFact(MilestoneKind.COUNT, 900, 900, date(2026, 11, 22))
SHARE: Final = ReachedFact(MilestoneKind.SHARE, 10, 922, date(2026, 11, 22))
UPDATE: Final = UpdateFact(
    1,
    date(2026, 11, 21),
    {
        "en": f'We met the works council. It *supports* the letter, and <b>says</b> "so" [in the press]({PRESS}).\n\n'
        "- The next meeting is on Thursday.\n- Bring a colleague.",
        "fr": f'Nous avons rencontré le CSE. Il *soutient* la lettre et le <b>dit</b> "ainsi" [dans la presse]({PRESS}) !\n\n'
        "- La prochaine réunion a lieu jeudi.\n- Venez avec un collègue.",
    },
)
MET: Final = DemandFact(
    1,
    {"en": "Publish the pay bands of every role & level.", "fr": "Publiez les grilles de salaire : tous les postes."},
    "partly_met",
)
REFUSED: Final = DemandFact(2, {"en": "End the forced ranking of colleagues."}, "refused")
OPEN: Final = DemandFact(3, {"en": "Answer in public.", "fr": "Répondez en public."}, "no_answer")
NEWS: Final = Happened(
    since=SUNDAY,
    until=SUNDAY,
    state=CampaignState.OPEN,
    count=922,
    change=38,
    milestones=(REACHED,),
    updates=(UPDATE,),
    demands=(MET, REFUSED),
    steps=(),
    next=NextStep(MilestoneKind.COUNT, 1000, 78),
)
NOTHING: Final = replace(NEWS, change=None, milestones=(), updates=(), demands=(), next=None)
CALM: Final = ForOrganisers(replace(NOTHING, change=0), 0, 0, 0, (), (), 1100, 210)
BUSY: Final = ForOrganisers(
    replace(NEWS, updates=(), demands=()),
    evidence=3,
    dead=1,
    stalled=7_300,
    bounces=(BouncesFact("Example Mail", 1200, 40, 0), BouncesFact("", 310, 0, 0)),
    codes=(CodesFact("corp.example", date(2026, 11, 22), 44, 0), CodesFact("labs.example", date(2026, 11, 22), 12, 11)),
    issued=1100,
    readers=0,
)
PENDING: Final = ForApprovers(
    tuple(PendingFact(act, datetime(2026, 11, 25, 8, 5, tzinfo=UTC)) for act in ApprovalKind),
    closes=datetime(2026, 11, 24, 20, 0, tzinfo=UTC),
)
DONE: Final = ForApprovers((), None, (ApprovalKind.REMOVE_OWNER, ApprovalKind.OPEN))
MAILS: Final[dict[str, tuple[str, object | None]]] = {
    "confirm": ("confirm", None),
    "reminder": ("reminder", None),
    "known": ("known", None),
    "daily": ("signer_daily", NEWS),
    "daily_below_the_least_number": ("signer_daily", replace(NOTHING, count=None, updates=(UPDATE,))),
    "daily_nothing_but_a_demand": ("signer_daily", replace(NOTHING, change=0, demands=(OPEN,))),
    "daily_fewer_and_answered": (
        "signer_daily",
        replace(NOTHING, state=CampaignState.ANSWERED, change=-1, steps=("closed", "delivered", "answered")),
    ),
    "daily_an_update_on_the_page": ("signer_daily", replace(NOTHING, change=0, updates=(UpdateFact(2, SUNDAY, {}),))),
    "weekly": ("signer_weekly", replace(NEWS, since=MONDAY, next=NextStep(MilestoneKind.SHARE, 15, 461))),
    "milestone": ("milestone", replace(NOTHING, milestones=(REACHED,), next=NEWS.next)),
    "milestones_and_a_share": ("milestone", replace(NOTHING, milestones=(REACHED, SHARE))),
    "update": ("update", replace(NOTHING, updates=(UPDATE,), next=NEWS.next)),
    "organisers_calm": ("organiser_daily", CALM),
    "organisers_busy": ("organiser_daily", BUSY),
    "organisers_pending": ("organiser_approvals", PENDING),
    "organisers_closing": ("organiser_approvals", replace(PENDING, waiting=())),
    "organisers_approved": ("organiser_approvals", DONE),
    "codes_stopped": (
        "codes_stopped",
        CodesStopped((SilenceFact("corp.example", 44, 25, 85), SilenceFact("labs.example", 12, 25, None))),
    ),
    "addressee": ("addressee_weekly", ForAddressee(replace(NEWS, since=MONDAY, updates=()), (MET, REFUSED, OPEN))),
}


def a_campaign(**mailing: object) -> Campaign:
    """A campaign that no database knows."""
    campaign = Campaign(
        id=bytes(16), slug="fair-pay", state=CampaignState.OPEN, languages=["en", "fr"], addressee="Chief Executive",
        mailing=mailing,
    )  # fmt: skip
    campaign.letters = [
        Letter(lang="en", title="Fair pay & an open ear: a letter to our Chief Executive"),
        Letter(lang="fr", title="Juste salaire : lettre à notre présidente"),
    ]
    return campaign


def sheet(name: str, lang: str, **mailing: object) -> RenderedMail:
    """One of the mails above, as it is written once for all its readers."""
    kind, facts = MAILS[name]
    return digests.write(a_campaign(**mailing), kind, None if facts is None else as_json(facts), lang, BASE)


EVERY = pytest.mark.parametrize(("name", "lang"), [(name, lang) for name in MAILS for lang in LANGUAGES])


class Elements(HTMLParser):
    """Every start tag of a document, with its attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def of_class(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for _, attributes in self.found if name in (attributes.get("class") or "").split()]


def links(html: str) -> list[str]:
    return [attributes["href"] or "" for tag, attributes in Elements(html).found if tag == "a"]


def test_every_mail_is_here() -> None:
    assert {kind for kind, _ in MAILS.values()} == NOTICES | DIGESTS.keys()


@EVERY
def test_mail_says_what_it_said(name: str, lang: str) -> None:
    written = sheet(name, lang)
    said = {f"{name}.{lang}.txt": f"{written.subject}\n\n{written.text}", f"{name}.{lang}.html": written.html}
    if os.environ.get("PETITION_WRITE_MAILS"):
        HERE.mkdir(parents=True, exist_ok=True)
        for file, content in said.items():
            (HERE / file).write_text(content, encoding="utf-8")
    assert said == {file: (HERE / file).read_text(encoding="utf-8") for file in said}


def test_no_expected_mail_is_left_over() -> None:
    wanted = {f"{name}.{lang}.{suffix}" for name in MAILS for lang in LANGUAGES for suffix in ("txt", "html")}
    assert {path.name for path in HERE.iterdir()} == wanted


@EVERY
def test_mail_fetches_nothing_and_leads_to_us_or_the_press_only(name: str, lang: str) -> None:
    html = sheet(name, lang).html
    assert {tag for tag, _ in Elements(html).found} & {
        "img",
        "link",
        "script",
        "iframe",
        "form",
        "svg",
        "video",
    } == set()
    assert [each for each in ("url(", "@import", "src=", "background=", "@font-face") if each in html] == []
    assert [link for link in links(html) if not link.startswith(f"{BASE}/") and link != PRESS] == []
    assert set(re.findall(r"https?://[^\s<>\"&]+", html)) - {PRESS.partition("&")[0]} == {
        link for link in links(html) if link.startswith(BASE)
    }


@EVERY
def test_text_and_html_lead_to_the_same_places_with_one_button(name: str, lang: str) -> None:
    written = sheet(name, lang)
    (button,) = Elements(written.html).of_class("button")
    assert f"\n{button['href']}\n" in written.text
    assert set(re.findall(r"https?://[^\s<>]+", written.text)) == set(links(written.html))


@EVERY
def test_html_names_its_language_and_is_one_column_of_600_pixels(name: str, lang: str) -> None:
    elements = Elements(sheet(name, lang).html)
    assert [attributes["lang"] for tag, attributes in elements.found if tag == "html"] == [lang]
    (column,) = elements.of_class("sheet")
    assert "max-width: 600px" in (column["style"] or "")


@EVERY
def test_text_is_plain_and_its_lines_are_short(name: str, lang: str) -> None:
    text = sheet(name, lang).text
    lines = [line for line in text.splitlines() if "https://" not in line]
    assert max(map(len, lines)) <= WIDTH
    assert re.findall(r"&\w+;|&#\d+;|<(?!https)/?\w+>", text.replace("<b>", "").replace("</b>", "")) == []
    assert not any(line != line.rstrip() for line in text.splitlines())


@EVERY
def test_html_is_small_enough_not_to_be_cut(name: str, lang: str) -> None:
    assert len(sheet(name, lang).html.encode()) < 30_000


def test_what_was_typed_stays_text() -> None:
    html = sheet("update", "en").html
    assert ("<b>says</b>" in html, "&lt;b&gt;says&lt;/b&gt;" in html) == (False, True)


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("name", MAILS)
def test_neutral_subject_does_not_name_the_letter(name: str, lang: str) -> None:
    written = sheet(name, lang, neutral=True)
    title = "Fair pay" if lang == "en" else "Juste salaire"
    assert (title in written.subject, title in written.text) == (False, True)
    assert "<title>" in written.html
    assert title not in written.html.partition("<title>")[2].partition("</title>")[0]


def test_reader_of_a_third_language_gets_its_texts_in_an_english_mail() -> None:
    campaign = a_campaign()
    campaign.languages = ["en", "de"]
    campaign.letters = [Letter(lang="en", title="A letter"), Letter(lang="de", title="Ein Brief")]
    facts = replace(NOTHING, demands=(DemandFact(1, {"en": "Answer.", "de": "Bitte antworten."}, "met"),))
    written = digests.write(campaign, "signer_daily", as_json(facts), "de", BASE)
    assert (written.lang, "Bitte antworten." in written.text, f"{BASE}/c/fair-pay?lang=de" in written.text) == (
        "en",
        True,
        True,
    )


@pytest.mark.parametrize("name", MAILS)
def test_a_button_is_a_padded_cell_where_links_have_no_padding(name: str) -> None:
    """Outlook draws with Word's engine: it ignores the padding of a link and takes that of the cell (`mso-padding-alt`)."""
    written = sheet(name, "en").html
    (cell,) = re.findall(r'<td class="call" style="([^"]*)"', written)
    (link,) = re.findall(r'<a class="button" href="[^"]*" style="([^"]*)"', written)
    (padding,) = re.findall(r"(?<![-\w])padding: ?([^;]*)", link)
    assert re.findall(r"mso-padding-alt: ?([^;]*)", cell) == [padding]
    assert re.findall(r"(?<![-\w])background: ?([^;]*)", cell) == re.findall(r"(?<![-\w])background: ?([^;]*)", link)


def test_shortened_days_are_told() -> None:
    assert "demonstration" in sheet("daily", "en", daily_seconds=120).text
    assert "demonstration" not in sheet("daily", "en").text


def test_readers_links_are_whole_and_headers_unbroken_on_one_line() -> None:
    sender = Sender(ListPostbox(), BASE, "s" * 32, make.PEPPER, "letters@undersigned.example", 0)
    for name, (kind, _) in MAILS.items():
        claim = Claim(
            kind, bytes(16), "2026-11-22", bytes(16), bytes(16), make.NOW, tries=0, unanswered=0, was_due=make.NOW
        )
        made = message(sender, sheet(name, "fr"), claim, "suzie@post.example")
        assert "goes-here" not in made.text + made.html
        assert made.as_bytes() == replace(made, encoded=None).as_bytes()
        (line,) = [each for each in made.as_bytes().split(b"\r\n") if each.startswith(b"List-Unsubscribe:")]
        url = line.decode().removeprefix("List-Unsubscribe: <").removesuffix(">")
        assert (len(line) < 998, url in made.text, url in links(made.html)) == (True, True, True)
        assert b"\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in made.as_bytes()
        (list_id,) = [each for each in made.as_bytes().split(b"\r\n") if each.startswith(b"List-Id:")]
        assert re.fullmatch(rb"List-Id: <[a-z0-9]+(\.[a-z0-9-]+)+>", list_id)  # RFC 2919: dot-atoms, no letter's name
        assert claim.campaign_id.hex().encode() in list_id
        assert len(list_id) < 255


def test_no_signer_is_named_though_one_is_named_in_public(session: Session) -> None:
    campaign = make.campaign(session, goals=((MilestoneKind.COUNT, 1),), mailing={"addressee": True})
    make.signature(session, campaign, DisplayChoice(Visibility.NAME, name="Mallory", role="Engineer"))
    epochs.close_epoch(session, campaign, make.NOW)
    approvals.ask(session, campaign.id, ApprovalKind.REMOVE, {"n": 1}, Actor(bytes(16), make.NOW))
    yesterday = make.NOW.date() - timedelta(days=1)
    session.add(CodeDay(campaign_id=campaign.id, domain="corp.example", day=yesterday, asked=20, used=0, share=0))
    told = {kind: mail_of_today(session, campaign, kind) for kind in DIGESTS if kind != "update"}
    assert [kind for kind, said in told.items() if "Mallory" in said or "Engineer" in said] == []


def mail_of_today(session: Session, campaign: Campaign, kind: str) -> str:
    """All of a mail about everything so far."""
    facts = DIGESTS[kind].facts(session, campaign, Window("x", make.NOW, make.NOW, 0, 9, None))
    assert facts is not None
    written = digests.write(campaign, kind, as_json(facts), "en", BASE)
    return written.subject + written.text + written.html


def colours(css: str) -> dict[str, str]:
    """Each selector's colour of ink; that of a button's ground as `button ground`."""
    found: dict[str, str] = {}
    for selectors, body in re.findall(r"([^{}]+)\{([^{}]*)\}", re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL)):
        ink = re.search(r"(?<![-\w])color: (#\w{6})", body)
        ground = re.search(r"background: (#\w{6})", body)
        for selector in map(str.strip, selectors.split(",")):
            found |= {selector: ink[1]} if ink else {}
            found |= {f"{selector} ground": ground[1]} if ground else {}
    return found


def luminance(colour: str) -> float:
    """WCAG 2.2, relative luminance."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("file", ["mail.css", "parts/dark.css"])
def test_every_ink_can_be_read_on_its_paper(file: str) -> None:
    found = colours((TEMPLATES / file).read_text(encoding="utf-8").replace("@media (prefers-color-scheme: dark) {", ""))
    inks = {selector: ink for selector, ink in found.items() if not selector.endswith("ground")}
    grounds = {selector: found.get(f"{selector} ground", found[".paper ground"]) for selector in inks}
    grounds[".button"] = found[".button ground"]
    poor = {each: contrast(inks[each], grounds[each]) for each in inks}
    assert {each: ratio for each, ratio in poor.items() if ratio < CONTRAST} == {}
    assert {".paper", ".button", ".reason", ".refused", ".met", ".partly_met", "a"} <= inks.keys()
