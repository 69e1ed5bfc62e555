"""What is put into the queue: what the worker reads, and not once more for somebody who might look."""

from __future__ import annotations

import json
from base64 import b64decode
from typing import cast

import pytest
import redis
from celery import Celery

from petition.bootstrap.embedded import EmbeddedServices
from petition.config.addresses import broker_url
from petition.core.events import CodeWanted, QueueAway
from petition.core.redis_store import RedisStore
from workers import celery_app, follow_ups
from workers.celery_app import CODES
from workers.follow_ups import follow

SEALED = "sealed-address-and-code"


@pytest.fixture
def queue(services: EmbeddedServices, redis_store: RedisStore, monkeypatch: pytest.MonkeyPatch) -> redis.Redis:
    """Valkey, emptied, as the broker."""
    point_to(broker_url(services.redis_url), monkeypatch)
    return redis.Redis.from_url(services.redis_url)


def point_to(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Send through an app that has no connections yet, with the settings of ours."""
    fresh = Celery("test", set_as_current=False)
    for name in ("task_queues", "task_ignore_result", "task_publish_retry_policy", "broker_transport_options"):
        fresh.conf[name] = celery_app.app.conf[name]
    fresh.conf.broker_url = url
    monkeypatch.setattr(follow_ups, "app", fresh)


def test_sealed_text_is_in_the_message_once(queue: redis.Redis) -> None:
    follow(CodeWanted(SEALED))
    (message,) = cast("list[bytes]", queue.lrange(CODES, 0, -1))
    whole = json.loads(message)
    assert json.loads(b64decode(whole["body"]))[0] == [SEALED]
    assert whole["headers"]["task"] == "codes.mail"
    assert SEALED not in json.dumps(whole["headers"])


def test_queue_that_came_back_is_used_again(queue: redis.Redis) -> None:
    follow(CodeWanted(SEALED))
    queue.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    follow(CodeWanted(SEALED))
    assert queue.llen(CODES) == 2


def test_absent_queue_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    point_to("redis://127.0.0.1:1/0", monkeypatch)
    with pytest.raises(QueueAway):
        follow(CodeWanted(SEALED))
