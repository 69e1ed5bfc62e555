"""The pass: what a verified person holds and redeems for a signature (docs/protocol.md §3).

A pass belongs to one campaign, has exactly one encoding, and contains no secret. Its holder keeps `w0` beside it, from
which a chain of nine values follows; each later act of the signer (withdrawing, hiding, changing) reveals the next
value of the chain. Every other encoding is rejected. The client's half is here, too, for signing without JavaScript and
for the seed data; in a browser static/js/pass.js does the same. The module uses no database and no clock.
"""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from petition.blindsign import rsabssa
from petition.core.encoding import MalformedEncoding, b64u, unb64u
from petition.core.errors import ExpectedError

if TYPE_CHECKING:
    from petition.blindsign.rsabssa import PublicKey, Randomness

STEP_LABEL = b"petition/step/v2\0"
WITHDRAW_LABEL = b"petition/withdraw/v1\0"
PASS_LABEL = b"petition/pass/v2\0"
VERSION = "P2."

CAMPAIGN_LENGTH = 16
SECRET_LENGTH = 32
SIGNATURE_LENGTH = 256
RAW_LENGTH = SECRET_LENGTH + rsabssa.PREFIX_LENGTH + SIGNATURE_LENGTH
TEXT_LENGTH = 430
STEPS: Final = 8
"""The number of steps from `w0` to `w8`. A signer can act nine times: with `w8` first, with `w0` last."""
ACTS: Final = STEPS + 1


class PassMalformed(ExpectedError, ValueError):
    """The text is not a pass."""

    status = 403


@dataclass(frozen=True)
class Pass:
    """A pass: `hw` (32 bytes, the hash of the secret), `r` (32, RFC 9474's prefix), `sig` (256). Its repr shows none."""

    hw: bytes = field(repr=False)
    r: bytes = field(repr=False)
    sig: bytes = field(repr=False)

    def __post_init__(self) -> None:
        lengths = (len(self.hw), len(self.r), len(self.sig))
        if lengths != (SECRET_LENGTH, rsabssa.PREFIX_LENGTH, SIGNATURE_LENGTH):
            raise PassMalformed("The parts of a pass have 32, 32 and 256 bytes.")

    def encode(self) -> str:
        """Returns the 430 characters that redeem a signature."""
        return VERSION + b64u(self.hw + self.r + self.sig)

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


@dataclass(frozen=True)
class KeptPass:
    """What a signer keeps: a pass, and the secret `w0` (32 bytes) of its chain."""

    held: Pass
    w0: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if len(self.w0) != SECRET_LENGTH or secret_hash(self.w0) != self.held.hw:
            raise PassMalformed("The secret beside this pass belongs to another one.")

    def encode(self) -> str:
        """Returns the 474 characters to keep: the pass, a dot, and the secret."""
        return f"{self.held.encode()}.{b64u(self.w0)}"

    @classmethod
    def decode(cls, text: str) -> KeptPass:
        """Parse what `encode` returned, ignoring white space around it. Raises PassMalformed for every other text."""
        held, dot, secret = text.strip().rpartition(".")
        try:
            w0 = unb64u(secret, SECRET_LENGTH)
        except MalformedEncoding as error:
            raise PassMalformed("The secret of a pass is the 43 characters after its last dot.") from error
        if not dot:
            raise PassMalformed("A dot stands between a pass and its secret.")
        return cls(Pass.decode(held), w0)


def step(value: bytes) -> bytes:
    """Returns the next value of a chain (32 bytes): SHA-256 of the label and the value."""
    return hashlib.sha256(STEP_LABEL + value).digest()


def reveal(w0: bytes, number: int) -> bytes:
    """Returns the value that the act with this number reveals: `w8` for 0, `w0` for 8."""
    if not 0 <= number <= STEPS:
        raise ValueError(f"A chain has {ACTS} values.")
    value = w0
    for _ in range(STEPS - number):
        value = step(value)
    return value


def last_hash(w8: bytes) -> bytes:
    """Returns `hw`: 32 bytes, SHA-256 of the label and the end of the chain."""
    return hashlib.sha256(WITHDRAW_LABEL + w8).digest()


def secret_hash(w0: bytes) -> bytes:
    """Returns the `hw` of a whole chain. The ledger shows it, and it makes the pass unique."""
    return last_hash(reveal(w0, 0))


def hashes_of(value: bytes) -> tuple[bytes, ...]:
    """Returns the nine `hw` that a revealed value may belong to, by the number of its act (0 to 8).

    Only one of them can be that of a signature, because a chain has no cycle that anybody can find.
    """
    found = []
    for _ in range(ACTS):
        found.append(last_hash(value))
        value = step(value)
    return tuple(found)


def pass_message(cid: bytes, hw: bytes) -> bytes:
    """Returns `M`, the message that a stamp signs: the campaign id (16 bytes) and the hash of the secret (32 bytes)."""
    if len(cid) != CAMPAIGN_LENGTH or len(hw) != SECRET_LENGTH:
        raise ValueError("A campaign id has 16 bytes, the hash of a secret 32.")
    return PASS_LABEL + cid + hw


def check(public: PublicKey, cid: bytes, held: Pass) -> bool:
    """Returns whether the issuer of this campaign stamped this pass. It does not check whether the pass is spent."""
    return rsabssa.verify(public, held.r + pass_message(cid, held.hw), held.sig)


@dataclass(frozen=True)
class Blinding:
    """A pass in the making: `blinded` goes to the issuer, everything else stays with the applicant."""

    public: PublicKey
    blinded: bytes
    w0: bytes = field(repr=False)
    prepared: bytes = field(repr=False)
    inverse: int = field(repr=False)


def begin(public: PublicKey, cid: bytes, random: Randomness = secrets.token_bytes) -> Blinding:
    """The applicant's first step: make a new secret and the blinded value to be stamped."""
    w0 = random(SECRET_LENGTH)
    prepared = rsabssa.prepare(pass_message(cid, secret_hash(w0)), random)
    blinded, inverse = rsabssa.blind(public, prepared, random)
    return Blinding(public, blinded, w0, prepared, inverse)


def complete(blinding: Blinding, stamp: bytes) -> KeptPass:
    """The applicant's second step: make the pass. Raises rsabssa.StampInvalid if the stamp is not the issuer's."""
    sig = rsabssa.finalize(blinding.public, blinding.prepared, stamp, blinding.inverse)
    held = Pass(secret_hash(blinding.w0), blinding.prepared[: rsabssa.PREFIX_LENGTH], sig)
    return KeptPass(held, blinding.w0)
