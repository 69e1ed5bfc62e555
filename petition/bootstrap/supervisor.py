"""The process tree of one installation: started in order, supervised, stopped in order.

Either everything runs or nothing does. A process that dies is started again, with a growing delay. One that keeps dying
before the tree was ready stops the tree and names the log to read. Once the tree was ready, the remaining processes
keep serving pages and taking signatures, while the dead one is restarted again and again. SIGTERM, SIGINT and SIGHUP
stop the tree within ten seconds; a second signal does not wait. The processes end in this order: web, beat, workers,
Valkey, PostgreSQL.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from petition.bootstrap.embedded import Home, launch
from petition.bootstrap.forked import Forked
from petition.bootstrap.postgres import Postgres
from petition.bootstrap.process import Child, Process, await_end, leashed
from petition.bootstrap.progress import AlreadyReported, CannotStart, report, step
from petition.bootstrap.reaper import Reaper
from petition.bootstrap.valkey import Valkey

INTERRUPTED = 130
"""The exit code of a program that Ctrl-C ended: 128 and the number of SIGINT."""
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
QUICK_DEATH = 10.0
QUICK_DEATHS = 5
FIRST_AGAIN = 0.5
SLOWEST_AGAIN = 8.0
READY_SECONDS = 60.0
STOP_SECONDS = 9.5
REFUSED = 2  # the exit code of a command that has reported the reason
Server = Postgres | Valkey


class StopAsked(BaseException):
    """A signal asked the tree to stop. It is raised wherever the main thread is."""


@dataclass
class Watched:
    """A child and its condition."""

    child: Child
    process: Process | Forked
    quick_deaths: int = 0
    again_at: float | None = None


@dataclass
class ProcessSupervisor:
    """What to run in a home folder, and which of it runs.

    `prepare` is completed before the children start. `answers` returns whether the first child serves; then the others
    are started. With `preload`, which imports what they have in common, the children are forked from this process.
    """

    home: Home
    servers: Sequence[Server]
    children: Sequence[Child]
    env: Mapping[str, str]
    cwd: Path
    prepare: Child | None = None
    answers: Callable[[], bool] = lambda: True
    preload: Callable[[], None] | None = None
    watched: list[Watched] = field(default_factory=list)
    serving: bool = False
    stopping: bool = False
    hurry: bool = False
    busy: bool = False
    interrupted: int = 0

    def run(self, announce: Callable[[], None]) -> int:
        """Start everything, call `announce` when it answers, and supervise until a stop. Returns the exit code.

        It is 0 after a stop in order, and 130 if somebody pressed Ctrl-C before everything was there.
        """
        self.home.make()
        self.home.lock()
        before = [signal.signal(number, self._asked) for number in SIGNALS]
        reaper, code = Reaper(), 0
        self.reaper = reaper
        try:
            self._start()
            announce()
            self.serving = True
            self._watch()
        except StopAsked:
            code = 0 if self.serving else self.interrupted
        finally:
            self.stopping = True
            self._stop()
            reaper.close()
            self.home.unlock()
            for number, handler in zip(SIGNALS, before, strict=True):
                signal.signal(number, handler)
        return code

    def _asked(self, number: int, _frame: FrameType | None) -> None:
        if self.stopping:
            self.hurry = True
            return
        self.interrupted = INTERRUPTED if number == signal.SIGINT else 0
        self.stopping = True
        if not self.busy:
            raise StopAsked

    def _start(self) -> None:
        with step("database") as current:
            launch(*self.servers)
            for server in self.servers:
                self.reaper.watch(server.pid or 0)
            names = " and ".join(server.title for server in self.servers)
            current.outcome = f"{names}, embedded" if names else "as DATABASE_URL and REDIS_URL say"
        self.home.ready.touch()
        if self.prepare is not None:
            self._prepare(self.prepare)
        with step("processes", ", ".join(child.name for child in self.children)):
            first, *others = self.children
            self._open([first])
            # The first child starts alone, because on a small machine the others would slow it down.
            self._await_answer()
            self._open(others)

    def _open(self, several: Sequence[Child]) -> None:
        for child in several:
            with self._undisturbed():
                self.watched.append(Watched(child, self._spawn(child)))

    def _prepare(self, child: Child) -> None:
        """Run migrations and the demo in one process that prints its own progress."""
        preparation = subprocess.Popen(
            child.argv, env={**self.env, **child.env}, cwd=self.cwd, stdin=subprocess.DEVNULL, stdout=2,
            preexec_fn=leashed(signal.SIGTERM, os.getpid()),  # noqa: PLW1509 - it only makes system calls
        )  # fmt: skip
        self.reaper.watch(preparation.pid)
        try:
            if self.preload is not None:
                self.preload()
            code = preparation.wait()
            if code == REFUSED:
                raise AlreadyReported
            if code != 0:
                raise CannotStart("The database could not be prepared; the reason stands above.")
        finally:
            if preparation.poll() is None:
                preparation.kill()
                preparation.wait()
            self.reaper.forget(preparation.pid)

    def _spawn(self, child: Child) -> Process | Forked:
        log, env = self.home.logs / f"{child.name}.log", {**self.env, **child.env}
        if self.preload is None:
            process: Process | Forked = Process(child.argv, log, env, self.cwd)
        else:
            process = Forked(child.argv, log, env, self.cwd, child.name)
        self.reaper.watch(process.pid)
        return process

    def _await_answer(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while not self.answers():
            self._revive()
            if time.monotonic() > deadline:
                raise CannotStart(f"Nothing answered within {READY_SECONDS:.0f} s: read {self.home.logs}/web.log")
            time.sleep(0.02)

    def _watch(self) -> None:
        while True:
            self._revive()
            for server in self.servers:
                if not server.alive():
                    self._restart(server)
            self._await_something()

    def _await_something(self) -> None:
        """Wait until a process ends, or until one is due to be started again."""
        due = [watched.again_at for watched in self.watched if watched.again_at is not None]
        running = [watched.process.pid for watched in self.watched if watched.again_at is None]
        servers = [server.pid for server in self.servers if server.pid]
        await_end([*running, *servers], max(0.0, min(due) - time.monotonic()) if due else None)

    def _restart(self, server: Server) -> None:
        report(f"{server.title} ended; starting it again ({server.log})")
        self.reaper.forget(server.pid or 0)
        try:
            server.start()
        except (CannotStart, OSError) as reason:
            report(str(reason))
            time.sleep(SLOWEST_AGAIN / 4)
            return
        self.reaper.watch(server.pid or 0)

    def _revive(self) -> None:
        for watched in self.watched:
            if watched.again_at is None:
                if not watched.process.alive():
                    self._bury(watched)
            elif time.monotonic() >= watched.again_at:
                with self._undisturbed():
                    watched.process, watched.again_at = self._spawn(watched.child), None

    def _bury(self, watched: Watched) -> None:
        """Record a death and when to restart: after 0.5 s, doubled with each quick death, at most 8 s."""
        watched.process.kill()
        self.reaper.forget(watched.process.pid)
        quick = time.monotonic() - watched.process.began < QUICK_DEATH
        watched.quick_deaths = watched.quick_deaths + 1 if quick else 1
        name, log = watched.child.name, watched.process.log
        if watched.quick_deaths >= QUICK_DEATHS and not self.serving:
            raise CannotStart(f"{name} ended {QUICK_DEATHS} times in a row right after its start: read {log}")
        report(f"{name} ended; starting it again ({log})")
        watched.again_at = time.monotonic() + min(
            FIRST_AGAIN * 2 ** (min(watched.quick_deaths, QUICK_DEATHS) - 1), SLOWEST_AGAIN
        )

    def _stop(self) -> None:
        deadline = time.monotonic() + STOP_SECONDS
        for rank in sorted({child.stops for child in self.children}):
            self._end([watched for watched in self.watched if watched.child.stops == rank], deadline)
        for server in reversed(self.servers):
            server.stop(1.0 if self.hurry else max(deadline - time.monotonic(), 1.0))

    def _end(self, several: list[Watched], deadline: float) -> None:
        """Ask all processes of one rank to stop at once, then wait for each within its limit."""
        began = time.monotonic()
        for watched in several:
            if watched.process.alive():
                watched.process.send(signal.SIGTERM)
        for watched in several:
            until = min(began + watched.child.grace, deadline)
            while not self.hurry and time.monotonic() < until and not watched.process.wait(0.02):
                pass
            watched.process.kill()

    @contextmanager
    def _undisturbed(self) -> Iterator[None]:
        """Defer a signal until a process that was just started is registered."""
        self.busy = True
        try:
            yield
        finally:
            self.busy = False
        if self.stopping:
            raise StopAsked
