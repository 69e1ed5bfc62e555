"""Upkeep: sends lost messages again, deletes expired rows, scrubs the order of arrival, and checks the installation."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import date, timedelta
from typing import Final

import structlog
from sqlalchemy import Engine, NullPool, create_engine

from petition import campaigns, organisers, signatures, verification
from petition.config import Environment
from petition.core import clock, database_roles, db, heartbeats, logs, outbox, security_events, steady_clock
from petition.core.events import ExportWanted
from petition.core.outbox import OutboxItemAdded
from petition.core.redis_store import RedisStore, RedisUnavailable
from petition.mailing import digests, subscribers
from petition.mailing.queue import claims, notices
from petition.operation import Dns
from petition.organisers import approvals, audit_log
from petition.privacy import scrub_state
from petition.privacy.scrub import scrub
from petition.usecases import daily_figures, exports
from workers.celery_app import app, worker_context
from workers.follow_ups import follow
from workers.loops import code_figures, examination

log = structlog.get_logger(__name__)
KEPT: Final = timedelta(days=60)
AFTER_CLOSE: Final = timedelta(days=180)
DECIDED: Final = timedelta(days=90)


@app.task(name="upkeep.sweep")
def sweep() -> None:
    """Send a message again for every follow-up that nobody works on."""
    with db.transaction() as session:
        waiting = outbox.overdue(session, clock.now())
        files = exports.unfinished(session)
    for kind, outbox_id in waiting:
        follow(OutboxItemAdded(kind, outbox_id))
    for export_id in files:
        follow(ExportWanted(export_id))


@app.task(name="upkeep.beat")
def beat(worker: str) -> None:
    """Record a sign of life of beat, which sent this message, and of the worker that took it from its queue."""
    with db.transaction() as session:
        heartbeats.beat(session, worker, clock.now())


@app.task(name="upkeep.scrub")
def scrub_arrivals() -> None:
    """Remove the order of arrival from the files, once an hour."""
    with db.transaction() as session:
        mine = outbox.claim_slot(session, "scrub", f"{clock.now():%Y-%m-%dT%H}")
        separate = database_roles.is_separate(session)
    if mine:
        if not separate:
            log.warning(database_roles.LOST)
        with _maintenance() as engine:
            did = scrub(engine)
        with db.transaction() as session:
            scrub_state.record(session, did, clock.now())


@contextmanager
def _maintenance() -> Iterator[Engine]:
    """Open the database as the role that rewrites tables and deletes old lines, for one run."""
    url = worker_context().config.maintenance_database_url
    engine = create_engine(url, poolclass=NullPool, hide_parameters=True)
    try:
        yield engine
    finally:
        engine.dispose()


@app.task(name="upkeep.count_day")
def count_day() -> None:
    """Count the figures of a day that is over. The clock alone decides when, and never what somebody did.

    A clock that jumped may say that a day is over which has just begun: it is believed ten minutes later.
    """
    now = clock.now()
    code_figures.record_codes(RedisStore(worker_context().config.redis_url), now)
    with db.transaction() as session:
        if steady_clock.is_steady(session, now):
            daily_figures.record(session, now)


@app.task(name="upkeep.examine")
def examine() -> None:
    """Check the whole installation once a day (UTC), in production. A demonstration asks no DNS and no mail server."""
    config = worker_context().config
    if config.env is not Environment.PRODUCTION:
        return
    with db.transaction() as session:
        mine = outbox.claim_slot(session, "examine", clock.now().date().isoformat())
    if mine:
        examination.examine(config, clock.now, Dns())


@app.task(name="upkeep.purge")
def purge() -> None:
    """Delete what has expired, and remind subscribers who have not confirmed."""
    now = clock.now()
    with db.session() as session:
        if not steady_clock.is_steady(session, now):
            return  # the next run, an hour later, deletes what has really expired
    logs.rotate(worker_context().config.home / "log", now)
    with db.transaction() as session:
        verification.purge(session, now.date())
        outbox.forget_slots(session)
        digests.forget_old(session, now - KEPT)
        claims.forget_old(session, now - KEPT)
        notices.forget_hours(session, now)
        exports.purge(session, worker_context().config.home, now)
        subscribers.remind(session, now)
        subscribers.purge(session, now)
        subscribers.unread.purge(session, now.date())
        organisers.purge(session, now)
        approvals.forget_old(session, now - DECIDED)
        for campaign_id in campaigns.closed_before(session, now.date() - AFTER_CLOSE):
            subscribers.address_book.destroy(session, campaign_id)
            signatures.forget_bodies(session, campaign_id)
    with _maintenance() as engine, engine.begin() as connection, db.joined(connection) as session:
        audit_log.forget_old(session, now)
    _report_security_events(now.date() - timedelta(days=1))


def _report_security_events(day: date) -> None:
    """Write what happened on a day that is over to the log, once."""
    with db.transaction() as session:
        mine = outbox.claim_slot(session, "security events", day.isoformat())
    if mine:
        with suppress(RedisUnavailable):
            security_events.report_day(RedisStore(worker_context().config.redis_url), day)
