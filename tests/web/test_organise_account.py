"""Coming in by passkey and by recovery code, and one's own account: what opens the door, and what does not."""

from __future__ import annotations

import json
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import time_machine
from flask import Flask, g
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from petition.core import clock, db
from petition.core.ids import OrganiserId
from petition.organisers import Organiser, OrganiserSession, RecoveryCode, recovery, sessions
from petition.organisers.audit_log import Action, AuditEntry
from petition.web.dashboard import access
from petition.web.dashboard.access import COOKIE
from tests import make
from tests.support.accounts import by_code, renewed, with_passkey
from tests.support.authenticator import PRESENT, Device
from tests.support.omar import Omar, signed_in
from tests.support.work import number_of_queries


def by_passkey(client: FlaskClient, device: Device, **typed: str) -> TestResponse:
    options = client.post("/organise/sign-in/challenge").json
    assert isinstance(options, dict)
    return client.post("/organise/sign-in/passkey", data={"credential": device.ask(options)} | typed)


def test_a_passkey_is_made_signs_in_without_a_name_and_is_removed(app: Flask, omar: Omar) -> None:
    device = Device()
    assert with_passkey(omar, device).headers["Location"] == "/organise/account"
    assert "Telephone" in omar.sees("/organise/account").text
    assert "not used yet" in omar.sees("/organise/account").text
    client = app.test_client()
    answer = by_passkey(client, device, next=f"/organise/c/{omar.slug}")
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/organise/c/{omar.slug}")
    assert answer.headers["Set-Cookie"].startswith(f"{COOKIE}=")
    assert "last used on" in client.get("/organise/account").text
    renewed(omar)
    omar.does("/organise/account/passkeys/remove", id=device.id.hex())
    assert by_passkey(app.test_client(), device).status_code == 403
    with db.session() as session:
        told = session.scalars(select(AuditEntry.action).where(AuditEntry.by == omar.organiser_id)).all()
    assert [each for each in told if each is not Action.JOINED] == [
        Action.PASSKEY_ADDED, Action.CODES_RENEWED, Action.PASSKEY_REMOVED,
    ]  # fmt: skip


def test_the_options_ask_for_a_person_and_for_a_passkey_that_needs_no_name(omar: Omar) -> None:
    made = omar.does("/organise/account/passkeys/challenge").json
    asked = omar.client.post("/organise/sign-in/challenge").json
    assert made and asked  # noqa: PT018
    assert (made["rp"]["id"], asked["rpId"]) == ("localhost", "localhost")
    assert made["authenticatorSelection"]["residentKey"] == "required"
    assert (made["authenticatorSelection"]["userVerification"], asked["userVerification"]) == ("required", "required")
    assert "allowCredentials" not in asked or asked["allowCredentials"] == []
    with_passkey(omar, device := Device())
    again = omar.does("/organise/account/passkeys/challenge").json
    assert again
    assert len(again["excludeCredentials"]) == 1
    assert device.handle == omar.organiser_id


@pytest.mark.parametrize(
    "broken",
    [
        {"origin": "https://mallory.example"},
        {"origin": "http://localhost:81"},
        {"host": "mallory.example"},
        {"flags": PRESENT},
        {"flags": 0x04},
        {"handle": b"somebody else's"},
        {"id": b"unknown"},
    ],
)
def test_an_answer_from_elsewhere_or_without_a_person_opens_nothing(
    app: Flask, omar: Omar, broken: dict[str, object]
) -> None:
    device = Device()
    with_passkey(omar, device)
    for name, value in broken.items():
        setattr(device, name, value)
    answer = by_passkey(app.test_client(), device)
    assert answer.status_code == 403
    assert "The passkey was not accepted" in answer.text
    assert "Set-Cookie" not in answer.headers


def test_a_signature_of_another_key_opens_nothing(app: Flask, omar: Omar) -> None:
    device = Device()
    with_passkey(omar, device)
    forged = Device(id=device.id, handle=device.handle, count=9)
    assert by_passkey(app.test_client(), forged).status_code == 403


def test_a_copied_passkey_shows_by_its_counter(app: Flask, omar: Omar) -> None:
    device = Device()
    with_passkey(omar, device)
    device.count = 5
    assert by_passkey(app.test_client(), device).status_code == 303
    for count in (5, 1):
        device.count = count
        answer = by_passkey(app.test_client(), device)
        assert answer.status_code == 403
        assert "The counter of this passkey went back." in answer.text
        assert "The passkey was not accepted" not in answer.text
        assert "Set-Cookie" not in answer.headers
    device.count = 6
    assert by_passkey(app.test_client(), device).status_code == 303


def test_a_passkey_without_a_counter_is_no_copy(app: Flask, omar: Omar) -> None:
    """Passkeys that a provider synchronizes always send 0."""
    device = Device()
    with_passkey(omar, device)
    for _ in range(2):
        device.count = -1
        assert by_passkey(app.test_client(), device).status_code == 303


def test_who_has_no_key_does_not_learn_that_a_counter_is_kept(app: Flask, omar: Omar) -> None:
    device = Device()
    with_passkey(omar, device)
    device.count = 5
    assert by_passkey(app.test_client(), device).status_code == 303
    forged = Device(id=device.id, handle=device.handle, count=1)
    assert "The passkey was not accepted" in by_passkey(app.test_client(), forged).text


def test_an_answer_counts_once_even_for_two_at_once(app: Flask, omar: Omar) -> None:
    device = Device()
    with_passkey(omar, device)
    options = app.test_client().post("/organise/sign-in/challenge").json
    assert isinstance(options, dict)
    answer = device.ask(options)
    send = lambda _: app.test_client().post("/organise/sign-in/passkey", data={"credential": answer}).status_code
    with ThreadPoolExecutor(6) as crowd:
        assert sorted(crowd.map(send, range(6))) == [303] + [403] * 5


def test_a_challenge_is_for_its_purpose_and_its_visit(app: Flask, omar: Omar) -> None:
    device = Device()
    with_passkey(omar, device)
    suzie = signed_in(app, omar.slug, name="Suzie")
    to_sign_in = omar.client.post("/organise/sign-in/challenge").json
    to_confirm = suzie.does("/organise/confirm/challenge").json
    to_make = suzie.does("/organise/account/passkeys/challenge").json
    assert isinstance(to_sign_in, dict)
    assert isinstance(to_confirm, dict)
    assert isinstance(to_make, dict)
    assert omar.does("/organise/confirm/passkey", credential=device.ask(to_sign_in)).status_code == 403
    assert omar.does("/organise/confirm/passkey", credential=device.ask(to_confirm)).status_code == 403
    assert omar.does("/organise/account/passkeys", passkey="Mine", credential=Device().make(to_make)).status_code == 403
    mine = omar.does("/organise/confirm/challenge").json
    assert isinstance(mine, dict)
    assert omar.does("/organise/confirm/passkey", credential=device.ask(mine)).status_code == 303


def confirmed(someone: Omar, device: Device) -> TestResponse:
    """The answer to a proof by passkey."""
    options = someone.does("/organise/confirm/challenge").json
    assert isinstance(options, dict)
    return someone.does("/organise/confirm/passkey", credential=device.ask(options), next="/organise/account")


def test_who_proves_again_gets_a_new_cookie_and_a_copied_one_opens_nothing(app: Flask, omar: Omar) -> None:
    """P36."""
    device = Device()
    with_passkey(omar, device)
    held = omar.client.get_cookie(COOKIE, domain="localhost")
    assert held
    answer = confirmed(omar, device)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/organise/account")
    cookie = answer.headers["Set-Cookie"]
    assert cookie.startswith(f"{COOKIE}=")
    assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))
    assert omar.sees("/organise/account").status_code == 200
    thief = app.test_client()
    thief.set_cookie(COOKIE, held.value, domain="localhost")
    assert thief.get("/organise/account").status_code == 303
    assert len(sessions_of(omar)) == 1


def test_a_second_window_that_proves_at_the_same_time_stays_signed_in(app: Flask, omar: Omar) -> None:
    """Its request came with the cookie of before: it is refused and sets no cookie, and the first window goes on."""
    device = Device()
    with_passkey(omar, device)
    held = omar.client.get_cookie(COOKIE, domain="localhost")
    assert held
    with db.transaction() as session:
        before = sessions.find(session, held.value, clock.now())
    assert confirmed(omar, device).status_code == 303
    with app.test_request_context("/organise/confirm/passkey", method="POST"):
        g.visitor = before
        with pytest.raises(access.FormForged), db.transaction() as session:
            access.renew_visit(session)
    assert omar.sees("/organise/account").status_code == 200


def sessions_of(someone: Omar) -> list[OrganiserSession]:
    with db.session() as session:
        return sessions.every(session, OrganiserId(someone.organiser_id), clock.now())


def test_somebody_elses_passkey_does_not_confirm(app: Flask, omar: Omar) -> None:
    device, suzie = Device(), signed_in(app, omar.slug, name="Suzie")
    with_passkey(suzie, device)
    options = omar.does("/organise/confirm/challenge").json
    assert isinstance(options, dict)
    assert omar.does("/organise/confirm/passkey", credential=device.ask(options)).status_code == 403


@pytest.mark.parametrize(
    "answer",
    [
        "", "{", "[]", "null", "{}", '{"response": []}', '{"response": {"clientDataJSON": "e30"}}',
        '{"response": {"clientDataJSON": 7}}', '{"rawId": null, "response": {"clientDataJSON": "eyJjaGFsbGVuZ2UiOiJBQUFBIn0"}}',
        "[" * 9_000, '"' + "é" * 50 + '"',
    ],
)  # fmt: skip
def test_a_broken_answer_is_refused_in_words(client: FlaskClient, answer: str) -> None:
    page = client.post("/organise/sign-in/passkey", data={"credential": answer})
    assert page.status_code == 403
    assert "The passkey was not accepted" in page.text


def test_broken_parts_of_a_true_answer_are_refused_in_words(app: Flask, omar: Omar) -> None:
    device = Device()
    with_passkey(omar, device)
    for part in ("authenticatorData", "signature", "userHandle"):
        for value in ("", "AA", "é", 7, None if part != "userHandle" else [], "A" * 500):
            options = omar.client.post("/organise/sign-in/challenge").json
            assert isinstance(options, dict)
            answer = json.loads(device.ask(options))
            answer["response"][part] = value
            sent = app.test_client().post("/organise/sign-in/passkey", data={"credential": json.dumps(answer)})
            assert sent.status_code == (303 if (part, value) == ("userHandle", "") else 403), (part, value)
    for value in ("", "AA", 7, None, "oA", "A" * 500):
        made = omar.does("/organise/account/passkeys/challenge").json
        assert isinstance(made, dict)
        answer = json.loads(Device().make(made))
        answer["response"]["attestationObject"] = value
        page = omar.does("/organise/account/passkeys", passkey="Mine", credential=json.dumps(answer))
        assert page.status_code == 403, value
        assert 'value="Mine"' in page.text


def test_the_last_way_in_stays(app: Flask, omar: Omar) -> None:
    first, second = Device(), Device()
    with_passkey(omar, first)
    with_passkey(omar, second, "Key")
    assert omar.does("/organise/account/passkeys/remove", id=first.id.hex()).status_code == 303
    page = omar.does("/organise/account/passkeys/remove", id=second.id.hex())
    assert page.status_code == 409
    assert "make new codes before you remove it" in page.text
    assert by_passkey(app.test_client(), second).status_code == 303
    renewed(omar)
    assert omar.does("/organise/account/passkeys/remove", id=second.id.hex()).status_code == 303


def test_nobody_removes_somebody_elses_passkey(app: Flask, omar: Omar) -> None:
    device, suzie = Device(), signed_in(app, omar.slug, name="Suzie")
    with_passkey(suzie, device)
    renewed(suzie)
    omar.does("/organise/account/passkeys/remove", id=device.id.hex())
    assert by_passkey(app.test_client(), device).status_code == 303


def test_ten_codes_are_shown_once_kept_as_hashes_and_sign_in_once_each(app: Flask, omar: Omar) -> None:
    """P36."""
    codes = renewed(omar)
    assert len(set(codes)) == 10
    assert not any(code in omar.sees("/organise/account").text for code in codes)
    with db.session() as session:
        kept = session.scalars(select(RecoveryCode.hash)).all()
    assert len(kept) == 10
    assert all(each.startswith("$argon2id$") for each in kept)
    assert not any(recovery.plain(code) in "".join(kept) for code in codes)
    client = app.test_client()
    assert by_code(client, "omar", f"  {codes[3].upper().replace('-', ' ')} ").status_code == 303
    assert "9 codes are left" in client.get("/organise/account").text
    assert by_code(app.test_client(), "Omar", codes[3]).status_code == 403
    fresh = renewed(omar)
    assert by_code(app.test_client(), "Omar", codes[4]).status_code == 403
    assert by_code(app.test_client(), "Omar", fresh[4]).status_code == 303


def insisting(app: Flask, name: str, code: str) -> int:
    """The answer to somebody who comes again whenever the door is busy, which costs no try."""
    while (answer := by_code(app.test_client(), name, code)).status_code == 503:
        assert answer.headers["Retry-After"] == "5"
    return answer.status_code


def test_a_code_lets_one_of_two_in_at_once(app: Flask, omar: Omar) -> None:
    code = renewed(omar)[0]
    with ThreadPoolExecutor(4) as crowd:
        answers = sorted(crowd.map(lambda _: insisting(app, "Omar", code), range(4)))
    assert answers == [303, 403, 403, 403]


def test_a_wrong_code_keeps_the_text_and_shows_the_error(client: FlaskClient, omar: Omar) -> None:
    renewed(omar)
    page = by_code(client, "Omar", "0000-0000-0000-0000", next=f"/organise/c/{omar.slug}/team")
    assert page.status_code == 403
    assert 'value="Omar"' in page.text
    assert 'value="0000-0000-0000-0000"' in page.text
    assert f'value="/organise/c/{omar.slug}/team"' in page.text
    assert "do not match" in page.text
    empty = by_code(client, "", "")
    assert empty.status_code == 422
    assert empty.text.count("Fill in this field.") == 4
    for name, code in (("O" * 61, "1"), ("Om\0ar", "1"), ("Omar", "1" * 61), ("Omar", "1\0")):
        assert by_code(client, name, code).status_code == 422


def test_five_tries_a_name_then_a_quarter_of_an_hour_and_nobody_else_waits(app: Flask, omar: Omar) -> None:
    """P36."""
    codes, suzies = renewed(omar), renewed(signed_in(app, omar.slug, name="Suzie"))
    for name in ("Omar", "Nobody"):
        assert [by_code(app.test_client(), name, "1" * 16).status_code for _ in range(5)] == [403] * 5
        refused = by_code(app.test_client(), name.upper(), codes[0])
        assert refused.status_code == 429
        assert 0 < int(refused.headers["Retry-After"]) <= 900
        assert "This name was tried five times." in refused.text
    assert by_code(app.test_client(), "Suzie", suzies[0]).status_code == 303
    with_passkey(omar, device := Device())
    assert by_passkey(app.test_client(), device).status_code == 303


def test_failed_sign_ins_of_strangers_lock_no_signed_in_organiser_out(app: Flask, omar: Omar) -> None:
    codes = renewed(omar)
    for _ in range(6):
        by_code(app.test_client(), "Omar", "1" * 16)
    assert omar.does("/organise/confirm", code=codes[0]).status_code == 303
    assert [omar.does("/organise/confirm", code="1" * 16).status_code for _ in range(6)] == [403] * 5 + [429]


def test_the_last_code_leads_to_making_new_ones(app: Flask, omar: Omar) -> None:
    for code in renewed(omar):
        to = by_code(app.test_client(), "Omar", code).headers["Location"]
    assert to == "/organise/account"
    assert "No code is left. Make new ones" in omar.sees("/organise/account").text


def test_twenty_guesses_at_once_get_five_tries(app: Flask, omar: Omar) -> None:
    renewed(omar)
    with ThreadPoolExecutor(8) as crowd:
        answers = list(crowd.map(lambda _: insisting(app, "Omar", "1" * 16), range(20)))
    assert (answers.count(403), answers.count(429)) == (5, 15)


def test_the_right_code_gives_the_tries_back(app: Flask, omar: Omar) -> None:
    codes = renewed(omar)
    for code in codes[:3]:
        assert [by_code(app.test_client(), "Omar", "1" * 16).status_code for _ in range(4)] == [403] * 4
        assert by_code(app.test_client(), "Omar", code).status_code == 303


def known_and_disabled_names(app: Flask, omar: Omar) -> None:
    """Eight organisers with codes, "Known 0" to "Known 7", and four who are disabled, "Gone 0" to "Gone 3"."""
    for name in [f"Known {n}" for n in range(8)]:
        renewed(signed_in(app, omar.slug, name=name))
    for n in range(4):
        someone = signed_in(app, omar.slug, name=f"Gone {n}")
        renewed(someone)
        with db.transaction() as session:
            session.get_one(Organiser, someone.organiser_id).disabled = True


def test_known_unknown_and_disabled_names_get_the_same_answer_after_one_comparison(
    app: Flask, omar: Omar, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A comparison takes nearly all of the time; `proof` compares times."""
    known_and_disabled_names(app, omar)
    compared: list[str] = []
    hasher = recovery.HASHER

    class Watched:
        def verify(self, hashed: str, code: str) -> bool:
            compared.append(hashed)
            return hasher.verify(hashed, code)

    monkeypatch.setattr(recovery, "HASHER", Watched())
    pages, comparisons = set(), []
    for name in ("Known 0", "Other 0", "Gone 0"):
        answer = by_code(app.test_client(), name, "1" * 16)
        assert answer.status_code == 403
        pages.add(answer.text.replace(name, "NAME"))
        comparisons.append(len(compared))
    assert comparisons == [1, 2, 3]
    assert len(pages) == 1


@pytest.mark.proof
def test_known_unknown_and_disabled_names_get_their_answer_in_the_same_time(
    app: Flask, omar: Omar, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the pause between codes, which is the same for everybody."""
    monkeypatch.setattr(recovery, "PAUSE", 0.0)
    known_and_disabled_names(app, omar)
    times: dict[str, list[float]] = {"Known": [], "Other": [], "Gone": []}
    for n in range(28):
        kind = ("Known", "Other", "Gone", "Other")[n % 4]
        name = f"{kind} {n // 4 if kind != 'Gone' else n // 4 % 4}"
        client = app.test_client()
        began = time.perf_counter()
        by_code(client, name, f"{n % 10}" + "1" * 15)
        times[kind].append(time.perf_counter() - began)
    known, other, gone = (min(times[kind]) for kind in ("Known", "Other", "Gone"))
    assert 0.6 < known / other < 1.7
    assert 0.6 < gone / other < 1.7


def test_what_is_compared_for_unknown_names_costs_as_much_as_a_real_hash() -> None:
    assert not recovery.HASHER.check_needs_rehash(recovery.NOBODYS)


def test_what_matters_asks_once_more_who_it_is_and_leads_back(app: Flask, slug: str) -> None:
    with time_machine.travel(make.NOW, tick=True) as watch:
        omar = signed_in(app, slug)
        codes = renewed(omar)
        watch.shift(timedelta(minutes=11))
        answer = omar.client.post(
            "/organise/account/codes",
            data={"token": omar.token()},
            headers={"Referer": "http://localhost/organise/account"},
        )
        assert (answer.status_code, answer.headers["Location"]) == (303, "/organise/confirm?next=/organise/account")
        page = omar.sees("/organise/confirm?next=/organise/account")
        assert "You have 10 left" in page.text
        wrong = omar.does("/organise/confirm", code="1" * 16, next="/organise/account")
        assert wrong.status_code == 403
        assert 'value="/organise/account"' in wrong.text
        right = omar.does("/organise/confirm", code=codes[0], next="/organise/account")
        assert (right.status_code, right.headers["Location"]) == (303, "/organise/account")
        assert omar.does("/organise/account/codes").status_code == 200


def test_a_device_makes_no_passkey_before_it_is_known_who_asks(app: Flask, slug: str) -> None:
    with time_machine.travel(make.NOW, tick=True) as watch:
        omar = signed_in(app, slug)
        watch.shift(timedelta(minutes=11))
        assert omar.does("/organise/account/passkeys/challenge").status_code == 303


def test_sign_out_everywhere_ends_every_visit_and_the_list_marks_this_one(app: Flask, omar: Omar) -> None:
    elsewhere = signed_in(app, omar.slug)
    page = omar.sees("/organise/account").text
    assert page.count("Signed in since") == 2
    assert page.count("this device") == 1
    assert omar.does("/organise/account/sign-out-everywhere").status_code == 303
    assert elsewhere.sees("/organise").status_code == 303
    assert omar.sees("/organise").status_code == 303
    with db.session() as session:
        assert session.scalar(select(func.count()).select_from(OrganiserSession)) == 0


def test_the_language_is_chosen_once_and_holds_on_every_page(omar: Omar) -> None:
    assert '<html lang="en">' in omar.sees("~").text
    answer = omar.does("/organise/account/language", lang="fr", next=f"/organise/c/{omar.slug}")
    assert (answer.status_code, answer.headers["Location"]) == (303, f"/organise/c/{omar.slug}")
    assert '<html lang="fr">' in omar.sees("~").text
    assert '<html lang="en">' in omar.sees("~?lang=en").text
    assert "Se déconnecter" in omar.sees("/organise/account").text
    assert omar.does("/organise/account/language", lang="tlh").status_code == 422
    gone = omar.does("/organise/account/language", lang="en", next="https://mallory.example")
    assert gone.headers["Location"] == "/organise"
    page = omar.sees("~/journal?deed=joined&lang=fr").text
    assert 'name="next" value="/organise/c/' + omar.slug + '/journal?deed=joined"' in page


def test_the_sign_in_page_stays_french_after_an_error(client: FlaskClient) -> None:
    page = client.get("/organise/sign-in?lang=fr")
    assert 'action="/organise/sign-in?lang=fr"' in page.text
    assert '<html lang="fr">' in client.post("/organise/sign-in?lang=fr", data={}).text


@pytest.mark.parametrize("rows", [1, 3])
def test_the_account_page_asks_the_same_number_of_queries_whatever_it_lists(app: Flask, slug: str, rows: int) -> None:
    counts = []
    for number, size in ((0, 1), (1, rows)):
        omar = signed_in(app, slug, name=f"Omar {number}")
        for _ in range(size):
            with_passkey(omar, Device(), "Key")
            signed_in(app, slug, name=f"Omar {number}")
        counts.append(number_of_queries(lambda omar=omar: omar.sees("/organise/account")))  # type: ignore[misc]
    assert counts[0] == counts[1]
