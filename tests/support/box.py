"""One box in production on loopback: what `init` and `up --settings` make of a folder, with a mail server beside it."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email import message_from_bytes, policy
from pathlib import Path
from typing import Final

from petition.bootstrap import programs
from petition.config import settings_file
from petition.config.addresses import PROJECT
from tests.support.places import in_memory
from tests.support.served import free_port

HOST: Final = "letters.example.org"
MINE: Final = ("--user", "root") if os.geteuid() == 0 else ()
PATIENCE: Final = 300


def origin() -> tuple[str, dict[str, str]]:
    """Where this machine's servers come from: packages of the system where it has them, and else the wheels."""
    postgres, stores = programs.system_postgres(), programs.system_stores()
    if postgres and stores:
        return "system", {}
    return "wheel", {"PETITION_PG_BIN": str(postgres[0])} if postgres else {}


def bare_environment() -> dict[str, str]:
    """An environment without any setting of this program."""
    ours = ("PETITION_", "DATABASE_", "REDIS_", "SMTP_", "MAIL_", "CODE_MAIL")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}


@dataclass
class Box:
    """An installation in a folder of its own; `relay` is the port of its mail server."""

    folder: Path
    relay: int
    port: int

    @property
    def settings(self) -> Path:
        """Returns the settings file."""
        return self.folder / "etc" / "settings.env"

    @property
    def home(self) -> Path:
        """Returns the data folder."""
        return self.folder / "data"

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """`python3 app.py words… --settings FILE`, without a terminal and with nothing else in the environment."""
        return subprocess.run(
            [sys.executable, "app.py", *words, "--settings", str(self.settings)],
            cwd=PROJECT, env=bare_environment(), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
            timeout=PATIENCE,
        )  # fmt: skip

    def init(self, *words: str) -> subprocess.CompletedProcess[str]:
        """`init` with options for everything, and a password in a file of answers."""
        servers, more = origin()
        answers = self.folder / "answers"
        answers.touch(0o600)
        lines = {"SMTP_URL": f"smtp://127.0.0.1:{self.relay}?tls=none", **more}
        answers.write_text("".join(settings_file.line(name, value) for name, value in lines.items()))
        asked = [
            "--address",
            f"https://{HOST}",
            "--code-mail-from",
            "no-reply@accounts.example.net",
            "--servers",
            servers,
        ]
        places = ["--home", str(self.home), "--port", str(self.port), "--answers", str(answers)]
        return self.command("init", "--yes", *MINE, *asked, *places, *words)

    @contextmanager
    def up(self) -> Iterator[subprocess.Popen[str]]:
        """Run the installation until the end of the block; it is there once this gives its process."""
        process = subprocess.Popen(
            [sys.executable, "app.py", "up", "--settings", str(self.settings)],
            cwd=PROJECT, env=bare_environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            ready = any(line.startswith("ready ") for line in process.stdout)
            assert ready, process.stderr.read()
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)
            process.stdout.close()
            process.stderr.close()

    def get(self, path: str) -> tuple[int, dict[str, str], str]:
        """Status, headers and body of a page, asked for as a proxy with TLS does."""
        return self._ask("GET", path, None, {})

    def post(self, path: str, sent: dict[str, str]) -> tuple[int, dict[str, str], str]:
        """The same of a call."""
        return self._ask("POST", path, json.dumps(sent), {"Content-Type": "application/json"})

    def _ask(self, method: str, path: str, body: str | None, more: dict[str, str]) -> tuple[int, dict[str, str], str]:
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        headers = {"Host": HOST, "X-Forwarded-Proto": "https", "X-Forwarded-For": "192.0.2.7"}
        line.request(method, path, body, headers | more)
        answer = line.getresponse()
        found = answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read().decode()
        line.close()
        return found


@contextmanager
def box(relay: int) -> Iterator[Box]:
    """A folder for one installation, which is removed afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="u-", dir=in_memory()))
    try:
        yield Box(folder, relay, free_port())
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def path_in(text: str) -> str:
    """The path of the address at the public host in what a command printed."""
    found = re.search(rf"https://{re.escape(HOST)}(/\S+)", text)
    assert found, text
    return found[1]


def words_of(mail: bytes) -> str:
    """The plain text of a mail."""
    body = message_from_bytes(mail, policy=policy.default).get_body(("plain",))
    assert body is not None
    return str(body.get_content())
