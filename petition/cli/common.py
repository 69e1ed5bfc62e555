"""What all commands share: one configuration, one transaction, errors in one line.

Bad input results in one sentence and exit code 2, and expected errors never show a stack trace.
"""

from __future__ import annotations

import os
import pwd
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NoReturn

import click
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from petition import bootstrap, campaigns
from petition.campaigns import Campaign, CampaignFaulty, CampaignIncomplete
from petition.config import Config, ConfigIncomplete, Environment, Process
from petition.config.addresses import PROGRAM
from petition.core import clock, db, failpoints, migrate
from petition.mail import DkimKeyWrong, SmtpUrlWrong, postbox_for
from petition.privacy import keyring

NO_TABLES: Final = frozenset({"42P01", "42703", "3F000"})  # undefined table, column, schema
BUSY: Final = frozenset({"55P03", "40P01"})  # lock_not_available, deadlock_detected
DENIED: Final = frozenset({"42501"})  # insufficient_privilege
FULL: Final = frozenset({"53100"})  # disk_full


def refuse(sentence: str) -> NoReturn:
    """Print one line and exit with code 2."""
    click.echo(sentence, err=True)
    sys.exit(2)


YES: Final = click.option("--yes", is_flag=True, help="Do it, without the approval of a second organiser.")


def require_yes(act: str, *, yes: bool) -> None:
    """Exit unless `--yes` was given: the command has an effect for which organisers need one another.

    `act` completes the sentence "This bypasses the second organiser who would have to approve …".
    """
    if not yes:
        refuse(
            f"This bypasses the second organiser who would have to approve {act}: nothing was changed. Add --yes to do it."
        )


def refuse_to_delete(what: str) -> NoReturn:
    """Exit because `--yes` was not given: the command would delete `what`, which completes the sentence."""
    refuse(f"This deletes {what}, which cannot be undone: nothing was changed. Add --yes to do it.")


def report_retired(slug: str, folder: Path) -> None:
    """Say what became of a letter whose ledger this version cannot continue."""
    click.echo(
        f"{slug} is a draft again, and people have to sign it again. What was public of it, which recounts, is in {folder}.",
        err=True,
    )


@contextmanager
def opened(process: Process = Process.ANY) -> Iterator[Config]:
    """Open a command's configuration, servers, database and keys. Errors become one sentence."""
    config = configured(process)
    try:
        with bootstrap.services(config.home):
            clock.set_offset(config.now_offset)
            campaigns.allow_small_batches(config.env is not Environment.PRODUCTION)
            refuse_unfit(config)
            db.connect(config.database_url)
            if config.master_keys:
                keyring.connect(config.master_keys)
            failpoints.arm(config.failpoint)
            yield config
    except bootstrap.CannotStart as reason:
        refuse(str(reason))
    except DBAPIError as error:
        refuse(_describe_error(error))
    except OSError as error:
        whose = f" by the user {_user()}" if isinstance(error, PermissionError) else ""
        refuse(f"{error.filename or 'A file'} cannot be written{whose}: {error.strerror}.")
    except UnicodeEncodeError as error:
        if error.encoding != "utf-8":
            raise
        refuse("A word of this command is not UTF-8 text.")
    except (CampaignFaulty, CampaignIncomplete) as fault:
        refuse(str(fault))


def _user() -> str:
    """Returns the name of the user who runs this. With settings of another user, root has become that user."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())


def refuse_unfit(config: Config) -> None:
    """Exit if the database holds the tables of a newer version, or is of a kind with which this one does not work."""
    try:
        migrate.refuse_unfit(config.database_url)
    except migrate.DatabaseUnfit as reason:
        refuse(str(reason))


def _describe_error(error: DBAPIError) -> str:
    """Returns a sentence for a database error. Unexpected errors are raised again."""
    state = getattr(error.orig, "sqlstate", None)
    if state in NO_TABLES:
        return f"The database does not hold this version’s tables: run `{PROGRAM} migrate`."
    if state in FULL:
        return "The database has no room left on its disk: make room and try again."
    if state in BUSY:
        return "Something else is using the database: stop it, or try again."
    if state in DENIED:
        return "The database role may not do this: give it the tables, or use the role that owns them."
    if db.is_away(error):
        return "The database cannot be reached: check DATABASE_URL and that the server is running."
    raise error


def configured(process: Process = Process.ANY) -> Config:
    """Returns the configuration of a foreground process. Each fault in it is reported in one sentence."""
    try:
        config = Config.from_env(process=process)
        postbox_for(config)
    except ConfigIncomplete as incomplete:
        refuse("\n".join(incomplete.problems))
    except (DkimKeyWrong, SmtpUrlWrong) as wrong:
        refuse(str(wrong))
    return config


def named(session: Session, slug: str) -> Campaign:
    """Returns the campaign with that slug, in any state, or exits with one sentence."""
    found = campaigns.find_any(session, slug)
    if found is None:
        refuse(f"There is no campaign {slug!r}.")
    return found
