"""Recovery codes: ten codes for the day when every passkey is lost. Each signs in once, together with the name.

Guessing is limited: a code has 75 random bits, and a name has five attempts in a quarter of an hour. Attempts are
counted per name, under a keyed hash, before anything is compared; there is no limit over all names together. The answer
does not reveal who organises: an unknown name costs the same queries and the same argon2 computation as a known one.
Other pages stay responsive: each process compares one code at a time, whatever the names, and pauses for a multiple of
the processor time that it took, so that comparing codes never takes more than a fifth of a processor. A request that would have to
queue gets an error that asks to try again and costs no attempt. So that one network cannot use up this budget, a
network has thirty attempts in a quarter of an hour. Passkeys have no such limits. A code is stored only as a hash.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from threading import BoundedSemaphore
from time import monotonic, sleep, thread_time
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from petition.core.errors import ExpectedError
from petition.core.ids import OrganiserId
from petition.core.redis_store import RedisStore
from petition.organisers import audit_log
from petition.organisers.actor import Actor
from petition.organisers.audit_log import Action
from petition.organisers.tables import Organiser, RecoveryCode

CODES: Final = 10
LETTERS: Final = "0123456789abcdefghjkmnpqrstvwxyz"  # without i, l, o and u, which are misread (Crockford's base 32)
LONGEST_TYPED: Final = 60
LOCK_TIMEOUT: Final = 1.0
"""The number of seconds for which the next request waits while another code is compared."""
PAUSE: Final = 4.0
"""How many times as long as the processor time of a comparison the pause after it is."""
LONGEST_PAUSE: Final = 0.5
MISREAD: Final = str.maketrans("ilo", "110")
RANDOM_LETTERS: Final = 15
GROUP: Final = 4
SIGN_IN: Final = b"undersigned/sign-in/v1\0"
CONFIRM: Final = b"undersigned/confirm/v1\0"
# These are the lowest settings that OWASP's cheat sheet on password storage recommends. The codes are random, and the
# memory is the server's.
HASHER: Final = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
NOBODYS: Final = "$argon2id$v=19$m=19456,t=2,p=1$luPUyYPjXi6tHDSdvnRXOA$Mk9LX5iruVkOgkT5FL28eREHG1B29AuHrak+OGANx4k"
"""The hash of a code that nobody knows. It is compared when there is no code."""


class CodeUnknown(ExpectedError):
    """The name and the code do not match. Unknown, disabled, wrong and used get the same error."""

    status = 403


class TriedTooOften(ExpectedError):
    """The name was tried five times within a quarter of an hour. `retry_after` is in seconds."""

    status = 429

    def __init__(self, retry_after: int) -> None:
        super().__init__(retry_after)
        self.retry_after = retry_after


class NetworkTriedTooOften(TriedTooOften):
    """One network tried thirty names and codes within a quarter of an hour. `retry_after` is in seconds."""


class RecoveryBusy(ExpectedError):
    """Too many codes are being compared at once. This one was not compared, and no attempt was counted."""

    status = 503


class _CodeLock:
    """A lock that one thread holds and one other waits for briefly. Further threads are rejected at once.

    At most two threads of the web server are therefore busy here. After each turn there is a pause in proportion to its work.
    """

    def __init__(self) -> None:
        self._one, self._two = BoundedSemaphore(1), BoundedSemaphore(2)
        self._paused_until = 0.0

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Hold the lock. Raises RecoveryBusy."""
        if not self._two.acquire(blocking=False):
            raise RecoveryBusy
        try:
            if not self._one.acquire(timeout=LOCK_TIMEOUT):
                raise RecoveryBusy
            try:
                sleep(max(0.0, self._paused_until - monotonic()))
                began = thread_time()
                try:
                    yield
                finally:
                    self._paused_until = monotonic() + min(PAUSE * (thread_time() - began), LONGEST_PAUSE)
            finally:
                self._one.release()
        finally:
            self._two.release()


# Sign-in attempts and confirmations have separate locks, so that strangers do not delay signed-in organisers.
LOCKS: Final = {SIGN_IN: _CodeLock(), CONFIRM: _CodeLock()}


def renew(session: Session, organiser_id: OrganiserId, now: datetime) -> list[str]:
    """Create ten new codes, to be shown once. Older ones stop working. The first letter of each is its number."""
    session.get_one(Organiser, organiser_id, with_for_update=True)
    session.execute(delete(RecoveryCode).where(RecoveryCode.organiser_id == organiser_id))
    made = [f"{number}{_random_letters()}" for number in range(CODES)]
    session.add_all(
        RecoveryCode(organiser_id=organiser_id, number=number, hash=HASHER.hash(code))
        for number, code in enumerate(made)
    )
    session.flush()
    audit_log.write(session, None, Actor(organiser_id, now), Action.CODES_RENEWED)
    return ["-".join(code[at : at + GROUP] for at in range(0, len(code), GROUP)) for code in made]


def left(session: Session, organiser_id: OrganiserId) -> int:
    """Returns the number of codes that an organiser has not used."""
    query = select(func.count()).select_from(RecoveryCode).where(RecoveryCode.organiser_id == organiser_id)
    return session.scalar(query) or 0


def use(
    session: Session, redis_store: RedisStore, key: bytes, name: str, code: str, now: datetime, *, of: bytes = SIGN_IN,
    network: bytes | None = None,
) -> OrganiserId:  # fmt: skip
    """Returns the organiser with this name and code, and uses the code up.

    Raises CodeUnknown, TriedTooOften, NetworkTriedTooOften, RecoveryBusy, RedisUnavailable. `key` is the key for hashing
    names. Attempts to sign in (`of`) are counted separately from those of a signed-in organiser, so that strangers cannot
    lock an organiser out of a current task; `network` is the keyed hash of the network that they come from.
    """
    if len(code) > LONGEST_TYPED:  # the whole text is hashed, and no code is this long
        raise CodeUnknown
    if network is not None and (wait := redis_store.sign_in_wait_of_network(network)):
        raise NetworkTriedTooOften(wait)
    tried = hmac.digest(key, of + name.casefold().encode(), "sha256")
    with LOCKS[of].taken():
        _count(redis_store, tried, network)
        return _compared(session, redis_store, tried, name, code, now)


def _count(redis_store: RedisStore, tried: bytes, network: bytes | None) -> None:
    """Count an attempt of the network and of the name. Raises NetworkTriedTooOften, TriedTooOften."""
    if network is not None and (wait := redis_store.take_sign_in_of_network(network)):
        raise NetworkTriedTooOften(wait)
    if wait := redis_store.take_sign_in(tried):
        raise TriedTooOften(wait)


def _compared(
    session: Session, redis_store: RedisStore, tried: bytes, name: str, code: str, now: datetime
) -> OrganiserId:
    held = _held(session, name, plain(code))
    used = _is(held.hash if held else NOBODYS, plain(code)) and held is not None and _use_up(session, held)
    if held is None or not used:
        raise CodeUnknown
    redis_store.forget_sign_ins(tried)
    audit_log.write(
        session, None, Actor(held.organiser_id, now), Action.CODE_USED, {"left": left(session, held.organiser_id)}
    )
    return held.organiser_id


def plain(code: str) -> str:
    """Returns a code in its canonical form, from what a person typed."""
    return "".join(letter for letter in code.casefold() if letter.isalnum()).translate(MISREAD)


def _held(session: Session, name: str, code: str) -> RecoveryCode | None:
    number = LETTERS.find(code[:1] or "?")
    query = select(RecoveryCode).join(Organiser, Organiser.id == RecoveryCode.organiser_id)
    known = query.where(Organiser.known_as == name.casefold(), Organiser.disabled.is_(False))
    return session.scalar(known.where(RecoveryCode.number == number))


def _is(hashed: str, code: str) -> bool:
    try:
        return HASHER.verify(hashed, code)
    except VerificationError:
        return False


def _use_up(session: Session, held: RecoveryCode) -> bool:
    """Delete the code. Returns whether it was still there; if two requests use it at once, only one succeeds."""
    this = (RecoveryCode.organiser_id == held.organiser_id, RecoveryCode.number == held.number)
    using = delete(RecoveryCode).where(*this, RecoveryCode.hash == held.hash).returning(RecoveryCode.number)
    return session.scalar(using) is not None


def _random_letters() -> str:
    return "".join(secrets.choice(LETTERS) for _ in range(RANDOM_LETTERS))
