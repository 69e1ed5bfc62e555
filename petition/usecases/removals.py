"""Removing signatures: what is selected, the second key above fifty, the work in portions, the way back.

Guards that the preview is the result: a request holds the numbers that were looked at, so that nothing that came later is
touched and what is gone meanwhile is told as gone. Guards the order of locks: whoever removes or takes back holds the
epoch's lock, so that a batch sees a removal whole or not at all. Refuses a removal once the ledger is closed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from petition import signatures
from petition.campaigns import Campaign, require_open
from petition.core import db, outbox
from petition.core.errors import ExpectedError
from petition.core.ids import CampaignId
from petition.core.outbox import OutboxKind
from petition.epochs.batch import epoch_lock
from petition.epochs.history import Epoch
from petition.ledger import log
from petition.ledger.entries import Removal
from petition.organisers import approvals, audit_log
from petition.organisers.actor import Actor
from petition.organisers.approvals import ApprovalKind, ApprovalRequest
from petition.organisers.audit_log import Action
from petition.signatures import Concealed, SignerUnknown, bulk_removal, selection
from petition.signatures.selection import Criteria, Selection
from petition.signatures.tables import BulkRemoval, BulkRemovalState

AT_ONCE: Final = 50
"""More than so many take a second organiser."""


class SelectionChanged(ExpectedError):
    """The signatures that are meant are not those that were looked at."""

    status = 409


@dataclass(frozen=True, slots=True)
class Days:
    """Days of epochs, both included."""

    first: date | None = None
    last: date | None = None


@dataclass(frozen=True, slots=True)
class Begun:
    """What became of the wish: removed or being removed, or a request that waits for a second organiser."""

    removal: BulkRemoval | None
    request: ApprovalRequest | None


def of_days(session: Session, campaign_id: CampaignId, criteria: Criteria, days: Days) -> Criteria:
    """The criteria with days turned into epochs, which is all a signature knows of its time."""
    if days == Days():
        return criteria
    query = select(func.min(Epoch.number), func.max(Epoch.number)).where(Epoch.campaign_id == campaign_id)
    query = query.where(Epoch.day >= days.first) if days.first else query
    query = query.where(Epoch.day <= days.last) if days.last else query
    first, last = session.execute(query).one()
    if first is None:
        return replace(criteria, first=1, last=0)
    return replace(criteria, first=max(first, criteria.first or 0), last=min(last, criteria.last or last))


def preview(session: Session, campaign: Campaign, criteria: Criteria, size: int | None = None) -> Selection:
    """What would be removed, among the entries that the ledger has now or had at `size`. Raises CriteriaEmpty."""
    now_size = log.head_of(session, campaign.id).size
    return selection.select_signatures(session, campaign.id, criteria, now_size if size is None else size)


def remove(
    session: Session, campaign: Campaign, criteria: Criteria, seen: tuple[int, str], why: Removal, actor: Actor) -> Begun:  # fmt: skip
    """Remove what was looked at: `seen` is the ledger's size and the selection's digest then.

    Up to fifty at once; more are asked for, and a second organiser approves. Raises SelectionChanged, CampaignClosed,
    CampaignNotOpen.
    """
    require_open(campaign)
    chosen = preview(session, campaign, criteria, seen[0])
    if chosen.digest() != seen[1] or not chosen.figure:
        raise SelectionChanged
    kept = _kept(criteria)
    if chosen.figure <= AT_ONCE:
        return Begun(_begin(session, campaign, chosen.members, why, actor, kept), None)
    about = {"n": chosen.figure, "why": str(why), "criteria": kept, "members": selection.packed(chosen.members)}
    return Begun(None, approvals.ask(session, campaign.id, ApprovalKind.REMOVE, about, actor))


def remove_one(session: Session, campaign: Campaign, index: int, why: Removal, actor: Actor) -> BulkRemoval:
    """Remove one signer who is shown by name. Raises SignerUnknown, CampaignClosed."""
    if selection.named_signer(session, campaign.id, index) is None:
        raise SignerUnknown(index)
    return _begin(session, campaign, [index], why, actor, {"entry": index})


def approved(session: Session, campaign: Campaign, request: ApprovalRequest, now: datetime) -> None:
    """What ApprovalKind.REMOVE does when the second key is turned: remove exactly what was looked at when it was asked."""
    about, by = request.about, request.decided_by or request.asked_by
    members = selection.unpacked(about["members"])
    _begin(session, campaign, members, Removal(about["why"]), Actor(by, now), about["criteria"])


def conceal(session: Session, campaign: Campaign, index: int, what: Concealed, actor: Actor) -> None:
    """Take a name or a comment off the page; raises SignerUnknown."""
    if selection.named_signer(session, campaign.id, index) is None:  # nor is anything told of a name that nobody sees
        raise SignerUnknown(index)
    signatures.conceal(session, campaign, index, what)
    audit_log.write(session, campaign.id, actor, Action.SIGNER_HIDDEN, {"what": str(what)})


def take_back(session: Session, campaign: Campaign, removal_id: bytes, actor: Actor) -> int:
    """Cancel a removal that runs, or undo one that waits; gives how many came back. Raises BulkRemovalUnknown, RemovalOver."""
    db.hold(session, epoch_lock(campaign.id))
    restored = bulk_removal.undo(session, bulk_removal.find(session, campaign.id, removal_id))
    audit_log.write(session, campaign.id, actor, Action.REMOVAL_UNDONE, {"n": restored})
    return restored


def remove_portion(session: Session, campaign_id: CampaignId, outbox_id: str, now: datetime, most: int) -> bool:
    """Remove up to `most` signatures of the oldest bulk removal that runs; without one, settle the row. Whether one ran."""
    db.hold(session, epoch_lock(campaign_id))
    left = bulk_removal.running(session, campaign_id)
    if not left:
        outbox.settle(session, outbox_id)
        return False
    bulk_removal.advance(session, bulk_removal.find(session, campaign_id, left[0]), most)
    outbox.go_on(session, outbox_id, now)
    return True


def _begin(
    session: Session, campaign: Campaign, members: Sequence[int], why: Removal, actor: Actor, kept: dict[str, Any]
) -> BulkRemoval:  # fmt: skip
    db.hold(session, epoch_lock(campaign.id))
    session.refresh(campaign)
    require_open(campaign)
    removal = bulk_removal.begin(session, campaign, members, why, actor, kept)
    audit_log.write(session, campaign.id, actor, Action.SIGNATURES_REMOVED, {"n": len(members), "why": str(why)})
    if len(members) <= AT_ONCE:
        while bulk_removal.advance(session, removal):
            pass
        return removal
    outbox.add(session, OutboxKind.REMOVAL, campaign.id, 0, actor.now)
    return removal


def _kept(criteria: Criteria) -> dict[str, Any]:
    """What is kept of the criteria: not the text that was looked for, which may be somebody's name."""
    document = criteria.as_json()
    return {"text": True, **document} if document.pop("q", None) else document


@dataclass(frozen=True, slots=True)
class Line:
    """One removal for the page: the wave, and whether it can be taken back."""

    removal: BulkRemoval
    reversible: bool

    @property
    def gone(self) -> int:
        """How many were withdrawn or removed otherwise before this came to them."""
        return self.removal.found - self.removal.done if self.removal.state is not BulkRemovalState.RUNNING else 0


def lines(session: Session, campaign_id: CampaignId, most: int = 100) -> list[Line]:
    """Removals, newest first; two queries."""
    query = (
        select(BulkRemoval)
        .where(BulkRemoval.campaign_id == campaign_id)
        .order_by(BulkRemoval.at.desc(), BulkRemoval.id)
        .limit(most)
    )
    waiting = bulk_removal.waiting_of(session, campaign_id)
    return [
        Line(
            removal,
            removal.state is BulkRemovalState.RUNNING
            or (removal.state is BulkRemovalState.DONE and removal.id in waiting),
        )
        for removal in session.scalars(query)
    ]
