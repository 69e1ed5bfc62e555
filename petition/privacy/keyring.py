"""Private keys of the campaigns, sealed at rest and unsealed once per process.

Guards against a stolen database: a row holds only what the master key of the environment can open. Refuses to write
an unsealed key anywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from petition.core.process import ProcessValue
from petition.privacy import Vault

_vault = ProcessValue[Vault]("master keys")


def connect(master_keys: Sequence[str]) -> Vault:
    """Give this process its master keys; the first one seals."""
    unsealed.cache_clear()
    return _vault.set(Vault(master_keys))


def seal(secret: bytes) -> bytes:
    """Seal a private key for its row."""
    return _vault.get().seal(secret)


@lru_cache(maxsize=256)
def unsealed(sealed: bytes) -> bytes:
    """The private key of a row; raises SealBroken (`petition.privacy`) under a foreign master key."""
    return _vault.get().unseal(sealed)
