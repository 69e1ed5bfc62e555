"""The pass: what a verified person holds, and what is spent for a signature (docs/protocol.md §3).

Guards that a pass belongs to one campaign, is written in exactly one way, and carries its own way back:
whoever knows `w` may withdraw, and nobody else. Refuses every other spelling. The client's half is here
too, for signing without JavaScript and for the seed; a browser does the same in static/js/pass.js. No
database, no clock.
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
    """This text is not a pass."""

    status = 403


@dataclass(frozen=True)
class Pass:
    """`w` (32 bytes, the secret to withdraw), `r` (32, RFC 9474's prefix), `sig` (256); no repr shows any."""

    w: bytes = field(repr=False)
    r: bytes = field(repr=False)
    sig: bytes = field(repr=False)

    def __post_init__(self) -> None:
        lengths = (len(self.w), len(self.r), len(self.sig))
        if lengths != (SECRET_LENGTH, rsabssa.PREFIX_LENGTH, SIGNATURE_LENGTH):
            raise PassMalformed("The parts of a pass have 32, 32 and 256 bytes.")

    @property
    def hw(self) -> bytes:
        """What the ledger shows of `w`, and what makes the pass unique."""
        return withdraw_hash(self.w)

    def encode(self) -> str:
        """The 430 characters a signer keeps."""
        return VERSION + b64u(self.w + self.r + self.sig)

    @classmethod
    def decode(cls, text: str) -> Pass:
        """Read what `encode` wrote, white space around it aside; PassMalformed for every other spelling."""
        text = text.strip()
        if not text.startswith(VERSION):
            raise PassMalformed(f"A pass starts with {VERSION}")
        try:
            raw = unb64u(text.removeprefix(VERSION), RAW_LENGTH)
        except MalformedEncoding as error:
            raise PassMalformed("A pass is 430 characters of base64url, copied whole.") from error
        return cls(raw[:32], raw[32:64], raw[64:])


def withdraw_hash(w: bytes) -> bytes:
    """`hw`, 32 bytes: SHA-256 of the label and `w`."""
    return hashlib.sha256(WITHDRAW_LABEL + w).digest()


def pass_message(cid: bytes, hw: bytes) -> bytes:
    """`M`, what a stamp vouches for: this campaign (16 bytes) and this withdrawal hash (32 bytes)."""
    if len(cid) != CAMPAIGN_LENGTH or len(hw) != SECRET_LENGTH:
        raise ValueError("A campaign id has 16 bytes, a withdrawal hash 32.")
    return PASS_LABEL + cid + hw


def check(public: PublicKey, cid: bytes, held: Pass) -> bool:
    """Whether the issuer of this campaign stamped this pass; whether it is spent is not known here."""
    return rsabssa.verify(public, held.r + pass_message(cid, held.hw), held.sig)


@dataclass(frozen=True)
class Blinding:
    """A pass on its way: `blinded` goes to the issuer, the rest stays with the applicant."""

    public: PublicKey
    blinded: bytes
    w: bytes = field(repr=False)
    prepared: bytes = field(repr=False)
    inverse: int = field(repr=False)


def begin(public: PublicKey, cid: bytes, random: Randomness = secrets.token_bytes) -> Blinding:
    """The applicant's first half: a new secret, and the blinded value that asks for its stamp."""
    w = random(SECRET_LENGTH)
    prepared = rsabssa.prepare(pass_message(cid, withdraw_hash(w)), random)
    blinded, inverse = rsabssa.blind(public, prepared, random)
    return Blinding(public, blinded, w, prepared, inverse)


def complete(blinding: Blinding, stamp: bytes) -> Pass:
    """The applicant's second half; rsabssa.StampInvalid for a stamp that is not the issuer's."""
    sig = rsabssa.finalize(blinding.public, blinding.prepared, stamp, blinding.inverse)
    return Pass(blinding.w, blinding.prepared[: rsabssa.PREFIX_LENGTH], sig)
