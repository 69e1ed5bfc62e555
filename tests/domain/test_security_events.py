"""Security events are a kind and a count of a day: lines at 1, 10, 100 …, or of the day before for what signers do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, cast

import pytest
import redis

from petition.bootstrap import EmbeddedServices
from petition.config import Config, Environment
from petition.core import logs, security_events
from petition.core.redis_store import RedisStore
from petition.core.security_events import BY_DAY, SecurityEvent
from tests.make import NOW


@dataclass
class Only:
    """The one setting that logs read."""

    env: Environment = Environment.PRODUCTION


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Callable[[], list[dict[str, Any]]]:
    """What was logged since the last look, without the moment and the module."""
    logs.configure(cast("Config", Only()))

    def logged() -> list[dict[str, Any]]:
        found = [{**record.msg} for record in caplog.records if isinstance(record.msg, dict)]
        caplog.clear()
        return [{name: line[name] for name in line.keys() - {"level", "logger", "timestamp"}} for line in found]

    return logged


def told(kind: SecurityEvent, n: int) -> dict[str, Any]:
    return {"event": "security event", "kind": kind.value, "n": n}


def test_the_first_the_tenth_and_the_hundredth_event_of_a_day_write_a_line(
    redis_store: RedisStore, lines: Callable[[], list[dict[str, Any]]]
) -> None:
    for _ in range(120):
        security_events.record(redis_store, SecurityEvent.SIGN_IN_FAILED, NOW)
    security_events.record(redis_store, SecurityEvent.REPORT_REFUSED, NOW)
    security_events.record(redis_store, SecurityEvent.SIGN_IN_FAILED, NOW + timedelta(days=1))
    first = SecurityEvent.SIGN_IN_FAILED
    assert lines() == [
        *(told(first, n) for n in (1, 10, 100)), told(SecurityEvent.REPORT_REFUSED, 1), told(first, 1)
    ]  # fmt: skip
    assert security_events.figures(redis_store, NOW)[first] == 120


@pytest.mark.parametrize("kind", sorted(BY_DAY))
def test_what_one_signer_does_writes_no_line_and_moves_no_figure_on_its_day(
    redis_store: RedisStore, lines: Callable[[], list[dict[str, Any]]], kind: SecurityEvent
) -> None:
    """P42: a line or a figure at the moment of a wrong code could be matched with the log of a network."""
    before = security_events.figures(redis_store, NOW)
    for _ in range(9):
        security_events.record(redis_store, kind, NOW)
    tomorrow = NOW + timedelta(days=1)
    assert security_events.figures(redis_store, NOW) == security_events.figures(redis_store, tomorrow) == before
    security_events.report_day(redis_store, NOW.date())
    assert lines() == []
    for _ in range(16):
        security_events.record(redis_store, kind, NOW)
    assert security_events.figures(redis_store, tomorrow)[kind] == 20
    security_events.report_day(redis_store, NOW.date())
    assert lines() == [{"event": "security events of a day", "kind": kind.value, "n": 20}]


def test_without_redis_the_line_is_written_all_the_same(lines: Callable[[], list[dict[str, Any]]]) -> None:
    away = RedisStore("redis://127.0.0.1:1/0")
    security_events.record(away, SecurityEvent.TAMPERING_FOUND, NOW)
    security_events.record(away, SecurityEvent.LIMIT_REACHED, NOW)
    assert lines() == [told(SecurityEvent.TAMPERING_FOUND, 1)]


def test_a_count_ends_after_two_days(redis_store: RedisStore, services: EmbeddedServices) -> None:
    for _ in range(3):
        security_events.record(redis_store, SecurityEvent.SIGN_IN_FAILED, NOW)
    (key,) = redis.Redis.from_url(services.redis_url).scan_iter("events:*")
    assert key == f"events:sign_in_failed:{NOW.date()}".encode()
    assert 0 < redis.Redis.from_url(services.redis_url).ttl(key) <= 48 * 3600
