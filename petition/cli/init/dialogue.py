"""From options, a file of answers and questions to all settings of an installation."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import click

from petition.bootstrap import CannotStart
from petition.cli.init import account, trial
from petition.cli.init.questions import ADDRESSES, CHOICES, YOUNG, Answers, Question, ask
from petition.cli.init.servers import GIVEN, RELAY, relay_url, with_roles
from petition.config import Servers, addresses, settings_file
from petition.config.addresses import OWNER_URL
from petition.config.answers import problem_of


@dataclass(frozen=True, slots=True)
class Request:
    """What the command line asks for. `options` are settings by name; `user` owns everything, None: whoever runs this."""

    file: Path
    options: Mapping[str, str]
    answers: Path | None
    user: str | None
    dkim: bool | None
    defaults: bool
    force: bool
    untried: bool

    @property
    def roots_own(self) -> bool:
        """Returns whether root alone wrote what the settings file says, if there is one."""
        return not self.file.exists() or self.file.stat().st_uid == 0


def chosen_user(name: str | None) -> str | None:
    """Returns the name of the user that everything belongs to. Raises CannotStart if only root could do that."""
    if os.geteuid() == 0:
        return name or account.USER
    if name is not None:
        raise CannotStart("Only root can set up an installation for another user.")
    return None


def settings(request: Request) -> Answers:
    """Returns all settings but those of the keys. Raises click.UsageError, SettingsFileWrong, CannotStart, click.Abort."""
    questions = [*ADDRESSES, RELAY, *CHOICES, *GIVEN, _home(request)]
    earlier = _earlier(request)
    known = _known(request, earlier)

    def refused(name: str, value: str) -> str:
        return "" if request.untried or earlier.get(name) == value else trial.problem_of(name, value)

    for name in known.keys() - {question.name for question in questions}:
        if problem := problem_of(name, known[name], known):
            raise click.UsageError(problem)
    answers = ask(questions, known, defaults=request.defaults, refused=refused)
    if answers["PETITION_SERVERS"] == Servers.GIVEN and answers.get("DATABASE_URL"):
        owner = OWNER_URL if answers.get(OWNER_URL) else "DATABASE_URL"  # the other roles may be made later
        if problem := refused(owner, answers[owner]):
            raise click.UsageError(problem)
    answers = with_roles(answers, defaults=request.defaults)
    if answers["PETITION_SERVERS"] == Servers.WHEEL:
        click.echo(YOUNG, err=True)
    answers["PETITION_HOME"] = str(Path(answers["PETITION_HOME"]).expanduser().absolute())
    return {"PETITION_ENV": "production", "PETITION_PORT": "8000", "PETITION_TRUSTED_PROXIES": "1", **answers}


def wants_dkim(request: Request, answers: Answers) -> bool:
    """Returns whether to make DKIM keys. Settings that have some keep them."""
    if answers.get("PETITION_DKIM"):
        return False
    if request.dkim is not None or request.defaults:
        return bool(request.dkim)
    click.echo("\nMail that nobody signs is often refused. Most mail servers sign what they send.", err=True)
    return click.confirm("Sign mail here, with DKIM? Say no if your mail server does it", default=False, err=True)


def _earlier(request: Request) -> Answers:
    """Returns the settings of an earlier run. Raises CannotStart if they must stay as they are."""
    if not request.file.exists():
        return {}
    if not request.force:
        raise CannotStart(
            f"{request.file} is there already: nothing was changed. Add --force to change what options say in it."
        )
    owner = account.owner(request.user).user if request.user and account.exists(request.user) else -1
    return settings_file.read(request.file, owner)


def _known(request: Request, earlier: Answers) -> Answers:
    """Returns what need not be asked. Options count before the file of answers, and this before earlier settings."""
    options = dict(request.options)
    for name, value in options.items():
        if _has_password(value):
            raise CannotStart(f"{name} holds a password, which everybody on this machine can read in a command: put it into a "
                              "private file, and name that with --answers.")  # fmt: skip
    if "SMTP_URL" in options:
        options["SMTP_URL"] = relay_url(options["SMTP_URL"])
    listed = settings_file.read(request.answers) if request.answers else {}
    return {**earlier, **listed, **options}


def _home(request: Request) -> Question:
    folder = addresses.data_folder(os.geteuid() == 0)
    return Question(
        "PETITION_HOME",
        "--home",
        "Data folder",
        f"It holds the data of own servers, bundles and logs, for {request.user or 'you'} alone.",
        default=lambda _: str(folder),
    )


def _has_password(value: str) -> bool:
    try:
        return urlsplit(value).password is not None
    except ValueError:
        return False
