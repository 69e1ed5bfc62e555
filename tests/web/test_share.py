"""What others show of a letter: card, badge, QR code and counter; the same for everybody, and no number too early."""

from __future__ import annotations

import re
import struct
import time
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from xml.etree import ElementTree as ET

import pytest
import segno
from flask import Flask
from flask.testing import FlaskClient

from petition import campaigns, epochs
from petition.campaigns import CampaignState
from petition.campaigns.milestones import MilestoneKind
from petition.core import clock, db, i18n
from petition.web import pictures
from petition.web.dashboard.drafts.forms import LETTER_LANGUAGES
from petition.web.headers import COUNTER_POLICY
from petition.web.pictures import card as cards
from petition.web.pictures.qr_code import LEVEL, QUIET_ZONE
from tests import make
from tests.support.public_pages import forget, published, text_of

SHOWN = ("card.png", "badge.svg", "qr.svg", "qr.png", "embed")
HOSTILE = (
    "<script>alert(1)</script> & \"quotes\" 'single' ]]> <!-- -->",
    "\u202eRTL \u2066mixed\u2069 رسالة مفتوحة",
    "X" * 300,
    "word " * 60,
    "#panic() $x$ *b* `c` \\ // <label> @ref",
    "致公司的公开信",
    "Stop 😀 it 🚀 now",
    "\x07bell \ue000 \U000e0001",
)
SVG = "{http://www.w3.org/2000/svg}"


def size_of(png: bytes) -> tuple[int, int]:
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    assert png[12:16] == b"IHDR"
    width, height = struct.unpack(">II", png[16:24])
    return width, height


def titled(title: str, **changes: object) -> str:
    return published(anonymous=3, letters={"en": (title, "Dear chief executive,\n")}, **changes)


def sign_more(slug: str, n: int) -> None:
    with db.transaction() as session:
        made = campaigns.find(session, slug)
        for _ in range(n):
            make.signature(session, made)
        epochs.close_epoch(session, made, clock.now())


@pytest.mark.parametrize("name", SHOWN)
def test_a_picture_is_the_same_for_everybody_may_be_kept_and_shown_on_any_site(client: FlaskClient, name: str) -> None:
    slug = published(anonymous=2)
    first = client.get(f"/c/{slug}/{name}")
    other = client.get(f"/c/{slug}/{name}?utm_source=x", headers={"Cookie": "a=b", "Accept-Language": "fr"})
    assert first.status_code == 200
    assert first.data == other.data
    assert first.headers["Cache-Control"].startswith("public, max-age=5")
    assert first.headers.getlist("Cross-Origin-Resource-Policy") == ["cross-origin"]
    assert "Set-Cookie" not in first.headers
    again = client.get(f"/c/{slug}/{name}", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    head = client.head(f"/c/{slug}/{name}")
    assert (head.status_code, head.data, head.headers["ETag"]) == (200, b"", first.headers["ETag"])
    assert head.headers["Content-Length"] == first.headers["Content-Length"]


@pytest.mark.parametrize("name", SHOWN)
def test_there_is_nothing_to_show_of_a_letter_that_is_not_public(client: FlaskClient, name: str) -> None:
    with db.transaction() as session:
        slug = campaigns.draft(session, make.a_draft()).slug
    assert client.get(f"/c/{slug}/{name}").status_code == 404
    assert client.get(f"/c/no-such-letter/{name}").status_code == 404


def test_only_the_counter_may_be_framed(client: FlaskClient, slug: str) -> None:
    counter = client.get(f"/c/{slug}/embed").headers
    assert counter.getlist("Content-Security-Policy") == [COUNTER_POLICY]
    assert "frame-ancestors *" in COUNTER_POLICY
    assert "unsafe" not in COUNTER_POLICY
    others = [f"/c/{slug}{path}" for path in ("", "/sign", "/signers", "/count", "/embed/", "/embedx", "/x/embed")]
    others += [f"/c/{slug}/{name}" for name in SHOWN[:4]]
    for path in (*others, "/", "/organise", "/embed", "/c/embed", f"/api/campaigns/{slug}"):
        headers = client.get(path).headers
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"], path


def test_every_other_answer_stays_with_our_own_pages(client: FlaskClient, slug: str) -> None:
    for path in ("", "/sign", "/signers", "/badge.svg/", "/card.pngx", "/letter.en.md"):
        assert client.get(f"/c/{slug}{path}").headers.getlist("Cross-Origin-Resource-Policy") == ["same-origin"], path


def test_the_counter_is_bare_and_leads_to_the_letter_in_a_page_of_its_own(client: FlaskClient) -> None:
    slug = published(anonymous=3, goals=((MilestoneKind.COUNT, 3), (MilestoneKind.COUNT, 10)))
    page = client.get(f"/c/{slug}/embed?lang=fr").text
    assert re.findall(r"<a [^>]*>", page) == [
        f'<a href="http://localhost/c/{slug}?lang=fr" target="_blank" rel="noopener">'
    ]
    assert "<form" not in page
    assert 'data-figure="3"' in page
    assert "Prochain palier : 10 signatures" in text_of(page)
    assert re.findall(r'(?:src|href)="(?!http://localhost)([^"]+)"', page) == re.findall(
        r'"(/static/[0-9a-f]{12}/(?:embed\.css|js/count\.js))"', page
    )


def test_below_the_least_number_words_stand_in_the_place_of_the_count(client: FlaskClient) -> None:
    slug = published(anonymous=3, public_min=5, goals=((MilestoneKind.COUNT, 2), (MilestoneKind.COUNT, 10)))
    assert "Open for signatures. The count is not public yet." in text_of(client.get(f"/c/{slug}/embed").text)
    badge = ET.fromstring(client.get(f"/c/{slug}/badge.svg").data)
    assert [each.text for each in badge.iter(f"{SVG}text")] == ["A letter", "Open for signatures"]
    for path in ("embed", "badge.svg"):
        assert "have signed" not in client.get(f"/c/{slug}/{path}").text
    card = card_of(client, slug)
    assert (card.figure, card.done, card.at) == ("", "", "")
    assert card.who == "By employees of Example. Every signature is verified."


def test_the_card_changes_with_a_milestone_and_not_with_a_signature(client: FlaskClient, app: Flask) -> None:
    slug = published(anonymous=3, goals=((MilestoneKind.COUNT, 2), (MilestoneKind.COUNT, 5), (MilestoneKind.COUNT, 9)))
    first = client.get(f"/c/{slug}/card.png")
    assert og_image(client, slug) == f"http://localhost/c/{slug}/card.png?at=2"
    sign_more(slug, 1)
    forget(app)
    assert client.get(f"/c/{slug}/card.png").headers["ETag"] == first.headers["ETag"]
    sign_more(slug, 1)
    forget(app)
    later = client.get(f"/c/{slug}/card.png")
    assert later.headers["ETag"] != first.headers["ETag"]
    assert og_image(client, slug) == f"http://localhost/c/{slug}/card.png?at=5"
    assert client.get(f"/c/{slug}/card.png?at=2").data == later.data
    card = card_of(client, slug)
    assert (card.figure, card.who) == ("5", "verified employees of Example have signed")
    assert (card.next, card.done) == ("The next milestone: 9 signatures", "55.56")


def test_a_card_is_drawn_once_for_all_who_ask_at_the_same_time(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    slug = published(anonymous=3, goals=((MilestoneKind.COUNT, 2),))
    client.get(f"/c/{slug}")
    before = cards.png.cache_info().misses
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: app.test_client().get(f"/c/{slug}/card.png").data, range(16)))
    assert len(set(answers)) == 1
    assert cards.png.cache_info().misses == before + 1


def test_a_card_takes_no_page_view_with_it(client: FlaskClient) -> None:
    slugs = [titled(f"Letter {n} on a matter — « essentielle »") for n in range(5)]
    client.get(f"/c/{slugs[0]}/card.png")
    took = []
    for slug in slugs[1:]:
        client.get(f"/c/{slug}")
        start = time.process_time()
        client.get(f"/c/{slug}/card.png")
        took.append(time.process_time() - start)
    assert sorted(took)[1] < 0.3


def test_a_milestone_that_no_longer_holds_is_not_told(client: FlaskClient) -> None:
    from dataclasses import replace

    slug = published(anonymous=3, goals=((MilestoneKind.COUNT, 2), (MilestoneKind.COUNT, 3)))
    snapshot = snapshot_of(client, slug)
    assert pictures.card_of(snapshot, "en").figure == "3"
    assert pictures.card_of(replace(snapshot, count=2), "en").figure == "2"
    assert pictures.card_of(replace(snapshot, count=1), "en").figure == ""


def test_a_closed_letter_tells_its_last_count_and_no_next_milestone(client: FlaskClient, app: Flask) -> None:
    slug = published(anonymous=4, goals=((MilestoneKind.COUNT, 2), (MilestoneKind.COUNT, 9)))
    with db.transaction() as session:
        epochs.change(session, campaigns.find(session, slug), CampaignState.CLOSED, make.NOW)
    forget(app)
    card = card_of(client, slug)
    assert (card.figure, card.next, card.done, card.state) == ("4", "", "", "Closed for signatures")


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_the_card_is_a_picture_of_1200_by_630_in_each_language(client: FlaskClient, slug: str, lang: str) -> None:
    answer = client.get(f"/c/{slug}/card.png?lang={lang}", headers={"Accept-Encoding": "gzip"})
    assert (answer.content_type, size_of(answer.data)) == ("image/png", (1200, 630))
    assert "Content-Encoding" not in answer.headers
    page = client.get(f"/c/{slug}?lang={lang}").text
    found = dict(re.findall(r'<meta (?:property|name)="((?:og:image|twitter)[^"]*)" content="([^"]*)">', page))
    asked = "?lang=fr" if lang == "fr" else ""
    words = card_of(client, slug, lang).words()
    assert found == {
        "og:image": f"http://localhost/c/{slug}/card.png{asked}",
        "og:image:type": "image/png",
        "og:image:width": "1200",
        "og:image:height": "630",
        "og:image:alt": words,
        "twitter:card": "summary_large_image",
        "twitter:image": f"http://localhost/c/{slug}/card.png{asked}",
        "twitter:image:alt": words,
    }
    assert client.get(f"/c/{slug}/card.png?lang=fr").data != client.get(f"/c/{slug}/card.png").data


@pytest.mark.parametrize("title", HOSTILE)
def test_no_title_breaks_a_picture(client: FlaskClient, title: str) -> None:
    slug = titled(title, addressee=title, organisation=title)
    answers = {name: client.get(f"/c/{slug}/{name}") for name in SHOWN}
    assert {answer.status_code for answer in answers.values()} == {200}
    assert size_of(answers["card.png"].data) == (1200, 630)
    for name in ("badge.svg", "qr.svg"):
        root = ET.fromstring(answers[name].data)
        tags = {each.tag.removeprefix(SVG) for each in root.iter()}
        assert tags <= {"svg", "title", "desc", "style", "g", "rect", "text", "path"}
        assert [each for each in root.iter() for key in each.attrib if "href" in key or key.startswith("on")] == []
        assert all(root.findtext(f"{SVG}{part}") for part in ("title", "desc"))
        assert "url(" not in answers[name].text
        assert "@import" not in answers[name].text
        assert not set("\u202e\u2066\x07\ue000") & set(answers[name].text)
    assert "<script>alert" not in answers["embed"].text


@pytest.mark.parametrize(
    ("title", "drawn"),
    [
        ("Stop 😀 it 🚀 now", "Stop it now"),
        ("Été « œuvre » — straße", "Été « œuvre » — straße"),
        ("Открытое письмо", "Открытое письмо"),
        ("致公司的公开信", ""),
    ],
)
def test_a_card_leaves_out_what_no_font_of_ours_can_draw(title: str, drawn: str) -> None:
    assert cards.without_missing_glyphs(title) == drawn


def test_the_longest_words_keep_within_the_card(client: FlaskClient) -> None:
    long = "Unternehmensverantwortungsgesetz " * 12
    notice = {"en": long, "fr": long}
    slug = titled(long, addressee=long, organisation=long, addressee_role={"en": long}, notice=notice)
    assert size_of(client.get(f"/c/{slug}/card.png").data) == (1200, 630)


def test_a_demonstration_says_so_wherever_its_count_stands(client: FlaskClient) -> None:
    slug = published(anonymous=3, notice={"en": "This is a demonstration."})
    assert card_of(client, slug).note == "This is a demonstration."
    for name in ("embed", "badge.svg"):
        assert "This is a demonstration." in text_of(client.get(f"/c/{slug}/{name}").text)


@pytest.mark.parametrize(("lang", "asked"), [("en", ""), ("fr", "?lang=fr")])
def test_the_qr_code_is_the_letters_address_and_nothing_else(
    client: FlaskClient, slug: str, lang: str, asked: str
) -> None:
    wanted = segno.make_qr(f"http://localhost/c/{slug}{asked}", error="q", boost_error=False)
    assert (LEVEL, wanted.error, QUIET_ZONE) == ("q", "Q", 4)
    svg, png = (client.get(f"/c/{slug}/qr.{kind}?lang={lang}") for kind in ("svg", "png"))
    assert (svg.content_type, png.content_type) == ("image/svg+xml; charset=utf-8", "image/png")
    root = ET.fromstring(svg.data)
    assert root.findtext(f"{SVG}desc") == f"http://localhost/c/{slug}{asked}"
    modules = [[bool(module) for module in row] for row in wanted.matrix]
    side = len(modules) + 2 * QUIET_ZONE
    assert drawn_modules(root, side) == with_quiet_zone(modules)
    assert size_of(png.data) == (side * 20, side * 20)
    expected = BytesIO()
    wanted.save(expected, kind="png", scale=20, border=4, dark="#15181d", light="#fff")
    assert png.data == expected.getvalue()


def test_the_badge_names_the_letter_and_its_count_in_the_language_that_is_asked_for(client: FlaskClient) -> None:
    slug = published(anonymous=3)
    for lang, words in (("en", ["A letter", "3 verified employees have signed"]), ("fr", ["Une lettre"])):
        answer = client.get(f"/c/{slug}/badge.svg?lang={lang}")
        assert answer.content_type == "image/svg+xml; charset=utf-8"
        found = [each.text for each in ET.fromstring(answer.data).iter(f"{SVG}text")]
        assert found[: len(words)] == words
        assert len(answer.data) < 2500


def with_quiet_zone(modules: list[list[bool]]) -> list[list[bool]]:
    side = len(modules) + 2 * QUIET_ZONE
    empty = [[False] * side for _ in range(QUIET_ZONE)]
    edge = [False] * QUIET_ZONE
    return [*empty, *([*edge, *row, *edge] for row in modules), *empty]


def drawn_modules(root: ET.Element, side: int) -> list[list[bool]]:
    """Which modules the SVG's strokes cover: `M x y h n` and `m dx dy h n`, half a module below the upper edge."""
    grid = [[False] * side for _ in range(side)]
    dark = [each for each in root.iter(f"{SVG}path") if each.get("stroke")]
    assert len(dark) == 1
    x, y = 0.0, 0.0
    for kind, numbers in re.findall(r"([MmhH])([^MmhH]*)", dark[0].get("d", "")):
        values = [float(each) for each in re.findall(r"-?[\d.]+", numbers)]
        if kind == "M":
            x, y = values
        elif kind == "m":
            x, y = x + values[0], y + values[1]
        else:
            for step in range(int(values[0])):
                grid[int(y)][int(x) + step] = True
            x += values[0]
    return grid


def snapshot_of(client: FlaskClient, slug: str) -> object:
    return client.application.extensions["undersigned"].page_cache.snapshot(slug)


def card_of(client: FlaskClient, slug: str, lang: str = "en") -> pictures.Card:
    return pictures.card_of(snapshot_of(client, slug), lang)  # type: ignore[arg-type]


def og_image(client: FlaskClient, slug: str) -> str:
    found = re.search(r'<meta property="og:image" content="([^"]+)">', client.get(f"/c/{slug}").text)
    assert found
    return found[1]


@pytest.mark.parametrize(("lang", "own", "other"), [("", "en_US", "fr_FR"), ("?lang=fr", "fr_FR", "en_US")])
def test_a_page_says_its_locale_as_open_graph_wants_it(
    client: FlaskClient, slug: str, lang: str, own: str, other: str
) -> None:
    page = client.get(f"/c/{slug}{lang}").text
    assert re.findall(r'<meta property="og:locale" content="([^"]*)">', page) == [own]
    assert re.findall(r'<meta property="og:locale:alternate" content="([^"]*)">', page) == [other]


def test_every_language_of_a_letter_has_a_territory() -> None:
    assert all(re.fullmatch("[a-z]{2,3}_[A-Z]{2}", i18n.with_territory(code)) for code in LETTER_LANGUAGES)
    assert [i18n.with_territory(lang) for lang in ("de", "pt", "zh", "xx")] == ["de_DE", "pt_BR", "zh_CN", "xx"]
