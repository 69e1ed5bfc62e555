"""A verifier of DKIM signatures, written from RFC 6376 for the tests alone: it shares no code with `petition.mail.dkim`."""

from __future__ import annotations

import re
from base64 import b64decode
from hashlib import sha256

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.hashes import SHA256

PublicKey = Ed25519PublicKey | rsa.RSAPublicKey


def accepts(mail: bytes, key: PublicKey) -> bool:
    """Whether the topmost signature of a mail (relaxed/relaxed) is good: §3.4, §3.7 and §5.4.2, from the bottom up."""
    head, _, body = mail.partition(b"\r\n\r\n")
    fields = [(name.strip().lower(), value) for name, _, value in (line.partition(b":") for line in unfolded(head))]
    own = next(value for name, value in fields if name == b"dkim-signature")
    tags = {
        name.strip(): re.sub(rb"\s", b"", value) for name, _, value in (tag.partition(b"=") for tag in own.split(b";"))
    }
    if b64decode(tags[b"bh"]) != sha256(relaxed_body(body)).digest():
        return False
    left = [field for field in fields if field[1] is not own]
    text = b""
    for name in tags[b"h"].lower().split(b":"):
        at = max((at for at, field in enumerate(left) if field[0] == name), default=None)
        text += b"" if at is None else relaxed(*left.pop(at)) + b"\r\n"
    text += relaxed(b"dkim-signature", re.sub(rb"(\bb=)[^;]*", rb"\1", own))
    return is_signed(key, b64decode(tags[b"b"]), text)


def is_signed(key: PublicKey, signature: bytes, text: bytes) -> bool:
    """Whether a signature of a text was made with the private half of a key."""
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, text, padding.PKCS1v15(), SHA256())
        else:
            key.verify(signature, sha256(text).digest())
    except InvalidSignature:
        return False
    return True


def unfolded(head: bytes) -> list[bytes]:
    """The fields of a head, each in one line."""
    return re.sub(rb"\r\n([ \t])", rb"\1", head).split(b"\r\n")


def relaxed(name: bytes, value: bytes) -> bytes:
    """A field with single spaces (§3.4.2)."""
    return name + b":" + b" ".join(re.split(rb"[ \t]+", value.strip(b" \t")))


def relaxed_body(body: bytes) -> bytes:
    """A body with single spaces and without empty lines at its end (§3.4.4)."""
    lines = [re.sub(rb"[ \t]+", b" ", line).rstrip(b" ") for line in body.split(b"\r\n")]
    while lines and not lines[-1]:
        lines.pop()
    return b"".join(line + b"\r\n" for line in lines)
