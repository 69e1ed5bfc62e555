"""The pass: what a verified person holds and redeems for a signature (docs/protocol.md §3).

A pass belongs to one campaign, has exactly one encoding, and contains the secret `w` with which only its holder can
withdraw. Every other encoding is rejected. The client's half is here, too, for signing without JavaScript and for the
seed data; in a browser static/js/pass.js does the same. The module uses no database and no clock.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from petition.blindsign import rsabssa
from petition.core.encoding import MalformedEncoding, b64u, unb64u
from petition.core.errors import ExpectedError

if TYPE_CHECKING:
    from petition.blindsign.rsabssa import PublicKey, Randomness

WITHDRAW_LABEL = b"petition/withdraw/v1\0"
PASS_LABEL = b"petition/pass/v1\0"
VERSION = "P1."

CAMPAIGN_LENGTH = 16
SECRET_LENGTH = 32
SIGNATURE_LENGTH = 256
RAW_LENGTH = SECRET_LENGTH + rsabssa.PREFIX_LENGTH + SIGNATURE_LENGTH
TEXT_LENGTH = 430


class PassMalformed(ExpectedError, ValueError):
    """The text is not a pass."""

    status = 403


@dataclass(frozen=True)
class Pass:
    """A pass: `w` (32 bytes, the secret to withdraw), `r` (32, RFC 9474's prefix), `sig` (256). Its repr shows none."""

    w: bytes = field(repr=False)
    r: bytes = field(repr=False)
    sig: bytes = field(repr=False)

    def __post_init__(self) -> None:
        lengths = (len(self.w), len(self.r), len(self.sig))
        if lengths != (SECRET_LENGTH, rsabssa.PREFIX_LENGTH, SIGNATURE_LENGTH):
            raise PassMalformed("The parts of a pass have 32, 32 and 256 bytes.")

    @property
    def hw(self) -> bytes:
        """Returns the hash of `w`, which the ledger shows and which makes the pass unique."""
        return withdraw_hash(self.w)

    def encode(self) -> str:
        """Returns the 430 characters that a signer keeps."""
        return VERSION + b64u(self.w + self.r + self.sig)

    @classmethod
    def decode(cls, text: str) -> Pass:
        """Parse what `encode` returned, ignoring white space around it. Raises PassMalformed for every other text."""
        text = text.strip()
        if not text.startswith(VERSION):
            raise PassMalformed(f"A pass starts with {VERSION}")
        try:
            raw = unb64u(text.removeprefix(VERSION), RAW_LENGTH)
        except MalformedEncoding as error:
            raise PassMalformed("A pass is 430 characters of base64url, copied whole.") from error
        return cls(raw[:32], raw[32:64], raw[64:])


def withdraw_hash(w: bytes) -> bytes:
    """Returns `hw`: 32 bytes, SHA-256 of the label and `w`."""
    return hashlib.sha256(WITHDRAW_LABEL + w).digest()


def pass_message(cid: bytes, hw: bytes) -> bytes:
    """Returns `M`, the message that a stamp signs: the campaign id (16 bytes) and the withdrawal hash (32 bytes)."""
    if len(cid) != CAMPAIGN_LENGTH or len(hw) != SECRET_LENGTH:
        raise ValueError("A campaign id has 16 bytes, a withdrawal hash 32.")
    return PASS_LABEL + cid + hw


def check(public: PublicKey, cid: bytes, held: Pass) -> bool:
    """Returns whether the issuer of this campaign stamped this pass. It does not check whether the pass is spent."""
    return rsabssa.verify(public, held.r + pass_message(cid, held.hw), held.sig)


@dataclass(frozen=True)
class Blinding:
    """A pass in the making: `blinded` goes to the issuer, everything else stays with the applicant."""

    public: PublicKey
    blinded: bytes
    w: bytes = field(repr=False)
    prepared: bytes = field(repr=False)
    inverse: int = field(repr=False)


def begin(public: PublicKey, cid: bytes, random: Randomness = secrets.token_bytes) -> Blinding:
    """The applicant's first step: make a new secret and the blinded value to be stamped."""
    w = random(SECRET_LENGTH)
    prepared = rsabssa.prepare(pass_message(cid, withdraw_hash(w)), random)
    blinded, inverse = rsabssa.blind(public, prepared, random)
    return Blinding(public, blinded, w, prepared, inverse)


def complete(blinding: Blinding, stamp: bytes) -> Pass:
    """The applicant's second step: make the pass. Raises rsabssa.StampInvalid if the stamp is not the issuer's."""
    sig = rsabssa.finalize(blinding.public, blinding.prepared, stamp, blinding.inverse)
    return Pass(blinding.w, blinding.prepared[: rsabssa.PREFIX_LENGTH], sig)
