"""A child that is forked instead of started anew, and shares what this process has imported already.

An installation of the small size consists of such children. Each runs `python -m module …` as it would by itself: with
its own session, log, environment and signal handlers. The memory of what was imported exists once, and a dead child is
back within milliseconds. Source: fork(2), pidfd_open(2).
"""

from __future__ import annotations

import gc
import importlib
import os
import runpy
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import chdir, suppress
from pathlib import Path
from typing import Final, NoReturn

from petition.bootstrap.process import LIBC, await_end, kill_group, leashed

PR_SET_NAME: Final = 15
M_ARENA_MAX: Final = -8
CAUGHT: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def imports(modules: Sequence[str], cwd: Path) -> Callable[[], None]:
    """Returns a function that imports modules once, before the first fork, as if `cwd` were the working directory.

    Their objects are left out of garbage collections from then on, so that the children go on sharing them.
    """

    def import_all() -> None:
        with chdir(cwd):
            for name in modules:
                importlib.import_module(name)
        gc.collect()
        gc.freeze()

    return import_all


class Forked:
    """A forked child and all processes that it starts in turn. It has the methods of `Process`."""

    def __init__(self, argv: Sequence[str], log: Path, env: Mapping[str, str], cwd: Path, name: str) -> None:
        self.log, self.began = log, time.monotonic()
        self._status: int | None = None
        parent = os.getpid()
        sys.stdout.flush()
        sys.stderr.flush()
        # No signal may reach the child before it has its own handlers.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, CAUGHT)
        try:
            self.pid = os.fork()
            if self.pid == 0:
                _become(argv, log, env, cwd, name, parent)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def alive(self) -> bool:
        """Returns whether it still runs. A finished process is reaped."""
        if self._status is None:
            ended, status = os.waitpid(self.pid, os.WNOHANG)
            self._status = status if ended else None
        return self._status is None

    def send(self, signal_number: int) -> None:
        """Signal the process itself, not its children."""
        if self.alive():
            os.kill(self.pid, signal_number)

    def wait(self, seconds: float) -> bool:
        """Wait at most `seconds` for its end. Returns True when it has ended."""
        if self.alive():
            await_end([self.pid], seconds)
        return not self.alive()

    def kill(self) -> None:
        """Kill it and everything in its session at once, and reap it."""
        kill_group(self.pid)
        if self.alive():
            os.kill(self.pid, signal.SIGKILL)  # it may have had no session of its own yet
            self._status = os.waitpid(self.pid, 0)[1]
            kill_group(self.pid)


def _become(argv: Sequence[str], log: Path, env: Mapping[str, str], cwd: Path, name: str, parent: int) -> NoReturn:
    """In the child: run `-m module …` and end with its exit code, whatever happens."""
    code = 1
    try:
        for number in CAUGHT:
            signal.signal(number, signal.default_int_handler if number is signal.SIGINT else signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, CAUGHT)
        leashed(signal.SIGTERM, parent)()
        LIBC.prctl(PR_SET_NAME, name.encode(), 0, 0, 0)
        if "MALLOC_ARENA_MAX" in env and hasattr(LIBC, "mallopt"):  # which glibc reads at the start of a program only
            LIBC.mallopt(M_ARENA_MAX, int(env["MALLOC_ARENA_MAX"]))
        _redirect(log)
        os.chdir(cwd)
        os.environ.clear()
        os.environ.update(env)
        module = argv[argv.index("-m") + 1]
        sys.argv = [module, *argv[argv.index(module) + 1 :]]
        runpy.run_module(module, run_name="__main__", alter_sys=True)
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001 (nothing of the parent's own work may go on in the child)
        traceback.print_exc()
    finally:
        _leave(code)


def _redirect(log: Path) -> None:
    log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(source, target)
    for descriptor in [int(each.name) for each in Path("/proc/self/fd").iterdir()]:
        if descriptor > 2:
            with suppress(OSError):  # the one that listed them
                os.close(descriptor)


def _leave(code: int) -> NoReturn:
    """Let threads end that are not daemons, as at the end of any Python program, and exit without the parent's clean-up."""
    with suppress(Exception):
        threading._shutdown()  # type: ignore[attr-defined] # noqa: SLF001 (multiprocessing does the same)
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)
