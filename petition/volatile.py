"""What lives minutes and may be lost: code challenges, mail budgets, the hour's network key, spent puzzles.

The only module that speaks to Redis. Guards that whatever counts here is counted in one step on the server (Lua),
before anything is compared, so that no number of processes wins a sixth try or a mail more. Refuses to hold an
address, a code or an IP address: codes, identities and networks arrive as keyed hashes of fixed size. When Redis is
away every call raises `VolatileAway` within a second, and the next call tries again.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Any, Final, Protocol, cast

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

CHALLENGE_SECONDS: Final = 900
TRIES: Final = 5
MAILS_UNPROVEN: Final = 60
MAILS_PROVEN: Final = 600
MAIL_WINDOW: Final = 3600
NETWORK_KEY_SECONDS: Final = 3600
PATIENCE: Final = 0.8

# A try is counted first. The right code gives its own try back, so that a lost reply may be asked for again;
# whoever knows the code has nothing left to guess. Codes are compared as MACs: how long that takes tells nothing.
_TRY_CODE: Final = """
if redis.call('EXISTS', KEYS[1]) == 0 then return false end
if redis.call('HINCRBY', KEYS[1], 'tries', 1) > tonumber(ARGV[2]) then return false end
local held = redis.call('HMGET', KEYS[1], 'code', 'tag', 'network')
if held[1] ~= ARGV[1] then return false end
redis.call('HINCRBY', KEYS[1], 'tries', -1)
return {held[2], held[3]}
"""

_BIND_BLINDED: Final = """
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('HSETNX', KEYS[1], 'blinded', ARGV[1])
if redis.call('HGET', KEYS[1], 'blinded') == ARGV[1] then return 1 end
return 0
"""

_TAKE_MAIL: Final = """
if tonumber(redis.call('GET', KEYS[1]) or '0') >= tonumber(ARGV[1]) then
  return math.max(redis.call('TTL', KEYS[1]), 1)
end
if redis.call('INCR', KEYS[1]) == 1 then redis.call('EXPIRE', KEYS[1], ARGV[2]) end
return 0
"""

_GIVE_BACK: Final = """
if tonumber(redis.call('GET', KEYS[1]) or '0') > 0 then redis.call('DECR', KEYS[1]) end
return 0
"""

_CHALLENGE: Final = b"challenge:"
_MAILS: Final = b"mails:"
_SEEN: Final = b"seen:"
_NETWORK_KEY: Final = b"network-key"


class VolatileAway(Exception):
    """Redis could not be reached in time; nothing is lost but codes on their way."""


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a right code opens: the keyed tag of the person and the keyed network that asked for the code."""

    tag: bytes
    network: bytes


class _Script(Protocol):
    def __call__(self, *, keys: list[bytes], args: list[bytes | int]) -> Any: ...


class Volatile:
    """Redis under `redis_url` (redis://, rediss:// or unix://), shared by all threads of a process."""

    def __init__(self, redis_url: str) -> None:
        self._redis = redis.Redis.from_url(
            redis_url,
            socket_timeout=PATIENCE,
            socket_connect_timeout=PATIENCE,
            retry=Retry(NoBackoff(), 1, (redis.ConnectionError,)),
        )
        self._try_code = self._script(_TRY_CODE)
        self._bind_blinded = self._script(_BIND_BLINDED)
        self._take_mail = self._script(_TAKE_MAIL)
        self._give_back = self._script(_GIVE_BACK)

    def ping(self) -> None:
        """Raises VolatileAway unless Redis answers."""
        with _noticing():
            self._redis.ping()

    def keep_challenge(
        self, id_hash: bytes, code_mac: bytes, tag: bytes, network: bytes, seconds: int = CHALLENGE_SECONDS
    ) -> None:
        """Wait for a code: `id_hash` names the challenge, `code_mac` is the keyed hash of the right code."""
        key = _CHALLENGE + id_hash
        with _noticing(), self._redis.pipeline(transaction=True) as steps:
            steps.hset(key, mapping={"code": code_mac, "tag": tag, "network": network, "tries": 0})
            steps.expire(key, seconds)
            steps.execute()

    def try_code(self, id_hash: bytes, code_mac: bytes) -> Challenge | None:
        """Count a try, then compare. None for unknown, expired, wrong and used up alike; five wrong tries use it up."""
        with _noticing():
            held = self._try_code(keys=[_CHALLENGE + id_hash], args=[code_mac, TRIES])
        return Challenge(*held) if held else None

    def bind_blinded(self, id_hash: bytes, digest: bytes) -> bool:
        """Tie a challenge to the first blinded value sent with its code; false for another one or no challenge."""
        with _noticing():
            return bool(self._bind_blinded(keys=[_CHALLENGE + id_hash], args=[digest]))

    def take_mail(self, network: bytes, *, proven: bool, window: int = MAIL_WINDOW) -> int | None:
        """Take one code mail from a network's budget: None when there was one, else seconds until there may be.

        The budget counts unanswered mails: 60 an hour, 600 for requests that come with a proof of work.
        """
        limit = MAILS_PROVEN if proven else MAILS_UNPROVEN
        with _noticing():
            wait = int(self._take_mail(keys=[_MAILS + network], args=[limit, window]))
        return wait or None

    def give_back(self, network: bytes) -> None:
        """A code was used: its mail no longer counts. To be called once for each pass that is issued.

        So an office behind one address never meets the limit, and someone who cannot read the mails stops at it.
        """
        with _noticing():
            self._give_back(keys=[_MAILS + network], args=[])

    def remember(self, key: bytes, seconds: int) -> bool:
        """Whether `key` is new; it is remembered for a while, so a second call says no."""
        with _noticing():
            return bool(self._redis.set(_SEEN + key, b"1", nx=True, ex=seconds))

    def network_key(self) -> bytes:
        """The 32 random bytes that hash networks this hour: one key for all processes, never on a disk."""
        fresh = secrets.token_bytes(32)
        with _noticing():
            held = self._redis.set(_NETWORK_KEY, fresh, nx=True, ex=NETWORK_KEY_SECONDS, get=True)
        return cast("bytes | None", held) or fresh

    def _script(self, text: str) -> _Script:
        return cast("_Script", self._redis.register_script(text))


class _noticing:
    """Turns every way in which Redis can fail into VolatileAway, without its message, which may hold a key."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, redis.RedisError | OSError):
            raise VolatileAway("Codes cannot be kept or checked just now.") from None
