"""Signed links: a subscriber has these instead of an account.

A link serves one purpose and cannot be guessed: it is the subscriber's id, 128 random bits, under a 256-bit MAC whose
key depends on the purpose (itsdangerous). Links are not stored; they end with the subscriber's row.
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
    """The purposes of links. A link works only for its own purpose."""

    CONFIRM = "confirm"
    SETTINGS = "settings"
    UNSUBSCRIBE = "unsubscribe"


class LinkBroken(ExpectedError, ValueError):
    """The link was not made here for this purpose, or is incomplete."""

    status = 404


def made(secret_key: str, purpose: Purpose, subscriber_id: bytes) -> str:
    """Returns the last part of a link: 22 characters, a dot, 43 characters."""
    return _signer((secret_key,), purpose).sign(b64u(subscriber_id).encode()).decode()


def read(secret_keys: tuple[str, ...], purpose: Purpose, text: str) -> bytes:
    """Returns the subscriber's id of a link that was made under any of the keys. Raises LinkBroken."""
    try:
        return unb64u(_signer(secret_keys, purpose).unsign(text.encode()).decode(), ID_BYTES)
    except (BadSignature, MalformedEncoding, UnicodeError):
        raise LinkBroken from None


@lru_cache(maxsize=16)
def _signer(secret_keys: tuple[str, ...], purpose: Purpose) -> Signer:
    salt, oldest_first = f"undersigned/{purpose}/v1", secret_keys[::-1]
    return Signer(oldest_first, salt=salt, key_derivation="hmac", digest_method=hashlib.sha256)
