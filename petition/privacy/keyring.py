"""Private keys of the campaigns: encrypted at rest and decrypted once per process.

This module protects against a stolen database: only the master key, which is in the environment, decrypts a row. A key
is never written unencrypted.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from petition.core.process import ProcessValue
from petition.privacy import Vault

_vault = ProcessValue[Vault]("master keys")


def connect(master_keys: Sequence[str]) -> Vault:
    """Set the master keys of this process. The first one encrypts."""
    unsealed.cache_clear()
    return _vault.set(Vault(master_keys))


def seal(secret: bytes) -> bytes:
    """Encrypt a private key for its row."""
    return _vault.get().seal(secret)


@lru_cache(maxsize=256)
def unsealed(sealed: bytes) -> bytes:
    """Returns the private key of a row. Raises SealBroken (`petition.privacy`) if no master key fits."""
    return _vault.get().unseal(sealed)
