"""Signing as pages without a script: what Suzie reads, and what Mallory cannot do."""

from __future__ import annotations

import json
import re
from html import unescape

import pytest
from sqlalchemy import select

from petition import epochs, publication
from petition.campaigns import CampaignState, find
from petition.campaigns.milestones import MilestoneKind, PlannedMilestone
from petition.core import db
from petition.signatures import SignatureState
from petition.signatures.tables import Pending
from petition.web.services import services
from tests import make
from tests.support.suzie import SUZIE, Suzie, campaign_of, close_an_epoch, fields, mistakes, state_of, text


def test_the_safety_note_stands_before_the_first_field(suzie: Suzie) -> None:
    page = suzie.get("sign")
    assert page.status_code == 200
    assert 0 < page.text.index('id="safety"') < page.text.index("<form")
    assert page.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in page.headers


def test_signing_in_three_posts_ends_on_a_receipt(suzie: Suzie) -> None:
    receipt = suzie.signs()
    kept = json.loads(receipt)
    assert sorted(kept) == ["body", "by_epoch", "campaign", "entry", "origin", "promise", "salt", "ticket", "w0"]
    assert kept["campaign"] == campaign_of(suzie).id.hex()
    assert kept["body"] == {"show": "anonymous", "name": "", "role": "", "team": "", "comment": ""}
    assert state_of(suzie, receipt) is SignatureState.PENDING


def test_no_form_of_a_signer_is_kept_by_the_browser_and_no_title_tells_what_was_signed(suzie: Suzie) -> None:
    """Neither as autofill nor in a restored tab (tests/proofs/test_browser_traces.py searches the disk)."""
    asked = suzie.get("sign"), suzie.post("verify", address=SUZIE)
    token = json.loads(suzie.signs())["w0"]
    held = suzie.client.get(f"/c/{suzie.slug}/sign?have=pass")
    signing = *asked, held, suzie.post("sign", **{"pass": "P2.x", "show": "anonymous"})
    pages = (
        *signing,
        suzie.get("receipt"),
        suzie.get("change"),
        suzie.post("change", receipt=token),
        suzie.get("subscribe"),
    )
    for page in (*pages, suzie.client.get(f"/c/{suzie.slug}")):
        forms = re.findall(r'<form [^>]*method="post"[^>]*>\s*<input [^>]*>', page.text)
        assert len(forms) == page.text.count('method="post"') > 0
        assert all('autocomplete="off"' in form and 'type="password" value="-"' in form for form in forms)
        assert set(re.findall(r'autocomplete="([^"]*)"', page.text)) <= {"off", "one-time-code"}
    titles = [re.search("<title>(.*?)</title>", page.text) for page in signing]
    assert [unescape(title[1]) for title in titles if title] == ["Form"] * 3 + ["Error: Form"]


@pytest.mark.parametrize(
    ("lang", "wish", "said"),
    [
        ("en", {}, ["About you Nothing. One more verified employee is counted."]),
        ("fr", {}, ["Sur vous Rien. Un salarié vérifié de plus est compté."]),
        (
            "en",
            {"show": "role", "role": "Engineer"},
            ["Role Engineer", "When As soon as ten signers show the same role."],
        ),
        (
            "en",
            {"show": "name", "name": "Suzie Example", "role": "Engineer", "comment": "I  stay.", "publish_at": "100"},
            ["Name Suzie Example Role Engineer Comment I stay. When Once at least 100 names are public."],
        ),
    ],
)
def test_the_check_and_the_receipt_list_what_becomes_public(
    suzie: Suzie, lang: str, wish: dict[str, str], said: list[str]
) -> None:
    suzie.lang = lang
    wish = {"pass": suzie.gets_a_pass(), "show": "anonymous"} | wish
    checked = suzie.post("check", **wish)
    assert {name: fields(checked)[name] for name in wish} == wish
    assert [each for each in said if each not in text(checked)] == []
    changing = suzie.post("step", **(fields(checked) | {"back": "yes"}))
    assert 'id="choose-form"' in changing.text
    assert {name: fields(changing)[name] for name in wish} == wish
    done = suzie.post("sign", **fields(checked))
    assert [each for each in said if each not in text(done)] == []


def test_the_number_that_the_page_showed_binds_though_the_milestone_went_meanwhile(suzie: Suzie) -> None:
    with db.transaction() as session:
        campaign = find(session, suzie.slug)
        session.add(PlannedMilestone(campaign_id=campaign.id, kind=MilestoneKind.COUNT, value=500, open_names=True))
        session.flush()
        publication.refresh(session, campaign)
    services().page_cache.forget()
    page = suzie.chooses()
    assert "no name is public before 500 signatures are reached" in text(page)
    shown = fields(page)
    assert shown["sealed_until"] == "500"
    with db.transaction() as session:
        campaign = find(session, suzie.slug)
        session.delete(session.get_one(PlannedMilestone, (campaign.id, MilestoneKind.COUNT, 500)))
        session.flush()
        publication.refresh(session, campaign)
    wish = {"pass": shown["pass"], "show": "name", "name": "Suzie Quux", "sealed_until": shown["sealed_until"]}
    wrong = suzie.post("sign", **(wish | {"name": ""}))
    assert (wrong.status_code, fields(wrong)["sealed_until"]) == (422, "500")
    assert suzie.post("sign", **wish).status_code == 200
    with db.session() as session:
        assert session.scalars(select(Pending.sealed_until)).one() == 500


@pytest.mark.parametrize("sealed", ["-1", "many", "1" * 10])
def test_a_seal_that_is_no_number_is_refused(suzie: Suzie, sealed: str) -> None:
    wish = {"pass": suzie.gets_a_pass(), "show": "name", "name": "Suzie Quux", "sealed_until": sealed}
    assert suzie.post("sign", **wish).status_code == 422


def test_no_page_promises_a_batch_or_a_day_on_which_a_lone_signature_is_counted(suzie: Suzie) -> None:
    """P41: the signing page and the receipt say what a signature waits for."""
    with db.transaction() as session:
        campaign = find(session, suzie.slug)
        campaign.batch_min = 10
        publication.refresh(session, campaign)
    services().page_cache.forget()
    chosen = suzie.chooses()
    assert "with the next batch of at least 10 signatures, at fixed times every 5 seconds. Only the last" in text(
        chosen
    )
    done = suzie.post("sign", **{"pass": fields(chosen)["pass"], "show": "anonymous"})
    assert "Batches of at least 10 signatures are written at fixed times, every 5 seconds; only the last" in text(done)
    kept = json.loads(fields(done)["receipt"])
    assert kept["by_epoch"] == 2**64 - 1


def test_the_answer_to_known_and_unknown_addresses_is_the_same(suzie: Suzie) -> None:
    suzie.gets_a_pass()
    pages = [suzie.post("verify", address=each) for each in (SUZIE, "norah@corp.example")]
    own = r'(name="(?:challenge|seed)" value=)"[^"]+"|(id="asked-for">|name="(?:start|address)" value=")[^<"]+'
    known, unknown = (re.sub(own, r"\1\2", page.text) for page in pages)
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
    assert f'action="/c/{suzie.slug}/verify"' in page.text  # an address does not say that there was an error
    assert 'id="errors" autofocus>' in page.text


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


def test_the_address_sent_again_from_the_same_page_leads_to_the_same_pass(suzie: Suzie) -> None:
    """A reload of the page that asks for the code, or the way back to it, after the pass was made."""
    asked = fields(suzie.get("sign")) | {"address": SUZIE}
    first, second = fields(suzie.post("verify", **asked)), fields(suzie.post("verify", **asked))
    assert first["challenge"] != second["challenge"]
    passes = [
        fields(suzie.post("pass", **(each | {"code": code}))).get("pass")
        for each, code in zip((first, second), suzie.codes, strict=True)
    ]
    assert passes[0]
    assert passes[0] == passes[1]


@pytest.mark.parametrize(
    ("lang", "said"),
    [
        ("en", "Type the code of any mail that came today. At most three are sent a day (UTC), all with the same code"),
        ("fr", "Saisissez le code d’un courriel reçu aujourd’hui."),
    ],
)
def test_when_strangers_used_up_the_mails_the_page_says_what_to_do_and_the_code_of_the_day_signs(
    suzie: Suzie, lang: str, said: str
) -> None:
    for _ in range(4):
        suzie.post("verify", address=SUZIE)
    suzie.lang = lang
    page = suzie.post("verify", address=SUZIE)
    assert said in text(page)
    assert len(set(suzie.codes)) == 1
    assert suzie.post("pass", **(fields(page) | {"code": suzie.codes[0]})).status_code == 200


@pytest.mark.parametrize(
    ("lang", "said"),
    [
        (
            "en",
            "Too many wrong codes were typed for this address today, perhaps by somebody else. Type the long code of",
        ),
        ("fr", "Trop de codes faux ont été saisis aujourd’hui pour cette adresse, peut-être par quelqu’un d’autre."),
    ],
)
def test_when_strangers_guessed_fifty_codes_the_page_asks_for_the_long_one_and_it_signs(
    suzie: Suzie, lang: str, said: str
) -> None:
    """P47: without a script, in one more step, with what is in the mail that she has."""
    for _ in range(10):
        strangers = suzie.asks_for_a_code()
        for number in range(5):
            assert suzie.post("pass", **(strangers | {"code": f"0000000{number}"})).status_code == 403
    suzie.lang = lang
    hers = suzie.asks_for_a_code() | {"code": suzie.codes[0]}
    page = suzie.post("pass", **hers)
    assert (page.status_code, fields(page)) == (403, hers)
    assert said in text(page)
    assert mistakes(page)[0].startswith(said[:40])
    grouped = " ".join(suzie.long_codes[0][at : at + 4] for at in range(0, 16, 4))
    assert suzie.post("pass", **(fields(page) | {"code": grouped})).status_code == 200


def test_a_code_asked_for_again_leads_to_the_same_pass(suzie: Suzie) -> None:
    """P55: the stamp was made and the page with the pass got lost; the challenge can be over, too."""
    asked = fields(suzie.post("verify", **(fields(suzie.get("sign")) | {"address": SUZIE})))
    first = suzie.post("pass", **(asked | {"code": suzie.codes[-1]}))
    again = suzie.post("verify", address=asked["address"], seed=asked["start"])
    typed = suzie.post("step", address=asked["address"], seed=asked["start"])
    once_more = suzie.post("verify", **fields(typed))
    for page in (again, once_more):
        later = suzie.post("pass", **(fields(page) | {"code": suzie.codes[-1]}))
        assert fields(later)["pass"] == fields(first)["pass"]
    assert len({fields(page)["challenge"] for page in (again, once_more)} | {asked["challenge"]}) == 3


def test_another_person_at_the_same_page_gets_a_pass_of_their_own(suzie: Suzie) -> None:
    asked = fields(suzie.get("sign"))
    pages = [fields(suzie.post("verify", **(asked | {"address": each}))) for each in (SUZIE, "omar@corp.example")]
    found = {
        fields(suzie.post("pass", **(each | {"code": code})))["pass"]
        for each, code in zip(pages, suzie.codes, strict=True)
    }
    assert len(found) == 2
    assert len({each["seed"] for each in (asked, *pages)}) == 3


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_each_step_turns_to_the_other_language_with_all_it_holds(suzie: Suzie, lang: str) -> None:
    wrong = {"address": "suzie@elsewhere.example", "seed": "x"}
    code = suzie.asks_for_a_code() | {"code": "1234"}
    code.pop("lang")
    choice = {"pass": "P2.x", "show": "name", "name": "Suzie Example", "comment": "I stay.", "publish_at": "25"}
    checked = choice | {"pass": suzie.gets_a_pass("omar@corp.example"), "checked": "yes"}
    suzie.lang = lang
    for held, stage in ((wrong, "address"), (code, "code"), (choice, "choose"), (checked, "check")):
        page = suzie.post("step", **held)
        assert page.status_code == 200
        assert {name: fields(page)[name] for name in held} == held
        assert f'id="{stage}-form"' in page.text
        assert f'<html lang="{lang}">' in page.text
        other = "fr" if lang == "en" else "en"
        assert re.search(rf'form="{stage}-form" formaction="/c/{suzie.slug}/step\?lang={other}"', page.text)
        assert page.text.count(f'form="{stage}-form"') == (3 if stage == "choose" else 2)
        assert mistakes(page) == []


def test_a_receipt_turns_to_another_language_and_says_where_it_stands(suzie: Suzie) -> None:
    done = suzie.post(
        "sign", **{"pass": suzie.gets_a_pass(), "show": "name", "name": "Suzie Example", "publish_at": "25"}
    )
    kept = {name: fields(done)[name] for name in ("receipt", "publish_at")}
    close_an_epoch(suzie)
    suzie.lang = "fr"
    page = suzie.post("step", **kept)
    assert fields(page)["receipt"] == kept["receipt"]
    assert "Suzie Example" in text(page)
    assert "25" in text(page)
    assert 'data-state="logged"' in page.text
    assert suzie.post("step", receipt=kept["receipt"], publish_at="many").status_code == 422
    assert suzie.post("step", receipt="{}").status_code == 422


def test_a_pass_that_signed_withdraws_in_place_of_a_lost_receipt(suzie: Suzie) -> None:
    held = suzie.gets_a_pass()
    receipt = fields(suzie.post("sign", **{"pass": held, "show": "anonymous"}))["receipt"]
    page = suzie.post("sign", **{"pass": held, "show": "anonymous"})
    assert 'id="lead-on" class="lead-on">' in page.text
    offer = suzie.post("change", receipt=f"{held}\n")
    assert (offer.status_code, fields(offer)["receipt"]) == (200, held)
    assert suzie.post("withdraw", receipt=held[:-1]).status_code == 422
    assert suzie.post("withdraw", receipt=held).status_code == 200
    assert state_of(suzie, receipt) is SignatureState.WITHDRAWN


def test_a_second_pass_for_the_same_person_is_refused_and_the_page_leads_on(suzie: Suzie) -> None:
    suzie.gets_a_pass()
    page = suzie.post("pass", **(suzie.asks_for_a_code() | {"code": suzie.codes[-1]}))
    assert page.status_code == 409
    assert 'id="lead-on" class="lead-on">' in page.text
    assert f'href="/c/{suzie.slug}/sign?have=pass"' in page.text
    assert mistakes(page) == [
        "A pass was issued for this address before. Each person gets one. Use the pass that you kept."
    ]


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


def test_a_pass_that_was_just_made_stays_folded_while_something_else_is_mended(suzie: Suzie) -> None:
    kept = suzie.gets_a_pass()
    assert '<details class="keep">' in suzie.post("sign", **{"pass": kept, "show": "name"}).text
    assert '<details class="keep">' not in suzie.post("sign", **{"pass": kept[:-1], "show": "name", "name": "S"}).text


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
    page = suzie.post("sign", **{"pass": "P2.", "show": "name", "name": '"><script>alert(1)</script>'})
    assert "<script>alert" not in page.text


def test_a_mutilated_pass_is_refused(suzie: Suzie) -> None:
    page = suzie.post("sign", **{"pass": suzie.gets_a_pass()[:-1], "show": "anonymous"})
    assert page.status_code == 403
    assert mistakes(page) == ["This is not a pass of this campaign. Copy the whole text, from P2. to its end."]


def test_a_closed_campaign_takes_no_signature_and_says_so(suzie: Suzie) -> None:
    kept = suzie.gets_a_pass()
    with db.transaction() as session:
        epochs.change(session, find(session, suzie.slug), CampaignState.CLOSED, make.NOW)
    services().page_cache.forget()
    page = suzie.post("sign", **{"pass": kept, "show": "anonymous"})
    assert page.status_code == 409
    assert "This letter is closed" in text(page)
    assert "This letter is closed" in text(suzie.get("sign"))


def test_an_unknown_campaign_has_no_signing_page(suzie: Suzie) -> None:
    assert {suzie.client.get(f"/c/nothing/{page}").status_code for page in ("sign", "receipt", "change")} == {404}


def test_every_page_of_the_flow_is_private_and_without_cookies(suzie: Suzie) -> None:
    asked = suzie.post("verify", address=SUZIE)
    held = suzie.post("pass", **(fields(asked) | {"code": suzie.codes[-1]}))
    done = suzie.post("sign", **fields(held))
    offer = suzie.post("change", receipt=fields(done)["receipt"])
    for page in (asked, held, done, offer, suzie.get("receipt"), suzie.get("change")):
        assert page.status_code == 200
        assert page.headers.getlist("Cache-Control") == ["no-store"]
        assert "Set-Cookie" not in page.headers
        assert "style=" not in page.text
        assert not re.search(r"<script(?![^>]*\bsrc=)", page.text)
