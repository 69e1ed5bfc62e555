"""One encoding for every value that is hashed, signed or typed in by people.

This module prevents two texts from meaning the same value. A pass, a ledger entry or a stamp with a second encoding
could be redeemed, counted or replayed twice. The module therefore rejects everything that it would not have written
itself: padding, stray bits and line breaks inside base64url; floats, booleans, nulls and broken Unicode in JSON.
"""

from __future__ import annotations

import base64
import binascii
import json

LARGEST_INTEGER = 2**53 - 1


class MalformedEncoding(ValueError):
    """The text is not the only valid base64url encoding of a value of that length."""


class NotCanonical(ValueError):
    """The value has no canonical JSON form."""


def b64u(raw: bytes) -> str:
    """Encode as base64url without padding (RFC 4648 §5)."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def unb64u(text: str, length: int) -> bytes:
    """Decode `text` to `length` bytes. Raises MalformedEncoding unless `b64u` of the result is `text` again."""
    if len(text) != (length * 4 + 2) // 3:
        raise MalformedEncoding(f"Expected base64url of {length} bytes, got {len(text)} characters.")
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError) as error:
        raise MalformedEncoding("This is not base64url.") from error
    if b64u(raw) != text:
        raise MalformedEncoding("This base64url is not in its one legal spelling.")
    return raw


def canonical_json(value: object) -> bytes:
    """Encode a value as UTF-8 JSON without spaces, with keys sorted by code point.

    Raises NotCanonical unless the value consists of texts, integers, lists and objects. Texts keep their characters: as
    in JSON.stringify, only quotes, backslashes and control characters below U+0020 are escaped. Integers stay below
    2^53 in size, because every JSON parser keeps those exact.
    """
    _refuse_uncanonical(value)
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise NotCanonical("A text holds half a surrogate pair, which UTF-8 cannot carry.") from error


def _refuse_uncanonical(value: object) -> None:
    if isinstance(value, str):
        return
    if isinstance(value, int) and not isinstance(value, bool):
        if abs(value) > LARGEST_INTEGER:
            raise NotCanonical("An integer is too large for JSON readers to keep exact.")
        return
    if isinstance(value, list):
        parts: list[object] = value
    elif isinstance(value, dict) and all(isinstance(key, str) for key in value):
        parts = list(value.values())
    else:
        raise NotCanonical(f"Canonical JSON holds texts, integers, lists and objects only, not {type(value).__name__}.")
    for part in parts:
        _refuse_uncanonical(part)
