"""Short-lived state in Redis: challenges, budgets, sign-in attempts, network keys, spent puzzles, keys of tabs, counts.

Everything here lives for two days at most and may be lost. This is the only module that stores anything in Redis
(`petition.operation` asks the server about itself). Each counter is incremented and checked in one step on the server
(Lua), before anything is compared, so that no number of processes gains a sixth attempt or an extra mail. The module
never holds an address, a code or an IP address: codes, identities and networks arrive as keyed hashes of fixed size.
When Redis is unreachable, every call raises `RedisUnavailable` within a second, and the next call tries again.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Protocol, cast

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from petition.core.errors import ExpectedError
from petition.core.ids import CampaignId
from petition.core.redis_scripts import KEEP_CHALLENGE, KEEP_TAB_KEY, LOOK_AT_ONE, TAKE_ONE, TRY_CODE

CHALLENGE_SECONDS: Final = 900
TRIES: Final = 5
SHORT_GUESSES: Final = 50
MAILS_UNPROVEN: Final = 60
MAILS_PROVEN: Final = 600
MAIL_WINDOW: Final = 3600
SIGN_IN_TRIES: Final = 5
SIGN_IN_TRIES_OF_NETWORK: Final = 30
SIGN_IN_WINDOW: Final = 900
ASKS: Final = 60
TAB_KEY_SECONDS: Final = 1800
TAB_KEYS: Final = 600
NETWORK_KEY_SECONDS: Final = 3600
EVENT_SECONDS: Final = 48 * 3600
CODE_DAY_SECONDS: Final = 48 * 3600
CAMPAIGN_BYTES: Final = 16
NETWORK_KEY_KEPT: Final = 60.0
TIMEOUT: Final = 0.8

_CHALLENGE: Final = b"challenge:"
_MAILS: Final = b"mails:"
_GUESSES: Final = b"guesses:"
_ASKS: Final = b"asks:"
_SEEN: Final = b"seen:"
_SIGN_INS: Final = b"sign-ins:"
_SIGN_INS_OF_NETWORK: Final = b"network-sign-ins:"
_NETWORK_KEY: Final = b"network-key"
_TAB_KEY: Final = b"tab-key:"
_TABS: Final = b"tabs:"
_EVENTS: Final = b"events:"
_CODE_DAY: Final = b"code-day:"
_ASKED: Final = b" asked"
_USED: Final = b" used"


class RedisUnavailable(ExpectedError):
    """Redis could not be reached in time. Nothing is lost except codes in transit."""

    status = 503


@dataclass(frozen=True, slots=True)
class CodeMacs:
    """The keyed hashes of the codes that a challenge accepts: short and long, of today and, around midnight, earlier."""

    today: bytes
    earlier: bytes
    today_long: bytes
    earlier_long: bytes


@dataclass(frozen=True, slots=True)
class NewChallenge:
    """What is stored about one request for a code.

    All values but `domain` are keyed hashes: of the challenge, the identity, the network, and of the address and day
    for which wrong codes are counted, until `guesses_seconds` from now. `domain` is the organisation's domain, which its
    campaign lists in public; it identifies nobody.
    """

    id_hash: bytes
    macs: CodeMacs
    tag: bytes
    domain: bytes
    network: bytes
    guesses: bytes
    guesses_seconds: int


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a right code gives access to: the keyed tag of the person and the listed domain.

    `own` is true if the blinded value that came with the code is the first one.
    """

    tag: bytes
    domain: bytes
    own: bool


@dataclass(frozen=True, slots=True)
class WrongCode:
    """A code that opened nothing.

    `long_needed`: it was not compared, because only the long code of this address is accepted any more. `was_last`: it
    was the last short code of the day that was compared for its address.
    """

    long_needed: bool = False
    was_last: bool = False


@dataclass(frozen=True, slots=True)
class CodeCount:
    """How many codes were requested and used at one work domain of a campaign on one day."""

    campaign_id: CampaignId
    domain: str
    asked: int
    used: int


class _Script(Protocol):
    def __call__(self, *, keys: list[bytes], args: list[bytes | int]) -> Any: ...


class RedisStore:
    """Redis at `redis_url` (redis://, rediss:// or unix://), shared by all threads of a process."""

    def __init__(self, redis_url: str) -> None:
        self._redis = redis.Redis.from_url(
            redis_url,
            socket_timeout=TIMEOUT,
            socket_connect_timeout=TIMEOUT,
            retry=Retry(NoBackoff(), 1, (redis.ConnectionError,)),
        )
        self._try_code = self._script(TRY_CODE)
        self._keep_challenge = self._script(KEEP_CHALLENGE)
        self._take = self._script(TAKE_ONE)
        self._look = self._script(LOOK_AT_ONE)
        self._keep_tab_key = self._script(KEEP_TAB_KEY)
        self._network_key, self._network_key_until = b"", 0.0

    def ping(self) -> None:
        """Raises RedisUnavailable unless Redis answers."""
        with _RedisErrors():
            self._redis.ping()

    def keep_challenge(
        self, new: NewChallenge, *, proven: bool, seconds: int = CHALLENGE_SECONDS, window: int = MAIL_WINDOW
    ) -> int | None:
        """Store a challenge and count its mail against the network's budget. Returns None, or the seconds to wait.

        A network may have 60 mails an hour, or 600 if the requests came with a proof of work. Only the clock gives a mail
        back: if a code did, others on the network would see when somebody typed it.
        """
        limit = MAILS_PROVEN if proven else MAILS_UNPROVEN
        codes = (new.macs.today, new.macs.earlier, new.macs.today_long, new.macs.earlier_long)
        held = (*codes, new.tag, new.domain, new.guesses, new.guesses_seconds)
        keys = [_MAILS + new.network, _CHALLENGE + new.id_hash]
        with _RedisErrors():
            wait = int(self._keep_challenge(keys=keys, args=[limit, window, seconds, *held]))
        return wait or None

    def try_code(self, id_hash: bytes, code_mac: bytes, blinded: bytes, *, is_long: bool) -> Challenge | WrongCode:
        """Count an attempt, then compare the code. Five wrong attempts use a challenge up.

        The result is the same for a challenge that is unknown, expired or used up and for a wrong code. Fifty wrong
        short codes use up those of their address for the day, and the long code is needed. A right code ties the
        challenge to the first `blinded` (the digest of a blinded value) that was sent with it.
        """
        counted = (TRIES, _GUESSES, int(is_long), SHORT_GUESSES)
        with _RedisErrors():
            held = self._try_code(keys=[_CHALLENGE + id_hash], args=[code_mac, blinded, *counted])
        if isinstance(held, int):
            return WrongCode(long_needed=held < 0, was_last=held > 0)
        return Challenge(held[0], held[1], own=bool(held[2]))

    def take_ask(self, network: bytes, *, window: int = MAIL_WINDOW) -> int | None:
        """Count one of the 60 mails an hour that a network may request to personal addresses.

        Returns None, or seconds to wait.
        """
        with _RedisErrors():
            wait = int(self._take(keys=[_ASKS + network], args=[ASKS, window]))
        return wait or None

    def remember(self, key: bytes, seconds: int) -> bool:
        """Store `key` for a while. Returns whether it was new, so a second call returns false."""
        with _RedisErrors():
            return bool(self._redis.set(_SEEN + key, b"1", nx=True, ex=seconds))

    def forget(self, key: bytes) -> bool:
        """Delete `key`. Returns whether it was stored; of several concurrent callers, one gets true."""
        with _RedisErrors():
            return bool(self._redis.delete(_SEEN + key))

    def take_sign_in(self, name: bytes, *, window: int = SIGN_IN_WINDOW) -> int | None:
        """Count one of the five sign-in attempts in 15 minutes of a name, known or not.

        Returns None, or seconds to wait.
        """
        with _RedisErrors():
            wait = int(self._take(keys=[_SIGN_INS + name], args=[SIGN_IN_TRIES, window]))
        return wait or None

    def sign_in_wait_of_network(self, network: bytes) -> int | None:
        """Returns the seconds to wait for a network that has used up its sign-in attempts, without counting one."""
        with _RedisErrors():
            wait = int(self._look(keys=[_SIGN_INS_OF_NETWORK + network], args=[SIGN_IN_TRIES_OF_NETWORK]))
        return wait or None

    def take_sign_in_of_network(self, network: bytes, *, window: int = SIGN_IN_WINDOW) -> int | None:
        """Count one of the thirty sign-in attempts in 15 minutes of a network, over all names.

        Returns None, or seconds to wait.
        """
        with _RedisErrors():
            wait = int(self._take(keys=[_SIGN_INS_OF_NETWORK + network], args=[SIGN_IN_TRIES_OF_NETWORK, window]))
        return wait or None

    def forget_sign_ins(self, name: bytes) -> None:
        """Give the name all its attempts back after a right code."""
        with _RedisErrors():
            self._redis.delete(_SIGN_INS + name)

    def keep_tab_key(
        self, id_hash: bytes, key: bytes, network: bytes, *, seconds: int = TAB_KEY_SECONDS, window: int = MAIL_WINDOW
    ) -> int | None:
        """Store the key that encrypts what one tab keeps, for half an hour. Returns None, or the seconds to wait.

        A network can store 600 keys an hour. A key is stored without its network and without anything else: the data
        that it decrypts is in that tab alone.
        """
        keys = [_TABS + network, _TAB_KEY + id_hash]
        with _RedisErrors():
            wait = int(self._keep_tab_key(keys=keys, args=[TAB_KEYS, window, key, seconds]))
        return wait or None

    def tab_key(self, id_hash: bytes) -> bytes | None:
        """Returns the key with this id, or None if it was deleted or is older than half an hour."""
        with _RedisErrors():
            return cast("bytes | None", self._redis.get(_TAB_KEY + id_hash))

    def forget_tab_key(self, id_hash: bytes) -> None:
        """Delete the key of a tab that is done, so that what it left on a disk cannot be decrypted any more."""
        with _RedisErrors():
            self._redis.delete(_TAB_KEY + id_hash)

    def count_event(self, kind: str, day: date) -> int:
        """Count a security event of a day (UTC). Returns how many of its kind there were, with this one."""
        key = _EVENTS + f"{kind}:{day}".encode()
        with _RedisErrors(), self._redis.pipeline() as several:
            several.incr(key)
            several.expire(key, EVENT_SECONDS, nx=True)
            return int(several.execute()[0])

    def events_of(self, kind: str, day: date) -> int:
        """Returns how many security events of a kind there were on a day."""
        with _RedisErrors():
            return int(cast("bytes | None", self._redis.get(_EVENTS + f"{kind}:{day}".encode())) or 0)

    def count_asked(self, day: date, campaign_id: CampaignId, domain: str, n: int) -> None:
        """Add to the codes that were requested on a day (UTC). `n` may be 0, so that all requests do the same work."""
        self._count_code(day, campaign_id + domain.encode() + _ASKED, n)

    def count_used(self, day: date, campaign_id: CampaignId, domain: str) -> None:
        """Add one to the codes that were used on a day (UTC)."""
        self._count_code(day, campaign_id + domain.encode() + _USED, 1)

    def _count_code(self, day: date, field: bytes, n: int) -> None:
        key = _CODE_DAY + str(day).encode()
        with _RedisErrors(), self._redis.pipeline(transaction=False) as both:
            both.hincrby(key, field, n)
            both.expire(key, CODE_DAY_SECONDS, nx=True)
            both.execute()

    def codes_of(self, day: date) -> list[CodeCount]:
        """Returns the codes of a day, for each domain for which one was requested."""
        with _RedisErrors():
            held = cast("dict[bytes, bytes]", self._redis.hgetall(_CODE_DAY + str(day).encode()))
        places = [field.removesuffix(_ASKED) for field in held if field.endswith(_ASKED)]
        return [
            CodeCount(
                CampaignId(place[:CAMPAIGN_BYTES]),
                place[CAMPAIGN_BYTES:].decode(),
                int(held[place + _ASKED]),
                int(held.get(place + _USED, 0)),
            )
            for place in places
        ]

    def forget_codes(self, day: date) -> None:
        """Delete the codes of a day."""
        with _RedisErrors():
            self._redis.delete(_CODE_DAY + str(day).encode())

    def network_key(self) -> bytes:
        """Returns the 32 random bytes that hash networks this hour. All processes share them, and no disk holds them.

        A process asks Redis once a minute. After a restart of Redis, processes may therefore differ for a minute, and a
        network then has one budget with each of them.
        """
        if time.monotonic() >= self._network_key_until:
            self._network_key = self._shared_network_key()
            self._network_key_until = time.monotonic() + NETWORK_KEY_KEPT
        return self._network_key

    def _shared_network_key(self) -> bytes:
        fresh = secrets.token_bytes(32)
        with _RedisErrors():
            held = self._redis.set(_NETWORK_KEY, fresh, nx=True, ex=NETWORK_KEY_SECONDS, get=True)
        return cast("bytes | None", held) or fresh

    def _script(self, text: str) -> _Script:
        return cast("_Script", self._redis.register_script(text))


class _RedisErrors:
    """Converts every failure of Redis into RedisUnavailable, without its message, which may hold a key."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, redis.RedisError | OSError):
            raise RedisUnavailable("Codes cannot be kept or checked just now.") from None
