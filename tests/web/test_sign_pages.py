"""Signing, the receipt and withdrawing as pages without a script: what Suzie reads, and what Mallory cannot do."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import unescape
from html.parser import HTMLParser

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from petition import clock, db, epochs, events
from petition.campaigns import Campaign, CampaignState, find
from petition.config import Config
from petition.encoding import unb64u
from petition.events import CodeWanted, Event
from petition.privacy import unseal_address
from petition.signatures import SignatureState, standing_of
from petition.volatile import Volatile
from petition.web import build
from petition.web.parts import parts
from tests import make

SUZIE = "suzie@corp.example"
SENTENCE = re.compile(r"\s+")


class Fields(HTMLParser):
    """What the forms of a page would send: values by name, the first of each, chosen options included."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.values: dict[str, str] = {}
        self._area = self._select = ""
        self._depth = 0
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {key: value or "" for key, value in attrs}
        self._depth += tag == "template"
        if self._depth:
            return
        name = given.get("name", "")
        if tag == "textarea":
            self._area, self.values[name] = name, ""
        if tag == "select":
            self._select, self.values[name] = name, ""
        if tag == "option" and "selected" in given:
            self.values[self._select] = given["value"]
        if tag == "input" and name and (given["type"] != "radio" or "checked" in given):
            self.values.setdefault(name, given.get("value", ""))

    def handle_endtag(self, tag: str) -> None:
        self._depth -= tag == "template"
        if tag == "textarea":
            self._area = ""

    def handle_data(self, data: str) -> None:
        if self._area and not self._depth:
            self.values[self._area] += data.removeprefix("\n")


@dataclass
class Suzie:
    """Somebody at a browser without a script, and her mailbox."""

    client: FlaskClient
    slug: str
    codes: list[str] = field(default_factory=list)
    lang: str = "en"

    def get(self, page: str) -> TestResponse:
        return self.client.get(f"/c/{self.slug}/{page}", query_string={"lang": self.lang})

    def post(self, page: str, **typed: object) -> TestResponse:
        return self.client.post(f"/c/{self.slug}/{page}", query_string={"lang": self.lang}, data=typed)

    def asks_for_a_code(self, address: str = SUZIE) -> dict[str, str]:
        return fields(self.post("verify", address=address))

    def gets_a_pass(self, address: str = SUZIE) -> str:
        asked = self.asks_for_a_code(address)
        return fields(self.post("pass", **(asked | {"code": self.codes[-1]})))["pass"]

    def signs(self, **wish: str) -> str:
        done = self.post("sign", **({"pass": self.gets_a_pass(), "show": "anonymous"} | wish))
        assert done.status_code == 200, text(done)
        return fields(done)["receipt"]


@pytest.fixture
def suzie(config: Config, volatile: Volatile) -> Iterator[Suzie]:
    app = build(config)
    with db.transaction() as session:
        slug = make.campaign(session, origin="localhost/c/letter").slug
    with app.test_client() as client, app.app_context():
        her = Suzie(client, slug)
        vault = parts().vault

        def deliver(event: Event) -> None:
            if isinstance(event, CodeWanted):
                her.codes.append(unseal_address(vault, event.sealed, clock.now()).code)

        events.connect(deliver)
        yield her
        events.connect(lambda _: None)


def fields(page: TestResponse) -> dict[str, str]:
    return Fields(page.text).values


def text(page: TestResponse) -> str:
    """The page's words."""
    shown = re.sub(r"<template.*?</template>", "", page.text, flags=re.DOTALL)
    return SENTENCE.sub(" ", unescape(re.sub(r"<[^>]+>", " ", shown)))


def mistakes(page: TestResponse) -> list[str]:
    """The sentences of the summary."""
    summary = re.search(r'<div class="errors"[^>]*>(.*?)</div>', page.text, re.DOTALL)
    return [unescape(each) for each in re.findall(r"<li>(?:<a[^>]*>)?([^<]+)", summary[1])] if summary else []


def campaign_of(suzie: Suzie) -> Campaign:
    with db.session() as session:
        return find(session, suzie.slug)


def close_an_epoch(suzie: Suzie) -> None:
    with db.transaction() as session:
        epochs.close_epoch(session, find(session, suzie.slug), make.NOW)


def state_of(suzie: Suzie, receipt: str) -> SignatureState:
    w = json.loads(receipt)["withdraw"]
    with db.session() as session:
        return standing_of(session, campaign_of(suzie), unb64u(w, 32)).state


def test_the_safety_note_stands_before_the_first_field(suzie: Suzie) -> None:
    page = suzie.get("sign")
    assert page.status_code == 200
    assert 0 < page.text.index('id="safety"') < page.text.index("<form")
    assert page.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in page.headers


def test_signing_in_three_posts_ends_on_a_receipt(suzie: Suzie) -> None:
    receipt = suzie.signs()
    kept = json.loads(receipt)
    assert sorted(kept) == ["body", "by_epoch", "campaign", "entry", "origin", "promise", "salt", "withdraw"]
    assert kept["campaign"] == campaign_of(suzie).id.hex()
    assert kept["body"] == {"show": "anonymous", "name": "", "role": "", "team": "", "comment": ""}
    assert state_of(suzie, receipt) is SignatureState.PENDING


@pytest.mark.parametrize(
    ("lang", "wish", "said"),
    [
        ("en", {}, "nothing is shown of you."),
        ("en", {"show": "role", "role": "Engineer"}, "“Engineer” joins the roles as soon as ten signers show it."),
        ("en", {"show": "name", "name": "Suzie Example"}, "“Suzie Example” stands in the list of signers."),
        (
            "en",
            {"show": "name", "name": "Suzie Example", "publish_at": "100"},
            "“Suzie Example” joins the list of signers once at least 100 names are public.",
        ),
    ],
)
def test_the_receipt_page_says_what_becomes_public(suzie: Suzie, lang: str, wish: dict[str, str], said: str) -> None:
    suzie.lang = lang
    done = suzie.post("sign", **({"pass": suzie.gets_a_pass(), "show": "anonymous"} | wish))
    assert said in text(done)


def test_the_answer_to_known_and_unknown_addresses_is_the_same(suzie: Suzie) -> None:
    suzie.gets_a_pass()
    pages = [suzie.post("verify", address=each) for each in (SUZIE, "nora@corp.example")]
    known, unknown = (re.sub(r'(name="(?:challenge|seed)" value=)"[^"]+"', r"\1", page.text) for page in pages)
    assert known == unknown
    assert len(pages[0].data) == len(pages[1].data)
    assert pages[0].headers == pages[1].headers


def test_a_refused_address_is_kept_and_says_how_to_mend_it(suzie: Suzie) -> None:
    page = suzie.post("verify", address="suzie@elsewhere.example")
    assert page.status_code == 422
    assert fields(page)["address"] == "suzie@elsewhere.example"
    assert len(mistakes(page)) == 1
    assert 'href="#address"' in page.text
    assert 'aria-invalid="true"' in page.text


def test_a_wrong_code_asks_again_and_keeps_the_challenge(suzie: Suzie) -> None:
    asked = suzie.asks_for_a_code()
    wrong = "00000000" if suzie.codes[-1] != "00000000" else "00000001"
    page = suzie.post("pass", **(asked | {"code": wrong}))
    assert page.status_code == 403
    assert fields(page) == asked | {"code": wrong}
    again = suzie.post("pass", **(fields(page) | {"code": suzie.codes[-1]}))
    assert again.status_code == 200


def test_the_same_page_sent_again_gives_the_same_pass(suzie: Suzie) -> None:
    asked = suzie.asks_for_a_code() | {"code": suzie.codes[-1]}
    first, second = suzie.post("pass", **asked), suzie.post("pass", **asked)
    assert fields(first)["pass"] == fields(second)["pass"]


def test_a_second_pass_for_the_same_person_is_refused(suzie: Suzie) -> None:
    suzie.gets_a_pass()
    page = suzie.post("pass", **(suzie.asks_for_a_code() | {"code": suzie.codes[-1]}))
    assert page.status_code == 409
    assert mistakes(page) == ["A pass was issued for this address before. Each person gets one; use the pass you kept."]


def test_a_pass_kept_for_later_signs_on_another_page(suzie: Suzie) -> None:
    kept = suzie.gets_a_pass()
    page = suzie.client.get(f"/c/{suzie.slug}/sign?have=pass")
    assert fields(page)["pass"] == ""
    assert suzie.post("sign", **{"pass": f"  {kept}\n", "show": "anonymous"}).status_code == 200


def test_a_spent_pass_is_refused_and_what_was_typed_is_kept(suzie: Suzie) -> None:
    spent = suzie.gets_a_pass()
    wish = {"pass": spent, "show": "name", "name": "Suzie Example", "comment": "I  stay.", "publish_at": "25"}
    assert suzie.post("sign", **wish).status_code == 200
    page = suzie.post("sign", **wish)
    assert page.status_code == 409
    assert {name: fields(page)[name] for name in wish} == wish


@pytest.mark.parametrize(
    ("wish", "name"),
    [
        ({"show": "name"}, "name"),
        ({"show": "role"}, "role"),
        ({"show": "role", "role": "Astronaut"}, "role"),
        ({"show": "anonymous", "name": "Suzie Example"}, "name"),
        ({"show": "role", "role": "Engineer", "comment": "Hello"}, "comment"),
        ({"show": "name", "name": "see https://evil.example"}, "name"),
        ({"show": "name", "name": "x" * 81}, "name"),
        ({"show": "everything"}, "show"),
    ],
)
def test_a_choice_that_cannot_be_followed_says_so_beside_its_field(
    suzie: Suzie, wish: dict[str, str], name: str
) -> None:
    kept = suzie.gets_a_pass()
    page = suzie.post("sign", **({"pass": kept} | wish))
    assert page.status_code == 422
    place = re.search(rf'id="{name}-error"[^>]*>(.*?)</div>', page.text)
    assert place is not None
    assert mistakes(page)[0] in unescape(place[1])
    assert fields(page)["pass"] == kept


def test_what_is_typed_is_text_and_never_markup(suzie: Suzie) -> None:
    page = suzie.post("sign", **{"pass": "P1.", "show": "name", "name": '"><script>alert(1)</script>'})
    assert "<script>alert" not in page.text


def test_a_mutilated_pass_is_refused(suzie: Suzie) -> None:
    page = suzie.post("sign", **{"pass": suzie.gets_a_pass()[:-1], "show": "anonymous"})
    assert page.status_code == 403
    assert mistakes(page) == ["This is not a pass of this campaign. Copy it whole, from P1. to its end."]


def test_a_closed_campaign_takes_no_signature_and_says_so(suzie: Suzie) -> None:
    kept = suzie.gets_a_pass()
    with db.transaction() as session:
        epochs.change(session, find(session, suzie.slug), CampaignState.CLOSED, make.NOW)
    parts().memory.forget()
    page = suzie.post("sign", **{"pass": kept, "show": "anonymous"})
    assert page.status_code == 409
    assert "This letter is closed" in text(page)
    assert "This letter is closed" in text(suzie.get("sign"))


def test_an_unknown_campaign_has_no_signing_page(suzie: Suzie) -> None:
    assert {suzie.client.get(f"/c/nothing/{page}").status_code for page in ("sign", "receipt", "withdraw")} == {404}


def test_the_receipt_is_saved_as_it_was_shown(suzie: Suzie) -> None:
    receipt = suzie.signs()
    saved = suzie.post("receipt.json", receipt=receipt)
    assert saved.data == receipt.encode()
    assert saved.headers["Content-Disposition"] == 'attachment; filename="receipt.json"'
    assert saved.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("pasted", ["", "nonsense", "[]", "{}", '{"entry": 1}', "null", "[" * 5000])
def test_nothing_but_a_receipt_is_taken_for_one(suzie: Suzie, pasted: str) -> None:
    for page in ("receipt", "receipt.json", "withdraw"):
        answer = suzie.post(page, receipt=pasted)
        assert answer.status_code == 422
        assert mistakes(answer) == [
            "This is not a receipt of this letter. Paste the whole text that you saved after signing, or open its file."
        ]


def test_a_receipt_whose_secret_was_changed_is_refused(suzie: Suzie) -> None:
    kept = json.loads(suzie.signs())
    assert suzie.post("receipt", receipt=json.dumps(kept | {"withdraw": "A" * 43})).status_code == 422


def test_a_receipt_tells_where_its_signature_stands(suzie: Suzie) -> None:
    receipt = suzie.signs()
    assert "It waits for the next batch." in text(suzie.post("receipt", receipt=receipt))
    close_an_epoch(suzie)
    assert "It is in the ledger, epoch 1." in text(suzie.post("receipt", receipt=receipt))


def test_withdrawing_says_first_what_will_happen_and_may_be_repeated(suzie: Suzie) -> None:
    receipt = suzie.signs(show="name", name="Suzie Example")
    close_an_epoch(suzie)
    confirm = suzie.post("withdraw", receipt=receipt)
    assert "the count falls by one" in text(confirm)
    assert state_of(suzie, receipt) is SignatureState.LOGGED
    sure = fields(confirm)
    first, second = suzie.post("withdraw", **sure), suzie.post("withdraw", **sure)
    assert first.status_code == 200
    assert first.data == second.data
    assert state_of(suzie, receipt) is SignatureState.WITHDRAWN
    assert "Your signature is withdrawn." in text(suzie.post("withdraw", receipt=receipt))


def test_the_secret_alone_is_enough_to_withdraw(suzie: Suzie) -> None:
    receipt = suzie.signs()
    confirm = suzie.post("withdraw", receipt=json.loads(receipt)["withdraw"])
    assert fields(confirm)["withdraw"] == json.loads(receipt)["withdraw"]


def test_hiding_keeps_the_signature_and_may_still_be_followed_by_withdrawing(suzie: Suzie) -> None:
    receipt = suzie.signs(show="name", name="Suzie Example")
    close_an_epoch(suzie)
    sure = fields(suzie.post("withdraw", receipt=receipt))
    hidden = suzie.post("hide", **sure)
    assert "It goes on being counted." in text(hidden)
    assert suzie.post("hide", **sure).data == hidden.data
    assert state_of(suzie, receipt) is SignatureState.HIDDEN
    again = suzie.post("withdraw", receipt=receipt)
    assert "/hide" not in again.text
    assert suzie.post("withdraw", **fields(again)).status_code == 200
    assert state_of(suzie, receipt) is SignatureState.WITHDRAWN


def test_an_unknown_secret_withdraws_nothing(suzie: Suzie) -> None:
    for page, typed in (("withdraw", {"receipt": "A" * 43}), ("withdraw", {"withdraw": "A" * 43})):
        answer = suzie.post(page, **typed)
        assert answer.status_code == 404
        assert mistakes(answer) == ["No signature of this campaign answers to this receipt."]
    assert suzie.post("hide", withdraw="short").status_code == 422


def test_following_links_changes_nothing(suzie: Suzie) -> None:
    receipt = suzie.signs()
    token = json.loads(receipt)["withdraw"]
    for page in ("sign", "receipt", "withdraw", "hide", "verify", "pass", "receipt.json"):
        suzie.client.get(f"/c/{suzie.slug}/{page}", query_string={"withdraw": token, "receipt": receipt})
    assert state_of(suzie, receipt) is SignatureState.PENDING


def test_every_page_of_the_flow_is_private_and_without_cookies(suzie: Suzie) -> None:
    asked = suzie.post("verify", address=SUZIE)
    held = suzie.post("pass", **(fields(asked) | {"code": suzie.codes[-1]}))
    done = suzie.post("sign", **fields(held))
    confirm = suzie.post("withdraw", receipt=fields(done)["receipt"])
    for page in (asked, held, done, confirm, suzie.get("receipt"), suzie.get("withdraw")):
        assert page.status_code == 200
        assert page.headers.getlist("Cache-Control") == ["no-store"]
        assert "Set-Cookie" not in page.headers
        assert "style=" not in page.text
        assert not re.search(r"<script(?![^>]*\bsrc=)", page.text)
