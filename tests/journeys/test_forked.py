"""A forked child is what `python -m module` would be: its own session, log, environment, handlers, and no open file of ours."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from petition.bootstrap.process import await_end
from petition.config.addresses import PROJECT
from tests.support.waiting import until

PARENT = """
import json, os, signal, sys
from pathlib import Path
from petition.bootstrap.forked import Forked, imports
folder, module, *args = sys.argv[1:]
signal.signal(signal.SIGTERM, lambda *_: sys.exit("the parent's own handler"))
kept = open(Path(folder) / "kept", "w")
imports(["decimal"], Path(folder))()
child = Forked((sys.executable, "-m", module, *args), Path(folder) / "log" / "child.log", {"ONLY": "this"}, Path(folder), "stand-in")
print(child.pid, flush=True)
ended = child.wait(float(os.environ.get("WAIT", 30)))
print(json.dumps([ended, child.alive()]), flush=True)
child.kill()
print(json.dumps([child.alive(), child.wait(0)]), flush=True)
"""
CHILD = """
import json, os, signal, sys
told = {
    "argv": sys.argv[1:], "name": __name__, "env": {k: v for k, v in os.environ.items() if k != "LC_CTYPE"},
    "cwd": os.getcwd(), "open": sorted(os.listdir("/proc/self/fd")), "comm": open("/proc/self/comm").read().strip(),
    "leads": os.getsid(0) == os.getpid(), "imported": "decimal" in sys.modules,
    "term": signal.getsignal(signal.SIGTERM) is signal.SIG_DFL, "umask": os.umask(0),
    "blocked": [int(each) for each in signal.pthread_sigmask(signal.SIG_BLOCK, [])],
}
print(json.dumps(told), flush=True)
"""
ENDS = {
    "exits": ("raise SystemExit(3)", ""), "fails": ("raise ValueError('of the child')", "ValueError: of the child"),
    "waits for its thread": (
        "import threading, time; threading.Thread(target=lambda: (time.sleep(0.2), print('done'))).start()", "done",
    ),
}  # fmt: skip


def started(folder: Path, text: str, *args: str, **env: str) -> subprocess.Popen[str]:
    """A parent that forks a child with this text as its module."""
    (folder / "stand_in.py").write_text(text)
    argv = [sys.executable, "-c", PARENT, str(folder), "stand_in", *args]
    path = os.pathsep.join((str(folder), str(PROJECT)))
    return subprocess.Popen(argv, env=os.environ | {"PYTHONPATH": path, **env}, stdout=subprocess.PIPE, text=True)


def test_a_forked_child_is_what_a_new_process_would_be(tmp_path: Path) -> None:
    with started(tmp_path, CHILD, "a", "--b") as parent:
        said, _ = parent.communicate(timeout=60)
    assert (parent.returncode, said.splitlines()[1:]) == (0, ["[true, false]", "[false, true]"])
    told = json.loads((tmp_path / "log" / "child.log").read_text())
    assert (tmp_path / "log" / "child.log").stat().st_mode & 0o777 == 0o600
    assert told == {
        "argv": ["a", "--b"], "name": "__main__", "env": {"ONLY": "this"}, "cwd": str(tmp_path), "imported": True,
        "open": ["0", "1", "2", "3"], "comm": "stand-in", "leads": True, "term": True, "umask": 0o077, "blocked": [],
    }  # fmt: skip


@pytest.mark.parametrize("how", ENDS)
def test_a_child_ends_by_itself_and_never_goes_on_with_the_parents_work(tmp_path: Path, how: str) -> None:
    text, last = ENDS[how]
    with started(tmp_path, text) as parent:
        said, _ = parent.communicate(timeout=60)
    assert (parent.returncode, said.splitlines()[1:]) == (0, ["[true, false]", "[false, true]"])
    assert ((tmp_path / "log" / "child.log").read_text().splitlines() or [""])[-1] == last


def test_kill_ends_what_the_child_started_and_wait_gives_up(tmp_path: Path) -> None:
    text = "import os, time; print(os.fork(), flush=True); time.sleep(600)"
    with started(tmp_path, text, WAIT="0.5") as parent:
        said, _ = parent.communicate(timeout=60)
    assert said.splitlines()[1:] == ["[false, true]", "[false, true]"]
    grandchild = max(int(line) for line in (tmp_path / "log" / "child.log").read_text().split())
    until("its child to end", lambda: not runs(grandchild))


def test_a_child_hears_that_its_parent_was_killed(tmp_path: Path) -> None:
    with started(tmp_path, "import time; print('up', flush=True); time.sleep(600)") as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        log = tmp_path / "log" / "child.log"
        until("the child", lambda: log.exists() and "up" in log.read_text())
        parent.kill()
        until("the child to end", lambda: not runs(child))


def runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def test_waiting_for_an_end_costs_nothing_and_ends_with_it() -> None:
    children = [
        subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE) for _ in "ab"
    ]
    began, spent = time.monotonic(), time.process_time()
    await_end([each.pid for each in children], 0.3)
    assert time.monotonic() - began >= 0.3
    assert time.process_time() - spent < 0.1
    children[1].send_signal(signal.SIGKILL)
    await_end([each.pid for each in children], None)
    assert [each.poll() for each in children] == [None, -signal.SIGKILL]
    children[0].communicate()


def test_where_the_system_cannot_wait_for_an_end_it_looks_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_pid: int) -> int:
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(os, "pidfd_open", refused)
    began = time.monotonic()
    await_end([os.getpid()], None)
    await_end([os.getpid()], 0.01)
    assert 0.2 <= time.monotonic() - began < 2
