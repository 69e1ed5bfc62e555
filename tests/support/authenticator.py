"""A passkey in software (W3C WebAuthn level 2, 6.1 and 6.5): what a device answers, with every part open to be broken."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from petition.core.encoding import b64u

PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


@dataclass
class Device:
    """One passkey; `count` is how often it signed."""

    origin: str = "http://localhost"
    host: str = "localhost"
    flags: int = PRESENT | VERIFIED
    count: int = 0
    handle: bytes = b""
    id: bytes = field(default_factory=lambda: secrets.token_bytes(16))
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def make(self, options: dict[str, Any]) -> str:
        """Answer a request to make a passkey."""
        self.handle = _bytes(options["user"]["id"])
        public = self.key.public_key().public_numbers()
        cose = {1: 2, 3: -7, -1: 1, -2: public.x.to_bytes(32), -3: public.y.to_bytes(32)}
        attested = bytes(16) + len(self.id).to_bytes(2) + self.id + cbor2.dumps(cose)
        made = {"fmt": "none", "attStmt": {}, "authData": self._data(ATTESTED) + attested}
        return self._told("webauthn.create", options, lambda client: {"attestationObject": b64u(cbor2.dumps(made))})

    def ask(self, options: dict[str, Any]) -> str:
        """Answer a request to sign in."""
        self.count += 1
        data = self._data()

        def signed(client: bytes) -> dict[str, str]:
            signature = self.key.sign(data + sha256(client).digest(), ec.ECDSA(SHA256()))
            return {"authenticatorData": b64u(data), "signature": b64u(signature), "userHandle": b64u(self.handle)}

        return self._told("webauthn.get", options, signed)

    def _data(self, more: int = 0) -> bytes:
        return sha256(self.host.encode()).digest() + bytes([self.flags | more]) + self.count.to_bytes(4)

    def _told(self, kind: str, options: dict[str, Any], rest: Any) -> str:
        client = json.dumps({"type": kind, "challenge": options["challenge"], "origin": self.origin}).encode()
        response = {"clientDataJSON": b64u(client), **rest(client)}
        name = b64u(self.id)
        return json.dumps(
            {"id": name, "rawId": name, "type": "public-key", "response": response, "clientExtensionResults": {}}
        )


def _bytes(text: str) -> bytes:
    import base64

    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


AUTHENTICATOR = {
    "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
    "isUserVerified": True, "automaticPresenceSimulation": True,
}  # fmt: skip
