"""What Redis holds for minutes: five tries a code, one blinded value a challenge, a mail budget that nothing gives back."""

from __future__ import annotations

import secrets
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from hashlib import sha256
from pathlib import Path

import pytest
import redis

from petition.core.ids import CampaignId
from petition.core.redis_store import (
    MAILS_PROVEN,
    MAILS_UNPROVEN,
    SHORT_GUESSES,
    SIGN_IN_TRIES_OF_NETWORK,
    TRIES,
    Challenge,
    CodeCount,
    CodeMacs,
    NewChallenge,
    RedisStore,
    RedisUnavailable,
    WrongCode,
)

NETWORK = b"n" * 16
TAG = b"t" * 32
DOMAIN = b"corp.example"


def mac(code: str) -> bytes:
    return sha256(code.encode()).digest()


def new(
    name: bytes,
    network: bytes = NETWORK,
    *,
    code: str = "12345678",
    earlier: str = "",
    guesses: bytes = b"",
) -> NewChallenge:
    """A challenge for a code; the long code is the code twice. Each counts its own wrong codes unless told otherwise."""
    earlier = earlier or code
    macs = CodeMacs(mac(code), mac(earlier), mac(code * 2), mac(earlier * 2))
    return NewChallenge(name, macs, TAG, DOMAIN, network, guesses or name, 86_400)


def challenge(
    redis_store: RedisStore, name: bytes = b"c" * 32, *, seconds: int = 900, guesses: bytes = b"", earlier: str = ""
) -> bytes:
    made = new(name, guesses=guesses, earlier=earlier)
    assert redis_store.keep_challenge(made, proven=True, seconds=seconds) is None
    return name


def tried(redis_store: RedisStore, name: bytes, code: str, blinded: bytes = b"a" * 32) -> Challenge | WrongCode:
    return redis_store.try_code(name, mac(code), blinded, is_long=len(code) > 8)


def answer(redis_store: RedisStore, name: bytes, code: str, blinded: bytes = b"a" * 32) -> Challenge | None:
    found = tried(redis_store, name, code, blinded)
    return found if isinstance(found, Challenge) else None


def test_right_code_opens_the_challenge(redis_store: RedisStore) -> None:
    name = challenge(redis_store)
    assert answer(redis_store, name, "12345678") == Challenge(tag=TAG, domain=DOMAIN, own=True)


def test_either_code_of_a_midnight_opens_the_challenge(redis_store: RedisStore) -> None:
    name = b"m" * 32
    redis_store.keep_challenge(new(name, code="11111111", earlier="22222222"), proven=True)
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


ADDRESS = b"g" * 32
"""The keyed hash under which wrong codes of one address and day are counted."""


def guess(redis_store: RedisStore, times: int, *, earlier: str = "", start: int = 0) -> list[Challenge | WrongCode]:
    """Wrong short codes for one address, five to a challenge."""
    found = []
    for number in range(start, start + times):
        name = (number // TRIES).to_bytes(32)
        if number % TRIES == 0:
            challenge(redis_store, name, guesses=ADDRESS, earlier=earlier)
        found.append(tried(redis_store, name, f"{number:08d}"))
    return found


def test_after_fifty_wrong_codes_no_short_code_of_an_address_is_compared_and_the_long_one_opens(
    redis_store: RedisStore,
) -> None:
    """P47: neither a further guess nor the right code; whoever has the mail types the long one."""
    assert guess(redis_store, SHORT_GUESSES) == [WrongCode()] * 49 + [WrongCode(was_last=True)]
    hers = challenge(redis_store, b"h" * 32, guesses=ADDRESS)
    for code in ["00000000"] * 20 + ["12345678"]:
        assert tried(redis_store, hers, code) == WrongCode(long_needed=True)
    assert answer(redis_store, hers, "1234567812345678") == Challenge(TAG, DOMAIN, own=True)


def test_fifty_guesses_at_once_are_fifty_and_no_more(redis_store: RedisStore) -> None:
    """P47."""
    names = [challenge(redis_store, bytes([number]) * 32, guesses=ADDRESS) for number in range(1, 41)]
    with ThreadPoolExecutor(16) as crowd:
        found = list(crowd.map(lambda n: tried(redis_store, names[n % 40], f"{n:08d}"), range(200)))
    compared = [each for each in found if each != WrongCode(long_needed=True)]
    assert len(compared) == SHORT_GUESSES
    assert compared.count(WrongCode(was_last=True)) == 1


def test_a_guess_around_midnight_counts_for_both_codes_that_it_is_compared_with(redis_store: RedisStore) -> None:
    """P47."""
    found = guess(redis_store, SHORT_GUESSES, earlier="99999999")
    assert found[:25] == [WrongCode()] * 24 + [WrongCode(was_last=True)]
    assert set(found[25:]) == {WrongCode(long_needed=True)}


def test_wrong_codes_of_one_address_are_nothing_to_another(redis_store: RedisStore) -> None:
    """P47."""
    guess(redis_store, SHORT_GUESSES)
    other = challenge(redis_store, b"o" * 32, guesses=b"o" * 32)
    assert answer(redis_store, other, "12345678") is not None


def test_right_codes_and_long_ones_are_not_counted_for_the_address(redis_store: RedisStore, services: object) -> None:
    name = challenge(redis_store, guesses=ADDRESS)
    for code in ("12345678", "1234567812345678", "8765432187654321"):
        tried(redis_store, name, code)
    assert redis.Redis.from_url(url_of(services)).exists(b"guesses:" + ADDRESS) == 0
    guess(redis_store, 1)
    assert redis.Redis.from_url(url_of(services)).get(b"guesses:" + ADDRESS) == b"1"


def test_five_wrong_long_codes_use_a_challenge_up(redis_store: RedisStore) -> None:
    name = challenge(redis_store)
    for number in range(TRIES):
        assert tried(redis_store, name, f"{number:016d}") == WrongCode()
    assert answer(redis_store, name, "1234567812345678") is None


def test_the_count_of_an_address_ends(redis_store: RedisStore, services: object) -> None:
    guess(redis_store, SHORT_GUESSES)
    end_early(services, b"guesses:" + ADDRESS, 86_400)
    assert guess(redis_store, 1, start=1_000) == [WrongCode()]


def test_a_challenge_of_an_earlier_version_is_one_that_expired(redis_store: RedisStore, services: object) -> None:
    name = b"c" * 32
    redis.Redis.from_url(url_of(services)).hset(b"challenge:" + name, mapping={"code": mac("12345678"), "tries": 0})
    assert tried(redis_store, name, "12345678") == WrongCode()


def test_a_network_tries_thirty_names_and_codes_in_a_quarter_of_an_hour(redis_store: RedisStore) -> None:
    waits = [redis_store.take_sign_in_of_network(NETWORK) for _ in range(SIGN_IN_TRIES_OF_NETWORK + 1)]
    assert waits[:-1] == [None] * SIGN_IN_TRIES_OF_NETWORK
    assert 0 < (waits[-1] or 0) <= 900
    assert redis_store.take_sign_in_of_network(b"o" * 16) is None


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
    return redis_store.keep_challenge(new(name, network), proven=proven, window=window)


def take(redis_store: RedisStore, times: int, *, proven: bool = False) -> list[int | None]:
    return [take_mail(redis_store, proven=proven) for _ in range(times)]


def test_network_at_its_limit_gets_no_challenge(redis_store: RedisStore) -> None:
    take(redis_store, MAILS_UNPROVEN)
    name = b"c" * 32
    assert redis_store.keep_challenge(new(name), proven=False) is not None
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


def test_no_answer_to_a_network_moves_with_a_code_that_somebody_on_it_typed(redis_store: RedisStore) -> None:
    """P42: somebody else on the network, whose requests are refused, does not learn when a colleague was verified."""
    names = [number.to_bytes(32) for number in range(MAILS_UNPROVEN)]
    for name in names:
        assert redis_store.keep_challenge(new(name), proven=False) is None
    for name in names:
        assert answer(redis_store, name, "12345678") is not None
        assert take_mail(redis_store) is not None


def test_an_office_at_work_on_its_proofs_gets_six_hundred_codes_whoever_types_them(redis_store: RedisStore) -> None:
    """P23."""
    for number in range(MAILS_PROVEN):
        name = number.to_bytes(32)
        assert redis_store.keep_challenge(new(name), proven=True) is None
        assert number % 2 or answer(redis_store, name, "12345678") is not None
    assert take_mail(redis_store, proven=True) is not None


def test_typed_codes_and_requests_at_once_leave_a_network_exactly_its_mails(redis_store: RedisStore) -> None:
    """P42: right and wrong codes of colleagues, in any order among the requests, change no sum."""
    names = [challenge(redis_store, bytes([number]) * 32) for number in range(1, 21)]

    def one(number: int) -> int | None:
        answer(redis_store, names[number % 20], "12345678" if number % 3 else "00000000")
        return take_mail(redis_store)

    with ThreadPoolExecutor(16) as crowd:
        taken = list(crowd.map(one, range(200)))
    assert taken.count(None) == MAILS_UNPROVEN - 20


def test_a_challenge_does_not_hold_its_network(redis_store: RedisStore, services: object) -> None:
    """It has no use for it: nothing that its code does concerns the network."""
    name = challenge(redis_store)
    assert NETWORK not in redis.Redis.from_url(url_of(services)).hvals(b"challenge:" + name)


def test_budget_returns_with_the_next_window(redis_store: RedisStore, services: object) -> None:
    for _ in range(MAILS_UNPROVEN):
        assert take_mail(redis_store, window=600) is None
    assert 0 < (take_mail(redis_store, window=600) or 0) <= 600
    end_early(services, b"mails:" + NETWORK, 600)
    assert take_mail(redis_store, window=600) is None


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
    answer(redis_store, b"c" * 32, "87654321")
    redis_store.remember(b"p" * 32, 60)
    held = redis.Redis.from_url(url_of(services))
    lengths = [len("mails:") + 16, len("seen:") + 32, len("guesses:") + 32, len("challenge:") + 32]
    assert sorted(len(key) for key in held.keys("*")) == lengths
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
        lambda: away.try_code(TAG, TAG, TAG, is_long=False),
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


def test_the_embedded_server_writes_to_no_disk(redis_store: RedisStore, services: object) -> None:
    """P44: neither snapshot nor append-only file, whatever is counted."""
    redis_store.count_asked(date(2026, 11, 24), CampaignId(bytes(16)), "corp.example", 1)
    server = redis.Redis.from_url(url_of(services))
    settings = server.config_get("save", "appendonly", "dir")
    assert (settings["save"], settings["appendonly"]) == ("", "no")
    files = [each.name for each in Path(str(settings["dir"])).rglob("*") if each.is_file()]
    assert [name for name in files if name.endswith((".rdb", ".aof"))] == []


def test_codes_of_a_day_are_those_of_each_campaign_and_domain_and_end_after_two_days(
    redis_store: RedisStore, services: object
) -> None:
    day, one, other = date(2026, 11, 24), CampaignId(b" asked used     "), CampaignId(b"o" * 16)
    redis_store.count_asked(day, one, "a.example", 1)
    redis_store.count_asked(day, one, "a.example", 1)
    redis_store.count_used(day, one, "a.example")
    redis_store.count_asked(day, one, "b.example", 0)
    redis_store.count_asked(day, other, "a.example", 1)
    redis_store.count_used(day, other, "b.example")
    redis_store.count_asked(day + timedelta(days=1), one, "a.example", 1)
    found = sorted(redis_store.codes_of(day), key=lambda each: (each.campaign_id, each.domain))
    assert found == [
        CodeCount(one, "a.example", 2, 1), CodeCount(one, "b.example", 0, 0), CodeCount(other, "a.example", 1, 0),
    ]  # fmt: skip
    end_early(services, b"code-day:2026-11-24", 48 * 3600)
    assert redis_store.codes_of(day) == []
    assert len(redis_store.codes_of(day + timedelta(days=1))) == 1
    redis_store.forget_codes(day + timedelta(days=1))
    assert redis_store.codes_of(day + timedelta(days=1)) == []
