"""The key to what a signer's tab keeps: half an hour, by a random id, from this site's pages only."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest
from flask.testing import FlaskClient
from redis import Redis

from petition.config import Config
from petition.core.encoding import b64u
from petition.core.redis_store import TAB_KEY_SECONDS, TAB_KEYS
from tests.support.suzie import Suzie


@pytest.fixture
def redis(config: Config, suzie: Suzie) -> Iterator[Redis]:
    with Redis.from_url(config.redis_url) as connection:
        yield connection


def pair() -> dict[str, str]:
    """An id and a key, as a tab makes them."""
    return {"id": b64u(secrets.token_bytes(16)), "key": b64u(secrets.token_bytes(32))}


def test_a_key_is_kept_read_and_forgotten(suzie: Suzie) -> None:
    client, made = suzie.client, pair()
    here = {"id": made["id"]}
    assert client.post("/tab-key/keep", json=made).status_code == 200
    assert client.post("/tab-key/read", json=here).json == {"key": made["key"]}
    assert client.post("/tab-key/read", json=here).json == {"key": made["key"]}
    assert client.post("/tab-key/forget", json=here).status_code == 200
    assert client.post("/tab-key/read", json=here).status_code == 404
    assert client.post("/tab-key/forget", json=here).status_code == 200


def test_redis_holds_the_key_alone_and_for_half_an_hour(suzie: Suzie, redis: Redis) -> None:
    made = pair()
    answer = suzie.client.post("/tab-key/keep", json=made)
    names = redis.keys("tab-key:*")
    assert len(names) == 1
    assert redis.strlen(names[0]) == 32
    assert TAB_KEY_SECONDS - 5 < redis.ttl(names[0]) <= TAB_KEY_SECONDS
    assert made["id"].encode() not in b"".join(redis.keys("*"))
    assert "Set-Cookie" not in answer.headers
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("wrong", "status"),
    [({"id": "short"}, 422), ({"key": "short"}, 422), ({"key": "A" * 20_000}, 413), ({"id": None}, 422)],
)
def test_only_an_id_and_a_key_of_their_size_are_taken(suzie: Suzie, wrong: dict[str, str], status: int) -> None:
    answer = suzie.client.post("/tab-key/keep", json=pair() | wrong)
    assert (answer.status_code, answer.content_type) == (status, "application/problem+json")


def test_a_page_of_another_site_cannot_send_what_is_taken_here(suzie: Suzie) -> None:
    made = pair()
    assert suzie.client.post("/tab-key/keep", data=made).status_code == 415
    assert suzie.client.post("/tab-key/keep", data="{}", content_type="text/plain").status_code == 415
    asked = suzie.client.options("/tab-key/keep", headers={"Origin": "https://evil.example"})
    assert "Access-Control-Allow-Origin" not in asked.headers
    assert suzie.client.get("/tab-key/read").status_code == 405


def test_a_network_keeps_six_hundred_an_hour(suzie: Suzie, redis: Redis) -> None:
    suzie.client.post("/tab-key/keep", json=pair())
    budget = redis.keys("tabs:*")[0]
    redis.set(budget, TAB_KEYS, keepttl=True)
    answer = suzie.client.post("/tab-key/keep", json=pair())
    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 3600
    assert len(redis.keys("tab-key:*")) == 1


def test_without_redis_it_says_later(
    client: FlaskClient, suzie: Suzie, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    from petition.core.redis_store import RedisStore, RedisUnavailable

    def away(*_args: object, **_more: object) -> None:
        raise RedisUnavailable

    for name in ("keep_tab_key", "tab_key", "forget_tab_key"):
        monkeypatch.setattr(RedisStore, name, away)
    for what in ("keep", "read", "forget"):
        answer = suzie.client.post(f"/tab-key/{what}", json=pair())
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
