"""Endpoints for monitors. They report liveness, readiness, and figures that show trouble early.

They contain nothing personal: only numbers, and no campaign names. Figures that one person could move are those of the
last day, in whole tens (docs/figures.md). A monitor gets the figures with the token, or without one at a port of this
machine's loopback (`PETITION_METRICS_PORT`); for everybody else the page does not exist, and that port has no other
page. A missing Redis does not make the process unready, because pages and signatures work without it.
"""

from __future__ import annotations

import hmac
from contextlib import suppress
from typing import Final

from flask import Blueprint, Response, abort, request
from prometheus_client import CollectorRegistry, Gauge, generate_latest
from sqlalchemy.exc import SQLAlchemyError

from petition import epochs
from petition.core import clock, db, migrate, security_events
from petition.core.redis_store import RedisUnavailable
from petition.mailing.subscribers import mail_health
from petition.privacy import scrub_state
from petition.web.headers import METRICS, is_monitors_port
from petition.web.services import services

NO_STORE: Final = {"Cache-Control": "no-store"}
FIGURES: Final = {
    "pending": "10 if ten signatures or more waited somewhere at the end of the last day (UTC), else 0",
    "overdue_seconds": "Seconds since the first time for a batch at which no worker looked",
    "oldest_owed_seconds": "Age of the oldest follow-up that is not settled, in whole minutes",
    "given_up": "Follow-ups given up after five tries",
    "drift": "Shown signatures minus recounted ones",
}

MAIL_FIGURES: Final = {
    "mail_due_seconds": "Age of the oldest mail that is due; mails about a subscription count the day after",
    "dead_letters": "Mails given up, rounded up to whole tens; mails about a subscription count the day after",
    "mails_sent": "Mails that a server took until the end of the last day (UTC), in whole tens",
    "mails_bounced": "Mails that bounced until the end of the last day (UTC), in whole tens",
    "mails_complained": "Mails that somebody complained about until the end of the last day (UTC), in whole tens",
    "bounce_rate": "Bounces for each mail sent, of these figures, in whole per cents",
    "halted": "Whether all sending is halted",
}

SUBSCRIBERS: Final = "People who asked for mail, at the end of the last day (UTC), in whole tens"

bp = Blueprint("health", __name__)


@bp.get("/healthz")
def alive() -> Response:
    """Reports that the process answers."""
    return Response("ok\n", content_type="text/plain", headers=NO_STORE)


@bp.get("/readyz")
def ready() -> Response:
    """Answers 200 if the database answers and holds this version's tables, else 503. Redis is reported too."""
    database = _database()
    report = f"database {database}\nredis {_redis()}\n"
    if database != "ok":
        return Response(report, 503, content_type="text/plain", headers={**NO_STORE, "Retry-After": "5"})
    return Response(report, content_type="text/plain", headers=NO_STORE)


@bp.before_app_request
def hide_from_others() -> None:
    """Answers 404 to any request for the metrics that is not a monitor's, whatever its method."""
    if request.path == METRICS and not is_monitors_port(services().config, request.environ) and not _has_token():
        abort(404)


@bp.get(METRICS)
def metrics() -> Response:
    """Returns Prometheus text. An unavailable server is reported as a figure and causes no error."""
    registry = CollectorRegistry()
    up = Gauge("undersigned_up", "Whether a server answers", ["server"], registry=registry)
    up.labels("redis").set(_redis() == "ok")
    _write_security_events(registry)
    try:
        with db.session() as session:
            health = epochs.health(session, clock.now())
            mail = mail_health(session, services().config.base_url, clock.now())
            scrub = scrub_state.last(session)
    except SQLAlchemyError:
        up.labels("database").set(0)
    else:
        up.labels("database").set(1)
        _write_figures(registry, FIGURES, health)
        _write_figures(registry, MAIL_FIGURES, mail)
        readers = Gauge("undersigned_subscribers", SUBSCRIBERS, ["state"], registry=registry)
        for state, n in mail.subscribers.items():
            readers.labels(state).set(n)
        _write_scrub(registry, scrub)
    return Response(generate_latest(registry), content_type="text/plain; version=0.0.4", headers=NO_STORE)


def _has_token() -> bool:
    """Returns whether the request has the token. The comparison takes the same time whatever was sent."""
    token = services().config.metrics_token
    sent = request.headers.get("Authorization", "").encode()
    return hmac.compare_digest(sent, f"Bearer {token}".encode()) and bool(token)


def _write_figures(registry: CollectorRegistry, figures: dict[str, str], health: object) -> None:
    for name, meaning in figures.items():
        Gauge(f"undersigned_{name}", meaning, registry=registry).set(getattr(health, name))


def _write_security_events(registry: CollectorRegistry) -> None:
    with suppress(RedisUnavailable):
        counts = security_events.figures(services().redis_store, clock.now())
        meaning = "Security events today; code_refused and limit_reached: on the day before, in whole tens"
        events = Gauge("undersigned_security_events", meaning, ["kind"], registry=registry)
        for event, n in counts.items():
            events.labels(event.value).set(n)


def _write_scrub(registry: CollectorRegistry, scrub: scrub_state.LastScrub | None) -> None:
    """Before the first scrub there is no figure to report. A monitor can alert on its absence."""
    if scrub is None:
        return
    age = Gauge("undersigned_scrub_seconds", "Seconds since the order of arrival was taken out", registry=registry)
    age.set((clock.now() - scrub.at).total_seconds())
    steps = Gauge(
        "undersigned_scrub_step", "Whether the database role may do a step of it", ["step"], registry=registry
    )
    for step in scrub_state.STEPS:
        steps.labels(step).set(step not in scrub.refused)


def _database() -> str:
    try:
        return "ok" if migrate.is_current(services().config.database_url) else "not migrated"
    except SQLAlchemyError:
        return "away"


def _redis() -> str:
    try:
        services().redis_store.ping()
    except RedisUnavailable:
        return "away"
    return "ok"
