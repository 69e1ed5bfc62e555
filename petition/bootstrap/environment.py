"""The Python environment: created once from a lock file with hashes, recognised by a stamp, then entered.

Exactly what the lock file names is installed, and an incomplete environment is never used, because the stamp is written
last. A machine that lacks the means to create one gets an error in one sentence.
"""

from __future__ import annotations

import fcntl
import importlib
import os
import platform
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import NoReturn

from petition.bootstrap.process import leashed
from petition.bootstrap.progress import CannotStart, report, step
from petition.config.addresses import PROJECT, project_key, user_folder

RUN_LOCK = PROJECT / "requirements" / "run.lock"
TEST_LOCK = PROJECT / "requirements" / "test.lock"
STAMP = "undersigned-stamp"
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
NO_NETWORK = (
    "NewConnectionError",
    "name resolution",
    "Max retries",
    "Connection",
    "No matching distribution",
    "error sending",
)


def enter(argv: Sequence[str], *, tests: bool, environ: Mapping[str, str]) -> None:
    """Return if this process runs in the right environment; otherwise create it and restart `argv` in it."""
    lock = TEST_LOCK if tests else RUN_LOCK
    folder = place(environ, lock)
    if not is_good(folder, lock):
        with _alone(folder.parent):
            if not is_good(folder, lock):
                make(folder, lock)
    if Path(sys.prefix).resolve() != folder.resolve():
        _become(folder / "bin" / "python", argv, environ)


def place(environ: Mapping[str, str], lock: Path) -> Path:
    """Returns the folder of the environment: in the project, or in a user's folder if the project is not writable."""
    local = PROJECT / ".venv"
    target = local if local.exists() else PROJECT
    if is_good(local, lock) or os.access(target, os.W_OK):
        return local
    if home := environ.get("PETITION_HOME"):
        own = Path(home).expanduser().absolute() / "venv"
    else:
        own = user_folder(environ, "XDG_CACHE_HOME", ".cache") / "undersigned" / project_key() / "venv"
    if not is_good(own, lock):
        report(f"  {PROJECT} is not writable: the environment goes to {own}")
    return own


def is_good(folder: Path, lock: Path) -> bool:
    """Returns whether the environment was completed from this lock file, or from the test lock, which includes it."""
    try:
        written = (folder / STAMP).read_text().split()
    except OSError:
        return False
    return written[:1] in [[stamp(lock)], [stamp(TEST_LOCK)]] and _runs(folder)


def stamp(lock: Path) -> str:
    """Returns the stamp of a finished environment: a hash of the lock file, Python's version and the machine."""
    about = f"{platform.python_implementation()} {PYTHON} {platform.machine()}"
    return sha256(lock.read_bytes() + about.encode()).hexdigest()


def make(folder: Path, lock: Path) -> None:
    """Create the environment, or update an older one of the same Python to this lock file."""
    packages = sum(line.partition("=")[1] == "=" and line[0].isalnum() for line in lock.read_text().splitlines())
    with step("environment", f"{packages} packages in {folder}"):
        if packages and not _same_python(folder):
            report(f"  environment  installing {packages} packages; this happens once …")
        uv = shutil.which("uv")
        try:
            _empty(folder, uv)
            install(folder, lock, uv)
            (folder / STAMP).write_text(f"{stamp(lock)} {PYTHON}\n")
        except OSError as error:
            raise CannotStart(f"The environment cannot be made in {folder}: {error.strerror}.") from None


def install(folder: Path, lock: Path, uv: str | None) -> None:
    """Install exactly what the lock file names: wheels only, with every hash checked."""
    python = str(folder / "bin" / "python")
    if uv:
        _run([uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", python, *_strict(lock)])
        return
    if not _has_pip(folder):
        _run([python, "-m", "ensurepip", "--default-pip"])
    quiet = ["--quiet", "--no-input", "--disable-pip-version-check", "--no-warn-script-location"]
    _run([python, "-m", "pip", "install", *quiet, *_strict(lock)])


def _strict(lock: Path) -> list[str]:
    return ["--require-hashes", "--only-binary", ":all:", "--requirement", str(lock)]


def _empty(folder: Path, uv: str | None) -> None:
    """Create an empty environment, or mark an existing one as incomplete by removing its stamp."""
    if _same_python(folder):
        (folder / STAMP).unlink()
        return
    # The interpreter itself and not the link in the folder, which is deleted now.
    python = str(Path(sys.executable).resolve())
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if uv:
        _run([uv, "venv", "--quiet", "--no-project", "--python", python, str(folder)])
        return
    _ensure_venv()
    _run([python, "-m", "venv", str(folder)])


def _same_python(folder: Path) -> bool:
    try:
        written = (folder / STAMP).read_text().split()
    except OSError:
        return False
    return written[1:] == [PYTHON] and _runs(folder)


def _runs(folder: Path) -> bool:
    """Returns whether this user may run the interpreter of an environment. Another user may have made it."""
    return os.access(folder / "bin" / "python", os.X_OK)


def _has_pip(folder: Path) -> bool:
    return any(folder.glob("lib/python*/site-packages/pip/__main__.py"))


def _ensure_venv() -> None:
    if _imports("venv") and _imports("ensurepip"):
        return
    package = "python3-venv" if sys.executable.endswith("python3") else f"python{PYTHON}-venv"
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise CannotStart(f"Python's venv module is missing: run `apt-get install {package}` as root, or install uv.")
    report(f"  environment  installing {package} with apt-get, as root: Python's venv module is missing …")
    apt_install(package)
    importlib.invalidate_caches()


def apt_install(*packages: str) -> None:
    """Install Debian packages as root. Raises CannotStart if apt-get fails."""
    command = ["apt-get", "install", "-y", "--no-install-recommends", *packages]
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    if subprocess.run(command, env=env, capture_output=True, check=False).returncode == 0:
        return
    subprocess.run(["apt-get", "update"], env=env, capture_output=True, check=False)  # noqa: S607 (root's own PATH)
    if subprocess.run(command, env=env, capture_output=True, check=False).returncode != 0:
        raise CannotStart(f"apt-get could not install {' '.join(packages)}.")


def _imports(name: str) -> bool:
    try:
        importlib.import_module(name)
    except ImportError:
        return False
    return True


def _readable() -> None:
    """Make packages readable, because the user that runs the database for root must read its programs."""
    os.umask(0o022)


def _run(argv: list[str]) -> None:
    done = subprocess.run(
        argv, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL, cwd=PROJECT,
        preexec_fn=leashed(signal.SIGTERM, os.getpid(), _readable),
    )  # fmt: skip
    if done.returncode != 0:
        raise CannotStart(_sentence(Path(argv[0]).name, done.stderr + done.stdout))


def _sentence(tool: str, output: str) -> str:
    if "No space left" in output or "Disk quota" in output:
        return "The disk is full: make room for the environment (about 500 MB) and start again."
    if "HASHES" in output or "hash mismatch" in output.lower():
        return "A package does not have the hash the lock names; nothing of it was installed."
    if any(word in output for word in NO_NETWORK):
        return "The packages could not be fetched: is there a network? Start again when there is."
    lines = [line for line in output.splitlines() if line.strip()] or ["no reason given"]
    return f"The environment could not be made; {tool} says: {lines[-1].strip()}"


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Let one process at a time create an environment in this folder. The second one finds it complete."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise CannotStart(
            f"{folder} cannot be used ({error.strerror}): set PETITION_HOME to a folder of your own."
        ) from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _become(python: Path, argv: Sequence[str], environ: Mapping[str, str]) -> NoReturn:
    sys.stdout.flush()
    os.execve(python, [str(python), str(PROJECT / "app.py"), *argv], dict(environ))  # noqa: S606 (no shell is wanted)
