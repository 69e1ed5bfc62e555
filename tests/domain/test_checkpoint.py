"""The signed head against the published example of Go's sumdb/note, and the promise on a receipt."""

from __future__ import annotations

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from petition.ledger import checkpoint
from petition.ledger.checkpoint import Checkpoint, CheckpointMalformed, CheckpointUnsigned, KeyMalformed

GO_SEED = base64.b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
GO_VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
GO_NOTE = (
    GO_TEXT + "\n— PeterNeumann "
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(32))
ORIGIN = "undersigned.example/c/open-letter"
VKEY = checkpoint.vkey(ORIGIN, checkpoint.public_bytes(KEY))
ROOT = bytes(range(100, 132))
NOTE = checkpoint.sign(ORIGIN, 42, ROOT, KEY)


def test_the_note_of_go_is_written_and_read_byte_for_byte() -> None:
    key = Ed25519PrivateKey.from_private_bytes(GO_SEED)
    assert checkpoint.vkey("PeterNeumann", checkpoint.public_bytes(key)) == GO_VKEY
    assert checkpoint.sign_note(GO_TEXT, "PeterNeumann", key) == GO_NOTE
    assert checkpoint.open_note(GO_NOTE, GO_VKEY) == GO_TEXT


def test_a_checkpoint_says_origin_size_and_root() -> None:
    assert NOTE.split("\n")[:4] == [ORIGIN, "42", base64.b64encode(ROOT).decode(), ""]
    assert checkpoint.open_(NOTE, VKEY) == Checkpoint(ORIGIN, 42, ROOT)


def test_a_vkey_gives_its_name_and_key_back() -> None:
    assert checkpoint.read_vkey(VKEY) == (ORIGIN, checkpoint.public_bytes(KEY))


def test_signatures_of_witnesses_are_passed_over() -> None:
    witness = checkpoint.sign_note(Checkpoint(ORIGIN, 42, ROOT).text(), "witness.example", OTHER)
    both = NOTE + witness.rpartition("\n\n")[2]
    assert checkpoint.open_(both, VKEY) == Checkpoint(ORIGIN, 42, ROOT)


@pytest.mark.parametrize(
    "note",
    [
        NOTE.replace("42", "43"),
        checkpoint.sign(ORIGIN, 42, ROOT, OTHER),
        checkpoint.sign_note(Checkpoint(ORIGIN, 42, ROOT).text(), "witness.example", KEY),
        NOTE + NOTE.rpartition("\n\n")[2],
    ],
    ids=["edited", "another key", "another name", "signed twice"],
)
def test_a_note_that_the_key_did_not_sign_is_refused(note: str) -> None:
    with pytest.raises(CheckpointUnsigned):
        checkpoint.open_(note, VKEY)


@pytest.mark.parametrize(
    "text",
    [
        f"{ORIGIN}\n042\n{base64.b64encode(ROOT).decode()}\n",
        f"{ORIGIN}\n-1\n{base64.b64encode(ROOT).decode()}\n",
        f"{ORIGIN}\n42\n{base64.b64encode(ROOT[1:]).decode()}\n",
        f"{ORIGIN}\n42\n{base64.b64encode(ROOT).decode().rstrip('=')}\n",
        f"{ORIGIN}\n42\n{base64.b64encode(ROOT).decode()[:-2]}x=\n",
        f"{ORIGIN}\n42\n{base64.b64encode(ROOT).decode()}\nextension\n",
        f"{ORIGIN}\n42\n",
        f"another.example\n42\n{base64.b64encode(ROOT).decode()}\n",
    ],
    ids=["zero first", "negative", "short root", "no padding", "spare bits", "extension", "no root", "other origin"],
)
def test_a_signed_text_that_is_no_checkpoint_of_this_ledger_is_refused(text: str) -> None:
    with pytest.raises(CheckpointMalformed):
        checkpoint.open_(checkpoint.sign_note(text, ORIGIN, KEY), VKEY)


@pytest.mark.parametrize("cut", ["", "no blank line\n", NOTE[:-1], NOTE[:-10], NOTE.replace("—", "-"), NOTE + "\n"])
def test_a_mutilated_note_is_refused(cut: str) -> None:
    with pytest.raises(CheckpointMalformed):
        checkpoint.open_(cut, VKEY)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "name",
        "name+00000000",
        VKEY[:-1],
        VKEY + "A",
        VKEY.replace("+", " ", 1),
        VKEY.replace("open", "0pen"),
        "a b+",
    ],
)
def test_a_mutilated_vkey_is_refused(text: str) -> None:
    with pytest.raises(KeyMalformed):
        checkpoint.read_vkey(text)


def test_a_promise_binds_campaign_entry_and_epoch() -> None:
    public, cid, leaf = checkpoint.public_bytes(KEY), bytes(16), bytes(32)
    promise = checkpoint.sign_promise(KEY, cid, leaf, 7)
    assert len(promise) == 64
    assert checkpoint.verify_promise(public, cid, leaf, 7, promise)
    assert not checkpoint.verify_promise(public, cid, leaf, 8, promise)
    assert not checkpoint.verify_promise(public, bytes(15) + b"1", leaf, 7, promise)
    assert not checkpoint.verify_promise(public, cid, bytes(31) + b"1", 7, promise)
    assert not checkpoint.verify_promise(checkpoint.public_bytes(OTHER), cid, leaf, 7, promise)
    KEY.public_key().verify(promise, b"petition/promise/v2\0" + cid + leaf + (7).to_bytes(8, "big"))
