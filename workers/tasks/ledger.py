"""Tasks of the ledger: due epochs, scheduled dates, stale pages, bundles and bulk removals."""

from __future__ import annotations

from petition import epochs
from petition.core import clock, db, steady_clock
from petition.epochs.batch import open_ids
from petition.usecases import updates
from workers.celery_app import app, stopping, worker_context
from workers.loops import bundles, removals


@app.task(name="ledger.close_epochs")
def close_epochs() -> None:
    """Look at the slots that were reached and close the epochs that are due, each campaign in its own transaction."""
    with db.session() as session:
        campaigns = open_ids(session)
    for campaign_id in campaigns:
        with db.transaction() as session:
            epochs.close_due(session, campaign_id, clock.now())


@app.task(name="ledger.keep_calendar")
def keep_calendar() -> None:
    """Open and close campaigns and publish updates on their dates, and render stale pages again.

    After the clock jumped, or the site was stopped, nothing opens and closes for ten minutes.
    """
    with db.transaction() as session:
        steady = steady_clock.look(session, clock.now())
    if steady:
        with db.transaction() as session:
            epochs.keep_calendar(session, clock.now())
    with db.session() as session:
        planned = updates.due(session, clock.now())
    for draft_id in planned:
        with db.transaction() as session:
            updates.publish_due(session, draft_id, clock.now())
    with db.transaction() as session:
        epochs.refresh_stale(session, clock.now())


@app.task(name="ledger.publish_bundle")
def publish_bundle(outbox_id: str) -> None:
    """Write the bundle of an epoch, unless a later one is already in the outbox."""
    bundles.publish_bundle(outbox_id, worker_context().config.home, clock.now())


@app.task(name="ledger.remove")
def remove(outbox_id: str) -> None:
    """Continue the removals of a campaign until they are done or cancelled, or this worker is asked to stop."""
    removals.carry_out_removals(outbox_id, clock.now, stopping)
