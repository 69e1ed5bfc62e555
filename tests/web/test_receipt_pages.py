"""The receipt and the way back, as pages without a script."""

from __future__ import annotations

import json

import pytest

from petition.signatures import SignatureState
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
    a_second_passes(suzie.client.application)
    assert "It is in the ledger, in batch 1." in text(suzie.post("receipt", receipt=receipt))


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
    assert "It stays counted." in text(hidden)
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
        assert mistakes(answer) == ["No signature of this campaign fits this receipt."]
    assert suzie.post("hide", withdraw="short").status_code == 422


def test_following_links_changes_nothing(suzie: Suzie) -> None:
    receipt = suzie.signs()
    token = json.loads(receipt)["withdraw"]
    for page in ("sign", "receipt", "withdraw", "hide", "verify", "pass", "receipt.json"):
        suzie.client.get(f"/c/{suzie.slug}/{page}", query_string={"withdraw": token, "receipt": receipt})
    assert state_of(suzie, receipt) is SignatureState.PENDING
