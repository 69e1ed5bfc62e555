"""The commands of `python3 app.py`: set-up, running everything, and access to all other commands.

An installed program (`undersigned`) has the same commands, in the environment that it was installed into. It lacks those
that need the tests.
"""

from __future__ import annotations

import http.client
import importlib
import os
import socket
import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from urllib.parse import urlsplit

from petition import __version__
from petition.bootstrap import checks, commands, environment, settings_option
from petition.bootstrap.embedded import Home, embedded
from petition.bootstrap.forked import imports
from petition.bootstrap.process import Child
from petition.bootstrap.progress import AlreadyReported, CannotStart, report
from petition.bootstrap.sign_in import take_sign_in
from petition.bootstrap.supervisor import ProcessSupervisor
from petition.config import Config, ConfigIncomplete, Environment, Size
from petition.config.addresses import INSTALLED, PROGRAM, PROJECT
from petition.config.settings_file import SettingsFileWrong

INBOX = "/dev/inbox"
PREPARE = (sys.executable, "-m", "petition.cli", "prepare")
OWN = {
    "up": "set up what is missing and run everything (the same as no command)",
    "test": "every check and test; with arguments: only pytest, with them",
    "bench": "measure, each figure beside its limit",
    "proof": "the promises' tests in their long form",
}
OF_A_CHECKOUT = frozenset({"test", "bench", "proof"})
"""The commands that need the tests, which no wheel holds."""


def main(argv: Sequence[str]) -> int:
    """Run one command and return its exit code. Any obstacle becomes one line and exit code 2."""
    return guarded(lambda: _main(argv))


def _main(argv: Sequence[str]) -> int:
    if list(argv) == ["--version"]:
        print(f"undersigned {__version__}")
        return 0
    words = settings_option.enter(argv)
    os.environ.setdefault("PETITION_ENV", Environment.DEVELOPMENT.value)
    command, rest = (words[0], words[1:]) if words else ("up", [])
    if command in {"-h", "--help", "help"}:
        return show_help()
    return _set_up_and_run(command, rest, words)


def guarded(act: Callable[[], int]) -> int:
    """Run `act`. Any obstacle is reported in one line and becomes exit code 2."""
    try:
        return act()
    except AlreadyReported:
        return 2
    except (CannotStart, SettingsFileWrong) as reason:
        report(str(reason))
    except ConfigIncomplete as incomplete:
        for problem in incomplete.problems:
            report(problem)
    except KeyboardInterrupt:
        return 130
    return 2


def _set_up_and_run(command: str, rest: list[str], argv: Sequence[str]) -> int:
    if not INSTALLED:
        environment.enter(argv, tests=command in OF_A_CHECKOUT, environ=os.environ)
    elif command in OF_A_CHECKOUT:
        raise CannotStart(f"`{command}` needs a checkout of the program: an installed copy has no tests.")
    return _run(command, rest)


def _run(command: str, rest: list[str]) -> int:
    if command == "up":
        return up(rest)
    if command == "test":
        return checks.run(rest)
    if command in {"bench", "proof"}:
        return _call(f"tests.proofs.{command}", rest)
    return _cli(command, rest)


def up(rest: list[str]) -> int:
    """Run the whole tree in the foreground until a signal. Returns 0 when it stopped in order."""
    if size := _size(rest):
        os.environ["PETITION_SIZE"] = size
    settings = Config.from_env()
    _refuse_taken_port(settings)
    servers = [server for server in embedded(settings.home) if server is not None]
    tree = ProcessSupervisor(
        home=Home(settings.home),
        servers=servers,
        children=commands.children(settings),
        env=settings.environment(),
        cwd=PROJECT,
        prepare=Child("prepare", PREPARE, env=settings.owner_environment()),
        answers=lambda: answers(settings),
        preload=imports(commands.PRELOADED, PROJECT) if settings.size is Size.SMALL else None,
    )
    return tree.run(_announcement(settings))


def _size(rest: list[str]) -> str:
    """Returns the size that `up --size SIZE` names, or an empty text. Raises CannotStart."""
    given = [word for words in rest for word in words.split("=", 1)]
    if not given:
        return ""
    if given[0] != "--size" or len(given) != 2:
        raise CannotStart(f"`up` takes `--size small` or `--size normal`; {' '.join(rest)!r} was given.")
    return given[1]


def _announcement(settings: Config) -> Callable[[], None]:
    def announce() -> None:
        lines = [f"site     {settings.base_url}/"]
        if settings.env is not Environment.PRODUCTION and settings.smtp_url is None:
            lines.append(f"inbox    {settings.base_url}{INBOX}")
        if settings.env is not Environment.PRODUCTION and (link := take_sign_in(settings.home)):
            lines.append(f"sign in  {link}")
        lines.append(f"ready {settings.base_url}")
        print("\n".join(lines), flush=True)

    return announce


def answers(settings: Config, path: str = "/readyz") -> bool:
    """Returns whether the web server reports that it and its dependencies are ready."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104 (compared with, never bound to)
    line = http.client.HTTPConnection(host, settings.port, timeout=5)
    try:
        line.request("GET", path, headers={"Host": urlsplit(settings.base_url).netloc})
        return line.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        line.close()


def _refuse_taken_port(settings: Config) -> None:
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind((settings.host, settings.port))
        except OSError as error:
            if isinstance(error, socket.gaierror):
                raise CannotStart(f"PETITION_HOST is {settings.host!r}, which is no address of this machine.") from None
            where = f"Port {settings.port} on {settings.host}"
            raise CannotStart(f"{where} cannot be used ({error.strerror}): set PETITION_PORT to another.") from None


def show_help() -> int:
    """Print every command with its description."""
    lines = {name: text for name, text in OWN.items() if not (INSTALLED and name in OF_A_CHECKOUT)}
    complete = INSTALLED or _has_environment()
    if complete:
        lines |= _commands().lines()
    print(f"{PROGRAM} [command] [arguments] [--settings FILE]\n")
    print("\n".join(f"  {name:<12} {text}" for name, text in lines.items()))
    if not complete:
        print(f"\nMore commands show up here once `{PROGRAM}` has set up the environment.")
    return 0


def _has_environment() -> bool:
    """Returns whether the environment is complete. If it is, the command goes on inside it."""
    folder = environment.place(os.environ, environment.RUN_LOCK)
    if not environment.is_good(folder, environment.RUN_LOCK):
        return False
    environment.enter(["--help"], tests=False, environ=os.environ)
    return True


def _cli(command: str, rest: list[str]) -> int:
    known = _commands()
    if command not in known.COMMANDS:
        raise CannotStart(f"There is no command {command!r}; `{PROGRAM} --help` lists them all.")
    known.cli.main([command, *rest], prog_name=PROGRAM)
    return 0


def _commands() -> ModuleType:
    """Import the commands that need the environment, which exists by now."""
    return importlib.import_module("petition.cli")


def _call(module: str, rest: list[str]) -> int:
    code: int | None = importlib.import_module(module).main(rest)
    return code or 0
