"""The receipt and the way back, as pages without a script."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from sqlalchemy.exc import OperationalError

from petition.blindsign.passes import secret_hash
from petition.core import db, i18n
from petition.core.encoding import b64u, unb64u
from petition.epochs.slots import ACTS_EVERY
from petition.ledger import log
from petition.signatures import SignatureState
from petition.web import signing
from tests import make
from tests.support.public_pages import a_second_passes
from tests.support.suzie import Suzie, close_an_epoch, fields, found_by, mistakes, state_of, text


def test_the_receipt_is_saved_as_it_was_shown(suzie: Suzie) -> None:
    receipt = suzie.signs()
    saved = suzie.post("receipt.json", receipt=receipt)
    assert saved.data == receipt.encode()
    named = re.fullmatch(
        r'attachment; filename="receipt-(\d{4}-\d\d-\d\d)\.json"', saved.headers["Content-Disposition"]
    )
    assert named  # told apart by the day; nothing of the letter
    assert saved.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("pasted", ["", "nonsense", "[]", "{}", '{"entry": 1}', "null", "[" * 5000])
def test_nothing_but_a_receipt_is_taken_for_one(suzie: Suzie, pasted: str) -> None:
    for page in ("receipt", "receipt.json", "change"):
        answer = suzie.post(page, receipt=pasted)
        assert answer.status_code == 422
        assert mistakes(answer) == [
            "This is not a receipt of this letter. Paste the whole text that you saved after signing, or open its file."
        ]


def test_a_receipt_whose_secret_was_changed_is_refused(suzie: Suzie) -> None:
    kept = json.loads(suzie.signs())
    assert suzie.post("receipt", receipt=json.dumps(kept | {"w0": "A" * 43})).status_code == 422


def test_a_receipt_tells_where_its_signature_stands(suzie: Suzie) -> None:
    receipt = suzie.signs()
    assert "It waits for the next batch." in text(suzie.post("receipt", receipt=receipt))
    close_an_epoch(suzie)
    a_second_passes(suzie.client.application)
    assert "It is in the ledger, in batch 1." in text(suzie.post("receipt", receipt=receipt))


def test_withdrawing_says_first_what_it_takes_off_and_may_be_repeated(suzie: Suzie) -> None:
    receipt = suzie.signs(show="name", name="Suzie Example")
    close_an_epoch(suzie)
    offer = suzie.post("change", receipt=receipt)
    assert "Taken off: the name “Suzie Example” and everything beside it." in text(offer)
    assert "the count falls by one" in text(offer)
    assert state_of(suzie, receipt) is SignatureState.LOGGED
    first, second = suzie.post("withdraw", receipt=receipt), suzie.post("withdraw", receipt=receipt)
    assert (first.status_code, first.data) == (200, second.data)
    assert "Your signature is withdrawn." in text(first)
    assert state_of(suzie, receipt) is SignatureState.WITHDRAWN


def test_the_withdraw_button_is_not_the_first_one(suzie: Suzie) -> None:
    offer = suzie.post("change", receipt=suzie.signs(show="name", name="Suzie Example")).text
    buttons = re.findall(r'<button type="submit"( class="quiet")?>([^<]+)</button>', offer)
    assert buttons == [
        ("", "Change what is shown"),
        (' class="quiet"', "Remove my name, stay counted"),
        (' class="quiet"', "Withdraw my signature"),
    ]


def test_a_withdrawal_can_be_taken_back_until_the_ledger_has_it(suzie: Suzie) -> None:
    receipt = suzie.signs()
    close_an_epoch(suzie)
    suzie.post("withdraw", receipt=receipt)
    offer = suzie.post("change", receipt=receipt)
    assert "you can take this back by choosing what is shown" in text(offer)
    assert suzie.post("amend", receipt=receipt, show="anonymous").status_code == 200
    assert state_of(suzie, receipt) is SignatureState.HIDDEN
    suzie.post("withdraw", receipt=receipt)
    close_an_epoch(suzie)
    over = suzie.post("change", receipt=receipt)
    assert "Your signature is withdrawn." in text(over)
    refused = suzie.post("amend", receipt=receipt, show="anonymous")
    assert refused.status_code == 409
    assert "<form" not in refused.text or "change.amend" not in refused.text


def test_a_name_is_corrected_and_the_new_receipt_is_shown(suzie: Suzie) -> None:
    receipt = suzie.signs(show="name", name="Suzie Mistyped", role="Engineer")
    close_an_epoch(suzie)
    offered = fields(suzie.post("change", receipt=receipt))
    assert (offered["name"], offered["role"], offered["show"]) == ("Suzie Mistyped", "Engineer", "name")
    done = suzie.post("amend", **(offered | {"name": "Suzie Example"}))
    assert done.status_code == 200
    assert "Name Suzie Example Role Engineer When As soon as a batch writes it" in text(done)
    kept = json.loads(fields(done)["receipt"])
    assert kept["body"]["name"] == "Suzie Example"
    assert kept["commitment"] not in receipt
    again = suzie.post("amend", **(offered | {"name": "Suzie Example"}))
    assert fields(again)["receipt"] == fields(done)["receipt"]
    close_an_epoch(suzie)
    offer = suzie.post("change", receipt=json.dumps(kept))
    assert "Suzie Example" in text(offer)
    assert "You can change this signature 8 more times." in text(offer)


def test_the_look_up_says_what_the_signature_shows(suzie: Suzie) -> None:
    receipt = suzie.signs(show="name", name="Suzie Example", role="Engineer", comment="I stay.")
    assert "What it shows now Name Suzie Example Role Engineer Comment I stay." in text(
        suzie.post("receipt", receipt=receipt)
    )
    suzie.post("hide", receipt=receipt)
    hidden = text(suzie.post("receipt", receipt=receipt))
    assert "Nothing: you are counted as one verified employee." in hidden
    assert "Suzie Example" not in hidden.partition("What it shows now")[2].partition("Receipt")[0]
    suzie.post("withdraw", receipt=receipt)
    assert "What it shows now" not in text(suzie.post("receipt", receipt=receipt))


def test_a_choice_that_cannot_be_is_named_at_its_field_and_the_text_is_kept(suzie: Suzie) -> None:
    receipt = suzie.signs()
    page = suzie.post("amend", receipt=receipt, show="name", name="", comment="I stay.")
    assert page.status_code == 422
    assert mistakes(page) == ["Enter your full name, or choose to show less."]
    assert fields(page)["comment"] == "I stay."
    assert fields(page)["receipt"] == receipt


def test_what_was_typed_stays_while_the_database_does_not_answer(suzie: Suzie, monkeypatch: pytest.MonkeyPatch) -> None:
    receipt = suzie.signs()

    def away(*_: object) -> None:
        raise OperationalError("SELECT", {}, OSError("no server"))

    monkeypatch.setattr(signing, "status_of", away)
    page = suzie.post("amend", receipt=receipt, show="name", name="Suzie Example", comment="I stay.")
    assert (page.status_code, page.headers["Retry-After"]) == (503, "5")
    kept = fields(page)
    assert (kept["receipt"], kept["name"], kept["comment"]) == (receipt, "Suzie Example", "I stay.")


def test_a_text_that_is_no_receipt_stays_in_its_field(suzie: Suzie) -> None:
    page = suzie.post("amend", receipt="cut off", show="anonymous")
    assert (page.status_code, fields(page)["receipt"]) == (422, "cut off")


def test_a_signature_is_changed_nine_times_and_not_a_tenth_time(suzie: Suzie) -> None:
    receipt = suzie.signs()
    for number in range(9):
        page = suzie.post("amend", receipt=receipt, show="name", name=f"Suzie {number}")
        assert page.status_code == 200, number
    offer = suzie.post("change", receipt=receipt)
    assert "Change what is shown</button>" not in offer.text
    refused = suzie.post("amend", receipt=receipt, show="name", name="Suzie 9")
    assert refused.status_code == 409


def test_the_secret_or_the_pass_is_enough_to_change_a_signature(suzie: Suzie) -> None:
    held = suzie.gets_a_pass()
    receipt = fields(suzie.post("sign", **{"pass": held, "show": "anonymous"}))["receipt"]
    for typed in (json.loads(receipt)["w0"], held):
        done = suzie.post("amend", receipt=typed, show="name", name=f"Suzie {len(typed)}")
        assert done.status_code == 200
        assert "Keep your pass" in text(done)


def test_a_script_is_offered_the_same_without_the_secret(suzie: Suzie) -> None:
    receipt = suzie.signs(show="name", name="Suzie Example", role="Engineer")
    suzie.post("amend", receipt=receipt, show="name", name="Suzie Changed")
    found, offer = found_by(receipt), suzie.post("offer", **found_by(receipt))
    assert (fields(offer)["name"], offer.status_code) == ("Suzie Changed", 200)
    assert "You can change this signature 8 more times." in text(offer)
    assert re.search(r' data-used="1" data-amends="yes">', offer.text)
    assert [value for value in found.values() if value in offer.text] == []
    assert not re.search(r'<input[^>]* name="receipt"', offer.text)
    assert set(re.findall(r'<template id="([^"]+)"', offer.text)) == {
        "changed", "done-withdrawn", "done-hidden", "done-removed", "words",
    }  # fmt: skip


def test_without_a_ticket_a_script_is_told_what_the_ledger_shows(suzie: Suzie) -> None:
    """P42: the public hash of a chain and the leaf hash are in the ledger, so anybody may send them."""
    receipt = suzie.signs(show="name", name="Suzie Example")
    known = b64u(secret_hash(unb64u(json.loads(receipt)["w0"], 32)))
    asked = [{"hw": known}, found_by(receipt) | {"ticket": "A" * 22}]
    close_an_epoch(suzie)
    before = [suzie.post("offer", **each).data for each in asked]
    assert all(b"This page cannot tell what your signature shows now." in each for each in before)
    assert all(b"Suzie Example" not in each and b"more times" not in each for each in before)
    for act in ({"page": "amend", "show": "anonymous"}, {"page": "hide"}, {"page": "withdraw"}):
        assert suzie.post(**(act | {"receipt": receipt})).status_code == 200
        assert [suzie.post("offer", **each).data for each in asked] == before
    close_an_epoch(suzie)
    assert all("Your signature is withdrawn." in text(suzie.post("offer", **each)) for each in asked)


@pytest.mark.parametrize(
    ("sent", "status", "said"),
    [
        ({"hw": "A" * 43}, 404, "No signature of this campaign fits this receipt."),
        ({"leaf": "A" * 43, "ticket": "A" * 22}, 404, "No signature of this campaign fits this receipt."),
        ({"leaf": "A" * 43, "ticket": "A" * 21}, 422, "This is incomplete or was changed. Copy it again."),
        ({"leaf": "A" * 43}, 422, "This is incomplete or was changed. Copy it again."),
        ({"hw": "cut"}, 422, "This is incomplete or was changed. Copy it again."),
    ],
)
def test_an_offer_for_no_signature_says_so(suzie: Suzie, sent: dict[str, str], status: int, said: str) -> None:
    answer = suzie.post("offer", **sent)
    assert (answer.status_code, mistakes(answer)) == (status, [said])


def test_hiding_keeps_the_signature_and_may_still_be_followed_by_withdrawing(suzie: Suzie) -> None:
    receipt = suzie.signs(show="name", name="Suzie Example")
    close_an_epoch(suzie)
    hidden = suzie.post("hide", receipt=receipt)
    assert "It stays counted." in text(hidden)
    assert suzie.post("hide", receipt=receipt).data == hidden.data
    assert state_of(suzie, receipt) is SignatureState.HIDDEN
    again = suzie.post("change", receipt=receipt)
    assert "/hide" not in again.text
    assert "You can change this signature 8 more times." in text(again)
    assert suzie.post("withdraw", receipt=receipt).status_code == 200
    assert state_of(suzie, receipt) is SignatureState.WITHDRAWN


@pytest.mark.parametrize("zone", ["UTC", "Pacific/Auckland", "Pacific/Pago_Pago"])
def test_a_letter_with_larger_batches_says_on_which_day_a_change_is_written(suzie: Suzie, zone: str) -> None:
    """P41: once a week, at the first slot of the week; the day is the same for everybody, in the letter's time zone."""
    with db.transaction() as session:
        made = make.campaign(session, batch_min=5, interval=3600, mailing={"time_zone": zone})
        suzie.slug, opened = made.slug, log.head_of(session, made.id).opened_at
    day = i18n.date_long((opened + ACTS_EVERY).astimezone(ZoneInfo(zone)).date(), "en")
    receipt = suzie.signs(show="name", name="Suzie Example")
    with time_machine.travel(opened + ACTS_EVERY - timedelta(seconds=1), tick=False):
        offer = text(suzie.post("change", receipt=receipt))
        assert f"The new text appears on {day}. All changes of a week appear together" in offer
        assert f"The ledger records the withdrawal on {day}, and the count falls by one." in offer
        changed = text(suzie.post("amend", receipt=receipt, show="anonymous"))
        assert f"Nothing is shown until the change is written, on {day} at the earliest." in changed
    with time_machine.travel(opened + ACTS_EVERY, tick=False):
        assert day not in text(suzie.post("change", receipt=receipt))


def test_an_unknown_secret_changes_nothing(suzie: Suzie) -> None:
    choice = {"receipt": "A" * 43, "show": "anonymous"}
    for page in ("change", "withdraw", "hide", "amend"):
        answer = suzie.post(page, **choice)
        assert answer.status_code == 404
        assert mistakes(answer) == ["No signature of this campaign fits this receipt."]
    assert {
        suzie.post(page, receipt="short", show="anonymous").status_code for page in ("hide", "withdraw", "amend")
    } == {422}


def test_the_earlier_address_of_the_page_leads_on(suzie: Suzie) -> None:
    answer = suzie.client.get(f"/c/{suzie.slug}/withdraw?lang=fr")
    assert (answer.status_code, answer.headers["Location"]) == (302, f"/c/{suzie.slug}/change?lang=fr")


def test_following_links_changes_nothing(suzie: Suzie) -> None:
    receipt = suzie.signs()
    token = json.loads(receipt)["w0"]
    for page in ("sign", "receipt", "change", "withdraw", "amend", "hide", "verify", "pass", "receipt.json"):
        suzie.client.get(f"/c/{suzie.slug}/{page}", query_string={"withdraw": token, "receipt": receipt})
    assert state_of(suzie, receipt) is SignatureState.PENDING
