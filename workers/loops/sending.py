"""Sends mail: claim, commit, send, acknowledge, one mail after another, for a few seconds at a time.

This keeps P1: a claim is committed before its mail is sent, an acknowledgement right after the server took it, and no
mail is claimed again before its claim ends. A crash between the server's 250 and our commit is the only case that
cannot be excluded; a mail that is repeated then has the same Message-ID and the same bytes.
`petition.mailing.digests.sending` defines what each transaction does.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from typing import Final

from petition.core import db, failpoints
from petition.mail import Message
from petition.mailing import queue
from petition.mailing.digests import Sender, sending
from petition.mailing.digests.rendered import RenderedMail
from petition.mailing.digests.sending import Round
from petition.mailing.queue import Acknowledgements, Claim

AT_ONCE: Final = 200
ROUND_SECONDS: Final = 3.0


def send_round(sender: Sender, now: Callable[[], datetime], most: int = AT_ONCE) -> int:
    """Send due mails, a few of them, for three seconds at most. Returns how many were claimed."""
    failpoints.reach("before_claim")
    with db.transaction() as session:
        ours = sending.begin_round(session, sender, now, most)
    failpoints.reach("after_claim")
    _send_all(ours)
    return ours.claimed


def _send_all(ours: Round) -> None:
    """Send one mail after another. The outcome of a mail is recorded together with the beginning of the next one."""
    end = time.monotonic() + ROUND_SECONDS
    with db.autocommit_connection() as connection, queue.acknowledgements(connection) as acknowledging:
        while ours.waiting:
            claimed = ours.waiting.popleft()
            came_of_it = _try(ours, acknowledging, claimed)
            if came_of_it is None:
                failpoints.reach("after_250_before_commit")
            over = time.monotonic() > end or ours.sender.stopping()
            if came_of_it is None and ours.waiting and not over:
                acknowledging.send(claimed, ours.waiting[0])
                ours.sent[claimed.domain_tag] += 1
                failpoints.reach("after_mark_before_commit")
            else:
                with db.transaction() as session:
                    sending.record_outcome(session, ours, claimed, came_of_it, over=over)
                failpoints.reach("after_commit")


def _try(ours: Round, acknowledging: Acknowledgements, claimed: Claim) -> Exception | None:
    """Compose one mail while the previous acknowledgement is committed, and send it. Returns what went wrong."""
    try:
        mail = _compose(ours, claimed)
    except Exception as wrong:  # noqa: BLE001 (a mail that cannot be made must not delay the others: its row says why)
        return wrong
    finally:
        acknowledging.confirm()
    try:
        ours.sender.postbox.send(mail)
    except Exception as wrong:  # noqa: BLE001 (the same)
        return wrong
    return None


def _compose(ours: Round, claimed: Claim) -> Message:
    address = sending.address_of(ours, claimed)
    return sending.message(ours.sender, _rendered(ours, claimed), claimed, address)


def _rendered(ours: Round, claimed: Claim) -> RenderedMail:
    """Returns the mail without its personal links. It is usually cached, and then no session is opened."""
    if (found := sending.kept_mail(ours, claimed)) is not None:
        return found
    with db.session() as session:
        return sending.render_mail(session, ours, claimed)
