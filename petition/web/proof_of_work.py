"""An optional proof of work (ALTCHA, SHA-256) before a code is mailed. It raises the limit on mails tenfold.

It protects mailboxes from clients that request thousands of codes. Nobody is rejected: a request whose solution is
missing, wrong, late or already used counts as one without work, and gets the stricter limit.
"""

from __future__ import annotations

import hmac
import json
import secrets
from base64 import b64decode
from hashlib import sha256
from typing import Any, Final

import altcha

from petition.core.redis_store import RedisStore

MOST_TRIES: Final = 50_000
LIFE: Final = 600
KEY_LABEL: Final = b"undersigned/altcha/v1\0"


def challenge(secret_key: str, now: float) -> dict[str, Any]:
    """Returns a challenge in ALTCHA's second format: the client tries counters from 0 until the hash has the prefix.

    `now` is in seconds.
    """
    made = altcha.create_challenge(
        "SHA-256",
        1,
        counter=secrets.randbelow(MOST_TRIES),
        expires_at=int(now) + LIFE,
        hmac_secret=_key(secret_key),
    )
    return dict(made.to_dict())


def was_done(secret_keys: tuple[str, ...], redis_store: RedisStore, payload: str | None) -> bool:
    """Returns whether a base64 payload solves one of our challenges for the first time. Each of the keys is tried.

    Raises RedisUnavailable.
    """
    if not payload:
        return False
    try:
        nonce = str(json.loads(b64decode(payload))["challenge"]["parameters"]["nonce"])
        solved = any(altcha.verify_solution(payload, _key(each)).verified for each in secret_keys)
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        return False
    return solved and redis_store.remember(sha256(KEY_LABEL + nonce.encode()).digest(), LIFE)


def _key(secret_key: str) -> bytes:
    return hmac.digest(secret_key.encode(), KEY_LABEL, "sha256")
