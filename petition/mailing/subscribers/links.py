"""Signed links: what a subscriber holds instead of an account.

Guards that a link does one thing and cannot be guessed: the subscriber's number, 128 random bits, under a 256-bit MAC
whose key differs by purpose (itsdangerous). Nothing of it is kept; it ends with the subscriber's row.
"""

from __future__ import annotations

import hashlib
from enum import StrEnum
from functools import lru_cache
from typing import Final

from itsdangerous import BadSignature, Signer

from petition.core.encoding import MalformedEncoding, b64u, unb64u
from petition.core.errors import ExpectedError

ID_BYTES: Final = 16
LENGTH: Final = 66


class Purpose(StrEnum):
    """What a link is for; none opens the door of another."""

    CONFIRM = "confirm"
    SETTINGS = "settings"
    UNSUBSCRIBE = "unsubscribe"


class LinkBroken(ExpectedError, ValueError):
    """The link was not made here for this purpose, or was cut."""

    status = 404


def made(secret_key: str, purpose: Purpose, subscriber_id: bytes) -> str:
    """The last part of a link: 22 characters, a dot, 43 characters."""
    return _signer(secret_key, purpose).sign(b64u(subscriber_id).encode()).decode()


def read(secret_key: str, purpose: Purpose, text: str) -> bytes:
    """The subscriber a link belongs to; raises LinkBroken."""
    try:
        return unb64u(_signer(secret_key, purpose).unsign(text.encode()).decode(), ID_BYTES)
    except (BadSignature, MalformedEncoding, UnicodeError):
        raise LinkBroken from None


@lru_cache(maxsize=8)
def _signer(secret_key: str, purpose: Purpose) -> Signer:
    return Signer(secret_key, salt=f"undersigned/{purpose}/v1", key_derivation="hmac", digest_method=hashlib.sha256)
