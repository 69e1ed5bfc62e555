"""Another secret key: what was signed under the old one works while that is listed, and not after it was dropped."""

from __future__ import annotations

import time
from dataclasses import replace

import altcha
import pytest
from flask import Flask

from petition.mailing.subscribers import Purpose, SubscriberState
from petition.web import proof_of_work
from petition.web.dashboard import resubmission
from petition.web.dashboard.resubmission import Resubmission
from petition.web.services import NAME
from tests.support.accounts import by_code
from tests.support.omar import Omar
from tests.support.reader import SECRET, Reader, subscriber

NEW = "n" * 32
ROTATED = (NEW, SECRET)
DROPPED = (NEW,)
TRIES = 5


def set_keys(app: Flask, keys: tuple[str, ...]) -> None:
    """As after a start with these keys."""
    here = app.extensions[NAME]
    app.extensions[NAME] = replace(here, config=replace(here.config, secret_keys=keys))


@pytest.mark.parametrize("purpose", list(Purpose))
def test_a_mailed_link_works_after_a_rotation(app: Flask, reader: Reader, purpose: Purpose) -> None:
    """P37."""
    reader.is_on_the_list()
    link = reader.link(purpose)
    set_keys(app, ROTATED)
    assert reader.client.get(link).status_code == 200
    assert reader.client.post(link, data={"rhythm": "daily", "lang": "en"}).status_code == 200


@pytest.mark.parametrize("purpose", list(Purpose))
def test_a_link_under_a_dropped_key_does_nothing(app: Flask, reader: Reader, purpose: Purpose) -> None:
    reader.is_on_the_list()
    link, before = reader.link(purpose), subscriber().frequency
    set_keys(app, DROPPED)
    assert reader.client.get(link).status_code == 404
    assert reader.client.post(link, data={"rhythm": "daily", "lang": "en"}).status_code == 404
    assert (subscriber().state, subscriber().frequency) == (SubscriberState.ACTIVE, before)


def test_links_of_pages_are_signed_with_the_first_key(app: Flask, reader: Reader) -> None:
    reader.is_on_the_list()
    set_keys(app, ROTATED)
    page = reader.client.get(reader.link(Purpose.CONFIRM)).text
    link = page.partition("/mail/settings/")[2].partition('"')[0]
    set_keys(app, DROPPED)
    assert reader.client.get(f"/mail/settings/{link}").status_code == 200


def test_a_form_that_was_open_during_a_rotation_is_taken(app: Flask, omar: Omar) -> None:
    token = omar.token()
    set_keys(app, ROTATED)
    assert omar.token() != token
    assert omar.client.post("/organise/account/codes", data={"token": token}).status_code == 200


def test_a_form_under_a_dropped_key_is_refused(app: Flask, omar: Omar) -> None:
    token = omar.token()
    set_keys(app, DROPPED)
    assert omar.client.post("/organise/account/codes", data={"token": token}).status_code == 403
    assert omar.client.post("/organise/account/codes", data={"token": omar.token()}).status_code == 200


def test_typed_text_that_waits_for_a_sign_in_survives_a_rotation(app: Flask) -> None:
    typed = Resubmission("/organise/new", (("title", "A letter"),))
    with app.test_request_context():
        sealed = typed.sealed()
        set_keys(app, ROTATED)
        assert resubmission.read(sealed) == typed
        set_keys(app, DROPPED)
        assert resubmission.read(sealed) is None


@pytest.mark.parametrize(("keys", "counts"), [(ROTATED, True), (DROPPED, False)])
def test_a_puzzle_counts_once_while_its_key_is_listed(app: Flask, keys: tuple[str, ...], *, counts: bool) -> None:
    challenge = altcha.Challenge.from_dict(proof_of_work.challenge(SECRET, time.time()))
    solution = altcha.solve_challenge(challenge)
    assert solution
    payload, store = altcha.Payload(challenge, solution).to_base64(), app.extensions[NAME].redis_store
    assert proof_of_work.was_done(keys, store, payload) is counts
    assert not proof_of_work.was_done(keys, store, payload)


@pytest.mark.parametrize("keys", [ROTATED, DROPPED])
def test_tries_of_a_name_stay_limited(app: Flask, omar: Omar, keys: tuple[str, ...]) -> None:
    """Tries are counted under the first key: a rotation gives five more, once."""
    stranger = app.test_client()
    before = [by_code(stranger, "Omar", "0wrong").status_code for _ in range(TRIES + 1)]
    set_keys(app, keys)
    after = [by_code(stranger, "Omar", "0wrong").status_code for _ in range(TRIES + 3)]
    assert before == [403] * TRIES + [429]
    assert after == [403] * TRIES + [429] * 3
