"""P59: an installation whose Redis wants TLS, a user of its access control list, and a password."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from petition.bootstrap.valkey import Valkey
from tests.support.clients import SLUG, in_the_ledger, passes_for, sign
from tests.support.foreign_client import call
from tests.support.installation import Running, installation
from tests.support.places import in_memory
from tests.support.tls_front import tls_front

ALLOWED = ("~*", "&*", "+@all", "-@admin", "-@dangerous", "+info", "+keys")
"""What managed servers leave to a user: no administration."""


@pytest.fixture(scope="module")
def tree(certificate: tuple[Path, Path]) -> Iterator[Running]:
    """An installation with such a Redis, whose certificate it checks."""
    with tempfile.TemporaryDirectory(prefix="v-", dir=in_memory()) as folder:
        server = Valkey(Path(folder) / "valkey.sock", Path(folder) / "log")
        server.launch()
        server.await_ready()
        with redis.Redis(unix_socket_path=str(server.socket)) as admin:
            admin.execute_command("ACL", "SETUSER", "undersigned", "on", ">a+b/c", *ALLOWED)
            admin.execute_command("ACL", "SETUSER", "default", "off")
        try:
            with tls_front(certificate, server.socket) as port:
                address = f"rediss://undersigned:a%2Bb%2Fc@localhost:{port}/0?ssl_ca_certs={certificate[0]}"
                with installation(REDIS_URL=address) as started:
                    yield started
        finally:
            server.kill()


def test_codes_are_mailed_and_signatures_counted(tree: Running) -> None:
    """P59: codes go through Redis and its queue, batches are written by a worker that waits there."""
    asked = call(f"{tree.url}/api/campaigns/{SLUG}/verify", {"address": "suzie@salesforce.example"})
    assert asked.status == 202
    assert len(tree.code_for("suzie@salesforce.example")) == 8
    answer = sign(tree, *passes_for(tree, 1))
    assert answer is not None
    assert answer.status == 201
    in_the_ledger([answer], 60)
