"""Makes an installation of the answers: packages, user, folders, keys and, last, the settings file."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import click

from petition.bootstrap import CannotStart, packages
from petition.bootstrap.progress import report, step
from petition.cli.init import account, keys
from petition.cli.init.dialogue import Request, wants_dkim
from petition.cli.init.files import Making, all_or_nothing
from petition.cli.init.questions import Answers, domain_of
from petition.config import Config, Servers, settings_file
from petition.core import clock
from petition.mail import postbox_for

KEYS: Final = {
    "PETITION_SECRET_KEY": ("PETITION_SECRET_KEY_FILE", "secret_key", keys.secret_key),
    "PETITION_MASTER_KEY": ("PETITION_MASTER_KEY_FILE", "master_key", keys.master_key),
    "PETITION_PEPPER_FILE": ("PETITION_PEPPER_FILE", "pepper", keys.pepper),
}
"""The setting that makes a key file unnecessary, the setting that names the file, its usual name, and how it is made."""
COMPOSE: Final = (
    "POSTGRES_PASSWORD",
    "POSTGRES_APPLICATION_PASSWORD",
    "POSTGRES_MAINTENANCE_PASSWORD",
    "VALKEY_PASSWORD",
)
HEAD: Final = """\
# Settings of Undersigned, made by `init`; README, "Settings", explains each. Keep this file private.
# A line is NAME=value. There are no quotes: systemd, compose and `--settings` read the rest of the line as it is.
"""
FOR_COMPOSE: Final = "\n# Passwords of the servers that compose.yaml starts. Nothing else reads them.\n"


@dataclass(slots=True)
class Made:
    """What was made, for the last words of the command."""

    file: Path
    settings: Answers
    user: str | None
    records: list[str] = field(default_factory=list)


def make(request: Request, answers: Answers) -> Made:
    """Make everything or nothing. Raises CannotStart, ConfigIncomplete, SmtpUrlWrong, DkimKeyWrong, OSError, Ended."""
    with_dkim = wants_dkim(request, answers)
    if answers["PETITION_SERVERS"] == Servers.SYSTEM:
        _install(request)
    home, folder = Path(answers["PETITION_HOME"]), request.file.parent
    with all_or_nothing(hands_over=request.roots_own) as making:
        if request.user is not None:
            if not account.exists(request.user):
                account.create(request.user, home, making)
            making.owner = account.owner(request.user)
        making.data_folder(home)
        making.folder(folder)
        account.require_reach(request.user, [home, folder])
        made = Made(request.file, dict(answers), request.user)
        making.undo.enter_context(making.alone(folder))
        _write(request, making, made, with_dkim=with_dkim)
    return made


def _write(request: Request, making: Making, made: Made, *, with_dkim: bool) -> None:
    """Write keys and then settings that a start accepts."""
    _make_keys(making, made)
    if with_dkim:
        _make_dkim(making, made)
    for name in COMPOSE:
        made.settings.setdefault(name, secrets.token_hex(24))
    postbox_for(Config.from_env(made.settings))  # every fault of the settings shows here
    making.file(request.file, _text(made.settings).encode(), replace=request.force)


def _install(request: Request) -> None:
    wanted = packages.missing()
    if not wanted:
        return
    command = f"apt-get install {' '.join(wanted)}"
    if not packages.can_install():
        raise CannotStart(
            f"The programs of {' and '.join(wanted)} are missing: run `{command}` as root, and try again."
        )
    question = f"Install {' and '.join(wanted)} from the packages of this system? Their own services are not started"
    if not request.defaults and not click.confirm(question, default=True, err=True):
        raise click.Abort
    report(f"  packages     installing {' and '.join(wanted)}; this takes a minute or two …")
    with step("packages", " ".join(wanted)):
        packages.install(wanted)


def _make_keys(making: Making, made: Made) -> None:
    for instead, (setting, name, fresh) in KEYS.items():
        if setting != instead and made.settings.get(instead):
            continue
        path = Path(made.settings.get(setting) or made.file.parent / name).absolute()
        making.folder(path.parent)
        making.key(path, fresh)
        made.settings[setting] = str(path)


def _make_dkim(making: Making, made: Made) -> None:
    """Make a key for the domain of each sender. One key for both would show that the domains belong together."""
    selector = f"k{clock.now():%Y%m}"
    listed = []
    for domain in dict.fromkeys(domain_of(made.settings[name]) for name in ("MAIL_FROM", "CODE_MAIL_FROM")):
        path = made.file.parent / f"dkim-{domain}.pem"
        made.records.append(keys.dkim_record(domain, selector, making.key(path, keys.dkim_key)))
        listed.append(f"{domain}:{selector}:{path}")
    made.settings["PETITION_DKIM"] = ",".join(listed)


def _text(settings: Answers) -> str:
    ours = {name: value for name, value in settings.items() if name not in COMPOSE}
    lines = [settings_file.line(name, value) for name, value in ours.items()]
    passwords = [settings_file.line(name, settings[name]) for name in COMPOSE]
    return "".join([HEAD, *lines, FOR_COMPOSE, *passwords])
