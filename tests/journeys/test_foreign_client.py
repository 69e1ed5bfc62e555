"""Somebody else's client signs, checks the promise and the proof, withdraws; a reporter recounts offline."""

from __future__ import annotations

import base64
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tests.support.foreign_client import (
    SLUG,
    Answer,
    api,
    b64u,
    body_hash,
    call,
    chain,
    leaf_hash,
    root_from,
    unb64u,
    verified,
)
from tests.support.installation import Running
from tests.support.waiting import until

pytestmark = pytest.mark.xdist_group("tree")


def in_a_batch(running: Running, leaf: str) -> dict:
    """Where a signature stands, once a batch holds it."""
    standing = lambda: call(api(running, f"/receipt/{leaf}")).body
    return until("a batch with the signature", standing, lambda found: found["state"] == "logged")


def signed(running: Running, address: str, **choice: object) -> dict:
    applicant, held = verified(running, address)
    answer = call(api(running, "/sign"), {"pass": held, **choice})
    assert answer.status == 201, answer.body
    again = call(api(running, "/sign"), {"pass": held, **choice})
    assert (again.status, again.body["status"]) == (409, 409)
    return answer.body["receipt"] | {"w0": applicant.w0}


def settled(running: Running) -> None:
    """Wait for a batch, and for the count that shows it, so that no earlier test's withdrawal waits for the next one."""
    where = in_a_batch(running, b64u(leaf_hash(signed(running, "trudy@salesforce.example", show="anonymous")["entry"])))
    count = lambda: call(api(running, "/count")).body
    until("the count of its batch", count, lambda found: found["epoch"] >= where["epoch"])


def test_a_client_written_from_the_documents_signs_and_checks_everything(running: Running, tmp_path: Path) -> None:
    campaign = call(api(running)).body
    settled(running)
    before = call(api(running, "/count")).body
    receipt = signed(running, "suzie@salesforce.example", show="name", name="Suzie Quux", role=campaign["roles"][0])

    entry_hash = leaf_hash(receipt["entry"])
    assert b64u(body_hash(unb64u(receipt["salt"]), receipt["body"])) in receipt["entry"]
    key = base64.b64decode(campaign["ledger_key"].split("+", 2)[2])[1:]
    promise = b"petition/promise/v2\0" + bytes.fromhex(campaign["id"]) + entry_hash + receipt["by_epoch"].to_bytes(8)
    Ed25519PublicKey.from_public_bytes(key).verify(unb64u(receipt["promise"]), promise)

    where = in_a_batch(running, b64u(entry_hash))
    assert where["epoch"] <= receipt["by_epoch"]
    count = lambda: call(api(running, "/count")).body  # one web process may be a second behind another
    after = until("the count of its batch", count, lambda found: found["epoch"] >= where["epoch"])
    assert after["count"] >= before["count"] + 1

    bundle, program = tmp_path / "bundle.zip", tmp_path / "verify.py"
    program.write_bytes(urllib.request.urlopen(f"{running.url}/verify.py").read())

    def recounted() -> str:
        bundle.write_bytes(urllib.request.urlopen(f"{running.url}/c/{SLUG}/bundle.zip").read())
        done = subprocess.run(
            [sys.executable, "-I", "-S", program, bundle, "--key", campaign["ledger_key"]],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    until("a bundle with the signature", recounted, lambda text: str(after["count"]) in text)

    def proven_by_the_checkpoint() -> bool:
        """The proof is for the newest head; a cached checkpoint may be a batch behind it."""
        checkpoint = call(f"{running.url}/c/{SLUG}/checkpoint").body.decode().splitlines()
        found = call(api(running, f"/receipt/{b64u(entry_hash)}")).body
        assert checkpoint[0] == campaign["origin"]
        root = root_from(entry_hash, found["index"], int(checkpoint[1]), [unb64u(each) for each in found["proof"]])
        return base64.b64encode(root or b"").decode() == checkpoint[2]

    until("a checkpoint as new as the proof", proven_by_the_checkpoint)

    quux = lambda: [each["name"] for each in call(api(running, "/signers?q=quux")).body["named"]]
    until("the name", quux, lambda names: names == ["Suzie Quux"])


def test_hiding_takes_the_name_off_and_withdrawing_takes_the_signature_off_the_count(running: Running) -> None:
    receipt = signed(running, "alice@salesforce.example", show="name", name="Alice Hidden")
    leaf = b64u(leaf_hash(receipt["entry"]))
    where = in_a_batch(running, leaf)
    named = lambda: call(api(running, "/signers?q=hidden")).body["named"]
    until("the name", named)
    w8, w6 = (b64u(chain(receipt["w0"], steps)) for steps in (8, 6))  # a value may be skipped
    assert call(api(running, "/hide"), {"withdraw": w8}).body == {"state": "logged"}
    until("the name to go", named, lambda names: names == [])
    count = lambda: call(api(running, "/count")).body  # one web process may be a second behind another
    before = until("the count of its batch", count, lambda found: found["epoch"] >= where["epoch"])
    for _ in range(2):
        answer = call(api(running, "/withdraw"), {"withdraw": w6})
        assert (answer.status, answer.body) == (200, {"state": "withdrawn"})
    assert call(api(running, f"/receipt/{leaf}")).body["state"] in {"logged", "withdrawn"}
    own = call(api(running, f"/receipt/{leaf}"), headers={"Petition-Ticket": receipt["ticket"]})
    assert (own.body["state"], own.body["used"]) == ("withdrawn", 3)
    after = until("the next batch", count, lambda found: found["epoch"] > before["epoch"])
    assert after["count"] == before["count"] - 1
    assert running.command("ledger", "verify").returncode == 0


def test_a_change_takes_the_old_name_off_at_once_and_shows_the_new_one_with_a_batch(running: Running) -> None:
    receipt = signed(running, "carol@salesforce.example", show="name", name="Carol Misspelt")
    leaf = b64u(leaf_hash(receipt["entry"]))
    in_a_batch(running, leaf)
    until("the name", lambda: call(api(running, "/signers?q=misspelt")).body["named"])
    w8, w7 = (b64u(chain(receipt["w0"], steps)) for steps in (8, 7))
    asked = {"withdraw": w8, "show": "name", "name": "Carol Spelt"}
    first, again = call(api(running, "/amend"), asked), call(api(running, "/amend"), asked)
    assert (first.status, again.status) in {(200, 200), (200, 409)}  # 409: its batch was written between the two
    changed = first.body["receipt"]
    assert b64u(body_hash(unb64u(changed["salt"]), changed["body"])) == changed["commitment"]
    names = lambda: [each["name"] for each in call(api(running, "/signers?q=spelt")).body["named"]]
    until("the new name", names, lambda found: found == ["Carol Spelt"])
    used = call(api(running, "/withdraw"), {"withdraw": w8})
    assert (used.status, used.body["type"].rpartition(":")[2]) == (409, "value-used")
    assert call(api(running, "/withdraw"), {"withdraw": w7}).body == {"state": "withdrawn"}
    until("the name to go", names, lambda found: found == [])
    assert running.command("ledger", "verify").returncode == 0


def problem(answer: Answer) -> tuple[int, list[str]]:
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert set(answer.body) >= {"type", "title", "status", "detail"}
    return answer.status, sorted(answer.body.get("errors", {}))


def test_bad_input_gets_a_problem_document_and_nothing_is_lost(running: Running) -> None:
    _, held = verified(running, "bob@salesforce.example")
    foreign = "P2." + b64u(bytes(320))
    sign = api(running, "/sign")
    assert problem(call(api(running, "/verify"), {"address": "suzie@elsewhere.example"})) == (422, ["address"])
    assert problem(call(api(running, "/verify"), {})) == (422, ["address"])
    assert problem(call(api(running, "/pass"), {"challenge": "x", "code": "12345678", "blinded": b64u(bytes(256))}))[
        0
    ] in {403, 422}
    assert problem(call(sign, {"pass": foreign, "show": "anonymous"})) == (403, [])
    assert problem(call(sign, {"pass": held[:-1], "show": "anonymous"})) == (403, [])
    assert problem(call(sign, {"pass": held, "show": "loud"})) == (422, ["show"])
    assert problem(call(sign, {"pass": held, "show": "role", "role": "Astronaut"})) == (422, ["role"])
    assert problem(call(sign, {"pass": held, "show": "name", "name": "see http://x.example"})) == (422, ["name"])
    assert problem(call(sign, {"pass": held, "show": "anonymous", "name": "Suzie"})) == (422, ["name"])
    assert problem(call(sign, {"pass": held, "show": "name", "name": "x" * 81})) == (422, ["name"])
    assert problem(call(sign, {"pass": held, "show": "name", "name": "Su\u200bzie"})) == (422, ["name"])
    assert problem(call(sign, {"pass": "x" * 20_000, "show": "name"})) == (413, [])
    assert problem(call(sign, ["a", "list"])) == (400, [])
    assert problem(call(sign, {"pass": held}, {"Content-Type": "text/plain"})) == (415, [])
    assert problem(call(f"{running.url}/api/campaigns/none/count")) == (404, [])
    assert call(sign, {"pass": held, "show": "anonymous"}).status == 201
