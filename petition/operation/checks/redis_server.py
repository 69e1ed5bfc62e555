"""Checks of Redis or Valkey: version, what it evicts, what it writes to a disk, and which commands it allows."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Final, cast

import redis
from redis.exceptions import NoPermissionError

from petition.operation.context import Context
from petition.operation.findings import Finding, fault, ok, warning

REDIS: Final = (7, 8)
VALKEY: Final = (8, 9)
KEEPS_ALL: Final = "noeviction"

USED: Final[tuple[tuple[str, ...], ...]] = (
    ("GET", "challenge:x"), ("SET", "seen:x", "1", "NX", "EX", "60"), ("DEL", "seen:x"), ("EXISTS", "challenge:x"),
    ("EXPIRE", "events:x", "60", "NX"), ("TTL", "mails:x"), ("INCR", "mails:x"), ("INCRBY", "guesses:x", "1"),
    ("HSET", "challenge:x", "tag", "1"), ("HGET", "challenge:x", "tag"), ("HMGET", "challenge:x", "tag"),
    ("HSETNX", "challenge:x", "blinded", "1"), ("HINCRBY", "code-day:x", "x", "1"), ("HGETALL", "code-day:x"),
    ("HDEL", "unacked", "x"), ("SET", "network-key", "1", "NX", "EX", "60", "GET"), ("GET", "tab-key:x"),
    ("INCR", "tabs:x"), ("INCR", "asks:x"), ("INCR", "sign-ins:x"), ("INCR", "network-sign-ins:x"),
    ("EVALSHA", "0" * 40, "1", "challenge:x"), ("SCRIPT", "LOAD", "return 1"), ("PING",),
    ("LPUSH", "codes", "x"), ("RPUSH", "ledger", "x"), ("BRPOP", "mail", "upkeep", "1"), ("LLEN", "codes"),
    ("ZADD", "unacked_index", "1", "x"), ("ZREM", "unacked_index", "x"), ("SADD", "_kombu.binding.codes", "x"),
    ("ZRANGE", "unacked_index", "0", "1"), ("PUBLISH", "/0.celeryev/worker.heartbeat", "x"), ("HSET", "unacked", "x", "1"),
    ("SET", "unacked_mutex", "x", "NX", "PX", "60000"), ("SMEMBERS", "_kombu.binding.codes"),
)  # fmt: skip
"""Each command that the product and its queue send, with a key of each kind. A test compares it with a running one."""


def version(context: Context, _about: str) -> Finding:
    """Looks whether the server answers, and which one it is."""
    with context.asking() as client:
        try:
            began = time.perf_counter()
            client.ping()
            took = round((time.perf_counter() - began) * 1000)
        except redis.RedisError as error:
            return fault(reason(error))
        try:
            info = _info(client, "server")
        except NoPermissionError:
            return warning(f"It answers in {took} ms, but may not be asked for its version (INFO): allow that command.")
    return judge_version(info, took)


def judge_version(info: Mapping[str, Any], took: int) -> Finding:
    """Returns what a version means, given the server's section of INFO. `took`: milliseconds for the answer."""
    name = "Valkey" if "valkey_version" in info else "Redis"
    number = str(info.get(f"{name.lower()}_version", ""))
    major = number.partition(".")[0]
    if not (major.isascii() and major.isdecimal()):
        return warning(
            f"It answers in {took} ms, and does not say which version it is ({number}): it must be Redis 7 or newer."
        )
    oldest, newest = VALKEY if name == "Valkey" else REDIS
    if int(major) < oldest:
        return fault(
            f"{name} {number} is too old: use Redis {REDIS[0]} or newer, or Valkey {VALKEY[0]} or {VALKEY[1]}."
        )
    if int(major) > newest:
        return warning(f"{name} {number} was not tried with this version, which knows {name} up to {newest}.")
    return ok(f"{name} {number} answers in {took} ms.")


def reason(error: redis.RedisError) -> str:
    """Returns why there is no connection to REDIS_URL."""
    if isinstance(error, redis.AuthenticationError | NoPermissionError) or "NOAUTH" in str(error):
        return "Redis does not accept the user and password of REDIS_URL: correct them."
    if "CERTIFICATE" in str(error).upper():
        return "The certificate of Redis is not one that can be trusted: see REDIS_URL."
    return "Redis cannot be reached, so no codes can be sent: check REDIS_URL and that the server is running."


def eviction(context: Context, _about: str) -> Finding:
    """Looks what the server deletes when its memory is full. Codes and the queue must not be among it."""
    with context.asking() as client:
        memory = _info(client, "memory")
    policy, limit = str(memory.get("maxmemory_policy", "")), int(memory.get("maxmemory", 0))
    if not policy:
        return warning(
            f"The server does not say what it deletes when it is full: see that maxmemory-policy is {KEEPS_ALL}."
        )
    if policy == KEEPS_ALL:
        return ok("Nothing is deleted when the memory is full (noeviction).")
    if limit == 0:
        return warning(
            f"maxmemory-policy is {policy}, which takes effect with a maxmemory only: set it to {KEEPS_ALL}."
        )
    return fault(
        f"maxmemory-policy is {policy}, so codes and queued work are deleted when it is full: set it to {KEEPS_ALL}."
    )


def persistence(context: Context, _about: str) -> Finding:
    """Looks whether the server writes to a disk. What it knows of the running day must not outlive that day (P44)."""
    advice = 'set `save ""` and `appendonly no`'
    with context.asking() as client:
        info = _info(client, "persistence")
        if int(info.get("aof_enabled", 0)):
            return fault(f"Redis writes every command to a disk, so the codes of the day outlive it: {advice}.")
        try:
            points = cast("dict[str, str]", client.config_get("save")).get("save", "")
        except redis.RedisError:
            return warning(
                f"Redis does not say whether it writes snapshots to a disk (CONFIG GET is refused): {advice}."
            )
    if points.strip():
        return fault(f"Redis writes snapshots to a disk, so the codes of the day outlive it: {advice}.")
    return ok("Nothing is written to a disk.")


def rights(context: Context, _about: str) -> Finding:
    """Looks whether the user may send every command that is used. They are queued in a transaction and then discarded."""
    with context.asking() as client:
        connection = client.connection_pool.get_connection()
        try:
            refused = {
                command[0].lower() for command in (("MULTI",), *USED, ("DISCARD",)) if not _allows(connection, command)
            }
        finally:
            connection.disconnect()  # type: ignore[no-untyped-call]
    if refused:
        return fault(
            f"The user of REDIS_URL may not use {', '.join(sorted(refused))} with our keys and channels: allow it (ACL SETUSER)."
        )
    return ok(f"The user may send each of the {len({command[0] for command in USED})} commands that are used.")


def _allows(connection: redis.Connection, command: tuple[str, ...]) -> bool:
    """Returns whether a command is accepted. Inside MULTI the server checks rights and does nothing yet."""
    connection.send_command(*command)  # type: ignore[no-untyped-call]
    try:
        connection.read_response()
    except NoPermissionError:
        return False
    except redis.ResponseError as error:
        return "EXECABORT" in str(error) or "no permissions" not in str(error).lower()
    return True


def _info(client: redis.Redis, section: str) -> dict[str, Any]:
    return client.info(section)
