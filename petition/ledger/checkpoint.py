"""The signed head of the ledger (a C2SP tlog-checkpoint in a C2SP signed note) and the promise on a receipt.

The module checks that a head was signed with this ledger's Ed25519 key and is in its only valid encoding. It raises
`CheckpointMalformed` for any text other than origin, size and root, and `CheckpointUnsigned` for a note that this key
did not sign. A note may carry signatures of other keys (witnesses), which are ignored, as the format requires.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

_ED25519 = b"\x01"
_NAME = re.compile(r"[^\s+]+")
_SIZE = re.compile(r"0|[1-9][0-9]{0,15}")
_PROMISE = b"petition/promise/v2\0"
NEXT_BATCH: Final = 2**64 - 1
"""Promises the next batch that has enough signatures, at the latest the last one, at the close."""


class KeyMalformed(ValueError):
    """A verifier key is not `name+hex8+base64` of an Ed25519 key, or its hash does not match."""


class CheckpointMalformed(ValueError):
    """The text is not a checkpoint."""


class CheckpointUnsigned(ValueError):
    """The checkpoint does not carry a valid signature of the key."""


@dataclass(frozen=True)
class Checkpoint:
    """The head of a ledger: its origin, number of entries and Merkle root (32 bytes)."""

    origin: str
    size: int
    root: bytes

    def text(self) -> str:
        """Returns the lines that are signed."""
        return f"{self.origin}\n{self.size}\n{_b64(self.root)}\n"


def vkey(name: str, public: bytes) -> str:
    """Returns C2SP's verifier key of a raw 32-byte Ed25519 key: `name+hex8+base64(0x01 ‖ key)`."""
    if not _NAME.fullmatch(name) or len(public) != 32:
        raise KeyMalformed("A verifier key needs a name without spaces or plus, and 32 bytes.")
    return f"{name}+{_key_hash(name, public).hex()}+{_b64(_ED25519 + public)}"


def read_vkey(text: str) -> tuple[str, bytes]:
    """Returns name and raw public key of a verifier key. Raises `KeyMalformed` unless it is what `vkey` returns."""
    parts = text.split("+", 2)
    try:
        name, public = parts[0], _unb64(parts[2])[1:]
        same = vkey(name, public) == text
    except (IndexError, ValueError) as error:
        raise KeyMalformed("This is not a verifier key.") from error
    if not same:
        raise KeyMalformed("The verifier key is not spelled as its name and key say.")
    return name, public


def public_bytes(private: Ed25519PrivateKey) -> bytes:
    """Returns the raw 32-byte public key."""
    return private.public_key().public_bytes_raw()


def sign(origin: str, size: int, root: bytes, private: Ed25519PrivateKey) -> str:
    """Returns the checkpoint as a signed note that ends in a newline. The key's name is the origin."""
    return sign_note(Checkpoint(origin, size, root).text(), origin, private)


def open_(text: str, vkey: str) -> Checkpoint:
    """Returns the checkpoint in a note that the key of `vkey` signed and whose origin is that key's name."""
    name, _ = read_vkey(vkey)
    checkpoint = _read(open_note(text, vkey))
    if checkpoint.origin != name:
        raise CheckpointMalformed("The checkpoint is of another ledger.")
    return checkpoint


def sign_note(text: str, name: str, private: Ed25519PrivateKey) -> str:
    """Returns a C2SP signed note: the text (which ends in a newline), a blank line, one signature line."""
    public = public_bytes(private)
    return f"{text}\n— {name} {_b64(_key_hash(name, public) + private.sign(text.encode()))}\n"


def open_note(note: str, vkey: str) -> str:
    """Returns the text of a note that the key of `vkey` signed."""
    name, public = read_vkey(vkey)
    text, blank, lines = note.rpartition("\n\n")
    if not blank or not lines.endswith("\n"):
        raise CheckpointMalformed("The note has no signatures.")
    text += "\n"
    signatures = [s for s in map(_signature, lines[:-1].split("\n")) if s[:2] == (name, _key_hash(name, public))]
    if len(signatures) != 1 or not _signed(public, signatures[0][2], text.encode()):
        raise CheckpointUnsigned("The note was not signed by this key.")
    return text


def sign_promise(private: Ed25519PrivateKey, cid: bytes, leaf: bytes, by_epoch: int) -> bytes:
    """Returns the 64-byte promise that the entry with this leaf hash is in the ledger when `by_epoch` is closed.

    `by_epoch` may be NEXT_BATCH.
    """
    return private.sign(_promise(cid, leaf, by_epoch))


def verify_promise(public: bytes, cid: bytes, leaf: bytes, by_epoch: int, promise: bytes) -> bool:
    """Returns whether the ledger's raw public key signed this promise."""
    return _signed(public, promise, _promise(cid, leaf, by_epoch))


def _promise(cid: bytes, leaf: bytes, by_epoch: int) -> bytes:
    if len(cid) != 16 or len(leaf) != 32:
        raise ValueError("A promise needs a campaign id of 16 bytes and a leaf hash of 32.")
    return _PROMISE + cid + leaf + by_epoch.to_bytes(8, "big")


def _read(text: str) -> Checkpoint:
    lines = text.split("\n")
    if len(lines) != 4 or not _NAME.fullmatch(lines[0]) or not _SIZE.fullmatch(lines[1]):
        raise CheckpointMalformed("A checkpoint has an origin, a size and a root.")
    checkpoint = Checkpoint(lines[0], int(lines[1]), _unb64(lines[2]))
    if len(checkpoint.root) != 32 or checkpoint.text() != text:
        raise CheckpointMalformed("The root of the checkpoint is not 32 bytes in base64.")
    return checkpoint


def _signature(line: str) -> tuple[str, bytes, bytes]:
    parts = line.split(" ")
    if len(parts) != 3 or parts[0] != "—" or not _NAME.fullmatch(parts[1]):
        raise CheckpointMalformed("A signature line is malformed.")
    raw = _unb64(parts[2])
    if len(raw) < 5:
        raise CheckpointMalformed("A signature is too short.")
    return parts[1], raw[:4], raw[4:]


def _signed(public: bytes, signature: bytes, message: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except InvalidSignature:
        return False
    return True


def _key_hash(name: str, public: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + _ED25519 + public).digest()[:4]


def _b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _unb64(text: str) -> bytes:
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise CheckpointMalformed("This is not base64.") from error
    if _b64(raw) != text:
        raise CheckpointMalformed("This base64 is not in its one legal spelling.")
    return raw
