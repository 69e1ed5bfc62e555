"""The sharing kit: what organisers copy leads to the letter, is escaped for where it goes, and tells no number too early."""

from __future__ import annotations

import re
from html import unescape
from html.parser import HTMLParser

import pytest
from flask import Flask

from petition import campaigns
from petition.core import db
from petition.organisers import Role
from tests import make
from tests.support.omar import signed_in
from tests.support.public_pages import published, text_of
from tests.support.work import counted_queries


class Tags(HTMLParser):
    """The elements of a snippet, with their attributes as a browser reads them."""

    def __init__(self, snippet: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(snippet)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def field(page: str, name: str) -> str:
    """What stands in a field to copy."""
    area = re.search(rf'<textarea[^>]* id="{name}"[^>]*>\n(.*?)</textarea>', page, re.DOTALL)
    line = re.search(rf'<input id="{name}" value="([^"]*)"', page)
    found = area or line
    assert found, name
    return unescape(found[1])


def test_a_draft_can_be_shared_once_it_is_open(app: Flask) -> None:
    with db.transaction() as session:
        slug = campaigns.draft(session, make.a_draft()).slug
    page = signed_in(app, slug).sees("~/share")
    assert page.status_code == 200
    assert "This letter is a draft. Once it is open it has an address to share" in text_of(page.text)
    assert "<textarea" not in page.text
    assert "<img" not in page.text


@pytest.mark.parametrize("role", Role)
def test_every_role_may_share(app: Flask, slug: str, role: Role) -> None:
    page = signed_in(app, slug, role).sees("~/share")
    assert page.status_code == 200
    assert f'href="/organise/c/{slug}/share" aria-current="page"' in page.text
    assert page.headers["Cache-Control"] == "no-store"


def test_the_kit_speaks_the_language_of_the_letter_that_was_chosen(app: Flask) -> None:
    slug = published(anonymous=3)
    omar = signed_in(app, slug)
    english, french = omar.sees("~/share").text, omar.sees("~/share?letter=fr").text
    assert field(english, "address") == f"http://localhost/c/{slug}"
    assert field(french, "address") == f"http://localhost/c/{slug}?lang=fr"
    assert field(english, "text-everybody") == (
        "“A letter”: an open letter by employees of Example to Chief Executive."
        f" 3 verified employees have signed. http://localhost/c/{slug}"
    )
    assert field(french, "text-everybody").startswith("«\u202fUne lettre\u202f»\u202f: une lettre ouverte de salariés")
    assert "3 salariés vérifiés ont signé." in field(french, "text-everybody")
    assert field(french, "text-colleagues").endswith(f"http://localhost/c/{slug}?lang=fr")
    assert 'href="http://localhost/c/' in french
    assert f"http://localhost/c/{slug}/qr.svg?lang=fr" in french
    assert omar.sees("~/share?letter=../evil").text.count("http://localhost/c/") == english.count("http://localhost/c/")


def test_no_text_shouts_and_none_contains_a_number_that_is_not_public(app: Flask) -> None:
    slug = published(anonymous=3, public_min=5)
    page = signed_in(app, slug).sees("~/share").text
    texts = [field(page, f"text-{name}") for name in ("everybody", "colleagues", "press")]
    assert [each for each in texts if "!" in each or "signed" in each] == []
    assert [each for each in texts if not each.endswith(f"http://localhost/c/{slug}")] == []


def test_a_closed_letter_asks_no_colleague_to_sign(app: Flask) -> None:
    from petition import epochs
    from petition.campaigns import CampaignState

    slug = published(anonymous=3)
    with db.transaction() as session:
        epochs.change(session, campaigns.find(session, slug), CampaignState.CLOSED, make.NOW)
    page = signed_in(app, slug).sees("~/share").text
    assert 'id="text-everybody"' in page
    assert 'id="text-colleagues"' not in page


def test_what_is_copied_is_escaped_for_where_it_goes(app: Flask) -> None:
    title = '"><script>alert(1)</script> [x](javascript:y) *b* & `c`'
    slug = published(anonymous=1, letters={"en": (title, "Dear chief executive,\n")})
    page = signed_in(app, slug).sees("~/share").text
    assert "<script>alert" not in page
    counter = Tags(field(page, "counter-code")).found
    assert [tag for tag, _ in counter] == ["iframe"]
    assert counter[0][1]["src"] == f"http://localhost/c/{slug}/embed"
    assert counter[0][1]["title"] == title
    badge = Tags(field(page, "badge-code")).found
    assert [tag for tag, _ in badge] == ["a", "img"]
    assert badge[1][1] == {"src": f"http://localhost/c/{slug}/badge.svg", "alt": title}
    from markdown_it import MarkdownIt

    drawn = Tags(MarkdownIt("commonmark", {"html": True}).render(field(page, "badge-markdown"))).found
    assert [(tag, attributes.get("href")) for tag, attributes in drawn] == [
        ("p", None),
        ("a", f"http://localhost/c/{slug}"),
        ("img", None),
    ]
    assert drawn[2][1] == {"src": f"http://localhost/c/{slug}/badge.svg", "alt": title}


@pytest.mark.parametrize("languages", [1, 3])
def test_the_page_costs_the_same_whatever_the_letter_has(app: Flask, languages: int) -> None:
    letters = {lang: (f"Letter {lang}", "Dear chief executive,\n") for lang in ("en", "fr", "de")[:languages]}
    demands = [dict.fromkeys(letters, "Answer us.")]
    slug = published(anonymous=1, letters=letters, demands=demands)
    omar = signed_in(app, slug)
    with counted_queries() as asked:
        page = omar.sees("~/share").text
    assert len(re.findall(r"/share\?letter=", page)) == (0 if languages == 1 else languages)
    assert len(asked) == 10
