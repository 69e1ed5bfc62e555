"""What lives minutes and may be lost: challenges, budgets, tries at signing in, the hour's network key, spent puzzles, tabs' keys.

The only module that speaks to Redis. Guards that whatever counts here is counted in one step on the server (Lua),
before anything is compared, so that no number of processes wins a sixth try or a mail more. Refuses to hold an
address, a code or an IP address: codes, identities and networks arrive as keyed hashes of fixed size. When Redis is
away every call raises `RedisUnavailable` within a second, and the next call tries again.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from typing import Any, Final, Protocol, cast

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from petition.core.errors import ExpectedError

CHALLENGE_SECONDS: Final = 900
TRIES: Final = 5
MAILS_UNPROVEN: Final = 60
MAILS_PROVEN: Final = 600
MAIL_WINDOW: Final = 3600
SIGN_IN_TRIES: Final = 5
SIGN_IN_WINDOW: Final = 900
ASKS: Final = 60
TAB_KEY_SECONDS: Final = 1800
TAB_KEYS: Final = 600
NETWORK_KEY_SECONDS: Final = 3600
NETWORK_KEY_KEPT: Final = 60.0
PATIENCE: Final = 0.8

# A try is counted first. The right code gives its own try back, so that a lost reply may be asked for again;
# whoever knows the code has nothing left to guess. Codes are compared as MACs: how long that takes tells nothing.
# The first blinded value that comes with the right code is the challenge's own; the last result says if this is it.
# With it the mail is answered, and no longer counts against the network that asked for it (its key is made here from
# what the challenge holds: one server, no cluster).
_TRY_CODE: Final = """
if redis.call('EXISTS', KEYS[1]) == 0 then return false end
if redis.call('HINCRBY', KEYS[1], 'tries', 1) > tonumber(ARGV[3]) then return false end
local held = redis.call('HMGET', KEYS[1], 'code', 'tag', 'network', 'domain', 'earlier')
if held[1] ~= ARGV[1] and held[5] ~= ARGV[1] then return false end
redis.call('HINCRBY', KEYS[1], 'tries', -1)
if redis.call('HSETNX', KEYS[1], 'blinded', ARGV[2]) == 1 then
  local mails = ARGV[4] .. held[3]
  if tonumber(redis.call('GET', mails) or '0') > 0 then redis.call('DECR', mails) end
end
local own = redis.call('HGET', KEYS[1], 'blinded') == ARGV[2]
return {held[2], held[4], own and 1 or 0}
"""

_TAKE: Final = """
if tonumber(redis.call('GET', KEYS[1]) or '0') >= tonumber(ARGV[1]) then
  return math.max(redis.call('TTL', KEYS[1]), 1)
end
if redis.call('INCR', KEYS[1]) == 1 then redis.call('EXPIRE', KEYS[1], ARGV[2]) end
"""

_TAKE_ONE: Final = f"{_TAKE} return 0"

_KEEP_CHALLENGE: Final = f"""{_TAKE}
redis.call('HSET', KEYS[2], 'code', ARGV[4], 'earlier', ARGV[5], 'tag', ARGV[6], 'network', ARGV[7], 'domain', ARGV[8],
  'tries', 0)
redis.call('EXPIRE', KEYS[2], ARGV[3])
return 0
"""

_KEEP_TAB_KEY: Final = f"""{_TAKE}
redis.call('SET', KEYS[2], ARGV[3], 'EX', ARGV[4])
return 0
"""

_CHALLENGE: Final = b"challenge:"
_MAILS: Final = b"mails:"
_ASKS: Final = b"asks:"
_SEEN: Final = b"seen:"
_SIGN_INS: Final = b"sign-ins:"
_NETWORK_KEY: Final = b"network-key"
_TAB_KEY: Final = b"tab-key:"
_TABS: Final = b"tabs:"


class RedisUnavailable(ExpectedError):
    """Redis could not be reached in time; nothing is lost but codes on their way."""

    status = 503


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a right code opens: the keyed tag of the person, the listed domain.

    `own`: the blinded value that came with the code is the first that did.
    """

    tag: bytes
    domain: bytes
    own: bool


class _Script(Protocol):
    def __call__(self, *, keys: list[bytes], args: list[bytes | int]) -> Any: ...


class RedisStore:
    """Redis under `redis_url` (redis://, rediss:// or unix://), shared by all threads of a process."""

    def __init__(self, redis_url: str) -> None:
        self._redis = redis.Redis.from_url(
            redis_url,
            socket_timeout=PATIENCE,
            socket_connect_timeout=PATIENCE,
            retry=Retry(NoBackoff(), 1, (redis.ConnectionError,)),
        )
        self._try_code = self._script(_TRY_CODE)
        self._keep_challenge = self._script(_KEEP_CHALLENGE)
        self._take = self._script(_TAKE_ONE)
        self._keep_tab_key = self._script(_KEEP_TAB_KEY)
        self._network_key, self._network_key_until = b"", 0.0

    def ping(self) -> None:
        """Raises RedisUnavailable unless Redis answers."""
        with _Noticing():
            self._redis.ping()

    def keep_challenge(
        self,
        id_hash: bytes,
        code_mac: bytes,
        earlier_mac: bytes,
        tag: bytes,
        network: bytes,
        domain: bytes,
        *,
        proven: bool,
        seconds: int = CHALLENGE_SECONDS,
        window: int = MAIL_WINDOW,
    ) -> int | None:
        """Take one code mail from a network's budget and wait for the code; None, or seconds until there may be one.

        The budget counts unanswered mails: 60 an hour, 600 for requests that come with a proof of work. `id_hash` names
        the challenge, `code_mac` and `earlier_mac` are the keyed hashes of the right codes, today's and, for a while after
        midnight, yesterday's. `domain` is the organisation's, as its campaign
        lists it in public; it names nobody.
        """
        limit = MAILS_PROVEN if proven else MAILS_UNPROVEN
        keys, held = [_MAILS + network, _CHALLENGE + id_hash], (code_mac, earlier_mac, tag, network, domain)
        with _Noticing():
            wait = int(self._keep_challenge(keys=keys, args=[limit, window, seconds, *held]))
        return wait or None

    def try_code(self, id_hash: bytes, code_mac: bytes, blinded: bytes) -> Challenge | None:
        """Count a try, then compare. None for unknown, expired, wrong and used up alike; five wrong tries use it up.

        A right code ties the challenge to the first `blinded` (the digest of a blinded value) sent with it, and gives
        the network its mail back: an office behind one address never meets the limit, and someone who cannot read the
        mails stops at it.
        """
        with _Noticing():
            held = self._try_code(keys=[_CHALLENGE + id_hash], args=[code_mac, blinded, TRIES, _MAILS])
        return Challenge(held[0], held[1], own=bool(held[2])) if held else None

    def take_ask(self, network: bytes, *, window: int = MAIL_WINDOW) -> int | None:
        """Take one of the 60 mails an hour that a network may ask for to personal addresses; None, or seconds to wait."""
        with _Noticing():
            wait = int(self._take(keys=[_ASKS + network], args=[ASKS, window]))
        return wait or None

    def remember(self, key: bytes, seconds: int) -> bool:
        """Whether `key` is new; it is remembered for a while, so a second call says no."""
        with _Noticing():
            return bool(self._redis.set(_SEEN + key, b"1", nx=True, ex=seconds))

    def forget(self, key: bytes) -> bool:
        """Whether `key` was remembered until now; of several who ask at once one hears yes."""
        with _Noticing():
            return bool(self._redis.delete(_SEEN + key))

    def take_sign_in(self, name: bytes, *, window: int = SIGN_IN_WINDOW) -> int | None:
        """Take one of the five tries that a name has in 15 minutes, whether it is known or not; None when there was one, else seconds to wait."""
        with _Noticing():
            wait = int(self._take(keys=[_SIGN_INS + name], args=[SIGN_IN_TRIES, window]))
        return wait or None

    def forget_sign_ins(self, name: bytes) -> None:
        """The right code was given: the name has all its tries again."""
        with _Noticing():
            self._redis.delete(_SIGN_INS + name)

    def keep_tab_key(
        self, id_hash: bytes, key: bytes, network: bytes, *, seconds: int = TAB_KEY_SECONDS, window: int = MAIL_WINDOW
    ) -> int | None:
        """Keep the key to what one tab keeps, for half an hour; None, or seconds to wait: a network keeps 600 an hour.

        The key is stored without the network, and beside nothing else: what it opens lies in that tab alone.
        """
        keys = [_TABS + network, _TAB_KEY + id_hash]
        with _Noticing():
            wait = int(self._keep_tab_key(keys=keys, args=[TAB_KEYS, window, key, seconds]))
        return wait or None

    def tab_key(self, id_hash: bytes) -> bytes | None:
        """The key that is kept under this id; None once it is forgotten or half an hour old."""
        with _Noticing():
            return cast("bytes | None", self._redis.get(_TAB_KEY + id_hash))

    def forget_tab_key(self, id_hash: bytes) -> None:
        """The tab is done: what it left on a disk cannot be opened any more."""
        with _Noticing():
            self._redis.delete(_TAB_KEY + id_hash)

    def network_key(self) -> bytes:
        """The 32 random bytes that hash networks this hour: one key for all processes, never on a disk.

        A process asks for it once a minute. After a restart of Redis processes may differ for so long, and a network
        has a budget with each of them.
        """
        if time.monotonic() >= self._network_key_until:
            self._network_key = self._shared_network_key()
            self._network_key_until = time.monotonic() + NETWORK_KEY_KEPT
        return self._network_key

    def _shared_network_key(self) -> bytes:
        fresh = secrets.token_bytes(32)
        with _Noticing():
            held = self._redis.set(_NETWORK_KEY, fresh, nx=True, ex=NETWORK_KEY_SECONDS, get=True)
        return cast("bytes | None", held) or fresh

    def _script(self, text: str) -> _Script:
        return cast("_Script", self._redis.register_script(text))


class _Noticing:
    """Turns every way in which Redis can fail into RedisUnavailable, without its message, which may hold a key."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, redis.RedisError | OSError):
            raise RedisUnavailable("Codes cannot be kept or checked just now.") from None
