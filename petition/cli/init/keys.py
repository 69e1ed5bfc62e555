"""The keys of a new installation: random bytes in files, and DKIM keys with the records to publish."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable
from typing import Final

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from petition.config.secret_files import is_sample

DKIM_BITS: Final = 2048
STRING: Final = 255
"""Characters of one string in a TXT record (RFC 1035 §3.3.14)."""


def secret_key() -> bytes:
    """Returns a fresh value of PETITION_SECRET_KEY."""
    return _random(lambda: secrets.token_urlsafe(48).encode())


def master_key() -> bytes:
    """Returns a fresh value of PETITION_MASTER_KEY: 32 random bytes in urlsafe base64."""
    return _random(lambda: base64.urlsafe_b64encode(secrets.token_bytes(32)))


def pepper() -> bytes:
    """Returns the content of a fresh PETITION_PEPPER_FILE: 32 random bytes."""
    return _random(lambda: secrets.token_bytes(32))


def dkim_key() -> bytes:
    """Returns a fresh RSA key in PEM. Not every receiver knows Ed25519 (RFC 8463)."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=DKIM_BITS)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def dkim_record(domain: str, selector: str, pem: bytes) -> str:
    """Returns the record to publish for a key, as a line of a zone file (RFC 6376 §3.6.1)."""
    public = load_pem_private_key(pem, password=None).public_key()
    key = base64.b64encode(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()
    text = f"v=DKIM1; k=rsa; p={key}"
    strings = " ".join(f'"{text[at : at + STRING]}"' for at in range(0, len(text), STRING))
    return f"{selector}._domainkey.{domain}. IN TXT {strings}"


def _random(make: Callable[[], bytes]) -> bytes:
    """Returns random bytes that no start refuses because they happen to spell a word that people type."""
    while is_sample(made := make()):
        pass
    return made
