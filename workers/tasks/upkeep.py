"""Upkeep: what is owed and forgotten by the queue, what must be forgotten by the database."""

from __future__ import annotations

from petition import clock, db, owed, verification
from petition.scrub import scrub
from workers.celery_app import app
from workers.follow_ups import OWED, send


@app.task(name="upkeep.sweep")
def sweep() -> None:
    """Send again every follow-up that nobody works on."""
    with db.transaction() as session:
        waiting = owed.overdue(session, clock.now())
    for kind, owed_id in waiting:
        name, queue = OWED[kind]
        send(name, queue, [owed_id])


@app.task(name="upkeep.scrub")
def scrub_arrivals() -> None:
    """Take the order of arrival out of the files, once an hour."""
    with db.transaction() as session:
        mine = owed.claim_slot(session, "scrub", f"{clock.now():%Y-%m-%dT%H}")
    if mine:
        scrub(db.engine())


@app.task(name="upkeep.purge")
def purge() -> None:
    """Forget what has served its day."""
    today = clock.now().date()
    with db.transaction() as session:
        verification.purge(session, today)
        owed.forget_slots(session)
