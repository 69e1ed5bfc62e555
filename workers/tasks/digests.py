"""Makes due editions of digests, and plans instant mail and mail about what is pending."""

from __future__ import annotations

import logging

from petition.campaigns import public_ids
from petition.core import clock, db, failpoints, outbox
from petition.core.redis_store import RedisStore
from petition.mailing import digests
from workers.celery_app import app, worker_context
from workers.loops import code_figures

log = logging.getLogger(__name__)


# The message is acknowledged early, because a campaign that kills its planner would otherwise go to the next one at
# once, for ever.
@app.task(name="digests.plan", acks_late=False)
def plan() -> None:
    """Make every due edition, each campaign in its own transaction. Those of midnight show the codes of the day."""
    code_figures.record_codes(RedisStore(worker_context().config.redis_url), clock.now())
    with db.session() as session:
        campaigns = public_ids(session)
    for campaign_id in campaigns:
        try:
            with db.transaction() as session:
                digests.plan_all(session, campaign_id, clock.now())
        except Exception as wrong:  # noqa: BLE001 (one campaign's fault must not silence the others; the next beat tries again)
            log.error("digests of %s cannot be planned: %s", campaign_id.hex(), type(wrong).__name__)  # noqa: TRY400 (a traceback may quote what people wrote)


@app.task(name="digests.plan_instant")
def plan_instant(outbox_id: str) -> None:
    """Plan the mails about one event. The row is claimed first, so that its attempts count, and settled at the end.

    A milestone that was reached within a day of the last milestone mail waits; the sweep finds its row then.
    """
    with db.transaction() as session:
        row = outbox.claim(session, outbox_id, clock.now())
    if row is None:
        return
    with db.transaction() as session:
        now = clock.now()
        due = digests.instant_due(session, row.campaign_id, row.number, now)
        if due > now:
            outbox.postpone(session, outbox_id, due)
            return
        digests.plan_instant(session, row.campaign_id, row.number, now)
        outbox.settle(session, outbox_id)


@app.task(name="digests.announce_pending")
def announce_pending(outbox_id: str) -> None:
    """Mail the organisers what became pending within an hour of the last such mail. The row is claimed first."""
    with db.transaction() as session:
        row = outbox.claim(session, outbox_id, clock.now())
    failpoints.reach("pending_claimed")
    if row is not None:
        with db.transaction() as session:
            digests.announce_later(session, row.campaign_id, outbox_id, clock.now())
