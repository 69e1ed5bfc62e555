"""The files of deploy/ fit the program: its commands, settings, ports, paths and limits, and one another."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Final

import click
import pytest

from petition.bootstrap import commands, settings_option
from petition.bootstrap.entry import OWN
from petition.bootstrap.supervisor import STOP_SECONDS
from petition.cli import COMMANDS, cli
from petition.cli.init.account import USER
from petition.config import Config
from petition.config.addresses import PROJECT, data_folder, run_folder, settings_path
from petition.config.settings_file import SETTINGS
from petition.web.headers import METRICS
from petition.web.serving.incoming import LARGEST_HEAD
from petition.web.serving.worker import Worker
from petition.web.sizes import BY_PATH, LARGEST_FORM

DEPLOY: Final = PROJECT / "deploy"
CADDYFILE: Final = (DEPLOY / "Caddyfile").read_text()
PROGRAM: Final = "/opt/undersigned/bin/undersigned"
BACKUPS: Final = "/var/backups/undersigned"
MAIN: Final = "undersigned.service"
BACKUP: Final = "undersigned-backup.service"
Unit = dict[str, list[str]]


def unit(name: str) -> Unit:
    """The values of each option of a unit, in their order."""
    found: Unit = {}
    for line in (DEPLOY / name).read_text().splitlines():
        option, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            found.setdefault(option, []).append(value)
    return found


def only(name: str, option: str) -> str:
    """The value of an option that a unit has once."""
    (value,) = unit(name)[option]
    return value


def words_of(name: str) -> list[str]:
    """The words of our command that a service runs, also behind `sh -c 'exec …'`."""
    words = shlex.split(only(name, "ExecStart"))
    if words[0] == "/bin/sh":
        assert words[1] == "-c"
        words = shlex.split(words[2].removeprefix("exec "))
    assert words[0] == PROGRAM
    return words[1:]


def caddy(option: str) -> list[str]:
    """What follows an option in each place where the Caddyfile has it; comments are left out."""
    lines = [line.strip() for line in CADDYFILE.splitlines() if not line.strip().startswith("#")]
    return [line.removeprefix(option).strip() for line in lines if re.match(rf"{re.escape(option)}(\s|$)", line)]


def size(text: str) -> int:
    """Bytes, as Caddy reads them."""
    number, unit_ = re.fullmatch(r"(\d+)([A-Za-z]+)", text).groups()
    return int(number) * {"KiB": 1024, "KB": 1000, "MB": 1_000_000, "MiB": 1024 * 1024}[unit_]


def test_the_program_of_the_units_is_the_one_that_a_wheel_installs() -> None:
    scripts = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]["scripts"]
    assert list(scripts) == [Path(PROGRAM).name]


@pytest.mark.parametrize("name", [MAIN, BACKUP])
def test_a_unit_runs_a_command_that_takes_these_arguments(name: str) -> None:
    command, *rest = settings_option.take(words_of(name))[1]
    if command in OWN:
        assert rest == []
        return
    assert command in COMMANDS
    known = cli.get_command(click.Context(cli), command)
    assert known is not None
    with known.make_context(command, rest) as context:
        assert isinstance(known, click.Group)
        name_, found, left = known.resolve_command(context, [*context._protected_args, *context.args])
        found.make_context(name_, left)


@pytest.mark.parametrize("name", [MAIN, BACKUP])
def test_a_service_reads_the_settings_that_init_writes_and_has_no_others(name: str) -> None:
    assert settings_option.take(words_of(name))[0] == settings_path(root=True)
    assert "Environment" not in unit(name)
    assert "EnvironmentFile" not in unit(name)
    assert SETTINGS not in (DEPLOY / name).read_text()


@pytest.mark.parametrize("name", [MAIN, BACKUP])
def test_a_service_may_write_to_the_data_folder_of_init_as_the_user_of_init(name: str) -> None:
    assert f"/var/lib/{only(name, 'StateDirectory')}" == str(data_folder(root=True))
    assert (only(name, "User"), only(name, "Group")) == (USER, USER)


def test_commands_find_the_servers_of_the_service_although_it_has_its_own_tmp() -> None:
    home = data_folder(root=True)
    assert only(MAIN, "PrivateTmp") == "yes"
    assert run_folder(home) == home / "run"


def test_a_stop_gives_the_supervisor_the_time_that_it_takes() -> None:
    """It alone gets the signal, ends what it started in order, and has a second for each server after its limit."""
    assert only(MAIN, "KillMode") == "mixed"
    assert STOP_SECONDS + 2 * 1.0 + 5 < int(only(MAIN, "TimeoutStopSec")) < 90
    assert "KillSignal" not in unit(MAIN)


def test_a_fault_is_no_end_and_a_stop_is_one() -> None:
    assert (only(MAIN, "Restart"), only(MAIN, "StartLimitIntervalSec")) == ("on-failure", "0")


def test_the_web_may_open_as_many_files_as_it_takes_connections() -> None:
    options = dict(zip(commands.WEB, commands.WEB[1:], strict=False))
    # A connection that is being forwarded, and what else a process has open: files, logs, the database.
    assert int(only(MAIN, "LimitNOFILE")) >= max(2 * int(options["--worker-connections"]) + 1024, 10_032)


def test_the_backup_is_shut_in_like_the_service() -> None:
    """Every line of hardening stands in both. Only the folder of backups can be written to in addition."""
    blocks = [(DEPLOY / name).read_text().partition("\nLimitCORE=0\n")[2].split("\n\n")[0] for name in (MAIN, BACKUP)]
    assert blocks[0].strip() == blocks[1].strip()
    for line in (
        "MemorySwapMax=0",
        "NoNewPrivileges=yes",
        "ProtectSystem=strict",
        "ProtectHome=yes",
        "PrivateTmp=yes",
        "CapabilityBoundingSet=",
    ):
        assert line in blocks[0].splitlines()
    assert "ReadWritePaths" not in unit(MAIN)
    assert only(BACKUP, "ReadWritePaths") == BACKUPS


def test_the_folder_of_backups_is_made_and_emptied() -> None:
    made = re.findall(r"^\w .*$", (DEPLOY / "undersigned.tmpfiles.conf").read_text(), re.MULTILINE)
    assert made == [f"d {BACKUPS} 0700 {USER} {USER} 14d"]


def test_no_backup_is_written_over_another() -> None:
    """Their names are moments. A command that found the name taken would write nothing."""
    (path,) = [word for word in words_of(BACKUP) if word.endswith(".backup")]
    assert Path(path).parent == Path(BACKUPS)
    assert "$(date -u +%%Y-%%m-%%dT%%H%%M%%SZ)" in path


def test_the_journal_gets_no_history_of_how_many_rows_there_were() -> None:
    """A backup says so when it is done, on standard output. What goes wrong is on standard error."""
    assert unit(BACKUP)["StandardOutput"] == ["null"]
    assert "StandardError" not in unit(BACKUP)


def test_the_timer_starts_the_backup_and_makes_up_for_a_missed_night() -> None:
    timer = unit("undersigned-backup.timer")
    assert "Unit" not in timer  # then it is the service of the same name
    assert (DEPLOY / BACKUP).exists()
    assert timer["Persistent"] == ["yes"]
    assert timer["WantedBy"] == ["timers.target"]


def test_the_proxy_sends_to_the_address_where_the_web_listens(tmp_path: Path) -> None:
    config = Config.from_env({"PETITION_ENV": "test", "PETITION_HOME": str(tmp_path)})
    assert caddy("reverse_proxy") == [f"{{$UPSTREAM:{config.host}:{config.port}}} {{"]


def test_the_proxy_keeps_the_figures_to_itself() -> None:
    assert caddy("@metrics") == [f"path {METRICS} {METRICS}/*"]
    assert caddy("respond") == ["@metrics 404"]


def test_the_proxy_takes_what_the_web_takes_and_little_more() -> None:
    largest = max(*BY_PATH.values(), LARGEST_FORM)
    assert largest <= size(caddy("max_size")[0]) < 1.5 * largest
    assert size(caddy("max_header_size")[0]) == LARGEST_HEAD
    assert caddy("read_header") == [f"{Worker.HEAD_SECONDS:.0f}s"]
    assert caddy("read_body") == [f"{Worker.BODY_SECONDS:.0f}s"]


def test_the_web_gets_the_address_that_the_proxy_saw_and_no_other() -> None:
    """Caddy writes X-Forwarded-For anew unless it is told to trust somebody: one proxy, PETITION_TRUSTED_PROXIES=1."""
    assert "PETITION_TRUSTED_PROXIES=1" in CADDYFILE
    assert caddy("trusted_proxies") == []
    assert [each for each in caddy("header_up") if "X-Forwarded" in each or "Host" in each] == []


def test_the_proxy_adds_nothing_that_the_web_says_itself() -> None:
    assert "Strict-Transport-Security" not in CADDYFILE
    assert caddy("encode") == []
    assert caddy("header") == ["-Server"]


def test_what_the_proxy_logs_of_a_request_names_nobody_and_no_link() -> None:
    """Without this filter a failed request would be logged with its sender, its cookies and its whole address."""
    fields = CADDYFILE.partition("fields {")[2].partition("}")[0].split("\n")
    assert {line.strip() for line in fields if line.strip()} >= {
        f"request>{each} delete" for each in ("remote_ip", "remote_port", "client_ip", "uri", "headers")
    }
    assert CADDYFILE.count("log {") == 1  # in the part for the whole server: no site has an access log
    assert CADDYFILE.index("log {") < CADDYFILE.index("letters.example.org} {")


def commands_in(document: str) -> list[str]:
    """The lines of the code blocks of a document that run something at the installed program's place."""
    blocks = re.findall(r"^ *```\n(.*?)^ *```$", (PROJECT / document).read_text(), re.MULTILINE | re.DOTALL)
    return [line.partition("#")[0].strip() for block in blocks for line in block.splitlines()]


@pytest.mark.parametrize("document", ["README.md", "docs/deployment.md", "docs/upgrade.md"])
def test_documents_name_commands_and_files_that_are_there(document: str) -> None:
    lines = commands_in(document)
    named = {found[1] for line in lines if (found := re.match(r"undersigned ([a-z]+)", line))}
    assert named <= {*OWN, *COMMANDS}
    kinds = r"[\w-]+\.(?:service|timer|tmpfiles\.conf)(?= )"
    assert {file for line in lines for file in re.findall(kinds, line)} <= {path.name for path in DEPLOY.iterdir()}
    assert document == "docs/upgrade.md" or {"init", "backup"} & named


@pytest.mark.skipif(shutil.which("caddy") is None, reason="there is no Caddy on this machine")
def test_caddy_takes_the_file(tmp_path: Path) -> None:
    argv = ["caddy", "validate", "--config", str(DEPLOY / "Caddyfile"), "--adapter", "caddyfile"]
    env = {**os.environ, "HOME": str(tmp_path), "XDG_DATA_HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
    done = subprocess.run(argv, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert '"level":"warn"' not in done.stderr


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd-analyze on this machine")
def test_systemd_takes_the_units(tmp_path: Path) -> None:
    """It also looks for the program, so a file that can be run stands in for it."""
    names = [path.name for path in DEPLOY.iterdir() if path.suffix in {".service", ".timer"}]
    for name in names:
        (tmp_path / name).write_text((DEPLOY / name).read_text().replace(PROGRAM, sys.executable))
    argv = ["systemd-analyze", "verify", "--man=no", *(str(tmp_path / name) for name in names)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    ours = [line for line in done.stderr.splitlines() if "undersigned" in line]
    assert (done.returncode, ours) == (0, []), done.stderr
