"""What Redis holds for minutes: five tries a code, one blinded value a challenge, a mail budget that gives back."""

from __future__ import annotations

import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256

import pytest
import redis

from petition.core.redis_store import MAILS_PROVEN, MAILS_UNPROVEN, TRIES, Challenge, RedisStore, RedisUnavailable

NETWORK = b"n" * 16
TAG = b"t" * 32
DOMAIN = b"corp.example"


def mac(code: str) -> bytes:
    return sha256(code.encode()).digest()


def challenge(redis_store: RedisStore, name: bytes = b"c" * 32, network: bytes = NETWORK, seconds: int = 900) -> bytes:
    assert (
        redis_store.keep_challenge(
            name, mac("12345678"), mac("12345678"), TAG, network, DOMAIN, proven=True, seconds=seconds
        )
        is None
    )
    return name


def answer(redis_store: RedisStore, name: bytes, code: str, blinded: bytes = b"a" * 32) -> Challenge | None:
    return redis_store.try_code(name, mac(code), blinded)


def test_right_code_opens_the_challenge(redis_store: RedisStore) -> None:
    name = challenge(redis_store)
    assert answer(redis_store, name, "12345678") == Challenge(tag=TAG, domain=DOMAIN, own=True)


def test_either_code_of_a_midnight_opens_the_challenge(redis_store: RedisStore) -> None:
    name = b"m" * 32
    redis_store.keep_challenge(name, mac("11111111"), mac("22222222"), TAG, NETWORK, DOMAIN, proven=True)
    assert answer(redis_store, name, "22222222") is not None
    assert answer(redis_store, name, "11111111") is not None
    assert answer(redis_store, name, "33333333") is None


def test_wrong_and_unknown_codes_get_the_same_answer(redis_store: RedisStore) -> None:
    name = challenge(redis_store)
    assert answer(redis_store, name, "87654321") is None
    assert answer(redis_store, b"x" * 32, "12345678") is None


def test_code_is_used_up_after_five_wrong_tries(redis_store: RedisStore) -> None:
    name = challenge(redis_store)
    for guess in range(TRIES):
        assert answer(redis_store, name, str(guess)) is None
    assert answer(redis_store, name, "12345678") is None


def test_fifth_try_may_be_right_and_be_asked_again(redis_store: RedisStore) -> None:
    name = challenge(redis_store)
    for guess in range(TRIES - 1):
        answer(redis_store, name, str(guess))
    assert [answer(redis_store, name, "12345678") is not None for _ in range(3)] == [True, True, True]


def test_fifty_guesses_at_once_get_five_tries(redis_store: RedisStore) -> None:
    name = challenge(redis_store)
    with ThreadPoolExecutor(16) as crowd:
        list(crowd.map(lambda guess: answer(redis_store, name, str(guess)), range(49)))
    assert answer(redis_store, name, "12345678") is None


def end_early(services: object, key: bytes, within: int) -> None:
    """Let a key expire now, having seen that it would by itself."""
    connected = redis.Redis.from_url(url_of(services))
    assert 0 < connected.ttl(key) <= within
    connected.expire(key, 0)


def test_challenge_expires(redis_store: RedisStore, services: object) -> None:
    name = challenge(redis_store, seconds=60)
    end_early(services, b"challenge:" + name, 60)
    assert answer(redis_store, name, "12345678") is None


def test_first_blinded_value_wins_and_may_be_sent_again(redis_store: RedisStore) -> None:
    name = challenge(redis_store)
    assert owns(redis_store, name, b"a" * 32) is True
    assert owns(redis_store, name, b"b" * 32) is False
    assert owns(redis_store, name, b"a" * 32) is True


def test_wrong_code_ties_no_blinded_value(redis_store: RedisStore) -> None:
    name = challenge(redis_store)
    assert answer(redis_store, name, "87654321", b"b" * 32) is None
    assert owns(redis_store, name, b"a" * 32) is True


def test_one_of_many_blinded_values_wins(redis_store: RedisStore) -> None:
    name = challenge(redis_store)
    with ThreadPoolExecutor(16) as crowd:
        won = list(crowd.map(lambda n: owns(redis_store, name, bytes([n]) * 32), range(32)))
    assert won.count(True) == 1


def owns(redis_store: RedisStore, name: bytes, blinded: bytes) -> bool:
    found = answer(redis_store, name, "12345678", blinded)
    assert found is not None
    return found.own


def take_mail(
    redis_store: RedisStore, network: bytes = NETWORK, *, proven: bool = False, window: int = 3600
) -> int | None:
    name = secrets.token_bytes(32)
    return redis_store.keep_challenge(
        name, mac("12345678"), mac("12345678"), TAG, network, DOMAIN, proven=proven, window=window
    )


def take(redis_store: RedisStore, times: int, *, proven: bool = False) -> list[int | None]:
    return [take_mail(redis_store, proven=proven) for _ in range(times)]


def test_network_at_its_limit_gets_no_challenge(redis_store: RedisStore) -> None:
    take(redis_store, MAILS_UNPROVEN)
    name = b"c" * 32
    assert (
        redis_store.keep_challenge(name, mac("12345678"), mac("12345678"), TAG, NETWORK, DOMAIN, proven=False)
        is not None
    )
    assert answer(redis_store, name, "12345678") is None


def test_network_stops_at_its_limit_and_is_told_when_to_come_back(redis_store: RedisStore) -> None:
    taken = take(redis_store, MAILS_UNPROVEN + 3)
    assert taken[:MAILS_UNPROVEN] == [None] * MAILS_UNPROVEN
    assert all(wait is not None and 3590 < wait <= 3600 for wait in taken[MAILS_UNPROVEN:])
    assert take_mail(redis_store, b"o" * 16) is None


def test_work_done_lifts_the_limit_tenfold(redis_store: RedisStore) -> None:
    taken = take(redis_store, MAILS_PROVEN + 1, proven=True)
    assert taken[:MAILS_PROVEN] == [None] * MAILS_PROVEN
    assert taken[MAILS_PROVEN] is not None
    assert take(redis_store, 1) != [None]


def test_ten_thousand_posts_at_once_take_sixty_mails(redis_store: RedisStore) -> None:
    with ThreadPoolExecutor(16) as crowd:
        taken = list(crowd.map(lambda _: take_mail(redis_store), range(10_000)))
    assert taken.count(None) == MAILS_UNPROVEN


def test_office_whose_codes_are_used_never_meets_the_limit(redis_store: RedisStore) -> None:
    for number in range(300):
        name = number.to_bytes(32)
        assert (
            redis_store.keep_challenge(name, mac("12345678"), mac("12345678"), TAG, NETWORK, DOMAIN, proven=False)
            is None
        )
        assert answer(redis_store, name, "12345678") is not None
    assert take(redis_store, MAILS_UNPROVEN) == [None] * MAILS_UNPROVEN


def test_code_answered_again_gives_its_mail_back_once(redis_store: RedisStore) -> None:
    name = challenge(redis_store)
    take(redis_store, MAILS_UNPROVEN - 1)
    for _ in range(3):
        assert answer(redis_store, name, "12345678") is not None
    assert take(redis_store, 2)[-1] is not None


def test_wrong_code_gives_no_mail_back(redis_store: RedisStore) -> None:
    name = challenge(redis_store)
    assert answer(redis_store, name, "00000000") is None
    assert take(redis_store, MAILS_UNPROVEN)[-1] is not None


def test_budget_returns_with_the_next_window(redis_store: RedisStore, services: object) -> None:
    for _ in range(MAILS_UNPROVEN):
        assert take_mail(redis_store, window=600) is None
    assert 0 < (take_mail(redis_store, window=600) or 0) <= 600
    end_early(services, b"mails:" + NETWORK, 600)
    assert take_mail(redis_store, window=600) is None


def test_used_code_never_makes_a_debt(redis_store: RedisStore, services: object) -> None:
    name = challenge(redis_store)
    redis.Redis.from_url(url_of(services)).delete(b"mails:" + NETWORK)
    assert answer(redis_store, name, "12345678") is not None
    assert take(redis_store, MAILS_UNPROVEN + 1)[-1] is not None


def test_puzzle_is_accepted_once(redis_store: RedisStore) -> None:
    assert redis_store.remember(b"p" * 32, 600) is True
    assert redis_store.remember(b"p" * 32, 600) is False


def test_network_key_is_one_for_all_processes_of_an_hour(redis_store: RedisStore, services: object) -> None:
    other = RedisStore(url_of(services))
    assert redis_store.network_key() == other.network_key()
    assert len(redis_store.network_key()) == 32
    assert 0 < redis.Redis.from_url(url_of(services)).ttl("network-key") <= 3600


def test_keys_and_values_are_hashes_of_fixed_size(redis_store: RedisStore, services: object) -> None:
    challenge(redis_store)
    redis_store.remember(b"p" * 32, 60)
    held = redis.Redis.from_url(url_of(services))
    assert sorted(len(key) for key in held.keys("*")) == [len("mails:") + 16, len("seen:") + 32, len("challenge:") + 32]
    assert all(held.ttl(key) > 0 for key in held.keys("*"))


def test_wiped_redis_forgets_scripts_and_goes_on(redis_store: RedisStore, services: object) -> None:
    name = challenge(redis_store)
    held = redis.Redis.from_url(url_of(services))
    held.flushall()
    held.script_flush()
    assert answer(redis_store, name, "12345678") is None
    assert take_mail(redis_store) is None


def test_absent_redis_is_noticed_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits between tries."""
    monkeypatch.setattr(time, "sleep", lambda seconds: pytest.fail(f"somebody waited for {seconds} s"))
    away = RedisStore("redis://127.0.0.1:1/0")
    for call in (
        away.ping,
        away.network_key,
        lambda: take_mail(away),
        lambda: away.try_code(TAG, TAG, TAG),
    ):
        with pytest.raises(RedisUnavailable):
            call()


def test_dropped_connections_are_made_again(redis_store: RedisStore, services: object) -> None:
    name = challenge(redis_store)
    redis.Redis.from_url(url_of(services)).execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    assert answer(redis_store, name, "12345678") is not None


def url_of(services: object) -> str:
    url = services.redis_url
    assert isinstance(url, str)
    return url


def test_mails_to_personal_addresses_have_a_budget_of_their_own(redis_store: RedisStore) -> None:
    network = b"n" * 16
    assert [redis_store.take_ask(network) for _ in range(60)] == [None] * 60
    assert 0 < (redis_store.take_ask(network) or 0) <= 3600
    assert take_mail(redis_store, network) is None
    assert redis_store.take_ask(b"m" * 16) is None


def test_what_was_forgotten_is_new_again(redis_store: RedisStore) -> None:
    assert [redis_store.remember(b"k", 9), redis_store.remember(b"k", 9)] == [True, False]
    redis_store.forget(b"k")
    assert redis_store.remember(b"k", 9)
