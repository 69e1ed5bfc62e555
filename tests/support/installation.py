"""A whole installation on loopback: what `python3 app.py` starts, in a home folder of its own."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest
import redis

from petition.bootstrap.embedded import SOCKET_NAME
from petition.config.addresses import PROJECT
from petition.mail import read_inbox
from tests.support.places import in_memory
from tests.support.served import free_port
from tests.support.waiting import until

FOREIGN = (
    "DATABASE_URL",
    "PETITION_OWNER_DATABASE_URL",
    "PETITION_MAINTENANCE_DATABASE_URL",
    "REDIS_URL",
    "SMTP_URL",
    "PETITION_SECRET_KEY",
    "PETITION_MASTER_KEY",
    "PETITION_PEPPER_FILE",
)


CHECKOUT: Final = (sys.executable, "app.py")


@dataclass(frozen=True)
class Running:
    """An installation that answers at `url`; its mails lie in `home`/inbox, `sign_in` lets its owner in once.

    `program` ran in `folder`: that of the checkout, or an installed one. `more` are further settings that it has.
    """

    url: str
    home: Path
    process: subprocess.Popen[str]
    sign_in: str
    program: tuple[str, ...] = CHECKOUT
    folder: Path = PROJECT
    more: Mapping[str, str] = field(default_factory=dict)

    def code_for(self, address: str) -> str:
        """The code in the newest mail to an address, once it has come."""
        return self._in_mail(address, r"\b(\d{8})\b")

    def long_code_for(self, address: str) -> str:
        """The long code in the same mail."""
        return self._in_mail(address, r"\b(\d{4}(?: \d{4}){3})\b")

    def _in_mail(self, address: str, pattern: str) -> str:
        def codes() -> list[str]:
            texts = [mail.text for mail in read_inbox(self.home / "inbox", 50) if mail.to == address]
            return [found[1] for text in texts if (found := re.search(pattern, text))]

        return until("a mail with a code", codes)[0]

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """`python3 app.py words…` beside the running tree."""
        return subprocess.run(
            [*self.program, *words],
            cwd=self.folder,
            env=environment(self.home, free_port()) | self.more,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )


def environment(home: Path, port: int) -> dict[str, str]:
    """The environment of an installation: nothing but its home and its port."""
    kept = {name: value for name, value in os.environ.items() if name not in FOREIGN}
    return kept | {"PETITION_ENV": "development", "PETITION_HOME": str(home), "PETITION_PORT": str(port)}


@contextmanager
def installation(
    program: tuple[str, ...] = CHECKOUT, folder: Path = PROJECT, words: tuple[str, ...] = (), **more: str
) -> Iterator[Running]:
    """Start an installation, wait until it is ready, and stop it in a hurry."""
    home, port = Path(tempfile.mkdtemp(prefix="u-", dir=in_memory())), free_port()
    process = subprocess.Popen(
        [*program, *words],
        cwd=folder,
        env=environment(home, port) | more,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        announced = announced_by(process)
        yield Running(announced["ready"], home, process, announced.get("sign in", ""), program, folder, more)
    finally:
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGINT)  # a second signal: it need not wait for anybody
        process.wait(60)
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def running() -> Iterator[Running]:
    """An installation with the founding campaign and its 249 signatures; the tests that use it stay in one process."""
    with installation() as started:
        yield started


@pytest.fixture(autouse=True)
def _hour_of_codes(request: pytest.FixtureRequest) -> None:
    """Let the hour end for which a network's codes are counted, so that no test lives on what the tests before it left."""
    if "running" in request.fixturenames:
        started: Running = request.getfixturevalue("running")
        with redis.Redis(unix_socket_path=str(started.home / "run" / SOCKET_NAME)) as server:
            for key in server.scan_iter("mails:*"):
                server.delete(key)


def announced_by(process: subprocess.Popen[str]) -> dict[str, str]:
    """What the tree announces, up to the line that says that it is ready."""
    assert process.stdout is not None
    announced = {}
    for line in process.stdout:
        name, _, address = line.strip().rpartition(" ")
        announced[name.strip()] = address
        if line.startswith("ready "):
            return announced
    raise AssertionError("the installation did not become ready")
