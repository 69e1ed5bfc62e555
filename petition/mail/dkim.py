"""DKIM: signs a mail for its sender's domain (RFC 6376), with relaxed canonicalization of header and body.

This module keeps two promises. A repeated mail has the same bytes: the signature contains no time, and both algorithms
are deterministic (RSA PKCS#1 v1.5, Ed25519 of RFC 8463). And only mails whose sender is at the key's own domain are
signed, so that the neutral code mail never carries the campaign's signature. Keys of other kinds, and RSA keys below
2048 bits, are rejected.
"""

from __future__ import annotations

import re
import textwrap
from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

SIGNED: Final = (
    "from", "to", "cc", "sender", "reply-to", "subject", "date", "message-id", "in-reply-to", "references",
    "list-id", "list-unsubscribe", "list-unsubscribe-post", "mime-version", "content-type",
    "content-transfer-encoding", "content-language",
)  # fmt: skip
"""What a reader or a mail program acts on. Each name is signed once more than it occurs (RFC 6376 §8.15): a second
Subject, or the Reply-To that the mail does not have, breaks the signature when somebody adds it."""
LEAST_BITS: Final = 2048
FOLDED = re.compile(rb"\r\n(?=[ \t])")
WHITE = re.compile(rb"[ \t]+")
WHITE_AT_END = re.compile(rb"[ \t]+(?=\r\n)")
EMPTY_LINES_AT_END = re.compile(rb"(?:\r\n)*\Z")
NAME = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*")
Fields = list[tuple[bytes, bytes]]


class DkimKeyWrong(ValueError):
    """PETITION_DKIM cannot be used. The message says why and contains no key."""


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs for one domain. `selector` names the key's record in the DNS."""

    domain: str
    selector: str
    key: RSAPrivateKey | Ed25519PrivateKey = field(repr=False)

    def signed(self, mail: bytes) -> bytes:
        """Returns the mail, CRLF throughout, with a DKIM-Signature before its other headers."""
        head, _, body = mail.partition(b"\r\n\r\n")
        fields = [(name, value) for name, value in split(head) if name.decode("ascii").lower() in SIGNED]
        value = self._value([*(name.decode("ascii").lower() for name, _ in fields), *SIGNED], body)
        signature = b64encode(self._sign(signing_input(fields, value))).decode()
        return f"DKIM-Signature: {value}{_wrapped(signature)}\r\n".encode() + mail

    def _value(self, names: Iterable[str], body: bytes) -> str:
        kind = "rsa" if isinstance(self.key, RSAPrivateKey) else "ed25519"
        return (
            f"v=1; a={kind}-sha256; c=relaxed/relaxed; d={self.domain};\r\n s={self.selector};"
            f" h={_folded(names)};\r\n bh={body_hash(body)};\r\n b="
        )

    def _sign(self, text: bytes) -> bytes:
        if isinstance(self.key, RSAPrivateKey):
            return self.key.sign(text, padding.PKCS1v15(), SHA256())
        return self.key.sign(sha256(text).digest())


def read(setting: str) -> tuple[Signer, ...]:
    """Parse signers from `domain:selector:file`, separated by commas. Raises DkimKeyWrong."""
    return tuple(_signer(*each.strip().split(":", 2)) for each in setting.split(",") if each.strip())


def _signer(domain: str, selector: str = "", file: str = "") -> Signer:
    if NAME.fullmatch(domain) is None or NAME.fullmatch(selector) is None:
        raise DkimKeyWrong("PETITION_DKIM must be like domain:selector:file, or several after commas.")
    try:
        key = load_pem_private_key(Path(file).read_bytes(), password=None)
    except (OSError, ValueError, TypeError):
        raise DkimKeyWrong(f"The DKIM key of {domain} must be a file with a private key in PEM.") from None
    if isinstance(key, Ed25519PrivateKey) or (isinstance(key, RSAPrivateKey) and key.key_size >= LEAST_BITS):
        return Signer(domain.lower(), selector, key)
    raise DkimKeyWrong(f"The DKIM key of {domain} must be Ed25519, or RSA of 2048 bits or more.")


def split(head: bytes) -> Fields:
    """Returns the header fields with their raw values, folds included."""
    lines = re.split(rb"\r\n(?![ \t])", head)
    return [(name, value) for name, _, value in (line.partition(b":") for line in lines)]


def body_hash(body: bytes) -> str:
    """Returns the SHA-256 of the relaxed body (RFC 6376 §3.4.4), in base64."""
    relaxed = EMPTY_LINES_AT_END.sub(b"", WHITE.sub(b" ", WHITE_AT_END.sub(b"", body)), count=1)
    return b64encode(sha256(relaxed + b"\r\n" if relaxed else b"").digest()).decode()


def signing_input(fields: Fields, value: str) -> bytes:
    """Returns the signed input: relaxed fields (RFC 6376 §3.4.2), then the signature's own field with an empty `b=`."""
    lines = [_relaxed(name, text) + b"\r\n" for name, text in fields]
    return b"".join(lines) + _relaxed(b"DKIM-Signature", value.encode())


def _relaxed(name: bytes, value: bytes) -> bytes:
    return name.lower().strip() + b":" + WHITE.sub(b" ", FOLDED.sub(b"", value)).strip(b" ")


def _folded(names: Iterable[str]) -> str:
    """Returns the names of the signed fields with colons between them, in lines of at most 72 characters."""
    lines = textwrap.wrap(" ".join(f"{name}:" for name in names), 72, break_on_hyphens=False)
    return "\r\n ".join(line.replace(" ", "") for line in lines).rstrip(":")


def _wrapped(signature: str) -> str:
    return "\r\n ".join(signature[at : at + 72] for at in range(0, len(signature), 72))
