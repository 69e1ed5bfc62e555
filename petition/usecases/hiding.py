"""Hiding a signer's name or comment, as organisers: at once, or after a second organiser's approval above twenty in a week.

What is hidden is deleted and cannot come back. A hide has a sum of its own, apart from removals: after an approved
removal of many, the name of somebody who needs it gone must not wait. Signers who hide their own signature are not
counted and never limited (`petition.signatures.hide`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from petition import signatures
from petition.campaigns import Campaign
from petition.core import db
from petition.core.ids import CampaignId
from petition.organisers import approvals, audit_log
from petition.organisers.actor import Actor
from petition.organisers.approvals import ApprovalKind, ApprovalRequest, RequestOutdated
from petition.organisers.audit_log import Action
from petition.signatures import Concealed, SignerUnknown, selection
from petition.signatures.selection import Signer
from petition.usecases import approval_rules
from petition.usecases.approval_rules import Hides


@dataclass(frozen=True, slots=True)
class Hide:
    """What is to be hidden of the signature at an index of the ledger."""

    index: int
    what: Concealed

    @classmethod
    def of(cls, request: ApprovalRequest) -> Hide:
        """Returns what a request is about."""
        return cls(int(request.about["signer"]["entry"]), Concealed(request.about["what"]))

    def about(self) -> dict[str, object]:
        """Returns the form in which a request holds it. The audit log takes none of it but the act."""
        return {"what": str(self.what), "signer": {"entry": self.index}}

    def fits(self, signer: Signer | None) -> bool:
        """Returns whether the signature still shows what is to be hidden."""
        return signer is not None and (self.what is Concealed.NAME or bool(signer.comment))


def hide(session: Session, campaign: Campaign, hides: Hide, actor: Actor) -> ApprovalRequest | None:
    """Hide what a signature shows, or ask a second organiser where the rule demands it. Raises SignerUnknown.

    A comment that is hidden already is not hidden again.
    """
    _hold(session, campaign.id)
    # The response reveals nothing about names that nobody sees.
    signer = selection.named_signer(session, campaign.id, hides.index)
    if signer is None:
        raise SignerUnknown(hides.index)
    if not hides.fits(signer):
        return None
    if approval_rules.needs_approval(session, campaign, Hides(1), actor.now):
        return approval_rules.ask(session, campaign, ApprovalKind.HIDE, hides.about(), actor)
    _hide(session, campaign, hides, actor)
    return None


def approved(session: Session, campaign: Campaign, request: ApprovalRequest, now: datetime) -> None:
    """Carry out an approved ApprovalKind.HIDE. Raises RequestOutdated if the signature does not show it any more."""
    _hold(session, campaign.id)
    hides = Hide.of(request)
    if not hides.fits(selection.named_signer(session, campaign.id, hides.index)):
        raise RequestOutdated
    _hide(session, campaign, hides, Actor(request.decided_by or request.asked_by, now))


def asks_first(session: Session, campaign: Campaign, now: datetime) -> bool:
    """Returns whether hiding one more name or comment would need a second organiser now."""
    return approval_rules.needs_approval(session, campaign, Hides(1), now)


def asked(session: Session, campaign_id: CampaignId, index: int, now: datetime) -> set[Concealed]:
    """Returns what somebody asked to hide of a signature, as long as it waits for a second organiser."""
    waiting = session.scalars(approvals.waiting(campaign_id, now).where(ApprovalRequest.act == ApprovalKind.HIDE))
    found = (Hide.of(each) for each in waiting)
    return {each.what for each in found if each.index == index}


def shown(session: Session, campaign_id: CampaignId, requests: list[ApprovalRequest]) -> Mapping[bytes, Signer]:
    """Returns the signer of each request to hide, by the request's id, if the signature still shows it: one query."""
    hides = {request.id: Hide.of(request) for request in requests if request.act is ApprovalKind.HIDE}
    if not hides:
        return {}
    signers = selection.named_signers(session, campaign_id, {each.index for each in hides.values()})
    return {request_id: signers[each.index] for request_id, each in hides.items() if each.fits(signers.get(each.index))}


def _hide(session: Session, campaign: Campaign, hides: Hide, actor: Actor) -> None:
    signatures.conceal(session, campaign, hides.index, hides.what)
    audit_log.write(session, campaign.id, actor, Action.SIGNER_HIDDEN, {"what": str(hides.what)})


def _hold(session: Session, campaign_id: CampaignId) -> None:
    """Let no other hide be judged before this one is committed, so that two at once are summed."""
    db.hold(session, db.lock_key("hides", campaign_id))
