"""RSA blind signatures: RSABSSA-SHA384-PSS-Randomized of RFC 9474, with keys of 2048 bits or more.

This module separates the side that verifies people from the side that counts signatures: the stamp is made over a value
that reveals nothing about the pass it becomes part of. The functions are pure and have no state; they are safe in
threads and after a fork. The module rejects blinded values outside [1, n) and keys that are short or unusual. It never
returns a stamp that it could not verify.

The caller of the stamp chooses its input, so side channels matter. Every private operation runs on the input times r^e,
for an r drawn for that one operation, so that its duration reveals nothing about a chosen value. (Keeping and squaring
a blinding pair would save 28 of 800 µs but need a lock and a fork guard.) Both exponentiations are GMP's mpz_powm_sec,
constant-time in exponent and base. The reductions and the recombination around them are not constant-time, but they
only see randomised values. At the end s^e = m is checked over everything, because one faulty half of the CRT would
reveal the key (Boneh, DeMillo, Lipton 1997). Python cannot wipe memory: a private key stays in it until it is freed.
The client's half handles values that are used once and needs no such measures.

A public key is transported as SubjectPublicKeyInfo with the plain rsaEncryption identifier, because WebCrypto imports
no other. RFC 9474 requires id-RSASSA-PSS only inside X.509 certificates, and there are none here. A key serves this
purpose alone.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import gmpy2  # type: ignore[import-untyped]
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
    load_der_public_key,
)
from gmpy2 import mpz

from petition.core.errors import ExpectedError

LEAST_BITS = 2048
EXPONENT = 65537
PREFIX_LENGTH = 32
SALT_LENGTH = 48
HASH_LENGTH = 48

_PSS = padding.PSS(mgf=padding.MGF1(hashes.SHA384()), salt_length=SALT_LENGTH)
_SHA384 = hashes.SHA384()

Randomness = Callable[[int], bytes]
"""A function that returns the given number of random bytes. Only the RFC's test vectors replace the system's."""


class KeyRefused(ValueError):
    """The key is not an RSA key of at least 2048 bits with exponent 65537 in its only valid encoding."""


class BlindedRefused(ExpectedError, ValueError):
    """The value is not a blinded value for this key: it has a wrong length, is zero or is not below the modulus."""

    status = 422


class BlindingImpossible(ValueError):
    """The message or the random factor shares a divisor with the modulus."""


class StampInvalid(ValueError):
    """The stamp was not made with this key over the value that was blinded."""


class StampingFailed(RuntimeError):
    """The private operation failed. Its result is withheld, because it could reveal the key."""


@dataclass(frozen=True)
class PublicKey:
    """An RSA public key: modulus and exponent."""

    n: int
    e: int

    @property
    def bits(self) -> int:
        """Returns the length of the modulus in bits."""
        return self.n.bit_length()

    @property
    def length(self) -> int:
        """Returns the length in bytes of the modulus, a blinded value, a stamp and a signature."""
        return (self.bits + 7) // 8


@dataclass(frozen=True)
class PrivateKey:
    """An RSA private key in the parts of the Chinese remainder theorem (RFC 8017 §3.2). Its repr shows none of them."""

    n: mpz = field(repr=False)
    e: mpz = field(repr=False)
    p: mpz = field(repr=False)
    q: mpz = field(repr=False)
    dp: mpz = field(repr=False)
    dq: mpz = field(repr=False)
    qinv: mpz = field(repr=False)

    @cached_property
    def public(self) -> PublicKey:
        """Returns the public key."""
        return PublicKey(int(self.n), int(self.e))

    @classmethod
    def from_pkcs8(cls, der: bytes) -> PrivateKey:
        """Parse what `to_pkcs8` wrote. Raises KeyRefused for anything else.

        The primality test is skipped (50 ms against 15 µs): the encryption of a stored key proves that it is ours, and
        a wrong key makes no stamp that passes the check in `blind_sign`.
        """
        try:
            key = load_der_private_key(der, password=None, unsafe_skip_rsa_key_validation=True)
        except (ValueError, TypeError) as error:
            raise KeyRefused("This is not a private key in PKCS#8.") from error
        if not isinstance(key, rsa.RSAPrivateKey):
            raise KeyRefused("This private key is not an RSA key.")
        return _private_key(key)

    def to_pkcs8(self) -> bytes:
        """Returns unencrypted DER, which the caller encrypts. Our own keys need no further primality test (50 ms)."""
        public = rsa.RSAPublicNumbers(int(self.e), int(self.n))
        p, q, dp, dq, qinv = (int(part) for part in (self.p, self.q, self.dp, self.dq, self.qinv))
        numbers = rsa.RSAPrivateNumbers(p, q, rsa.rsa_recover_private_exponent(public.e, p, q), dp, dq, qinv, public)
        key = numbers.private_key(unsafe_skip_rsa_key_validation=True)
        return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def generate_key(bits: int = LEAST_BITS) -> PrivateKey:
    """Generate a new key. This takes about a tenth of a second."""
    return _private_key(rsa.generate_private_key(EXPONENT, bits))


def spki(public: PublicKey) -> bytes:
    """Returns the key as SubjectPublicKeyInfo in DER with rsaEncryption: 294 bytes for 2048 bits."""
    return _verifier(public).public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


@lru_cache(maxsize=256)
def load_spki(der: bytes) -> PublicKey:
    """Parse a key that `spki` wrote. Raises KeyRefused for another algorithm, size, exponent or encoding."""
    try:
        key = load_der_public_key(der)
    except ValueError as error:
        raise KeyRefused("This is not a public key in SubjectPublicKeyInfo.") from error
    if not isinstance(key, rsa.RSAPublicKey):
        raise KeyRefused("This public key is not an RSA key.")
    public = _accepted(key.public_numbers())
    if spki(public) != der:
        raise KeyRefused("This public key is not in its one legal encoding.")
    return public


def prepare(message: bytes, random: Randomness = secrets.token_bytes) -> bytes:
    """PrepareRandomize (RFC 9474 §4.1): returns 32 random bytes followed by the message."""
    return random(PREFIX_LENGTH) + message


def blind(public: PublicKey, prepared: bytes, random: Randomness = secrets.token_bytes) -> tuple[bytes, int]:
    """Blind (RFC 9474 §4.2): returns the value to send to the issuer, and the inverse to keep."""
    encoded = encode_pss(prepared, random(SALT_LENGTH), public.bits - 1)
    return blind_encoded(public, encoded, _nonzero_below(public.n, random))


def blind_encoded(public: PublicKey, encoded: bytes, factor: int) -> tuple[bytes, int]:
    """The arithmetic of `blind`: returns encoded · factor^e, and factor^-1."""
    m = mpz.from_bytes(encoded, byteorder="big")
    if gmpy2.gcd(m * factor, public.n) != 1:
        raise BlindingImpossible("The message or the random factor shares a divisor with the modulus.")
    blinded = m * gmpy2.powmod(factor, public.e, public.n) % public.n
    return _octets(blinded, public.length), int(gmpy2.invert(factor, public.n))


def blind_sign(private: PrivateKey, blinded: bytes) -> bytes:
    """BlindSign (RFC 9474 §4.3): returns the stamp. Raises BlindedRefused outside [1, n), StampingFailed on a fault."""
    n = private.n
    m = _representative(private.public, blinded)
    factor = mpz(1 + secrets.randbelow(private.public.n - 1))
    with gmpy2.context(allow_release_gil=True):
        masked = m * gmpy2.powmod(factor, private.e, n) % n
        stamp = rsasp1(private, masked) * gmpy2.invert(factor, n) % n
        if gmpy2.powmod(stamp, private.e, n) != m:
            raise StampingFailed("The private operation failed its check; no stamp was made.")
    return _octets(stamp, private.public.length)


def require_blinded(public: PublicKey, blinded: bytes) -> None:
    """Raise BlindedRefused unless the value can be stamped: it has the key's length and lies in [1, n)."""
    _representative(public, blinded)


def rsasp1(private: PrivateKey, m: int) -> mpz:
    """The bare private operation (RFC 8017 §5.2.1, second form). Never call it with a value that others chose."""
    sp = gmpy2.powmod_sec(m % private.p, private.dp, private.p)
    sq = gmpy2.powmod_sec(m % private.q, private.dq, private.q)
    return sq + (sp - sq) * private.qinv % private.p * private.q


def finalize(public: PublicKey, prepared: bytes, stamp: bytes, inverse: int) -> bytes:
    """Finalize (RFC 9474 §4.4): returns the signature over `prepared`. Raises StampInvalid unless it verifies."""
    signature = unblind(public, stamp, inverse)
    if not verify(public, prepared, signature):
        raise StampInvalid("This stamp was not made by this key over the value that was blinded.")
    return signature


def unblind(public: PublicKey, stamp: bytes, inverse: int) -> bytes:
    """The arithmetic of `finalize`, without its check. Raises StampInvalid for a stamp of the wrong length."""
    if len(stamp) != public.length:
        raise StampInvalid(f"A stamp of this key has {public.length} bytes, not {len(stamp)}.")
    return _octets(mpz.from_bytes(stamp, byteorder="big") * inverse % public.n, public.length)


def verify(public: PublicKey, prepared: bytes, signature: bytes) -> bool:
    """RSASSA-PSS-VERIFY (RFC 8017 §8.1.2) with SHA-384, MGF1-SHA-384 and a salt of 48 bytes."""
    try:
        _verifier(public).verify(signature, prepared, _PSS, _SHA384)
    except InvalidSignature:
        return False
    return True


def encode_pss(message: bytes, salt: bytes, bits: int) -> bytes:
    """EMSA-PSS-ENCODE (RFC 8017 §9.1.1) with SHA-384 into `bits` bits, rounded up to bytes."""
    length = (bits + 7) // 8
    if length < HASH_LENGTH + len(salt) + 2:
        raise KeyRefused("This key is too short for SHA-384 and that salt.")
    digest = hashlib.sha384(bytes(8) + hashlib.sha384(message).digest() + salt).digest()
    block = (b"\x01" + salt).rjust(length - HASH_LENGTH - 1, b"\x00")
    mask = _mgf1(digest, len(block))
    masked = (int.from_bytes(block) ^ int.from_bytes(mask)) % (1 << bits - 8 * (HASH_LENGTH + 1))
    return masked.to_bytes(len(block)) + digest + b"\xbc"


def _mgf1(seed: bytes, length: int) -> bytes:
    """MGF1 (RFC 8017 appendix B.2.1) with SHA-384."""
    rounds = range(-(-length // HASH_LENGTH))
    return b"".join(hashlib.sha384(seed + i.to_bytes(4)).digest() for i in rounds)[:length]


def _nonzero_below(n: int, random: Randomness) -> int:
    """Returns a uniform random number in [1, n), by rejection sampling."""
    spare = -n.bit_length() % 8
    while True:
        candidate = int.from_bytes(random((n.bit_length() + 7) // 8)) >> spare
        if 0 < candidate < n:
            return candidate


def _representative(public: PublicKey, blinded: bytes) -> mpz:
    if len(blinded) != public.length:
        raise BlindedRefused(f"A blinded value of this key has {public.length} bytes, not {len(blinded)}.")
    m = mpz.from_bytes(blinded, byteorder="big")
    if not 0 < m < public.n:
        raise BlindedRefused("A blinded value lies between zero and the modulus.")
    return m


def _octets(value: mpz, length: int) -> bytes:
    return int(value).to_bytes(length)


def _private_key(key: rsa.RSAPrivateKey) -> PrivateKey:
    numbers = key.private_numbers()
    public = _accepted(numbers.public_numbers)
    parts = (public.n, public.e, numbers.p, numbers.q, numbers.dmp1, numbers.dmq1, numbers.iqmp)
    return PrivateKey(*(mpz(part) for part in parts))


def _accepted(numbers: rsa.RSAPublicNumbers) -> PublicKey:
    if numbers.n.bit_length() < LEAST_BITS or numbers.e != EXPONENT:
        raise KeyRefused("A key has at least 2048 bits and the exponent 65537.")
    return PublicKey(numbers.n, numbers.e)


@lru_cache(maxsize=256)
def _verifier(public: PublicKey) -> rsa.RSAPublicKey:
    return rsa.RSAPublicNumbers(public.e, public.n).public_key()
