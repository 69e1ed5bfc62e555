"""For monitors: does the process answer, is the database there, and the figures that show trouble early.

Guards that nothing personal is told: numbers only, no campaign's name. Refuses to call a missing Redis unready:
pages are read and signatures taken without it.
"""

from __future__ import annotations

from typing import Final

from flask import Blueprint, Response
from prometheus_client import CollectorRegistry, Gauge, generate_latest
from sqlalchemy.exc import SQLAlchemyError

from petition import clock, db, epochs, migrate
from petition.volatile import VolatileAway
from petition.web.parts import parts

NO_STORE: Final = {"Cache-Control": "no-store"}
FIGURES: Final = {
    "pending": "Signatures that wait for an epoch",
    "waiting_seconds": "Seconds since the last epoch of a ledger for which signatures wait",
    "oldest_owed_seconds": "Age of the oldest follow-up that is not settled",
    "given_up": "Follow-ups given up after five tries",
    "drift": "Shown signatures minus recounted ones",
}

bp = Blueprint("health", __name__)


@bp.get("/healthz")
def alive() -> Response:
    """The process answers."""
    return Response("ok\n", content_type="text/plain", headers=NO_STORE)


@bp.get("/readyz")
def ready() -> Response:
    """The database answers and holds this version's tables, else 503; Redis is reported."""
    database = _database()
    told = f"database {database}\nredis {_redis()}\n"
    if database != "ok":
        return Response(told, 503, content_type="text/plain", headers={**NO_STORE, "Retry-After": "5"})
    return Response(told, content_type="text/plain", headers=NO_STORE)


@bp.get("/metrics")
def metrics() -> Response:
    """Prometheus text; it says that a server is away instead of failing with it."""
    registry = CollectorRegistry()
    up = Gauge("undersigned_up", "Whether a server answers", ["server"], registry=registry)
    up.labels("redis").set(_redis() == "ok")
    try:
        with db.session() as session:
            health = epochs.health(session, clock.now())
    except SQLAlchemyError:
        up.labels("database").set(0)
    else:
        up.labels("database").set(1)
        for name, meaning in FIGURES.items():
            Gauge(f"undersigned_{name}", meaning, registry=registry).set(getattr(health, name))
    return Response(generate_latest(registry), content_type="text/plain; version=0.0.4", headers=NO_STORE)


def _database() -> str:
    try:
        return "ok" if migrate.is_current(parts().config.database_url) else "not migrated"
    except SQLAlchemyError:
        return "away"


def _redis() -> str:
    try:
        parts().volatile.ping()
    except VolatileAway:
        return "away"
    return "ok"
