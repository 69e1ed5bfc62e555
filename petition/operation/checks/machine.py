"""Checks of this machine: settings, who may read which file, room on the disk, the processes, and backups."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from sqlalchemy import text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from petition import campaigns
from petition.config import Environment
from petition.config.addresses import PROGRAM
from petition.config.secret_files import is_sample
from petition.core import heartbeats
from petition.operation import backups
from petition.operation.context import LOCAL, Context
from petition.operation.findings import Finding, fault, ok, warning

SILENT_SECONDS: Final = 120
WORKERS: Final = ("prompt", "bulk")
OTHERS: Final = 0o007
GROUP: Final = 0o070
MANAGED: Final = Path("/run/secrets")
"""Container engines put secrets there, with modes of their own, into a container of one user."""
SHORTEST_PASSWORD: Final = 12
LEAST_FREE: Final = 500_000_000
LITTLE_FREE: Final = 0.1
LATE_BACKUP: Final = timedelta(days=2)
VERY_LATE_BACKUP: Final = timedelta(days=7)
HOW_TO_BACK_UP: Final = f"run `{PROGRAM} backup FILE`, best once a day by a timer (docs/production.md, “Backups”)"


def settings(context: Context, _about: str) -> Finding:
    """Looks whether this is an installation in production. Settings that are missing or wrong end the command before."""
    if context.config.env is not Environment.PRODUCTION:
        return warning(
            f"PETITION_ENV is {context.config.env.value}: secrets are kept beside the data, batches may be of one, and mail may go "
            "to the development inbox. Set it to production for a letter that people sign."
        )
    return ok("Every setting that production needs is there.")


def passwords(context: Context, _about: str) -> Finding:
    """Looks whether passwords of servers on the network are long enough. Production refuses other secrets that are samples."""
    weak = [name for name, url in _addresses(context) if _is_weak(url)]
    if weak:
        return warning(
            f"The password in {' and '.join(weak)} is missing, short or a sample, and the server is on the network: set a random one."
        )
    return ok("No secret is missing, short or a sample.")


def _addresses(context: Context) -> Iterator[tuple[str, str]]:
    config = context.config
    yield "DATABASE_URL", config.database_url
    yield "PETITION_OWNER_DATABASE_URL", config.owner_database_url
    yield "PETITION_MAINTENANCE_DATABASE_URL", config.maintenance_database_url
    yield "REDIS_URL", config.redis_url


def _is_weak(address: str) -> bool:
    url = make_url(address)
    if not url.host or url.host in LOCAL or url.query.get("passfile") or url.query.get("sslcert"):
        return False
    password = str(url.password or "")
    return len(password) < SHORTEST_PASSWORD or is_sample(password)


def files(context: Context, _about: str) -> Finding:
    """Looks who may read the files that hold secrets, and the folder with the data."""
    home, paths = context.config.home, [Path(each) for each in context.paths]
    missing = [path for path in paths if not path.is_file()]
    if missing:
        return fault(f"{missing[0]} is not there, or is no file: correct the setting that names it.")
    judged = [*(path for path in paths if not path.is_relative_to(MANAGED)), *([home] if home.is_dir() else [])]
    for bits, verdict, whom in ((OTHERS, fault, "everybody on this machine"), (GROUP, warning, "its whole group")):
        found = [path for path in judged if path.stat().st_mode & bits]
        if found:
            mode = "700" if found[0].is_dir() else "600"
            return verdict(f"{found[0]} can be read by {whom}: chmod {mode} {found[0]}")
    inside = [path for path in paths if path.is_relative_to(home)]
    if inside and context.config.env is Environment.PRODUCTION:
        return warning(
            f"{inside[0]} lies in PETITION_HOME, so copies of that folder hold it, too: move it, the pepper best to a tmpfs."
        )
    return ok(f"Nobody else may read the {len(judged)} files and folders with secrets and data.")


def disk(context: Context, _about: str) -> Finding:
    """Looks how much room is left where the data lies, also for the copies that scrub and backup make of the database."""
    place = context.config.home if context.config.home.exists() else Path("/")
    usage, size = shutil.disk_usage(place), _database_size(context)
    holds = "it is not known what the database holds" if size is None else f"the database holds {_megabytes(size)}"
    sentence = f"{_megabytes(usage.free)} are free in {place}, and {holds}"
    if usage.free < max(LEAST_FREE, size or 0):
        return fault(f"{sentence}: make room, because the scrub and a backup need as much as the database holds.")
    if usage.free < LITTLE_FREE * usage.total:
        return warning(f"{sentence}: the disk is nine tenths full.")
    return ok(f"{sentence}. A database on another machine has a disk of its own, which is not seen from here.")


def _database_size(context: Context) -> int | None:
    """Returns the bytes of the database, or None if it does not answer."""
    try:
        with context.reading() as session:
            return int(session.execute(text("SELECT pg_database_size(current_database())")).scalar_one())
    except DBAPIError:
        return None


def _megabytes(count: int) -> str:
    return f"{count // 1_000_000:,} MB"


def processes(context: Context, _about: str) -> Finding:
    """Looks whether both workers and beat gave a sign of life within two minutes."""
    with context.reading() as session:
        seen = heartbeats.last_beats(session, WORKERS)
    now = context.clock()
    silent = [name for name in WORKERS if name not in seen or abs(now - seen[name]).total_seconds() > SILENT_SECONDS]
    if len(silent) == len(WORKERS):
        return fault(
            "Neither worker gave a sign of life within two minutes: start `beat`, `worker prompt` and `worker bulk`. "
            "If they were started just now, ask again in half a minute."
        )
    if silent:
        return fault(f"`worker {silent[0]}` gave no sign of life within two minutes: start it, or look at its log.")
    return ok("`beat`, `worker prompt` and `worker bulk` work.")


def backup(context: Context, _about: str) -> Finding:
    """Looks how old the newest backup is."""
    with context.reading() as session:
        made, public = backups.last(session), bool(campaigns.public_ids(session))
    if made is None:
        return (fault if public else warning)(f"No backup was ever written: {HOW_TO_BACK_UP}.")
    age = context.clock() - made
    if age > VERY_LATE_BACKUP:
        return fault(f"The newest backup is {age.days} days old: {HOW_TO_BACK_UP}.")
    if age > LATE_BACKUP:
        return warning(f"The newest backup is {age.days} days old: {HOW_TO_BACK_UP}.")
    return ok(f"The newest backup was written at {_written(made)}. Nothing here knows whether it was copied elsewhere.")


def _written(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def secret_paths(names: Sequence[str | Path], dkim: str) -> tuple[str, ...]:
    """Returns the paths of all files that hold secrets: those named, and the keys of DKIM."""
    keys = (each.strip().split(":", 2)[2:] for each in dkim.split(",") if each.strip())
    return tuple(dict.fromkeys([*map(str, names), *(path for found in keys for path in found)]))
