"""The sealed box: secrets at rest and addresses on their way to the mail worker.

Guards keys, sealed names and task arguments with the master keys of the environment; the first key seals, all
open. A Fernet token shows its time of sealing in clear, and times re-link signers to signatures. So `seal`
writes no time at all, and only what must expire is sealed with one.
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
    """The token was not sealed by one of the master keys, was altered, or is too old."""

    def __init__(self) -> None:
        super().__init__("This token is altered, too old, or sealed with a key that is no longer listed.")


class Vault:
    """A box under the master keys, each 32 bytes in urlsafe base64. Raises ValueError without a sound key."""

    def __init__(self, master_keys: Sequence[str]) -> None:
        self._box = MultiFernet([Fernet(key.strip()) for key in master_keys])

    def seal(self, data: bytes) -> bytes:
        """Seal for keeping. The token tells no time, but the length of the data in steps of 16 bytes."""
        return self._box.encrypt_at_time(data, NO_TIME)

    def seal_dated(self, data: bytes, now: datetime) -> bytes:
        """Seal for a while: the token shows the second, so that `unseal_fresh` can refuse it later."""
        return self._box.encrypt_at_time(data, int(now.timestamp()))

    def unseal(self, token: bytes) -> bytes:
        """Open a token of either kind whatever its age; raise SealBroken."""
        try:
            return self._box.decrypt(token)
        except InvalidToken:
            raise SealBroken from None

    def unseal_fresh(self, token: bytes, ttl: int, now: datetime) -> bytes:
        """Open a dated token of at most `ttl` seconds; raise SealBroken."""
        try:
            return self._box.decrypt_at_time(token, ttl, int(now.timestamp()))
        except InvalidToken:
            raise SealBroken from None

    def rotate(self, token: bytes) -> bytes:
        """Seal again under the first key, keeping the token's time; raise SealBroken."""
        try:
            return self._box.rotate(token)
        except InvalidToken:
            raise SealBroken from None


@dataclass(frozen=True, slots=True)
class Recipient:
    """Where a code goes. `address` None means: send nothing, having taken the same time as for a real one."""

    address: str | None
    lang: str
    code: str = ""


def seal_address(vault: Vault, address: str | None, lang: str, now: datetime, *, code: str = "") -> str:
    """Seal the argument of the task that mails a code. Every token has the same length, also for nobody."""
    payload = json.dumps([address, lang, code], separators=(",", ":")).encode()
    if len(payload) > PAYLOAD_BYTES:
        msg = f"an address, a language and a code fit into {PAYLOAD_BYTES} bytes"
        raise ValueError(msg)
    return vault.seal_dated(payload.ljust(PAYLOAD_BYTES), now).decode("ascii")


def unseal_address(vault: Vault, token: str, now: datetime, ttl: int = CODE_LIFE) -> Recipient:
    """Open a task argument of at most `ttl` seconds; raise SealBroken. Whoever waited so long asks again."""
    address, lang, code = json.loads(vault.unseal_fresh(token.encode(), ttl, now))
    return Recipient(address, lang, code)
