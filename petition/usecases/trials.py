"""Trials: an update that is being written, mailed to the organiser who writes it.

Guards the address: it is sealed into one message of the queue and stands nowhere else, not even in the journal. Refuses
the campaign's work domains, whose owner reads that mail, and more than ten an hour, so that this mails nobody else.
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
    """Whether a trial may go to an address; gives it in its one spelling. It is written down nowhere.

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
    """Let a worker mail the trial; `sealed` holds the address (`petition.privacy.seal_address`)."""
    events.announce(session.info, events.TrialWanted(draft_id.hex(), sealed))


def trial(session: Session, draft_id: bytes, to: Recipient, sender: Sender, now: datetime) -> Message | None:
    """The trial as a message; None when the draft was thrown away meanwhile."""
    draft = session.get(UpdateDraft, draft_id)
    if draft is None or to.address is None:
        return None
    campaign = session.get_one(Campaign, draft.campaign_id)
    sheet = digests.draft_mail(session, campaign, draft.text, to.lang, sender.base_url, now)
    return digests.trial(sender, sheet, to.address, now)
