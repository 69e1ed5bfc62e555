"""The keys of backups: who can open one, and who made it.

The public key encrypts on the server, the private key is kept elsewhere and decrypts. So a stolen server cannot decrypt its
own backups: no private key is stored here. It is written once, into a file for its owner only. An existing file is never
overwritten.

The key that signs is derived from the master key, so there is one secret less to keep, and who restores has it anyway. Its
public half shows who made a backup, also to somebody without the master key.
"""

from __future__ import annotations

import os
from base64 import urlsafe_b64decode
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from petition.backup.errors import BackupRefused
from petition.core.encoding import MalformedEncoding, b64u, unb64u

PUBLIC: Final = "undersigned-backup-public-"
PRIVATE: Final = "undersigned-backup-private-"
MAKER: Final = "undersigned-backup-maker-"
NAMES: Final = {PUBLIC: "public", PRIVATE: "private", MAKER: "maker's"}
DERIVED: Final = b"petition/backup/maker/v1"
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


def maker(master_key: str) -> Ed25519PrivateKey:
    """Returns the key that signs the backups of an installation with this master key."""
    deriving = HKDF(hashes.SHA256(), 32, salt=None, info=DERIVED)
    return Ed25519PrivateKey.from_private_bytes(deriving.derive(urlsafe_b64decode(master_key)))


def makers(master_keys: Sequence[str]) -> list[Ed25519PublicKey]:
    """Returns the public keys of the backups that an installation made with any of its master keys."""
    return [maker(each).public_key() for each in master_keys]


def write_maker(public: Ed25519PublicKey) -> str:
    """Returns a maker's public key as a word for operators."""
    return MAKER + b64u(public.public_bytes_raw())


def read_maker(text: str) -> Ed25519PublicKey:
    """Returns the public key that a maker's word holds. Raises BackupRefused."""
    return Ed25519PublicKey.from_public_bytes(_raw(text, MAKER))


def _raw(text: str, form: str) -> bytes:
    text = text.strip()
    for other in NAMES.keys() - {form}:
        if text.startswith(other):
            raise BackupRefused(f"This is the {NAMES[other]} key; the {NAMES[form]} one is needed here.")
    try:
        if text.startswith(form):
            return unb64u(text.removeprefix(form), 32)
    except MalformedEncoding:
        pass
    raise BackupRefused(f"This is no {NAMES[form]} key: it must begin with {form} and have 43 letters more.")
