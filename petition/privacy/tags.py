"""Keyed tags: they stand for an address in the database. Without the pepper they are 32 random-looking bytes.

A short pepper or campaign id is rejected, because anybody with a list of the staff could reverse a tag under a weak
key.
"""

from __future__ import annotations

import hmac
from datetime import date
from itertools import count
from typing import Final

IDENTITY: Final = b"petition/identity/v1\0"
MAIL_CAP: Final = b"petition/mailcap/v1\0"
HOST_MAILS: Final = b"petition/mailcap-host/v1\0"
CODE: Final = b"petition/code-of-day/v1\0"
LONG_CODE: Final = b"petition/long-code-of-day/v1\0"
GUESSES: Final = b"petition/guesses/v1\0"
SUBSCRIBER: Final = b"petition/subscriber/v1\0"
SUPPRESSION: Final = b"petition/suppression/v1\0"
PEPPER_BYTES: Final = 32
CAMPAIGN_BYTES: Final = 16
CODES: Final = 10**8
FAIR: Final = 2**32 // CODES * CODES
WORD: Final = 4


def identity_tag(pepper: bytes, cid: bytes, canonical: str) -> bytes:
    """Returns the tag of a canonical address within one campaign: 32 bytes, HMAC-SHA256 (RFC 2104)."""
    if len(cid) != CAMPAIGN_BYTES:
        msg = f"a campaign id has {CAMPAIGN_BYTES} bytes"
        raise ValueError(msg)
    return _tag(pepper, IDENTITY + cid + canonical.encode())


def mail_cap_key(pepper: bytes, day: date, canonical: str) -> bytes:
    """Returns the key for counting a mailbox's code mails of one day: 32 bytes, unlinkable to identity tags."""
    return _tag(pepper, MAIL_CAP + _of_day(day, canonical))


def host_mails_key(pepper: bytes, day: date, canonical: str, host: str) -> bytes:
    """Returns the key for counting a mailbox's code mails of one day to one host: 32 bytes, unlinkable to other tags."""
    return _tag(pepper, HOST_MAILS + _of_day(day, canonical) + b"\0" + host.encode())


def guesses_key(pepper: bytes, day: date, canonical: str) -> bytes:
    """Returns the key for counting a mailbox's wrong codes of one day: 32 bytes, unlinkable to other tags."""
    return _tag(pepper, GUESSES + _of_day(day, canonical))


def code_of_day(pepper: bytes, day: date, canonical: str) -> str:
    """Returns the eight digits in all code mails of a mailbox on one day. They are computed when needed, never stored."""
    return _digits(pepper, CODE + _of_day(day, canonical))


def long_code_of_day(pepper: bytes, day: date, canonical: str) -> str:
    """Returns the sixteen digits in the same mails: the code of the day, and eight more that depend on another label."""
    return code_of_day(pepper, day, canonical) + _digits(pepper, LONG_CODE + _of_day(day, canonical))


def subscriber_tag(pepper: bytes, cid: bytes, canonical: str) -> bytes:
    """Returns the tag of a personal address among one campaign's subscribers: 32 bytes, unlinkable to other tags."""
    return _tag(pepper, SUBSCRIBER + cid + canonical.encode())


def suppression_tag(pepper: bytes, canonical: str) -> bytes:
    """Returns the tag of an address that must not be mailed: 32 bytes."""
    return _tag(pepper, SUPPRESSION + canonical.encode())


def _of_day(day: date, canonical: str) -> bytes:
    return f"{day:%Y-%m-%d}".encode() + b"\0" + canonical.encode()


def _digits(pepper: bytes, start: bytes) -> str:
    """Returns eight digits for a label and a message. Words of 32 bits that would favour some codes are skipped."""
    for turn in count():
        digest = _tag(pepper, start + b"\0" + bytes([turn]))
        words = (int.from_bytes(digest[at : at + WORD]) for at in range(0, len(digest), WORD))
        fair = next((word for word in words if word < FAIR), None)
        if fair is not None:
            return f"{fair % CODES:08d}"
    raise AssertionError


def _tag(pepper: bytes, message: bytes) -> bytes:
    if len(pepper) < PEPPER_BYTES:
        msg = f"the pepper needs {PEPPER_BYTES} bytes"
        raise ValueError(msg)
    return hmac.digest(pepper, message, "sha256")
