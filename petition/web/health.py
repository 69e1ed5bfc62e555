"""For monitors: does the process answer, is the database there, and the figures that show trouble early.

Guards that nothing personal is told: numbers only, no campaign's name. Refuses to call a missing Redis unready:
pages are read and signatures taken without it.
"""

from __future__ import annotations

from typing import Final

from flask import Blueprint, Response
from prometheus_client import CollectorRegistry, Gauge, generate_latest
from sqlalchemy.exc import SQLAlchemyError

from petition import clock, db, epochs, snapshots
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
    """The database answers and has its tables; Redis is reported."""
    try:
        with db.session() as session:
            snapshots.listed(session)
    except SQLAlchemyError:
        return Response("database away\n", 503, content_type="text/plain", headers={**NO_STORE, "Retry-After": "5"})
    return Response(f"database ok\nredis {_redis()}\n", content_type="text/plain", headers=NO_STORE)


@bp.get("/metrics")
def metrics() -> Response:
    """Prometheus text."""
    registry = CollectorRegistry()
    with db.session() as session:
        health = epochs.health(session, clock.now())
    for name, meaning in FIGURES.items():
        Gauge(f"undersigned_{name}", meaning, registry=registry).set(getattr(health, name))
    return Response(generate_latest(registry), content_type="text/plain; version=0.0.4", headers=NO_STORE)


def _redis() -> str:
    try:
        parts().volatile.ping()
    except VolatileAway:
        return "away"
    return "ok"
