"""A tiny process that ends all remaining processes if the supervisor is killed with SIGKILL.

The kernel only signals direct children of a dead parent (process.py); the workers of a web server and of a queue are
grandchildren. The reaper holds one end of a pipe and knows their process groups. If the other end closes without a
farewell, it asks every group to stop, and soon kills it. It keeps the lock of the home folder until all processes have
ended.
"""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

from petition.bootstrap.process import kill_group

GRACE = 2.0
FAREWELL = b"0\n"


class Reaper:
    """The supervisor's end of the pipe. It must be created before any child, in the main thread."""

    def __init__(self) -> None:
        reading, self._writing = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            os.close(self._writing)
            _wait_and_reap(reading)
        os.close(reading)

    def watch(self, group: int) -> None:
        """End this process group, too, if the supervisor dies."""
        self._write(b"+%d\n" % group)

    def forget(self, group: int) -> None:
        """Remove a group that has ended, because its number may be given to an unrelated process."""
        self._write(b"-%d\n" % group)

    def close(self) -> None:
        """Report that everything stopped in order, so nothing is left to do."""
        self._write(FAREWELL)
        os.close(self._writing)
        os.waitpid(self._pid, 0)

    def _write(self, line: bytes) -> None:
        with suppress(BrokenPipeError):  # somebody killed the reaper; the kernel still signals the direct children
            os.write(self._writing, line)


def _wait_and_reap(reading: int) -> None:
    try:
        os.setsid()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        groups: set[int] = set()
        with os.fdopen(reading, "rb") as lines:
            for line in lines:
                if line == FAREWELL:
                    return
                (groups.add if line.startswith(b"+") else groups.discard)(int(line[1:]))
        _end(groups)
    finally:
        os._exit(0)


def _end(groups: set[int]) -> None:
    for group in groups:
        kill_group(group, signal.SIGTERM)
    deadline = time.monotonic() + GRACE
    while time.monotonic() < deadline and any(map(_runs, groups)):
        time.sleep(0.05)
    for group in groups:
        kill_group(group)
    while time.monotonic() < deadline + GRACE and any(map(_runs, groups)):
        time.sleep(0.05)


def _runs(group: int) -> bool:
    """Returns whether a process of this group lives. For kill(2) a zombie looks alive, so /proc is read."""
    return kill_group(group, 0) and any(_lives_in(group, folder) for folder in Path("/proc").glob("[0-9]*"))


def _lives_in(group: int, folder: Path) -> bool:
    try:
        fields = (folder / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return False
    return int(fields[2]) == group and fields[0] not in "ZX"
