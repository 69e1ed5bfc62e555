"""Runs checks side by side, each within a time limit. A server that hangs costs one line and not the others.

Every check has a thread. A thread whose time is over is left alone: it ends with its last socket, or with the process.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Final

import redis
from redis.exceptions import NoPermissionError
from sqlalchemy.exc import DBAPIError

from petition.core import db
from petition.operation.check import Check
from petition.operation.context import Context
from petition.operation.dns import DnsSilent
from petition.operation.findings import Finding, fault, warning

SECONDS: Final = 12.0
"""The time of a check, and so of all of them together."""


@dataclass(frozen=True, slots=True)
class Job:
    """A check of one subject, and its place in the list."""

    place: int
    check: Check
    about: str


def run(context: Context, checks: Sequence[Check], seconds: float = SECONDS) -> list[Finding]:
    """Returns a finding for each check and subject, in the order of the checks, after `seconds` at most."""
    pairs = [(check, about) for check in checks for about in check.subjects(context)]
    jobs = [Job(place, check, about) for place, (check, about) in enumerate(pairs)]
    done: SimpleQueue[tuple[int, Finding]] = SimpleQueue()
    for job in jobs:
        Thread(target=_work, args=(context, job, done), name=f"check {job.check.name}", daemon=True).start()
    found = _collected(done, len(jobs), time.monotonic() + seconds)
    late = fault(f"There was no answer within {seconds:.0f} seconds: something between here and there is silent.")
    return [replace(found.get(job.place, late), name=job.check.name, about=job.about) for job in jobs]


def _work(context: Context, job: Job, done: SimpleQueue[tuple[int, Finding]]) -> None:
    try:
        finding = job.check.look(context, job.about)
    except Exception as error:  # noqa: BLE001 (whatever a check meets is one line)
        finding = _describe(error)
    done.put((job.place, finding))


def _collected(done: SimpleQueue[tuple[int, Finding]], expected: int, end: float) -> dict[int, Finding]:
    found: dict[int, Finding] = {}
    while len(found) < expected:
        try:
            place, finding = done.get(timeout=max(end - time.monotonic(), 0))
        except Empty:
            break
        found[place] = finding
    return found


def _describe(error: Exception) -> Finding:
    """Returns what an error means for a check that it kept from its answer. What was not checked is never OK."""
    if isinstance(error, DnsSilent):
        return warning(str(error))
    if isinstance(error, DBAPIError) and db.is_away(error):
        return warning("Not checked, because the database does not answer: see the line “database”.")
    if isinstance(error, DBAPIError):
        return warning("Not checked, because the database refused the question: see the line “tables”.")
    if isinstance(error, NoPermissionError):
        return warning(
            "Not checked, because the user of REDIS_URL may not ask the server about itself (INFO): allow it."
        )
    if isinstance(error, redis.RedisError):
        return warning("Not checked, because Redis does not answer: see the line “redis”.")
    return fault(f"This check failed by itself ({type(error).__name__}), which is a fault of this program: report it.")
