"""A signer's client that shares no line with the project: written from docs/api.md and docs/protocol.md alone.

RFC 9474 (RSABSSA-SHA384-PSS-Randomized) by hand, with Python's own big numbers and the standard library.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.support.installation import Running


def b64u(raw: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def unb64u(text: str) -> bytes:
    """What `b64u` made, back as bytes."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass
class Answer:
    """What a call gave: JSON where it was JSON, else bytes."""

    status: int
    headers: Any
    body: Any


def call(url: str, document: object | None = None, headers: dict[str, str] | None = None) -> Answer:
    """GET, or POST of JSON."""
    data = None if document is None else json.dumps(document).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json", **(headers or {})})
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return Answer(answer.status, answer.headers, _read(answer))
    except urllib.error.HTTPError as error:
        with error:
            return Answer(error.code, error.headers, _read(error))


def is_overloaded(answer: Answer) -> bool:
    """Whether the site refused because it has too much to do: the same request is to be sent again (docs/api.md)."""
    return answer.status == 503 and isinstance(answer.body, dict) and answer.body["type"].endswith("overloaded")


def patiently(ask: Callable[[], Answer]) -> Answer:
    """Ask, and again after the time that the site asks for, as long as it has too much to do."""
    while is_overloaded(answer := ask()):
        time.sleep(int(answer.headers["Retry-After"]))
    return answer


def _read(answer: Any) -> Any:
    body = answer.read()
    return json.loads(body) if "json" in answer.headers.get("Content-Type", "") else body


def modulus(spki: bytes) -> int:
    """N of an RSA-2048 SubjectPublicKeyInfo with e = 65537: 256 bytes before the exponent's five."""
    return int.from_bytes(spki[-261:-5])


def mgf1(seed: bytes, length: int) -> bytes:
    """RFC 8017 appendix B.2.1 with SHA-384."""
    blocks = (hashlib.sha384(seed + counter.to_bytes(4)).digest() for counter in range(-(-length // 48)))
    return b"".join(blocks)[:length]


def emsa_pss(message: bytes, bits: int) -> int:
    """RFC 8017 section 9.1.1 with SHA-384 and a salt of 48 bytes."""
    length, salt = -(-bits // 8), secrets.token_bytes(48)
    digest = hashlib.sha384(bytes(8) + hashlib.sha384(message).digest() + salt).digest()
    block = bytes(length - 48 - 48 - 2) + b"\1" + salt
    masked = int.from_bytes(block) ^ int.from_bytes(mgf1(digest, len(block)))
    masked &= (1 << (bits - 8 * 49)) - 1
    return int.from_bytes(masked.to_bytes(len(block)) + digest + b"\xbc")


def chain(w0: bytes, steps: int) -> bytes:
    """The value of the secret chain after so many steps: w8 after eight."""
    for _ in range(steps):
        w0 = hashlib.sha256(b"petition/step/v2\0" + w0).digest()
    return w0


@dataclass
class Applicant:
    """The client's half of docs/protocol.md §3."""

    n: int
    cid: bytes

    def __post_init__(self) -> None:
        self.w0, self.r = secrets.token_bytes(32), secrets.token_bytes(32)
        self.hw = hashlib.sha256(b"petition/withdraw/v1\0" + chain(self.w0, 8)).digest()
        message = self.r + b"petition/pass/v2\0" + self.cid + self.hw
        self.encoded = emsa_pss(message, self.n.bit_length() - 1)
        self.factor = secrets.randbelow(self.n - 2) + 2
        blinded = self.encoded * pow(self.factor, 65537, self.n) % self.n
        self.blinded = b64u(blinded.to_bytes(256))

    def complete(self, stamp: str) -> str:
        """The pass, from the issuer's answer to the blinded message."""
        signature = int.from_bytes(unb64u(stamp)) * pow(self.factor, -1, self.n) % self.n
        assert pow(signature, 65537, self.n) == self.encoded, "the stamp is not the issuer's"
        return "P2." + b64u(self.hw + self.r + signature.to_bytes(256))


def body_hash(salt: bytes, body: dict[str, str]) -> bytes:
    """The hash by which an entry holds its public body."""
    canonical = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    return hashlib.sha256(b"petition/body/v2\0" + salt + canonical).digest()


def leaf_hash(entry: str) -> bytes:
    """RFC 9162 section 2.1.1, of a leaf."""
    return hashlib.sha256(b"\0" + entry.encode()).digest()


def root_from(leaf: bytes, index: int, size: int, proof: list[bytes]) -> bytes:
    """RFC 9162 section 2.1.3.2."""
    last, node = size - 1, leaf
    for sibling in proof:
        if index % 2 or index == last:
            node = hashlib.sha256(b"\1" + sibling + node).digest()
            while index % 2 == 0 and index:
                index, last = index >> 1, last >> 1
        else:
            node = hashlib.sha256(b"\1" + node + sibling).digest()
        index, last = index >> 1, last >> 1
    return node if last == 0 else b""


SLUG = "ice-letter"


def api(running: Running, path: str = "") -> str:
    """The address of one of the campaign's calls."""
    return f"{running.url}/api/campaigns/{SLUG}{path}"


def verified(running: Running, address: str) -> tuple[Applicant, str]:
    """A pass for an address."""
    campaign = call(api(running)).body
    asked = call(api(running, "/verify"), {"address": address, "lang": "en"})
    assert asked.status == 202
    applicant = Applicant(modulus(unb64u(campaign["groups"][0]["issuer"])), bytes.fromhex(campaign["id"]))
    code = running.code_for(address)
    given = {"challenge": asked.body["challenge"], "code": code, "blinded": applicant.blinded}
    stamped = call(api(running, "/pass"), given)
    assert stamped.status == 200
    assert call(api(running, "/pass"), given).body == stamped.body
    return applicant, applicant.complete(stamped.body["stamp"])
