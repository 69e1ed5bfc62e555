"""The receipt and the way back, as pages without a script."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest
import time_machine
from sqlalchemy.exc import OperationalError

from petition.core import db, i18n
from petition.epochs.slots import ACTS_EVERY
from petition.ledger import log
from petition.signatures import SignatureState
from petition.web import signing
from tests import make
from tests.support.public_pages import a_second_passes
from tests.support.suzie import Suzie, close_an_epoch, fields, mistakes, state_of, text


def test_the_receipt_is_saved_as_it_was_shown(suzie: Suzie) -> None:
    receipt = suzie.signs()
    saved = suzie.post("receipt.json", receipt=receipt)
    assert saved.data == receipt.encode()
    assert saved.headers["Content-Disposition"] == 'attachment; filename="receipt.json"'
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
    assert "What the public sees: your name, “Suzie Example”." in text(done)
    kept = json.loads(fields(done)["receipt"])
    assert kept["body"]["name"] == "Suzie Example"
    assert kept["commitment"] not in receipt
    again = suzie.post("amend", **(offered | {"name": "Suzie Example"}))
    assert fields(again)["receipt"] == fields(done)["receipt"]
    close_an_epoch(suzie)
    offer = suzie.post("change", receipt=json.dumps(kept))
    assert "Suzie Example" in text(offer)
    assert "You can change this signature 8 more times." in text(offer)


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


def test_a_letter_with_larger_batches_says_on_which_day_a_change_is_written(suzie: Suzie) -> None:
    """P41: once a week, at the first slot of the week; the day is the same for everybody."""
    with db.transaction() as session:
        made = make.campaign(session, batch_min=5, interval=3600)
        suzie.slug, opened = made.slug, log.head_of(session, made.id).opened_at
    day = i18n.date_long((opened + ACTS_EVERY).date(), "en")
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
