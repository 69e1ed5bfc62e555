"""Encryption of secrets at rest and of addresses on their way to the mail worker.

The master keys of the environment protect keys, sealed names and task arguments. The first key encrypts; all of them
decrypt. A Fernet token shows its creation time in clear, and times could link signers to signatures. `seal` therefore
writes no time at all; only data that must expire gets one.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

NO_TIME: Final = 0
PAYLOAD_BYTES: Final = 352
CODE_LIFE: Final = 900


class SealBroken(ValueError):
    """The token was not made with one of the master keys, was altered, or is too old."""

    def __init__(self) -> None:
        super().__init__("This token is altered, too old, or sealed with a key that is no longer listed.")


class Vault:
    """Encryption under the master keys, each 32 bytes in urlsafe base64. Raises ValueError without a valid key."""

    def __init__(self, master_keys: Sequence[str]) -> None:
        self._box = MultiFernet([Fernet(key.strip()) for key in master_keys])

    def seal(self, data: bytes) -> bytes:
        """Encrypt for storage. The token reveals no time, only the length of the data in steps of 16 bytes."""
        return self._box.encrypt_at_time(data, NO_TIME)

    def seal_dated(self, data: bytes, now: datetime) -> bytes:
        """Encrypt for a limited time. The token shows the second, so that `unseal_fresh` can reject it later."""
        return self._box.encrypt_at_time(data, int(now.timestamp()))

    def unseal(self, token: bytes) -> bytes:
        """Decrypt a token of either kind and of any age. Raises SealBroken."""
        try:
            return self._box.decrypt(token)
        except InvalidToken:
            raise SealBroken from None

    def unseal_fresh(self, token: bytes, ttl: int, now: datetime) -> bytes:
        """Decrypt a dated token that is at most `ttl` seconds old. Raises SealBroken."""
        try:
            return self._box.decrypt_at_time(token, ttl, int(now.timestamp()))
        except InvalidToken:
            raise SealBroken from None

    def rotate(self, token: bytes) -> bytes:
        """Encrypt a token again under the first key and keep its time. Raises SealBroken."""
        try:
            return self._box.rotate(token)
        except InvalidToken:
            raise SealBroken from None


@dataclass(frozen=True, slots=True)
class Recipient:
    """The recipient of a code. If `address` is None, nothing is sent, in the same time as a real mail would take."""

    address: str | None
    lang: str
    code: str = ""


def seal_address(vault: Vault, address: str | None, lang: str, now: datetime, *, code: str = "") -> str:
    """Encrypt the argument of the task that mails a code. Every token has the same length, even without a recipient."""
    payload = json.dumps([address, lang, code], separators=(",", ":")).encode()
    if len(payload) > PAYLOAD_BYTES:
        msg = f"an address, a language and a code fit into {PAYLOAD_BYTES} bytes"
        raise ValueError(msg)
    return vault.seal_dated(payload.ljust(PAYLOAD_BYTES), now).decode("ascii")


def unseal_address(vault: Vault, token: str, now: datetime, ttl: int = CODE_LIFE) -> Recipient:
    """Decrypt a task argument that is at most `ttl` seconds old. Raises SealBroken; the person then asks again."""
    address, lang, code = json.loads(vault.unseal_fresh(token.encode(), ttl, now))
    return Recipient(address, lang, code)
