"""`doctor` beside a running installation: its processes are seen, and its Redis is sent no other commands than those tried."""

from __future__ import annotations

import json
from typing import Any

import pytest
import redis

from petition.bootstrap.embedded import SOCKET_NAME
from petition.operation.checks.redis_server import USED
from tests.support.clients import SLUG
from tests.support.foreign_client import call
from tests.support.installation import Running
from tests.support.waiting import until

pytestmark = pytest.mark.xdist_group("tree")

CONNECTING = {"auth", "client", "hello", "select", "info", "multi", "exec", "discard", "time", "config", "command"}
"""What every client sends, what `doctor` asks, and how a transaction begins and ends."""
OF_TESTS = {"keys", "scan", "flushdb", "flushall"}


def verdicts(tree: Running) -> dict[str, Any]:
    """What each check says, asked with a resolver that answers nobody."""
    said = tree.command("doctor", "--json", "--resolver", "127.0.0.1:9")
    assert said.stderr == ""
    return {each["check"]: (each["verdict"], each["sentence"]) for each in json.loads(said.stdout)["checks"]}


def test_a_running_installation_is_seen_as_such(running: Running) -> None:
    # The first sign of life of a worker comes ten seconds after the start.
    found = until(
        "the workers' signs of life", lambda: verdicts(running), lambda seen: seen["processes"][0] == "ok", pause=1
    )
    in_order = ("database", "tables", "roles", "redis", "eviction", "persistence", "rights", "processes", "clock")
    assert [found[name] for name in in_order if found[name][0] != "ok"] == []
    assert found["address"][0] == "warning"  # localhost


def test_every_command_that_redis_is_sent_is_one_whose_right_is_checked(running: Running) -> None:
    """A new one has to be added to USED, or a restricted user would fail in production."""
    with redis.Redis(unix_socket_path=str(running.home / "run" / SOCKET_NAME)) as server:
        server.config_resetstat()  # tests before this one looked at its keys
    asked = call(f"{running.url}/api/campaigns/{SLUG}/verify", {"address": "suzie@salesforce.example"})
    assert asked.status == 202
    running.code_for("suzie@salesforce.example")
    with redis.Redis(unix_socket_path=str(running.home / "run" / SOCKET_NAME)) as server:
        sent = {name.removeprefix("cmdstat_").split("|")[0] for name in server.info("commandstats")}
    assert sent - CONNECTING - OF_TESTS <= {command[0].lower() for command in USED}
