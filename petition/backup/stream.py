"""The backup file: a signed head and a stream of encrypted chunks that only one key decrypts and nobody alters unnoticed.

Each chunk is encrypted (ChaCha20-Poly1305) together with its number, whether it is the last, and the head of the file,
so that a flipped bit, a cut, another order and a chunk of another file are all noticed before a byte of that chunk is
used. Each file has a new key, which is encrypted with HPKE (RFC 9180) for the public key; this side never holds the
private one. The installation that makes the file signs the encrypted file key (Ed25519). Only somebody who knows the
file key can make a chunk: its maker, and whoever holds the private key. So the signature covers every chunk (decision
0053). Reading more or less than was written is rejected. Only one chunk is in memory at a time.

Layout: MAGIC, the encrypted file key (80 bytes), the signature (64 bytes), then chunks of 64 KiB and their tag of 16
bytes; only the last is shorter. A chunk's nonce is its number (11 bytes, from 0) and a byte that is 1 in the last.
What is encrypted is the data, a byte 0x80 and zeros up to a length that many sizes share (`padded`), so that somebody
without the key who compares two files does not learn how many people signed meanwhile (decision 0081). Files of the
second version are not padded; those of the first have no signature either.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from typing import BinaryIO, Final

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from petition.backup.errors import BackupBroken, BackupUnsigned

SUITE: Final = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)
MAGIC: Final = b"undersigned backup 3\n"
UNPADDED_MAGIC: Final = b"undersigned backup 2\n"
UNSIGNED_MAGIC: Final = b"undersigned backup 1\n"
INFO: Final = {
    MAGIC: b"petition/backup/v3\0",
    UNPADDED_MAGIC: b"petition/backup/v2\0",
    UNSIGNED_MAGIC: b"petition/backup/v1\0",
}
SIGNED: Final = b"petition/backup/signature/v1\0"
SEALED_KEY_BYTES: Final = 80
SIGNATURE_BYTES: Final = 64
CHUNK: Final = 64 * 1024
TAG: Final = 16
LEAST_STEP: Final = 1024 * 1024
END: Final = b"\x80"
"""The byte after the data, before the zeros (ISO/IEC 7816-4)."""


def padded(size: int) -> int:
    """Returns the length in bytes to which data of `size` bytes is padded: whole MiB, in larger steps from 64 MiB on.

    From 9 MiB on it is at most 12 % more.

    Source: Nikitin et al., Reducing Metadata Leakage from Encrypted Files and Communication with PURBs (2019), Padmé.
    """
    magnitude = size.bit_length() - 1
    step = max(LEAST_STEP, 1 << max(0, magnitude - magnitude.bit_length()))
    return -(-size // step) * step


class Sealing:
    """Encrypts what is written to a file, for `public`, and signs its head as `maker`.

    `finish` must follow, or the file cannot be decrypted.
    """

    def __init__(self, file: BinaryIO, public: X25519PublicKey, maker: Ed25519PrivateKey) -> None:
        key = secrets.token_bytes(32)
        sealed = SUITE.encrypt(key, public, INFO[MAGIC])
        head = MAGIC + sealed + maker.sign(SIGNED + MAGIC + sealed)
        self._file, self._box, self._number, self._held = file, ChaCha20Poly1305(key), 0, bytearray()
        self._head, self._size = hashlib.sha256(head).digest(), 0
        file.write(head)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Write bytes. A chunk is written once there is more data, so that the last one can be marked as the last."""
        self._held += data
        self._size += len(data)
        while len(self._held) > CHUNK:
            self._seal(bytes(self._held[:CHUNK]), last=False)
            del self._held[:CHUNK]

    def finish(self) -> None:
        """Pad, and write the last chunk, marked as such."""
        self.write(END)
        missing = padded(self._size) - self._size
        for at in range(0, missing, CHUNK):
            self.write(bytes(min(CHUNK, missing - at)))
        self._seal(bytes(self._held), last=True)

    def _seal(self, chunk: bytes, *, last: bool) -> None:
        self._file.write(self._box.encrypt(_nonce(self._number, last=last), chunk, self._head))
        self._number += 1


class Opening:
    """Decrypts a file that one of `makers` signed; with `unsigned`, a file of the first version as well.

    It returns bytes only after their chunk was verified. Raises BackupBroken, BackupUnsigned.
    """

    def __init__(
        self, file: BinaryIO, private: X25519PrivateKey, makers: Sequence[Ed25519PublicKey], *, unsigned: bool = False
    ) -> None:
        magic, sealed = file.read(len(MAGIC)), file.read(SEALED_KEY_BYTES)
        if magic not in INFO:
            raise BackupBroken("This file is not a backup.")
        signature = b"" if magic == UNSIGNED_MAGIC else file.read(SIGNATURE_BYTES)
        if magic == UNSIGNED_MAGIC and not unsigned:
            raise BackupUnsigned
        if magic != UNSIGNED_MAGIC and not any(_has_signed(maker, magic + sealed, signature) for maker in makers):
            raise BackupBroken(
                "This installation did not make this backup, or the file was altered. If you trust another installation "
                "that made it, give what `backup maker` prints there with --from."
            )
        try:
            key = SUITE.decrypt(sealed, private, INFO[magic])
        except (InvalidTag, ValueError):
            raise BackupBroken("This key does not open this backup, or the file was altered.") from None
        self._file, self._box, self._number, self._held = file, ChaCha20Poly1305(key), 0, bytearray()
        self._head, self._size, self._is_padded = hashlib.sha256(magic + sealed + signature).digest(), 0, magic == MAGIC
        self._next: bytes | None = file.read(CHUNK + TAG)

    def read(self, size: int) -> bytes:
        """Returns exactly `size` bytes."""
        while len(self._held) < size:
            self._held += self._chunk()
        found = bytes(self._held[:size])
        del self._held[:size]
        self._size += size
        return found

    def read_through(self) -> None:
        """Verify every chunk up to the last and keep none."""
        while self._next is not None:
            self._chunk()

    def finish(self) -> None:
        """Raises BackupBroken if anything is left but the padding."""
        if self._is_padded:
            self._read_padding()
        if self._held or self._next is not None:
            raise BackupBroken("This backup was altered: there is more in it than it says.")

    def _read_padding(self) -> None:
        missing = padded(self._size + len(END)) - self._size - len(END)
        fits = self.read(len(END)) == END
        for at in range(0, missing, CHUNK):
            fits &= not any(self.read(min(CHUNK, missing - at)))
        if not fits:
            raise BackupBroken("This backup was altered: there is more in it than it says.")

    def _chunk(self) -> bytes:
        if self._next is None:
            raise BackupBroken("This backup was altered: there is less in it than it says.")
        sealed, following = self._next, self._file.read(CHUNK + TAG)
        self._next = following or None
        try:
            chunk = self._box.decrypt(_nonce(self._number, last=not following), sealed, self._head)
        except (InvalidTag, ValueError):
            raise BackupBroken("This backup was altered or cut off.") from None
        self._number += 1
        return chunk


def _has_signed(maker: Ed25519PublicKey, head: bytes, signature: bytes) -> bool:
    try:
        maker.verify(signature, SIGNED + head)
    except InvalidSignature:
        return False
    return True


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([last])
