"""A post office for proofs: Celery workers, a database of their own, and a mail server that keeps every byte."""

from __future__ import annotations

import asyncio
import os
import re
import secrets
import signal
import subprocess
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session
from sqlalchemy import update

from petition.bootstrap import EmbeddedServices, commands
from petition.config import Config
from petition.config.addresses import PROJECT
from petition.core import db
from petition.mail import SmtpPostbox
from petition.mailing.digests import Sender
from petition.mailing.queue import Delivery, DeliveryState, Throttle
from petition.privacy import keyring
from tests import make
from tests.support.mail_server import server, with_pipelining
from tests.support.queues import send_task
from tests.support.served import free_port
from tests.support.services import cloned, environment_of
from tests.support.waiting import until

MESSAGE_ID = re.compile(rb"^Message-ID: (\S+)", re.MULTILINE | re.IGNORECASE)
HANG, DROP = "hang", "drop"


@dataclass(frozen=True)
class Taken:
    """A mail the server answered 250 for, and when."""

    message_id: str
    content: bytes
    to: str
    at: float


@dataclass
class Sink:
    """A mail server that answers each domain as it is told, and keeps what it took."""

    delay: float = 0.0
    says: dict[str, str] = field(default_factory=dict)
    taken: list[Taken] = field(default_factory=list)
    asked: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    clock: Callable[[], float] = time.monotonic
    on_recipient: Callable[[str], None] = lambda address: None

    async def handle_EHLO(
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        """Offer pipelining."""
        session.host_name = hostname
        return with_pipelining(responses)

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Note the time and answer as the domain is told to."""
        self.asked[address].append(self.clock())
        self.on_recipient(address)
        answer = self.says.get(address.rpartition("@")[2], "250 OK")
        if answer == HANG:
            await asyncio.sleep(3600)
        if answer[0] != "2" and answer != DROP:
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Keep the mail, or hang up on a domain that is told to be dropped."""
        (to,) = envelope.rcpt_tos
        if self.says.get(to.rpartition("@")[2]) == DROP:
            assert server.transport is not None
            server.transport.close()
            return "421 gone"
        assert isinstance(envelope.content, bytes)
        found = MESSAGE_ID.search(envelope.content)
        assert found is not None
        self.taken.append(Taken(found[1].decode(), envelope.content, to, self.clock()))
        if self.delay:
            await asyncio.sleep(self.delay)
        return "250 OK"

    def lost_and_repeated(self, n: int) -> tuple[int, int]:
        """Of n mails, how many never came, and how many came again; each repeat has the bytes of the first."""
        first: dict[str, bytes] = {}
        for mail in list(self.taken):
            assert first.setdefault(mail.message_id, mail.content) == mail.content
        return n - len(first), len(self.taken) - len(first)


@dataclass
class Post:
    """One installation's mail: its configuration, its sink, its workers."""

    config: Config
    env: dict[str, str]
    sink: Sink
    port: int
    kept: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def sender(self, timeout: float = 8.0, rate: float = 0) -> Sender:
        """A sender in this process."""
        postbox = SmtpPostbox(f"smtp://127.0.0.1:{self.port}", timeout)
        return Sender(
            postbox, self.config.base_url, self.config.secret_key, self.config.pepper, self.config.mail_from, rate
        )

    def send_task(self, name: str, queue: str, args: list[object] | None = None) -> None:
        """Put a message into a queue."""
        send_task(self.config, name, queue, *(args or []))

    def nudge(self) -> None:
        """What beat does every two seconds."""
        self.send_task("mail.send", "mail")

    def nudged_until(self, done: Callable[[], object]) -> float:
        """Nudge until something is so; gives how long it took."""
        began = time.monotonic()

        def nudged() -> object:
            return done() or self.nudge()

        until("what the senders were nudged for", nudged, pause=0.2)
        return time.monotonic() - began

    def worker(self, name: str = "bulk") -> psutil.Process:
        """A Celery worker as the supervisor starts it: the one that runs, or a new one."""
        running = self.kept.get(name)
        if running is None or running.poll() is not None:
            out = (self.config.home / f"{name}.log").open("ab")
            running = subprocess.Popen(
                commands.worker(name, self.config).argv,
                cwd=PROJECT,
                env=self.env,
                start_new_session=True,
                stdout=out,
                stderr=out,
            )
            out.close()
            self.kept[name] = running
        return psutil.Process(running.pid)

    def kill(self, name: str = "bulk") -> None:
        """Kill -9 of a worker and its pool."""
        running = self.kept.pop(name, None)
        if running is not None:
            with suppress(ProcessLookupError):
                os.killpg(running.pid, signal.SIGKILL)
            running.wait()

    def fresh(self) -> Post:
        """The same for another test: nothing is left to send, and the sink forgets what it was told and what it took."""
        keyring.connect(self.config.master_keys)
        db.connect(self.config.database_url, pool_size=10)
        with db.transaction() as session:
            session.execute(update(Delivery).values(state=DeliveryState.DROPPED))
            session.execute(update(Throttle).values(open_at=None, failures=0))
        self.sink.taken.clear()
        self.sink.asked.clear()
        self.sink.says.clear()
        self.sink.delay, self.sink.clock, self.sink.on_recipient = 0.0, time.monotonic, lambda address: None
        return self


def senders(worker: psutil.Process) -> list[psutil.Process]:
    """The processes of a worker's pool."""
    with suppress(psutil.NoSuchProcess):
        return worker.children()
    return []


def environment(services: EmbeddedServices, database_url: str, home: Path, port: int) -> dict[str, str]:
    """What the worker's processes read."""
    (home / "pepper").write_bytes(make.PEPPER)
    return os.environ | {
        "PETITION_ENV": "development",
        "PETITION_HOME": str(home),
        "PETITION_PORT": str(free_port()),
        "PETITION_MAIL_RATE": "0",
        "PETITION_PEPPER_FILE": str(home / "pepper"),
        **environment_of(database_url),
        "REDIS_URL": services.redis_url,
        "SMTP_URL": f"smtp://127.0.0.1:{port}?tls=none",
    }


@contextmanager
def post_office(services: EmbeddedServices, database_url: str, home: Path, **more: str) -> Iterator[Post]:
    """A mail server, and a configuration of workers that send to it; this process works on the same database."""
    import redis

    redis.Redis.from_url(services.redis_url).flushall()
    sink = Sink()
    with server(sink) as port:  # type: ignore[arg-type]
        env = environment(services, database_url, home, port) | more
        config = Config.from_env(env)
        opened = Post(config, env, sink, port)
        try:
            yield opened
        finally:
            for name in list(opened.kept):
                opened.kill(name)
            db.disconnect()


@pytest.fixture(scope="module")
def office(services: EmbeddedServices, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Post]:
    """A post office for the tests of one file, which start from `post`."""
    url = cloned(services, template, f"post_{secrets.token_hex(4)}")
    with post_office(services, url, tmp_path_factory.mktemp("post")) as opened:
        yield opened


@pytest.fixture
def post(office: Post) -> Post:
    """The post office as if it had just opened; its workers run on."""
    return office.fresh()
