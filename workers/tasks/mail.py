"""Sends due mail, a few seconds at a time, as long as more is due."""

from __future__ import annotations

import time

from petition.core import clock, db
from petition.core.events import MailPlanned, QueueAway
from petition.mail import MailDelayed, MailRefused
from petition.privacy import SealBroken, unseal_address
from petition.usecases import trials
from workers.celery_app import app, stopping, worker_context
from workers.follow_ups import follow
from workers.loops.sending import send_round

TURN_SECONDS = 15.0


@app.task(
    name="mail.trial",
    autoretry_for=(MailDelayed,),
    retry_backoff=2,
    retry_backoff_max=60,
    retry_jitter=True,
    max_retries=8,
    soft_time_limit=30,
    time_limit=40,
)
def mail_trial(draft: str, sealed: str) -> None:
    """Mail an unpublished update to the organiser who asked. Only this message holds the address."""
    try:
        recipient = unseal_address(worker_context().vault, sealed, clock.now())
        with db.session() as session:
            message = trials.trial(session, bytes.fromhex(draft), recipient, worker_context().sender, clock.now())
        if message is not None:
            worker_context().postbox.send(message)
    except (SealBroken, MailRefused):
        return


# The message is acknowledged early: the hint is not worth a repeat, and a loss of Redis must not interrupt a sender.
@app.task(name="mail.send", acks_late=False, soft_time_limit=240, time_limit=300)
def send_mail() -> None:
    """Send rounds while anything is due. The rest is left to a new message, so that other tasks have a turn."""
    end = time.monotonic() + TURN_SECONDS
    while send_round(worker_context().sender, clock.now):
        if stopping():
            return
        if time.monotonic() > end:
            break
    else:
        return
    try:
        follow(MailPlanned())
    except QueueAway:
        return
