"""What Redis holds for minutes: five tries a code, one blinded value a challenge, a mail budget that gives back."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256

import pytest
import redis

from petition.volatile import MAILS_PROVEN, MAILS_UNPROVEN, TRIES, Challenge, Volatile, VolatileAway

NETWORK = b"n" * 16
TAG = b"t" * 32


def mac(code: str) -> bytes:
    return sha256(code.encode()).digest()


def challenge(volatile: Volatile, name: bytes = b"c" * 32, network: bytes = NETWORK, seconds: int = 900) -> bytes:
    volatile.keep_challenge(name, mac("12345678"), TAG, network, seconds)
    return name


def test_right_code_opens_the_challenge(volatile: Volatile) -> None:
    name = challenge(volatile)
    assert volatile.try_code(name, mac("12345678")) == Challenge(tag=TAG, network=NETWORK)


def test_wrong_and_unknown_codes_get_the_same_answer(volatile: Volatile) -> None:
    name = challenge(volatile)
    assert volatile.try_code(name, mac("87654321")) is None
    assert volatile.try_code(b"x" * 32, mac("12345678")) is None


def test_code_is_used_up_after_five_wrong_tries(volatile: Volatile) -> None:
    name = challenge(volatile)
    for guess in range(TRIES):
        assert volatile.try_code(name, mac(str(guess))) is None
    assert volatile.try_code(name, mac("12345678")) is None


def test_fifth_try_may_be_right_and_be_asked_again(volatile: Volatile) -> None:
    name = challenge(volatile)
    for guess in range(TRIES - 1):
        volatile.try_code(name, mac(str(guess)))
    assert [volatile.try_code(name, mac("12345678")) is not None for _ in range(3)] == [True, True, True]


def test_fifty_guesses_at_once_get_five_tries(volatile: Volatile) -> None:
    name = challenge(volatile)
    guesses = [mac(str(guess)) for guess in range(49)] + [mac("12345678")]
    with ThreadPoolExecutor(16) as crowd:
        list(crowd.map(lambda guess: volatile.try_code(name, guess), guesses[:49]))
    assert volatile.try_code(name, guesses[-1]) is None


def test_challenge_expires(volatile: Volatile) -> None:
    name = challenge(volatile, seconds=1)
    time.sleep(1.1)
    assert volatile.try_code(name, mac("12345678")) is None
    assert volatile.bind_blinded(name, b"a" * 32) is False


def test_first_blinded_value_wins_and_may_be_sent_again(volatile: Volatile) -> None:
    name = challenge(volatile)
    assert volatile.bind_blinded(name, b"a" * 32) is True
    assert volatile.bind_blinded(name, b"b" * 32) is False
    assert volatile.bind_blinded(name, b"a" * 32) is True


def test_one_of_many_blinded_values_wins(volatile: Volatile) -> None:
    name = challenge(volatile)
    with ThreadPoolExecutor(16) as crowd:
        won = list(crowd.map(lambda n: volatile.bind_blinded(name, bytes([n]) * 32), range(32)))
    assert won.count(True) == 1


def take(volatile: Volatile, times: int, *, proven: bool = False) -> list[int | None]:
    return [volatile.take_mail(NETWORK, proven=proven) for _ in range(times)]


def test_network_stops_at_its_limit_and_is_told_when_to_come_back(volatile: Volatile) -> None:
    taken = take(volatile, MAILS_UNPROVEN + 3)
    assert taken[:MAILS_UNPROVEN] == [None] * MAILS_UNPROVEN
    assert all(wait is not None and 3590 < wait <= 3600 for wait in taken[MAILS_UNPROVEN:])
    assert volatile.take_mail(b"o" * 16, proven=False) is None


def test_work_done_lifts_the_limit_tenfold(volatile: Volatile) -> None:
    taken = take(volatile, MAILS_PROVEN + 1, proven=True)
    assert taken[:MAILS_PROVEN] == [None] * MAILS_PROVEN
    assert taken[MAILS_PROVEN] is not None
    assert take(volatile, 1) != [None]


def test_ten_thousand_posts_at_once_take_sixty_mails(volatile: Volatile) -> None:
    with ThreadPoolExecutor(16) as crowd:
        taken = list(crowd.map(lambda _: volatile.take_mail(NETWORK, proven=False), range(10_000)))
    assert taken.count(None) == MAILS_UNPROVEN


def test_office_whose_codes_are_used_never_meets_the_limit(volatile: Volatile) -> None:
    for _ in range(300):
        assert take(volatile, 1) == [None]
        volatile.give_back(NETWORK)
    assert take(volatile, MAILS_UNPROVEN) == [None] * MAILS_UNPROVEN


def test_budget_returns_with_the_next_window(volatile: Volatile) -> None:
    for _ in range(MAILS_UNPROVEN):
        assert volatile.take_mail(NETWORK, proven=False, window=1) is None
    assert volatile.take_mail(NETWORK, proven=False, window=1) == 1
    time.sleep(1.1)
    assert volatile.take_mail(NETWORK, proven=False, window=1) is None


def test_used_code_never_makes_a_debt(volatile: Volatile) -> None:
    volatile.give_back(NETWORK)
    assert take(volatile, MAILS_UNPROVEN + 1)[-1] is not None


def test_puzzle_is_accepted_once(volatile: Volatile) -> None:
    assert volatile.remember(b"p" * 32, 600) is True
    assert volatile.remember(b"p" * 32, 600) is False


def test_network_key_is_one_for_all_processes_of_an_hour(volatile: Volatile, services: object) -> None:
    other = Volatile(url_of(services))
    assert volatile.network_key() == other.network_key()
    assert len(volatile.network_key()) == 32
    assert 0 < redis.Redis.from_url(url_of(services)).ttl("network-key") <= 3600


def test_keys_and_values_are_hashes_of_fixed_size(volatile: Volatile, services: object) -> None:
    challenge(volatile)
    volatile.take_mail(NETWORK, proven=False)
    volatile.remember(b"p" * 32, 60)
    held = redis.Redis.from_url(url_of(services))
    assert sorted(len(key) for key in held.keys("*")) == [len("mails:") + 16, len("seen:") + 32, len("challenge:") + 32]
    assert all(held.ttl(key) > 0 for key in held.keys("*"))


def test_wiped_redis_forgets_scripts_and_goes_on(volatile: Volatile, services: object) -> None:
    name = challenge(volatile)
    held = redis.Redis.from_url(url_of(services))
    held.flushall()
    held.script_flush()
    assert volatile.try_code(name, mac("12345678")) is None
    assert volatile.take_mail(NETWORK, proven=False) is None


def test_absent_redis_is_noticed_at_once() -> None:
    away = Volatile("redis://127.0.0.1:1/0")
    started = time.monotonic()
    for call in (
        away.ping,
        away.network_key,
        lambda: away.take_mail(NETWORK, proven=False),
        lambda: away.try_code(TAG, TAG),
    ):
        with pytest.raises(VolatileAway):
            call()
    assert time.monotonic() - started < 1


def test_dropped_connections_are_made_again(volatile: Volatile, services: object) -> None:
    name = challenge(volatile)
    redis.Redis.from_url(url_of(services)).execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    assert volatile.try_code(name, mac("12345678")) is not None


def url_of(services: object) -> str:
    url = getattr(services, "redis_url")  # noqa: B009
    assert isinstance(url, str)
    return url
