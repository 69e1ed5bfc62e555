"""One child process with its own session and its own log, which ends with its parent.

No process survives: the kernel sends a child a signal when the process that started it dies, however it dies, and
everything that the child left in its session is ended with it. Source: prctl(2) PR_SET_PDEATHSIG, setsid(2).
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

PR_SET_PDEATHSIG = 1
LOOKS_EVERY = 0.2
LIBC = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class Child:
    """A process to supervise. Lower `stops` are stopped first; after `grace` seconds a process is killed.

    `env` is what only this process finds in its environment.
    """

    name: str
    argv: Sequence[str]
    grace: float = 3.0
    stops: int = 2
    env: Mapping[str, str] = field(default_factory=dict, repr=False)


def leashed(death_signal: int, parent: int, become: Callable[[], None] | None = None) -> Callable[[], None]:
    """Returns a preexec function: new session, private files, `become`, and `death_signal` when `parent` dies."""

    def prepare() -> None:
        os.setsid()
        os.umask(0o077)
        if become is not None:
            become()
        LIBC.prctl(PR_SET_PDEATHSIG, death_signal, 0, 0, 0)
        if os.getppid() not in {parent, 0}:  # the parent died between fork and prctl
            os._exit(1)

    return prepare


class Process:
    """A started child and all processes that it starts in turn."""

    def __init__(
        self,
        argv: Sequence[str | Path],
        log: Path,
        env: Mapping[str, str],
        cwd: Path | str = "/",
        death_signal: int = signal.SIGTERM,
        become: Callable[[], None] | None = None,
    ) -> None:
        log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            self._popen = subprocess.Popen(
                [str(word) for word in argv],
                stdin=subprocess.DEVNULL,
                stdout=descriptor,
                stderr=descriptor,
                env=dict(env),
                cwd=cwd,
                preexec_fn=leashed(death_signal, os.getpid(), become),  # noqa: PLW1509 - it only makes system calls
            )
        finally:
            os.close(descriptor)
        self.log = log
        self.began = time.monotonic()

    @property
    def pid(self) -> int:
        """Returns the process id, which is also the id of its session and process group."""
        return self._popen.pid

    def alive(self) -> bool:
        """Returns whether it still runs. A finished process is reaped."""
        return self._popen.poll() is None

    def send(self, signal_number: int) -> None:
        """Signal the process itself, not its children."""
        self._popen.send_signal(signal_number)

    def wait(self, seconds: float) -> bool:
        """Wait at most `seconds` for its end. Returns True when it has ended."""
        try:
            self._popen.wait(max(seconds, 0.0))
        except subprocess.TimeoutExpired:
            return False
        return True

    def kill(self) -> None:
        """Kill it and everything in its session at once, and reap it."""
        kill_group(self.pid)
        self._popen.wait()

    def stop(self, signal_number: int, seconds: float) -> bool:
        """Ask it to stop, and kill it after `seconds`. Returns True if it stopped by itself."""
        if self.alive():
            self.send(signal_number)
        ended = self.wait(seconds)
        self.kill()
        return ended


def kill_group(group: int, signal_number: int = signal.SIGKILL) -> bool:
    """Signal every process of a group. Returns False if there is none."""
    try:
        os.killpg(group, signal_number)
    except ProcessLookupError:
        return False
    except PermissionError:  # only zombies of another user are left
        return False
    return True


def await_end(pids: Iterable[int], seconds: float | None) -> None:
    """Wait until one of these children has ended, at most for `seconds`. A signal handler may end it by an exception.

    Nothing is looked at again and again (pidfd_open(2), Linux 5.3). Where the system cannot do that, it returns after a
    short pause.
    """
    with ExitStack() as opened:
        ends = select.poll()
        try:
            for pid in pids:
                descriptor = os.pidfd_open(pid)
                opened.callback(os.close, descriptor)
                ends.register(descriptor, select.POLLIN)
        except OSError:
            time.sleep(LOOKS_EVERY if seconds is None else min(seconds, LOOKS_EVERY))
            return
        ends.poll(None if seconds is None else max(0.0, seconds) * 1000)
