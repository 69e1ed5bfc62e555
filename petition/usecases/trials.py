"""Trials: an unpublished update is mailed to the organiser who writes it.

The address is protected: it is encrypted in a single message of the queue and stored nowhere else, not even in the
audit log. The campaign's work domains are rejected, because the employer can read that mail. At most ten trials an hour
are sent, so that they cannot be used to mail other people.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from petition.campaigns import Campaign, UpdateDraft
from petition.core import events
from petition.core.errors import ExpectedError
from petition.mail import Message
from petition.mailing import digests
from petition.mailing.digests import Sender
from petition.mailing.subscribers import WorkAddressRefused
from petition.organisers import audit_log
from petition.organisers.actor import Actor
from petition.organisers.audit_log import Action, AuditEntry
from petition.privacy import Recipient, personal_address
from petition.privacy.addresses import is_work_domain
from petition.usecases import updates

TRIALS_AN_HOUR: Final = 10
HOUR: Final = timedelta(hours=1)


class TooManyTrials(ExpectedError):
    """Ten trial mails were sent in the last hour."""

    status = 429


def want_trial(session: Session, campaign: Campaign, draft_id: bytes, address: str, actor: Actor) -> str:
    """Check that a trial may go to an address, and return it in canonical form. It is stored nowhere.

    Raises AddressRefused (`petition.privacy`), WorkAddressRefused, UpdateUnknown, TooManyTrials.
    """
    updates.find(session, campaign, draft_id, actor.now)
    box = personal_address(address)
    if is_work_domain(box.domain, campaign.policies()):
        raise WorkAddressRefused
    sent = select(func.count()).select_from(AuditEntry).where(AuditEntry.action == Action.TRIAL_SENT)
    sent = sent.where(AuditEntry.campaign_id == campaign.id, AuditEntry.at > actor.now - HOUR)
    if int(session.scalar(sent) or 0) >= TRIALS_AN_HOUR:
        raise TooManyTrials
    audit_log.write(session, campaign.id, actor, Action.TRIAL_SENT)
    return box.deliverable


def send_trial(session: Session, draft_id: bytes, sealed: str) -> None:
    """Have a worker mail the trial. `sealed` holds the address (`petition.privacy.seal_address`)."""
    events.announce(session.info, events.TrialWanted(draft_id.hex(), sealed))


def trial(session: Session, draft_id: bytes, to: Recipient, sender: Sender, now: datetime) -> Message | None:
    """Returns the trial as a message, or None if the draft was deleted meanwhile."""
    draft = session.get(UpdateDraft, draft_id)
    if draft is None or to.address is None:
        return None
    campaign = session.get_one(Campaign, draft.campaign_id)
    mail = digests.draft_mail(session, campaign, draft.text, to.lang, sender.base_url, now)
    return digests.trial(sender, mail, to.address, now)
