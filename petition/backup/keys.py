"""The key pair of backups: the public key encrypts on the server, the private key is kept elsewhere and decrypts.

A stolen server cannot decrypt its own backups: no private key is stored here. It is written once, into a file for its
owner only. An existing file is never overwritten.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey

from petition.backup.errors import BackupRefused
from petition.core.encoding import MalformedEncoding, b64u, unb64u

PUBLIC: Final = "undersigned-backup-public-"
PRIVATE: Final = "undersigned-backup-private-"
NAMES: Final = {PUBLIC: "public", PRIVATE: "private"}
LONGEST: Final = 1_000


def make(path: Path) -> str:
    """Write a new private key to a file of mode 0600 and return the public one. Raises BackupRefused, OSError."""
    private = X25519PrivateKey.generate()
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise BackupRefused(f"{path} is there already: choose another name.") from None
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(f"{PRIVATE}{b64u(private.private_bytes_raw())}\n")
        file.flush()
        os.fsync(file.fileno())
    return PUBLIC + b64u(private.public_key().public_bytes_raw())


def read_public(text: str) -> X25519PublicKey:
    """Returns the key for which backups are encrypted. Raises BackupRefused."""
    return X25519PublicKey.from_public_bytes(_raw(text, PUBLIC))


def read_private(path: Path) -> X25519PrivateKey:
    """Returns the key in a file. Raises BackupRefused."""
    try:
        with path.open("rb") as file:
            text = file.read(LONGEST).decode("ascii", "replace")
    except OSError as error:
        raise BackupRefused(f"{path} cannot be read: {error.strerror}.") from None
    return X25519PrivateKey.from_private_bytes(_raw(text, PRIVATE))


def _raw(text: str, form: str) -> bytes:
    text = text.strip()
    other = PRIVATE if form == PUBLIC else PUBLIC
    if text.startswith(other):
        raise BackupRefused(f"This is the {NAMES[other]} key; the {NAMES[form]} one is needed here.")
    try:
        if text.startswith(form):
            return unb64u(text.removeprefix(form), 32)
    except MalformedEncoding:
        pass
    raise BackupRefused(f"This is no {NAMES[form]} key: it must begin with {form} and have 43 letters more.")
