"""Asks the own web server which network it sees a request come from, so that nobody else can ask.

The question carries a token that is signed with PETITION_SECRET_KEY, good for two minutes and once; without it the page
does not exist. The answer is signed for that token, so another installation cannot give it. It holds addresses of
whoever asked and of our own proxies, and nothing of anybody else. The token travels in a header, which logs of proxies
usually leave out.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from itsdangerous import BadData, URLSafeSerializer

PATH: Final = "/probe"
HEADER: Final = "Undersigned-Probe"
SECONDS: Final = 120
LONGEST: Final = 400
QUESTION: Final = "undersigned/probe/v1"
ANSWER: Final = "undersigned/probe-answer/v1"


class ProbeRefused(Exception):
    """A token or an answer was not made with this installation's key, or is too old."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What the web server saw: its peer, the entries of X-Forwarded-For, and the client that it counts.

    `trusted` is its PETITION_TRUSTED_PROXIES. `client` is empty if the header holds no address where it should.
    """

    peer: str
    forwarded: tuple[str, ...]
    client: str
    trusted: int


def ask(secret_keys: Sequence[str], now: datetime) -> str:
    """Returns a token for one question."""
    text: str | bytes = _serializer(secret_keys, QUESTION).dumps([secrets.token_hex(16), int(now.timestamp())])
    return text if isinstance(text, str) else text.decode()


def accept(secret_keys: Sequence[str], token: str, now: datetime) -> bytes:
    """Returns what identifies a token, to be used once. Raises ProbeRefused."""
    content = _read(secret_keys, QUESTION, token)
    if not isinstance(content, list) or len(content) != 2 or abs(now.timestamp() - content[1]) > SECONDS:
        raise ProbeRefused
    return hashlib.sha256(token.encode()).digest()


def answer(secret_keys: Sequence[str], token: str, seen: Seen) -> str:
    """Returns the signed answer to a token."""
    text: str | bytes = _serializer(secret_keys, ANSWER).dumps([token, asdict(seen)])
    return text if isinstance(text, str) else text.decode()


def read_answer(secret_keys: Sequence[str], token: str, text: str) -> Seen:
    """Returns what the web server saw. Raises ProbeRefused if the answer is not ours, or one to another token."""
    content = _read(secret_keys, ANSWER, text)
    if not isinstance(content, list) or content[:1] != [token]:
        raise ProbeRefused
    found: dict[str, Any] = content[1]
    return Seen(found["peer"], tuple(found["forwarded"]), found["client"], found["trusted"])


def _read(secret_keys: Sequence[str], salt: str, text: str) -> Any:
    try:
        return _serializer(secret_keys, salt).loads(text)
    except BadData:
        raise ProbeRefused from None


def _serializer(secret_keys: Sequence[str], salt: str) -> URLSafeSerializer:
    kind = {"key_derivation": "hmac", "digest_method": hashlib.sha256}
    return URLSafeSerializer(list(secret_keys[::-1]), salt=salt, signer_kwargs=kind)
