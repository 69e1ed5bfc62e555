"""A whole installation on loopback: what `python3 app.py` starts, in a home folder of its own."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from petition.config.addresses import PROJECT
from petition.mail import read_inbox

READY_SECONDS = 90
FOREIGN = (
    "DATABASE_URL",
    "REDIS_URL",
    "SMTP_URL",
    "PETITION_SECRET_KEY",
    "PETITION_MASTER_KEY",
    "PETITION_PEPPER_FILE",
)


@dataclass(frozen=True)
class Running:
    """An installation that answers at `url`; its mails lie in `home`/inbox."""

    url: str
    home: Path
    process: subprocess.Popen[str]

    def code_for(self, address: str, seconds: float = 20) -> str:
        """The code in the newest mail to an address, once it has come."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for mail in read_inbox(self.home / "inbox", 500):
                found = re.search(r"\b(\d{8})\b", mail.text)
                if mail.to == address and found:
                    return found[1]
            time.sleep(0.1)
        raise AssertionError("no code mail came")

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """`python3 app.py words…` beside the running tree."""
        argv = [sys.executable, "app.py", *words]
        return subprocess.run(
            argv,
            cwd=PROJECT,
            env=environment(self.home, free_port()),
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )


def environment(home: Path, port: int) -> dict[str, str]:
    """The environment of an installation: nothing but its home and its port."""
    kept = {name: value for name, value in os.environ.items() if name not in FOREIGN}
    return kept | {"PETITION_ENV": "development", "PETITION_HOME": str(home), "PETITION_PORT": str(port)}


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as trial:
        trial.bind(("127.0.0.1", 0))
        return int(trial.getsockname()[1])


@contextmanager
def installation(**more: str) -> Iterator[Running]:
    """Start an installation, wait until it is ready, and stop it in order."""
    home, port = Path(tempfile.mkdtemp(prefix="u-")), free_port()
    process = subprocess.Popen(
        [sys.executable, "app.py"],
        cwd=PROJECT,
        env=environment(home, port) | more,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        yield Running(_ready(process), home, process)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
        shutil.rmtree(home, ignore_errors=True)


def _ready(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("ready "):
            return line.removeprefix("ready ").strip()
    raise AssertionError("the installation did not become ready")
