"""The frame of every command: one configuration, one transaction, faults in one line.

Guards that bad input is one sentence and exit code 2, and that nobody sees a stack trace of what was foreseen.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, NoReturn

import click
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from petition import bootstrap, campaigns
from petition.campaigns import Campaign, CampaignFaulty
from petition.config import Config, ConfigIncomplete, Environment
from petition.core import clock, db, failpoints
from petition.mail import DkimKeyWrong, postbox_for
from petition.privacy import keyring

NO_TABLES: Final = frozenset({"42P01", "42703", "3F000"})  # undefined table, column, schema
BUSY: Final = frozenset({"55P03", "40P01"})  # lock_not_available, deadlock_detected
DENIED: Final = frozenset({"42501"})  # insufficient_privilege
FULL: Final = frozenset({"53100"})  # disk_full


def refuse(sentence: str) -> NoReturn:
    """One line for the terminal, exit code 2."""
    click.echo(sentence, err=True)
    sys.exit(2)


@contextmanager
def opened() -> Iterator[Config]:
    """A command's surroundings: configuration, servers, database, keys; faults become one sentence."""
    config = configured()
    try:
        with bootstrap.services(config.home):
            clock.set_offset(config.now_offset)
            campaigns.allow_small_batches(config.env is not Environment.PRODUCTION)
            db.connect(config.database_url)
            keyring.connect(config.master_keys)
            failpoints.arm(config.failpoint)
            yield config
    except bootstrap.CannotStart as reason:
        refuse(str(reason))
    except DBAPIError as error:
        refuse(_describe_error(error))
    except OSError as error:
        refuse(f"{error.filename or 'A file'} cannot be written: {error.strerror}.")
    except CampaignFaulty as fault:
        refuse(str(fault))


def _describe_error(error: DBAPIError) -> str:
    """A database's fault in a sentence; one that nobody foresaw is raised again."""
    state = getattr(error.orig, "sqlstate", None)
    if state in NO_TABLES:
        return "The database does not hold this version’s tables: run `python3 app.py migrate`."
    if state in FULL:
        return "The database has no room left on its disk: make room and try again."
    if state in BUSY:
        return "Something else is using the database: stop it, or try again."
    if state in DENIED:
        return "The database role may not do this: give it the tables, or use the role that owns them."
    if db.is_away(error):
        return "The database cannot be reached: check DATABASE_URL and that the server is running."
    raise error


def configured() -> Config:
    """The configuration of a process that stays in the foreground, or one sentence for each fault in it."""
    try:
        config = Config.from_env()
        postbox_for(config)
    except ConfigIncomplete as incomplete:
        refuse("\n".join(incomplete.problems))
    except DkimKeyWrong as wrong:
        refuse(str(wrong))
    return config


def named(session: Session, slug: str) -> Campaign:
    """The campaign of that name, whatever its state, or one sentence."""
    found = campaigns.find_any(session, slug)
    if found is None:
        refuse(f"There is no campaign {slug!r}.")
    return found
