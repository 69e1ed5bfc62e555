"""PostgreSQL and Valkey as an operator gives them: started by somebody else, over TCP, with ordinary roles and passwords."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import redis

from petition.bootstrap.valkey import Valkey
from tests.support.places import in_memory
from tests.support.postgresqls import COLLATIONS, OWNER, PASSWORD, Provider, of_the_wheel, provider
from tests.support.served import free_port

DATABASE: Final = "letters"
__all__ = ["DATABASE", "OWNER", "PASSWORD", "STORE_PASSWORD", "GivenServers", "given_servers"]
STORE_PASSWORD: Final = "another-password-of-tests-only"


@dataclass(frozen=True)
class GivenServers:
    """A PostgreSQL with an empty database that an ordinary role owns, and a Valkey with a password."""

    postgres: Provider
    store: int
    """The port of Valkey."""

    @property
    def redis_url(self) -> str:
        """The address of Valkey."""
        return f"redis://:{STORE_PASSWORD}@127.0.0.1:{self.store}/0"

    def one_role(self) -> dict[str, str]:
        """The settings of an installation whose only role owns the database."""
        return {"DATABASE_URL": self.postgres.url(DATABASE, OWNER), "REDIS_URL": self.redis_url}

    def three_roles(self) -> dict[str, str]:
        """The settings of an installation with a role for the application and one for maintenance beside the owner."""
        return self.postgres.environ(DATABASE) | {"REDIS_URL": self.redis_url}


@contextmanager
def given_servers(folder: Path, certificate: tuple[Path, Path]) -> Iterator[GivenServers]:
    """Start both, with an empty database."""
    with provider(of_the_wheel(), folder / "p", certificate) as postgres, _valkey() as store:
        assert postgres.database(DATABASE, COLLATIONS["C"])
        yield GivenServers(postgres, store)


@contextmanager
def _valkey() -> Iterator[int]:
    with tempfile.TemporaryDirectory(prefix="v-", dir=in_memory()) as folder:
        server, port = Valkey(Path(folder) / "valkey.sock", Path(folder) / "log"), free_port()
        server.start()
        try:
            with redis.Redis(unix_socket_path=str(server.socket)) as admin:
                admin.config_set("bind", "127.0.0.1")
                admin.config_set("port", port)
                admin.config_set("requirepass", STORE_PASSWORD)
            yield port
        finally:
            server.kill()
