"""What starts and ends processes: their logs, their ends, their commands, and one sentence for what is in the way."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from petition.bootstrap import commands, environment
from petition.bootstrap.checks import Outcome
from petition.bootstrap.postgres import binaries
from petition.bootstrap.process import Process, kill_group
from petition.bootstrap.progress import CannotStart, report, step
from petition.bootstrap.root import NOBODY, RunAs
from petition.bootstrap.sign_in import leave_sign_in, take_sign_in
from petition.config import Config
from tests.support.waiting import until

PYTHON = sys.executable
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"
)
PARENT = "import subprocess, time; print(subprocess.Popen(['sleep', '600']).pid, flush=True); time.sleep(600)"


def started(log: Path, code: str) -> Process:
    """A Python that runs this code, once it has printed something."""
    process = Process([PYTHON, "-c", code], log, {})
    until("a line of the log", lambda: log.read_text())
    return process


def runs(pid: int) -> bool:
    """Whether this process exists and is no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def test_a_log_is_for_its_owner_only_and_keeps_what_was_in_it(tmp_path: Path) -> None:
    log = tmp_path / "log" / "web.log"
    for word in ("first", "second"):
        assert Process([PYTHON, "-c", f"print({word!r})"], log, {}).wait(60)
    assert log.read_text() == "first\nsecond\n"
    assert [stat.S_IMODE(each.stat().st_mode) for each in (log, log.parent)] == [0o600, 0o700]


def test_files_of_a_process_are_private_and_its_environment_is_the_one_given(tmp_path: Path) -> None:
    code = "import os; open('made', 'w'); print(sorted(os.environ.keys() - {'LC_CTYPE'}), os.getsid(0) == os.getpid())"
    process = Process([PYTHON, "-c", code], tmp_path / "log", {"ONE": "1"}, cwd=tmp_path)
    assert process.wait(60)
    assert (tmp_path / "log").read_text() == "['ONE'] True\n"
    assert stat.S_IMODE((tmp_path / "made").stat().st_mode) == 0o600


def test_a_process_that_ends_when_it_is_asked_stopped_by_itself(tmp_path: Path) -> None:
    process = started(tmp_path / "log", "import time; print('up', flush=True); time.sleep(600)")
    assert (process.stop(signal.SIGTERM, 60), process.alive()) == (True, False)


def test_a_process_that_does_not_listen_is_killed_after_its_time(tmp_path: Path) -> None:
    process = started(tmp_path / "log", STUBBORN)
    assert (process.alive(), process.wait(-1)) == (True, False)
    assert (process.stop(signal.SIGTERM, 0.05), process.alive()) == (False, False)


def test_what_a_process_started_ends_with_it(tmp_path: Path) -> None:
    process = started(tmp_path / "log", PARENT)
    grandchild = int((tmp_path / "log").read_text())
    assert runs(grandchild)
    process.stop(signal.SIGTERM, 60)
    until("the end of the grandchild", lambda: not runs(grandchild))


def test_a_process_that_ended_is_stopped_again_without_harm(tmp_path: Path) -> None:
    process = Process([PYTHON, "-c", ""], tmp_path / "log", {})
    assert process.wait(60)
    assert process.stop(signal.SIGTERM, 0)
    assert not kill_group(process.pid)


def test_a_program_that_does_not_exist_leaves_no_open_file(tmp_path: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(OSError, match="No such file"):
        Process(["/nonexistent/program"], tmp_path / "log", {})
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_the_sign_in_link_is_read_once_and_by_its_owner_only(tmp_path: Path) -> None:
    assert take_sign_in(tmp_path) == ""
    for link in ("https://a.example/old", "https://a.example/new"):
        leave_sign_in(tmp_path, link)
    (file,) = (tmp_path / "run").iterdir()
    assert [stat.S_IMODE(each.stat().st_mode) for each in (file, file.parent)] == [0o600, 0o700]
    assert [take_sign_in(tmp_path), take_sign_in(tmp_path)] == ["https://a.example/new", ""]


def test_a_link_that_somebody_laid_there_is_not_written_through(tmp_path: Path) -> None:
    (victim := tmp_path / "victim").write_text("untouched")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "sign-in").symlink_to(victim)
    leave_sign_in(tmp_path, "https://a.example/link")
    assert (victim.read_text(), take_sign_in(tmp_path)) == ("untouched", "https://a.example/link")


def test_a_step_is_reported_with_its_last_outcome_and_not_on_standard_output(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with step("database", "first") as current:
        current.outcome = "embedded"
    with step("silent", quiet=True):
        report("a line")
    out, err = capsys.readouterr()
    assert (out, [line.split()[:2] for line in err.splitlines()]) == ("", [["database", "embedded"], ["a", "line"]])


def test_a_step_that_failed_is_not_reported_as_done(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(CannotStart), step("database"):
        raise CannotStart("no")
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("host", "bound"), [("127.0.0.1", "127.0.0.1:8123"), ("::1", "[::1]:8123"), ("web", "web:8123")]
)
def test_the_web_server_is_bound_to_host_and_port_of_either_family(tmp_path: Path, host: str, bound: str) -> None:
    environ = {"PETITION_ENV": "test", "PETITION_HOME": str(tmp_path), "PETITION_HOST": host, "PETITION_PORT": "8123"}
    argv = list(commands.web(Config.from_env(environ)).argv)
    assert argv[argv.index("--bind") + 1] == bound


def test_the_port_of_monitors_is_opened_on_the_loopback_only_and_only_if_it_is_set(tmp_path: Path) -> None:
    environ = {"PETITION_ENV": "test", "PETITION_HOME": str(tmp_path), "PETITION_HOST": "0.0.0.0"}
    assert commands.web(Config.from_env(environ)).argv.count("--bind") == 1
    argv = commands.web(Config.from_env(environ | {"PETITION_METRICS_PORT": "9100"})).argv
    assert [argv[at + 1] for at, word in enumerate(argv) if word == "--bind"] == ["0.0.0.0:8000", "127.0.0.1:9100"]


def test_the_web_server_is_stopped_first_then_beat_then_the_workers(tmp_path: Path) -> None:
    config = Config.from_env({"PETITION_ENV": "test", "PETITION_HOME": str(tmp_path)})
    order = sorted(commands.children(config), key=lambda child: child.stops)
    assert [child.name for child in order] == ["web", "beat", "worker-prompt", "worker-bulk"]


def test_a_folder_without_postgresql_is_named_in_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "postgres").touch(0o755)
    (tmp_path / "initdb").touch(0o644)
    with pytest.raises(
        CannotStart, match=rf"^There is no PostgreSQL in {tmp_path}: set DATABASE_URL or PETITION_PG_BIN\.$"
    ):
        binaries(str(tmp_path))
    (tmp_path / "initdb").chmod(0o755)
    assert binaries(str(tmp_path)) == tmp_path


def test_only_a_server_that_nobody_runs_changes_its_user() -> None:
    assert [RunAs.PLAIN.prefix("INT"), RunAs.NAMESPACE.prefix("INT")] == [[], []]
    words = RunAs.NOBODY.prefix("INT")
    assert words[0] == "setpriv"
    assert words[-2:] == ["--pdeathsig", "INT"]
    assert [each.owner for each in RunAs] == [os.geteuid(), os.geteuid(), NOBODY]


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ("error: failed\nNo space left on device", "The disk is full: make room for the environment"),
        ("THESE PACKAGES DO NOT MATCH THE HASHES", "A package does not have the hash the lock names"),
        ("Hash mismatch for x; Connection closed", "A package does not have the hash the lock names"),
        ("Temporary failure in name resolution", "The packages could not be fetched"),
        ("warning: x\nerror: y is broken\n\n", "The environment could not be made; uv says: error: y is broken"),
        ("", "The environment could not be made; uv says: no reason given"),
    ],
)
def test_an_installer_that_fails_is_one_sentence(tmp_path: Path, said: str, sentence: str) -> None:
    (uv := tmp_path / "uv").write_text(f"#!/bin/sh\ncat >&2 <<'END'\n{said}\nEND\nexit 1\n")
    uv.chmod(0o755)
    with pytest.raises(CannotStart) as refused:
        environment.install(tmp_path / "venv", tmp_path / "lock", str(uv))
    assert str(refused.value).startswith(sentence)
    assert "\n" not in str(refused.value)


def test_an_environment_is_good_only_for_the_lock_that_it_was_completed_from(tmp_path: Path) -> None:
    folder, lock = tmp_path / "venv", tmp_path / "run.lock"
    lock.write_text("one==1\n")
    assert not environment.is_good(folder, lock)
    (folder / "bin").mkdir(parents=True)
    (folder / environment.STAMP).write_text(f"{environment.stamp(lock)} {environment.PYTHON}\n")
    assert not environment.is_good(folder, lock)
    (folder / "bin" / "python").touch(mode=0o755)
    assert environment.is_good(folder, lock)
    lock.write_text("one==2\n")
    assert not environment.is_good(folder, lock)
    (folder / environment.STAMP).write_text("")
    assert not environment.is_good(folder, lock)


def test_only_a_step_that_failed_fails_the_checks() -> None:
    results = ("passed", "skipped: there is no browser", "failed (1)", "failed: no browser")
    assert [Outcome("x", result, 0.0).failed for result in results] == [False, False, True, True]


def test_the_command_line_of_the_set_up_ends_with_2_and_one_line_for_an_unknown_word() -> None:
    code = "import sys; from petition.bootstrap import entry; sys.exit(entry.guarded(lambda: entry.up(['a', 'b'])))"
    done = subprocess.run([PYTHON, "-c", code], capture_output=True, text=True, check=False, cwd=environment.PROJECT)
    assert (done.returncode, done.stderr) == (2, "`up` takes `--size small` or `--size normal`; 'a b' was given.\n")
