"""What a check may use: the configuration, the clock, the DNS, and a connection of its own to each server.

Checks run side by side, and a server may hang. So no check shares a connection, each wait has a time limit, and nothing
is written.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parseaddr
from typing import Final
from urllib.parse import urlsplit

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from sqlalchemy import NullPool, create_engine, text
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from petition.config import Config
from petition.operation.dns import Dns

WAIT: Final = 5.0
"""Seconds to wait for one answer of a server."""
LOCAL: Final = frozenset({"localhost", "127.0.0.1", "::1"})


@dataclass(frozen=True, slots=True)
class Context:
    """The surroundings of all checks. `mail_to` is the only address that may get mail; it is empty for no mail.

    `http_port` and `https_port` are those of the public sites (80 and 443), which tests change. `paths` names files that
    hold secrets.
    """

    config: Config
    clock: Callable[[], datetime]
    dns: Dns = field(default_factory=Dns)
    mail_to: str = ""
    paths: tuple[str, ...] = ()
    http_port: int = 80
    https_port: int = 443

    @contextmanager
    def reading(self, url: str = "") -> Iterator[Session]:
        """Open a session on a connection of its own, as the application or at another address. Nothing is committed."""
        address = make_url(url or self.config.database_url)
        limits = {"connect_timeout": int(WAIT), "client_encoding": "utf8"}
        engine = create_engine(address, poolclass=NullPool, hide_parameters=True, connect_args=limits)
        try:
            with engine.connect() as connection, Session(bind=connection) as session:
                session.execute(text(f"SET LOCAL statement_timeout = {int(WAIT * 1000)}"))
                yield session
        finally:
            engine.dispose()

    @contextmanager
    def asking(self) -> Iterator[redis.Redis]:
        """Open a connection to Redis of its own."""
        retry = Retry(NoBackoff(), 0)
        client = redis.Redis.from_url(
            self.config.redis_url, socket_timeout=WAIT, socket_connect_timeout=WAIT, retry=retry
        )
        try:
            yield client
        finally:
            client.close()

    @property
    def host(self) -> str:
        """Returns the host of the public address."""
        return urlsplit(self.config.base_url).hostname or ""

    @property
    def is_public(self) -> bool:
        """Returns whether the public address is more than a name of this machine for itself."""
        return self.host not in LOCAL

    def sender_domains(self) -> tuple[str, ...]:
        """Returns the domains of the senders of campaign mail and of code mail, each once."""
        senders = (self.config.mail_from, self.config.code_mail_from)
        return tuple(dict.fromkeys(parseaddr(each)[1].rpartition("@")[2].lower() for each in senders))


def own_addresses() -> list[str]:
    """Returns the addresses from which this machine reaches the internet. No packet is sent to find them."""
    found = []
    for family, elsewhere in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as trial:
                trial.connect((elsewhere, 9))
                found.append(str(trial.getsockname()[0]).partition("%")[0])
        except OSError:
            continue
    return found
