"""An embedded Valkey (or Redis, whichever the system has) for codes, budgets and the queue: in memory only, on a unix socket that only its owner can reach.

None of its data is ever written to disk: there is no snapshot, no append-only file, no slow log, and no crash report
with the arguments of a command. When its memory is full it rejects writes, instead of evicting data that somebody waits
for.
"""

from __future__ import annotations

import signal
import socket
import time
from pathlib import Path

from petition.bootstrap import programs
from petition.bootstrap.process import Process
from petition.bootstrap.progress import CannotStart
from petition.config import Servers, Size

SETTINGS = {
    "port": "0",
    "unixsocketperm": "700",
    "save": "",
    "appendonly": "no",
    "maxmemory": "256mb",
    "maxmemory-policy": "noeviction",
    "slowlog-log-slower-than": "-1",
    "crash-log-enabled": "no",
    "crash-memcheck-enabled": "no",
    "loglevel": "warning",
}
SMALL = {"maxmemory": "64mb", "hz": "2"}
"""For an installation of the small size."""
START_SECONDS = 10.0


class Valkey:
    """One server. It can be started and stopped repeatedly; it is empty after each start."""

    def __init__(
        self, unix_socket: Path, log: Path, servers: Servers = Servers.DEFAULT, size: Size = Size.NORMAL
    ) -> None:
        self.socket, self.log = unix_socket, log
        self._settings = SETTINGS | (SMALL if size is Size.SMALL else {})
        self._binary = programs.store(servers)
        self.title = "Redis" if self._binary.name.startswith("redis") else "Valkey"
        self._process: Process | None = None

    @property
    def pid(self) -> int | None:
        """Returns the process id while it runs."""
        return self._process.pid if self._process else None

    def alive(self) -> bool:
        """Returns whether it runs."""
        return self._process is not None and self._process.alive()

    def launch(self) -> None:
        """Start without waiting. A socket that a killed server left is replaced."""
        self.socket.unlink(missing_ok=True)
        options = [word for name, value in self._settings.items() for word in (f"--{name}", value)]
        place = ["--unixsocket", str(self.socket), "--dir", str(self.socket.parent)]
        env = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"}
        self._process = Process([self._binary, *options, *place], self.log, env, death_signal=signal.SIGTERM)

    def await_ready(self) -> None:
        """Wait until it answers."""
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            if not self.alive() or time.monotonic() > deadline:
                raise CannotStart(f"{self.title} does not start: read {self.log}")
            time.sleep(0.01)

    def start(self) -> None:
        """Launch and wait until it answers."""
        self.launch()
        self.await_ready()

    def stop(self, seconds: float = 2.0) -> bool:
        """Stop in order. Returns True if it stopped by itself."""
        return self._process is None or self._process.stop(signal.SIGTERM, seconds)

    def kill(self) -> None:
        """Send SIGKILL. All its data is lost."""
        if self._process is not None:
            self._process.kill()

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(1.0)
            try:
                line.connect(str(self.socket))
                line.sendall(b"PING\r\n")
                return line.recv(16).startswith(b"+PONG")
            except OSError:
                return False
