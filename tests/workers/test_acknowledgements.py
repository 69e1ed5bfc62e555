"""P3 without a storm: Redis is gone when a worker reports that a task is done, or gives it back."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest
from kombu import Connection, Exchange, Queue
from kombu.transport import redis

from petition.config import Config
from workers import celery_app
from workers.acknowledgements import FreedPlaces


@pytest.fixture
def channel(config: Config) -> Iterator[redis.Channel]:
    """A worker's channel with one place, which a message has taken."""
    celery_app.connect(config)
    name = f"acknowledgements-{secrets.token_hex(8)}"
    with Connection(config.broker_url) as connection:
        channel = connection.channel()
        channel.basic_qos(0, 1, False)
        queue = Queue(name, Exchange(name), routing_key=name)(channel)
        queue.declare()
        connection.Producer(channel).publish("hello", exchange=name, routing_key=name)
        assert queue.get(no_ack=False) is not None
        yield channel


def lose(channel: redis.Channel) -> None:
    """Redis is away for every connection that this channel has or makes."""
    channel.pool.connection_kwargs["path"] = "/nowhere"
    channel.pool.disconnect()
    channel.pool.reset()


@pytest.mark.parametrize("how", ["ack", "reject", "requeue"])
def test_the_place_is_free_although_redis_could_not_be_told(channel: redis.Channel, how: str) -> None:
    assert isinstance(channel.qos, FreedPlaces)
    assert not channel.qos.can_consume()
    (tag,) = channel.qos._delivered
    lose(channel)
    with pytest.raises(channel.connection.client.connection_errors):
        channel.basic_ack(tag) if how == "ack" else channel.basic_reject(tag, requeue=how == "requeue")
    assert channel.qos.can_consume()


def test_what_is_acknowledged_while_redis_is_there_is_given_out_no_more(channel: redis.Channel) -> None:
    (tag,) = channel.qos._delivered
    channel.basic_ack(tag)
    assert channel.qos.can_consume()
    assert channel.client.hexists(channel.unacked_key, tag) is False
