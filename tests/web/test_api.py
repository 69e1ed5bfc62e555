"""The calls of docs/api.md, as a client written from that page alone would use them."""

from __future__ import annotations

import base64
import hashlib
import json
import struct
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import altcha
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from flask import Flask
from flask.testing import FlaskClient

from petition import campaigns, epochs
from petition.blindsign import passes, rsabssa
from petition.config import Config
from petition.core import clock, db
from petition.core.encoding import b64u, unb64u
from petition.core.redis_store import MAILS_UNPROVEN, TRIES
from petition.ledger import merkle
from petition.ledger.entries import Visibility
from petition.signatures import DisplayChoice
from petition.web.app import build
from tests import make
from tests.support.public_pages import a_second_passes
from tests.support.web import Mailbox

ALICE = "alice@corp.example"


class Signer:
    """A client that knows docs/api.md and docs/protocol.md, and nothing else."""

    def __init__(self, client: FlaskClient, mailbox: Mailbox, slug: str) -> None:
        self.client, self.mailbox, self.at = client, mailbox, f"/api/campaigns/{slug}"
        self.about = client.get(self.at).json

    def post(self, call: str, **fields: Any) -> Any:
        return self.client.post(f"{self.at}/{call}", json=fields)

    def challenge(self, address: str = ALICE, **fields: str) -> str:
        answer = self.post("verify", address=address, **fields)
        assert answer.status_code == 202
        return str(answer.json["challenge"])

    def blinding(self) -> passes.Blinding:
        public = rsabssa.load_spki(unb64u(self.about["groups"][0]["issuer"], 294))
        return passes.begin(public, bytes.fromhex(self.about["id"]))

    def get_pass(self, address: str = ALICE, **fields: str) -> str:
        return self.get_kept_pass(address, **fields).held.encode()

    def get_kept_pass(self, address: str = ALICE, **fields: str) -> passes.KeptPass:
        challenge, blinding = self.challenge(address, **fields), self.blinding()
        code = self.mailbox.code()
        answer = self.post("pass", challenge=challenge, code=code, blinded=b64u(blinding.blinded))
        assert answer.status_code == 200
        return passes.complete(blinding, unb64u(answer.json["stamp"], 256))

    def sign(self, address: str = ALICE, **wish: Any) -> dict[str, Any]:
        """The receipt, with the secret that the client adds."""
        kept = self.get_kept_pass(address)
        answer = self.post("sign", **({"pass": kept.held.encode(), "show": "anonymous"} | wish))
        assert answer.status_code == 201
        return answer.json["receipt"] | {"w0": kept.w0}


@pytest.fixture
def signer(client: FlaskClient, mailbox: Mailbox, slug: str) -> Signer:
    return Signer(client, mailbox, slug)


def close_epoch(client: FlaskClient, slug: str) -> None:
    with db.transaction() as session:
        epochs.close_epoch(session, campaigns.find(session, slug), clock.now())
    a_second_passes(client.application)


def leaf_of(receipt: dict[str, Any]) -> bytes:
    return hashlib.sha256(b"\x00" + receipt["entry"].encode()).digest()


def test_campaign_is_told_with_exactly_the_promised_names(signer: Signer) -> None:
    assert list(signer.about) == [
        "id", "slug", "origin", "state", "title", "addressee", "organisation", "languages", "letter", "demands", "groups",
        "k", "ledger_key", "roles", "teams", "opened", "closes", "workforce", "milestones", "count", "epoch", "interval",
        "since",
    ]  # fmt: skip
    assert signer.about["demands"] == [{"id": "d1", "text": "Answer us.", "state": "no_answer"}]
    for letter in signer.about["letter"].values():
        assert hashlib.sha256(letter["markdown"].encode()).hexdigest() == letter["sha256"]
    assert (signer.about["roles"], signer.about["count"]) == (["Engineer", "Designer"], None)


def test_texts_are_told_in_the_language_asked_for(signer: Signer, client: FlaskClient) -> None:
    french = client.get(f"{signer.at}?lang=fr").json
    assert (french["title"], french["demands"][0]["text"]) == ("Une lettre", "Répondez-nous.")
    assert client.get(f"{signer.at}?lang=xx").json["title"] == "A letter"
    assert client.get("/api/campaigns?lang=fr").json == [
        {"slug": french["slug"], "title": "Une lettre", "state": "open", "count": None}
    ]


def test_signature_goes_from_address_to_ledger(signer: Signer, client: FlaskClient, slug: str) -> None:
    receipt = signer.sign(show="name", name="Alice Example", role="Engineer", comment="Well said.")
    assert receipt["body"] == {
        "show": "name", "name": "Alice Example", "role": "Engineer", "team": "", "comment": "Well said.",
    }  # fmt: skip
    leaf = b64u(leaf_of(receipt))
    assert client.get(f"{signer.at}/receipt/{leaf}").json == {"state": "pending"}
    close_epoch(client, slug)
    standing = client.get(f"{signer.at}/receipt/{leaf}").json
    assert (standing["state"], standing["index"], standing["epoch"]) == ("logged", 1, 1)
    assert client.get(f"{signer.at}/count").json == {
        "count": 1,
        "epoch": 1,
        "day": clock.now().date().isoformat(),
        "next": None,
    }
    assert client.get(f"{signer.at}/signers").json == {
        "named": [{"name": "Alice Example", "role": "Engineer", "team": "", "comment": "Well said."}],
        "roles": [],
        "anonymous": 0,
    }


def test_receipt_holds_what_the_protocol_promises(signer: Signer) -> None:
    receipt = signer.sign()
    entry, cid = json.loads(receipt["entry"]), bytes.fromhex(signer.about["id"])
    body = json.dumps(receipt["body"], sort_keys=True, separators=(",", ":")).encode()
    opened = hashlib.sha256(b"petition/body/v2\0" + unb64u(receipt["salt"], 32) + body).digest()
    hw = hashlib.sha256(b"petition/withdraw/v1\0" + passes.reveal(receipt["w0"], 0)).digest()
    assert (entry["c"], entry["w"]) == (b64u(opened), b64u(hw))
    promised = b"petition/promise/v2\0" + cid + leaf_of(receipt) + struct.pack(">Q", receipt["by_epoch"])
    key = base64.b64decode(signer.about["ledger_key"].split("+", 2)[2])[1:]
    Ed25519PublicKey.from_public_bytes(key).verify(unb64u(receipt["promise"], 64), promised)


def test_proof_leads_from_the_leaf_to_the_root_of_the_checkpoint(
    signer: Signer, client: FlaskClient, slug: str
) -> None:
    receipts = [signer.sign(f"signer{n}@corp.example") for n in range(3)]
    close_epoch(client, slug)
    lines = client.get(f"/c/{slug}/checkpoint").text.splitlines()
    size, root = int(lines[1]), base64.b64decode(lines[2])
    for receipt in receipts:
        standing = client.get(f"{signer.at}/receipt/{b64u(leaf_of(receipt))}").json
        proof = [unb64u(each, 32) for each in standing["proof"]]
        assert merkle.verify_inclusion(leaf_of(receipt), standing["index"], size, proof, root)


def test_withdrawing_and_hiding_may_be_repeated(signer: Signer, client: FlaskClient, slug: str) -> None:
    kept, gone = signer.sign(show="name", name="Alice Example"), signer.sign("bob@corp.example")
    close_epoch(client, slug)
    for _ in range(2):
        assert signer.post("hide", withdraw=b64u(passes.reveal(kept["w0"], 0))).json == {"state": "logged"}
        assert signer.post("withdraw", withdraw=b64u(passes.reveal(gone["w0"], 0))).json == {"state": "withdrawn"}
    close_epoch(client, slug)
    assert client.get(f"{signer.at}/count").json["count"] == 1
    assert client.get(f"{signer.at}/signers").json["named"] == []
    assert client.get(f"{signer.at}/receipt/{b64u(leaf_of(gone))}").json["state"] == "withdrawn"


def test_known_and_unknown_addresses_get_the_same_answer(signer: Signer, mailbox: Mailbox) -> None:
    signer.sign()
    known, unknown = signer.post("verify", address=ALICE), signer.post("verify", address="stranger@corp.example")
    assert (known.status_code, len(known.data), dict(known.headers)) == (202, len(unknown.data), dict(unknown.headers))
    assert list(known.json) == ["challenge"]


@pytest.mark.parametrize("lang", ["fr", None, "xx", ""])
def test_mail_is_asked_for_in_the_signers_language(signer: Signer, mailbox: Mailbox, lang: str | None) -> None:
    signer.post("verify", address=ALICE, lang=lang)
    assert mailbox.sent()[-1][:2] == (ALICE, "fr" if lang == "fr" else "en")


def test_code_may_be_typed_as_people_type_it(signer: Signer, mailbox: Mailbox) -> None:
    challenge, blinding = signer.challenge(), signer.blinding()
    code = mailbox.code()
    typed = f" {code[:4]}–{code[4:]} ".translate({ord("0") + n: 0x0660 + n for n in range(10)})
    assert signer.post("pass", challenge=challenge, code=typed, blinded=b64u(blinding.blinded)).status_code == 200


def test_wrong_code_is_refused_and_five_end_it(signer: Signer, mailbox: Mailbox) -> None:
    challenge, blinded = signer.challenge(), b64u(signer.blinding().blinded)
    right = mailbox.code()
    wrong = f"{(int(right) + 1) % 10**8:08d}"
    answers = [
        signer.post("pass", challenge=challenge, code=code, blinded=blinded) for code in [*[wrong] * TRIES, right]
    ]
    assert {(each.status_code, each.text) for each in answers} == {(403, answers[0].text)}
    unknown = signer.post("pass", challenge="A" * 22, code=right, blinded=blinded)
    assert (unknown.status_code, unknown.text) == (403, answers[0].text)


def test_after_fifty_wrong_codes_right_and_wrong_short_ones_get_one_answer_of_its_own(
    signer: Signer, mailbox: Mailbox
) -> None:
    """P47, P30."""
    blinded = b64u(signer.blinding().blinded)
    for _ in range(10):
        challenge = signer.challenge()
        for number in range(5):
            signer.post("pass", challenge=challenge, code=f"0000000{number}", blinded=blinded)
    challenge = signer.challenge()
    answers = [
        signer.post("pass", challenge=challenge, code=code, blinded=blinded) for code in ("00000000", mailbox.code())
    ]
    assert {(each.status_code, each.text) for each in answers} == {(403, answers[0].text)}
    assert answers[0].json["type"] == "urn:undersigned:problem:long-code-needed"
    other = signer.challenge("somebody.else@corp.example")
    wrong = signer.post("pass", challenge=other, code="00000000", blinded=blinded)
    assert wrong.json["type"] == "urn:undersigned:problem:code-wrong"


def test_lost_reply_may_be_asked_for_again_and_another_value_may_not(signer: Signer, mailbox: Mailbox) -> None:
    challenge, blinded = signer.challenge(), b64u(signer.blinding().blinded)
    sent = {"challenge": challenge, "code": mailbox.code()}
    answers = [signer.post("pass", **sent, blinded=blinded) for _ in range(3)]
    assert [each.status_code for each in answers] == [200] * 3
    assert len({each.text for each in answers}) == 1
    assert signer.post("pass", **sent, blinded=b64u(signer.blinding().blinded)).status_code == 409


def test_person_gets_one_pass_whatever_the_spelling(signer: Signer, mailbox: Mailbox) -> None:
    signer.get_pass("alice.example@corp.example")
    challenge = signer.challenge("AliceExample+again@eu.corp.example")
    again = signer.post("pass", challenge=challenge, code=mailbox.code(), blinded=b64u(signer.blinding().blinded))
    assert (again.status_code, again.json["title"]) == (409, "One pass for each person")


def test_pass_signs_once_however_often_it_is_sent_at_once(app: Flask, signer: Signer, slug: str) -> None:
    held = signer.get_pass()

    def sign(_: int) -> int:
        fields = {"pass": held, "show": "anonymous"}
        return app.test_client().post(f"/api/campaigns/{slug}/sign", json=fields).status_code

    with ThreadPoolExecutor(8) as crowd:
        assert sorted(crowd.map(sign, range(16))) == [201] + [409] * 15


def test_foreign_and_mutilated_passes_are_refused(signer: Signer, app: Flask) -> None:
    held = signer.get_pass()
    with db.transaction() as session:
        foreign = make.a_pass(session, make.campaign(session)).held.encode()
    flipped = held[:-5] + ("A" if held[-5] != "A" else "B") + held[-4:]
    for each in (foreign, flipped, held[:-1], held + "A", "P1." + held[3:], "x", held.replace("P2.", "P2.=")):
        answer = signer.post("sign", **{"pass": each, "show": "anonymous"})
        assert (answer.status_code, answer.json["title"]) == (403, "Not a pass")
    assert signer.post("sign", **{"pass": held, "show": "anonymous"}).status_code == 201


WRONG_WISHES: list[tuple[dict[str, Any], str]] = [
    ({"show": "name"}, "name"),
    ({"show": "role"}, "role"),
    ({"show": "role", "role": "King"}, "role"),
    ({"show": "name", "name": "Alice", "team": "Nowhere"}, "team"),
    ({"show": "anonymous", "name": "Alice"}, "name"),
    ({"show": "anonymous", "role": "Engineer"}, "role"),
    ({"show": "role", "role": "Engineer", "comment": "Hello"}, "comment"),
    ({"show": "everything"}, "show"),
    ({"show": None}, "show"),
    ({"show": "name", "name": "A" * 81}, "name"),
    ({"show": "name", "name": "Alice\x00"}, "name"),
    ({"show": "name", "name": "Ali\u200bce"}, "name"),
    ({"show": "name", "name": "Alice\u202eelpmaxE"}, "name"),
    ({"show": "name", "name": "Alice\nExample"}, "name"),
    ({"show": "name", "name": "www.evil.example"}, "name"),
    ({"show": "name", "name": "Buy https://x"}, "name"),
    ({"show": "name", "name": "alice@corp.example"}, "name"),
    ({"show": "name", "name": "\ud800"}, "name"),
    ({"show": "name", "name": 7}, "name"),
    ({"show": "name", "name": ["Alice"]}, "name"),
    ({"show": "name", "name": "Alice", "comment": "x" * 281}, "comment"),
    ({"show": "name", "name": "Alice", "publish_at": -1}, "publish_at"),
    ({"show": "name", "name": "Alice", "publish_at": True}, "publish_at"),
    ({"show": "name", "name": "Alice", "publish_at": 100_001}, "publish_at"),
    ({"show": "name", "name": "Alice", "publish_at": 1.5}, "publish_at"),
]


@pytest.mark.parametrize(("wish", "field"), WRONG_WISHES)
def test_wrong_wish_is_refused_by_field_and_leaves_the_pass_unspent(
    client: FlaskClient, slug: str, wish: dict[str, Any], field: str
) -> None:
    with db.transaction() as session:
        held = make.a_pass(session, campaigns.find(session, slug)).held.encode()
    # json.dumps writes half a surrogate pair as an escape, which is what a hostile client sends.
    body = json.dumps({"pass": held} | wish)
    answer = client.post(f"/api/campaigns/{slug}/sign", data=body, content_type="application/json")
    assert (answer.status_code, list(answer.json["errors"])) == (422, [field])
    assert all(sentence.endswith(".") for sentence in answer.json["errors"][field])
    fine = client.post(f"/api/campaigns/{slug}/sign", json={"pass": held, "show": "anonymous"})
    assert fine.status_code == 201


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("  Alice\u00a0 Example ", "Alice Example"),
        ("Zoe\u0308 Example", "Zoë Example"),
        ("J. R. Example", "J. R. Example"),
        ("O’Example-Smith", "O’Example-Smith"),
        ("爱丽丝", "爱丽丝"),
        ("<b>Alice", "<b>Alice"),
    ],
)
def test_names_are_taken_as_people_write_them(client: FlaskClient, slug: str, name: str, kept: str) -> None:
    with db.transaction() as session:
        held = make.a_pass(session, campaigns.find(session, slug)).held.encode()
    answer = client.post(
        f"/api/campaigns/{slug}/sign", json={"pass": held, "show": "name", "name": name, "publish_at": 100}
    )
    assert answer.json["receipt"]["body"]["name"] == kept


@pytest.mark.parametrize(
    "address", ["", "alice", "alice@elsewhere.example", "a@b@corp.example", "hr@corp.example", "x" * 400]
)
def test_refused_address_is_told_how_to_mend_it(signer: Signer, mailbox: Mailbox, address: str) -> None:
    answer = signer.post("verify", address=address)
    assert (answer.status_code, list(answer.json["errors"])) == (422, ["address"])
    assert mailbox.sent() == []


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b'"x"', "application/json", 400),
        (b"null", "application/json", 400),
        (b"", "application/json", 400),
        (b"\xff\xfe", "application/json", 400),
        (b"[" * 16_000, "application/json", 400),
        (b"{}", "application/json; charset=utf-8", 422),
        (b"{}", "text/plain", 415),
        (b"withdraw=x", "application/x-www-form-urlencoded", 415),
        (b"{}", "", 415),
        (b'{"withdraw":"' + b"x" * 16_384 + b'"}', "application/json", 413),
    ],
)
def test_malformed_bodies_are_refused(client: FlaskClient, slug: str, body: bytes, kind: str, status: int) -> None:
    for call in ("verify", "pass", "sign", "withdraw", "hide", "amend"):
        answer = client.post(f"/api/campaigns/{slug}/{call}", data=body, content_type=kind)
        assert (answer.status_code, answer.content_type, answer.json["status"]) == (
            status,
            "application/problem+json",
            status,
        )


def test_unknown_secret_leaf_and_campaign_are_404(signer: Signer, client: FlaskClient) -> None:
    assert signer.post("withdraw", withdraw="A" * 43).status_code == 404
    assert client.get(f"{signer.at}/receipt/{'A' * 43}").status_code == 404
    assert client.get(f"{signer.at}/receipt/{'A' * 42}").status_code == 400
    assert client.post("/api/campaigns/no-such/sign", json={}).status_code == 404
    assert client.get("/api/campaigns/no%00such").status_code == 404


@pytest.mark.parametrize("page", ["0", "-1", "x", "1.5", "99999999999999999999", ""])
def test_impossible_page_of_signers_is_refused(client: FlaskClient, slug: str, page: str) -> None:
    assert client.get(f"/api/campaigns/{slug}/signers?page={page}").status_code == 400


@pytest.fixture
def with_three_names(client: FlaskClient, slug: str) -> str:
    """A campaign with three names in public."""
    with db.transaction() as session:
        made = campaigns.find(session, slug)
        for n in range(3):
            make.signature(session, made, DisplayChoice(Visibility.NAME, name=f"Signer Example {n}"))
    close_epoch(client, slug)
    return slug


def test_signers_are_searched_and_searches_are_not_kept(client: FlaskClient, with_three_names: str) -> None:
    found = client.get(f"/api/campaigns/{with_three_names}/signers?q=EXAMPLE 2")
    assert [each["name"] for each in found.json["named"]] == ["Signer Example 2"]
    assert found.headers["Cache-Control"] == "no-store"
    assert client.get(f"/api/campaigns/{with_three_names}/signers?q=%00%25'\\").json["named"] == []


def test_signers_are_paged(client: FlaskClient, with_three_names: str) -> None:
    assert len(client.get(f"/api/campaigns/{with_three_names}/signers").json["named"]) == 3
    assert client.get(f"/api/campaigns/{with_three_names}/signers?page=2").json["named"] == []


def test_closed_campaign_takes_no_signature(signer: Signer, slug: str) -> None:
    held, challenge = signer.get_pass(), signer.challenge("bob@corp.example")
    code = signer.mailbox.code()
    with db.transaction() as session:
        epochs.close_campaign(session, campaigns.find(session, slug), clock.now())
    late = signer.post("sign", **{"pass": held, "show": "anonymous"})
    assert (late.status_code, late.json["title"]) == (409, "Closed")
    a_second_passes(signer.client.application)
    assert signer.post("verify", address=ALICE).status_code == 409
    assert (
        signer.post("pass", challenge=challenge, code=code, blinded=b64u(signer.blinding().blinded)).status_code == 409
    )
    assert signer.post("sign", **{"pass": held, "show": "anonymous"}).status_code == 409


def test_network_without_proof_of_work_stops_at_sixty_mails(signer: Signer, mailbox: Mailbox) -> None:
    answers = [signer.post("verify", address=f"signer{n}@corp.example") for n in range(MAILS_UNPROVEN + 5)]
    assert [each.status_code for each in answers] == [202] * MAILS_UNPROVEN + [429] * 5
    assert 0 < int(answers[-1].headers["Retry-After"]) <= 3600
    forged = {"X-Forwarded-For": "203.0.113.9", "Forwarded": "for=203.0.113.9"}
    more = signer.client.post(f"{signer.at}/verify", json={"address": ALICE}, headers=forged)
    assert (more.status_code, len(mailbox.sent())) == (429, MAILS_UNPROVEN)


def solved(signer: Signer) -> str:
    challenge = altcha.Challenge.from_dict(signer.client.get(f"{signer.at}/challenge").json)
    solution = altcha.solve_challenge(challenge)
    assert solution
    return altcha.Payload(challenge, solution).to_base64()


def test_solved_challenge_lifts_the_limit_once(signer: Signer) -> None:
    for n in range(MAILS_UNPROVEN):
        signer.post("verify", address=f"signer{n}@corp.example")
    payload = solved(signer)
    assert signer.post("verify", address=ALICE, altcha=payload).status_code == 202
    assert signer.post("verify", address=ALICE, altcha=payload).status_code == 429


@pytest.mark.parametrize(
    "payload", ["x", "e30=", base64.b64encode(b"[" * 1_400).decode(), base64.b64encode(b'{"challenge":1}').decode()]
)
def test_wrong_solution_is_no_work_and_no_error(signer: Signer, payload: str) -> None:
    assert signer.post("verify", address=ALICE, altcha=payload).status_code == 202


def test_colleagues_behind_one_address_all_get_their_pass(signer: Signer) -> None:
    """P23: those who come after the sixtieth do a proof of work, as the page does for everybody."""
    passes_got = [signer.get_pass(f"colleague{n}@corp.example") for n in range(MAILS_UNPROVEN)]
    for n in range(3):
        passes_got.append(signer.get_pass(f"late{n}@corp.example", altcha=solved(signer)))
    assert len(set(passes_got)) == MAILS_UNPROVEN + 3


def test_somebody_on_the_same_network_does_not_learn_when_a_colleague_typed_her_code(signer: Signer) -> None:
    """P42: refused before Suzie's code and refused after it."""
    challenge = signer.challenge("suzie@corp.example")
    code = signer.mailbox.code()
    answers = [signer.post("verify", address=f"signer{n}@corp.example") for n in range(MAILS_UNPROVEN + 1)]
    assert answers[-1].status_code == 429
    blinded = b64u(signer.blinding().blinded)
    assert signer.post("pass", challenge=challenge, code=code, blinded=blinded).status_code == 200
    assert signer.post("verify", address="other@corp.example").status_code == 429


def test_without_redis_codes_fail_closed_at_once_and_everything_else_goes_on(
    signer: Signer, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = signer.get_pass()
    sent = len(signer.mailbox.sent())
    away = build(replace(config, redis_url="unix:///nonexistent/valkey.sock")).test_client()
    blinded = b64u(signer.blinding().blinded)
    with monkeypatch.context() as impatient:
        impatient.setattr(time, "sleep", lambda seconds: pytest.fail(f"somebody waited for {seconds} s"))
        for call, fields in [
            ("verify", {"address": "bob@corp.example"}),
            ("pass", {"challenge": "A" * 22, "code": "12345678", "blinded": blinded}),
        ]:
            answer = away.post(f"{signer.at}/{call}", json=fields)
            assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert len(signer.mailbox.sent()) == sent
    assert away.get(signer.at).status_code == 200
    assert away.post(f"{signer.at}/sign", json={"pass": held, "show": "anonymous"}).status_code == 201


def test_reading_changes_nothing(client: FlaskClient, signer: Signer, slug: str) -> None:
    receipt = signer.sign()

    def everything() -> list[Any]:
        with db.session() as session:
            return [
                session.connection().exec_driver_sql(f"SELECT * FROM {table} ORDER BY 1, 2").all() for table in TABLES
            ]

    before = everything()
    for call in (
        "",
        "/count",
        "/challenge",
        "/signers",
        "/signers?q=a&page=2",
        f"/receipt/{b64u(leaf_of(receipt))}",
        "/verify",
        "/sign",
        "/withdraw",
    ):
        for method in ("GET", "HEAD", "OPTIONS"):
            client.open(f"{signer.at}{call}", method=method)
    assert everything() == before


TABLES = (
    "pending",
    "spent",
    "signature",
    "waiting_act",
    "publication",
    "entry",
    "verification.tag",
    "verification.mail_cap",
)
