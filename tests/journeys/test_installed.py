"""The wheel is the whole program: installed away from the checkout, it runs a letter and leaves its own folder as it was."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from urllib.request import urlopen
from zipfile import ZipFile

import pytest
from packaging.metadata import Metadata

from petition import __version__
from petition.bootstrap.entry import OF_A_CHECKOUT, OWN
from petition.cli import COMMANDS
from petition.config.addresses import PROJECT
from tests.support.installation import Running, installation
from tests.support.waiting import until

pytestmark = pytest.mark.xdist_group("wheel")

PROGRAM = ("petition", "workers", "seeds", "templates", "requirements", "app.py", "undersigned", "deploy")
KINDS = {".py", ".mako", ".html", ".txt", ".md", ".typ", ".css", ".js", ".svg", ".po", ".pot", ".toml", ".xml", ".lock"}
DEPLOY = {".service", ".timer", ".conf", ""}
INFO = f"undersigned-{__version__}.dist-info"
DATA = f"undersigned-{__version__}.data/data/share/undersigned"


def build(folder: Path) -> Path:
    """Build the wheel with the build backend of pyproject.toml, which is in the environment of the tests."""
    argv = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    done = subprocess.run(argv, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def venv(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """An environment into which the wheel was installed, beside the packages that the tests have already."""
    place = tmp_path_factory.mktemp("installed")
    folder = place / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    python, uv = str(folder / "bin" / "python"), shutil.which("uv")
    # Whichever made the environment of the tests installs here, too.
    with_uv = [str(uv), "pip", "install", "--offline", "--python", python]
    with_pip = [sys.executable, "-m", "pip", "--python", python, "install", "--no-index"]
    argv = [*(with_uv if uv else with_pip), "--no-deps", str(wheel)]
    done = subprocess.run(argv, cwd="/", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (packages,) = folder.glob("lib/python*/site-packages")
    (packages / "run_lock.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    yield folder
    shutil.rmtree(place)


def inside(venv: Path) -> Path:
    """The folder of the installed program."""
    (folder,) = venv.glob("lib/python*/site-packages/undersigned")
    return folder


def run(venv: Path, *words: str, **more: str) -> subprocess.CompletedProcess[str]:
    """`undersigned words…`, from a folder that holds nothing of the program."""
    env = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "PETITION_HOME"}} | more
    argv = [str(venv / "bin" / "undersigned"), *words]
    return subprocess.run(argv, cwd=venv.parent, env=env, capture_output=True, text=True, check=False)


def files_of(*places: str) -> set[str]:
    """Every file of the checkout below these places, but for what Python compiles."""
    found = [path for place in places for path in [PROJECT / place, *(PROJECT / place).rglob("*")]]
    return {str(path.relative_to(PROJECT)) for path in found if path.is_file() and "__pycache__" not in path.parts}


def test_the_wheel_holds_every_file_of_the_program_and_nothing_else(wheel: Path) -> None:
    """Templates, catalogues, migrations, scripts, styles and lock files among them; no tests, no data, no secrets."""
    names = {name for name in ZipFile(wheel).namelist() if not name.startswith(f"{INFO}/")}
    code = {f"undersigned/{path}" for path in files_of(*PROGRAM[:-2])}
    deploy = {path.replace("deploy", DATA, 1) for path in files_of("deploy")}
    assert names == code | files_of("undersigned") | deploy
    assert {Path(name).suffix for name in code} <= KINDS
    assert {Path(name).suffix for name in deploy} <= KINDS | DEPLOY
    assert len(names) > 300


def test_the_wheel_takes_one_name_among_all_packages(wheel: Path) -> None:
    """Something called `app`, `workers` or `templates` might be somebody else's."""
    top = {name.partition("/")[0] for name in ZipFile(wheel).namelist()}
    assert top == {"undersigned", INFO, DATA.partition("/")[0]}


def test_the_same_checkout_gives_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    """So anybody can tell whether a wheel was made from this source."""
    assert build(tmp_path).read_bytes() == wheel.read_bytes()


def test_the_lock_file_has_what_the_wheel_requires(wheel: Path) -> None:
    metadata = Metadata.from_email(ZipFile(wheel).read(f"{INFO}/METADATA"), validate=False)
    lock = (PROJECT / "requirements" / "run.lock").read_text()
    pins = dict(re.findall(r"^([\w.-]+)==(\S+)", lock, re.MULTILINE))
    wanted = [each for each in metadata.requires_dist or [] if not (each.marker and "extra" in str(each.marker))]
    assert len(wanted) > 25
    assert [str(each) for each in wanted if not each.specifier.contains(pins.get(each.name, "0"))] == []
    assert metadata.license_files == ["LICENSE"]


def signs(running: Running, receipt: Path) -> None:
    """Sign with the installed command: the web takes the address, a worker mails the code."""
    address = "suzie.installed@salesforce.example"
    argv = [*running.program, "sign", f"{running.url}/c/ice-letter", "--show", "anonymous", "--receipt", str(receipt)]
    process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin
    process.stdin.write(f"{address}\n")
    process.stdin.flush()
    process.stdin.write(f"{running.code_for(address)}\n")
    told, _ = process.communicate("", timeout=60)
    assert (process.returncode, "Signed." in told) == (0, True), told


def test_an_installed_program_serves_a_letter_and_recounts_it(venv: Path, tmp_path: Path) -> None:
    """Pages in both languages, scripts, styles and the share card; a signature and its batch; and a stop in order."""
    before = sorted(str(path) for path in inside(venv).rglob("*") if "__pycache__" not in path.parts)
    program = (str(venv / "bin" / "undersigned"),)
    with installation(program, venv.parent, ("up",), PYTHONPATH="") as running:
        page = urlopen(f"{running.url}/c/ice-letter").read().decode()
        assert "Sign" in page
        assert "Signer" in urlopen(f"{running.url}/c/ice-letter?lang=fr").read().decode()
        linked = re.findall(r'(?:href|src)="(/static/[^"]+)"', page)
        assert {Path(each).suffix for each in linked} >= {".css", ".js", ".svg"}
        assert {urlopen(running.url + each).status for each in linked} == {200}
        assert urlopen(f"{running.url}/c/ice-letter/card.png").read().startswith(b"\x89PNG")
        recount = running.command("ledger", "verify")
        assert (recount.returncode, recount.stderr) == (0, "")
        assert "249" in recount.stdout
        signs(running, tmp_path / "receipt.json")
        logged = lambda: running.command("receipt", str(tmp_path / "receipt.json")).stdout
        until("the batch of the worker", logged, lambda told: "logged" in told)
    assert running.process.returncode == 0
    assert sorted(str(path) for path in inside(venv).rglob("*") if "__pycache__" not in path.parts) == before


def test_nothing_but_its_command_and_its_package_can_be_found(venv: Path) -> None:
    for name in ("petition", "workers", "seeds", "app"):
        done = subprocess.run(
            [venv / "bin" / "python", "-c", f"import {name}"], capture_output=True, check=False, cwd="/"
        )
        assert b"ModuleNotFoundError" in done.stderr
    done = subprocess.run([venv / "bin" / "python", "-m", "undersigned", "--version"], capture_output=True, check=False)
    assert done.stdout.decode() == f"undersigned {__version__}\n"


def test_the_version_is_that_of_the_package(venv: Path) -> None:
    assert run(venv, "--version").stdout == f"undersigned {__version__}\n"


@pytest.mark.parametrize("command", sorted(OF_A_CHECKOUT))
def test_a_command_that_needs_the_tests_says_so(venv: Path, command: str) -> None:
    done = run(venv, command)
    said = f"`{command}` needs a checkout of the program: an installed copy has no tests.\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", said)


def test_the_help_lists_every_command_that_an_installed_program_knows(venv: Path) -> None:
    done = run(venv, "--help")
    assert done.stdout.startswith("undersigned [command]")
    listed = set(re.findall(r"^  (\S+) ", done.stdout, re.MULTILINE))
    assert listed == {*OWN, *COMMANDS} - OF_A_CHECKOUT


def test_the_bill_of_materials_is_that_of_the_lock_file(venv: Path) -> None:
    done = run(venv, "sbom")
    assert (done.returncode, done.stderr) == (0, "")
    assert f'"flask@{version("flask")}"' in done.stdout.replace("pkg:pypi/", "")


def test_data_of_an_installed_program_are_the_users_and_not_in_its_folder(venv: Path) -> None:
    code = "import sys; sys.path.insert(0, sys.argv[1]); from petition import config; print(config.home())"
    env = {"XDG_DATA_HOME": "/data"}
    argv = [str(venv / "bin" / "python"), "-c", code, str(inside(venv))]
    done = subprocess.run(argv, env=env, capture_output=True, text=True, check=True)
    assert done.stdout == "/data/undersigned/home\n"
