"""Mails codes, through a separate queue so that fifty thousand digests never delay one."""

from __future__ import annotations

from petition.core import clock
from petition.mail import MailDelayed, MailRefused
from petition.privacy import SealBroken, unseal_address
from petition.verification import work_email
from workers.celery_app import app, worker_context


@app.task(
    name="codes.mail",
    autoretry_for=(MailDelayed,),
    retry_backoff=2,
    retry_backoff_max=60,
    retry_jitter=True,
    max_retries=12,
    soft_time_limit=30,
    time_limit=40,
)
def mail(sealed: str) -> None:
    """Mail one code, unless it is a decoy or too old to be useful."""
    try:
        recipient = unseal_address(worker_context().vault, sealed, clock.now())
    except SealBroken:
        return
    if recipient.address is None:
        return
    message = work_email.code_mail(recipient, worker_context().config.code_mail_from, clock.now())
    try:
        worker_context().postbox.send(message)
    except MailRefused:
        return
