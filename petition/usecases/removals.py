"""Removing signatures: the selection, the approval above fifty in a week, the work in portions, the undo.

The preview equals the result: a request holds the indices that were reviewed, so that later signatures are not touched,
and those that the ledger shows as gone meanwhile are reported as gone. Withdrawals that wait for a batch change nothing
that organisers see. A removal and an undo hold the epoch's lock, so that a batch sees a removal completely or not at
all. After the close nothing can be removed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from petition.campaigns import Campaign, require_open
from petition.core import db, outbox
from petition.core.errors import ExpectedError
from petition.core.ids import CampaignId
from petition.core.outbox import OutboxKind
from petition.epochs.batch import epoch_lock
from petition.epochs.history import Epoch
from petition.ledger import log
from petition.ledger.entries import Removal
from petition.organisers import audit_log
from petition.organisers.actor import Actor
from petition.organisers.approvals import ApprovalKind, ApprovalRequest
from petition.organisers.audit_log import Action
from petition.signatures import SignerUnknown, bulk_removal, selection
from petition.signatures.selection import Criteria, Selection
from petition.signatures.tables import BulkRemoval, BulkRemovalState
from petition.usecases import approval_rules
from petition.usecases.approval_rules import Removes

DONE_AT_ONCE: Final = 50
"""A removal of this many signatures at most is done in the transaction that begins it. A worker does larger ones."""


class SelectionChanged(ExpectedError):
    """The selected signatures are not the ones that were reviewed."""

    status = 409


@dataclass(frozen=True, slots=True)
class Days:
    """A range of days of epochs, both included."""

    first: date | None = None
    last: date | None = None


@dataclass(frozen=True, slots=True)
class Begun:
    """The result of a request to remove: a removal that is done or runs, or a request that waits for an approval."""

    removal: BulkRemoval | None
    request: ApprovalRequest | None


def of_days(session: Session, campaign_id: CampaignId, criteria: Criteria, days: Days) -> Criteria:
    """Returns the criteria with days converted to epochs, because a signature has no finer time."""
    if days == Days():
        return criteria
    query = select(func.min(Epoch.number), func.max(Epoch.number)).where(Epoch.campaign_id == campaign_id)
    query = query.where(Epoch.day >= days.first) if days.first else query
    query = query.where(Epoch.day <= days.last) if days.last else query
    first, last = session.execute(query).one()
    if first is None:
        return replace(criteria, first=1, last=0)
    return replace(criteria, first=max(first, criteria.first or 0), last=min(last, criteria.last or last))


def preview(session: Session, campaign: Campaign, criteria: Criteria, epoch: int | None = None) -> Selection:
    """Returns what would be removed, among all signatures in the ledger, or those up to an epoch. Raises CriteriaEmpty."""
    last = log.head_of(session, campaign.id).epoch
    return selection.select_signatures(session, campaign.id, criteria, last if epoch is None else epoch)


def remove(
    session: Session, campaign: Campaign, criteria: Criteria, seen: tuple[int, str], why: Removal, actor: Actor) -> Begun:  # fmt: skip
    """Remove what was reviewed: `seen` is the last epoch and the selection's digest at that time.

    They are removed at once, unless more than fifty would be gone within a week: then a second organiser has to approve.
    Raises SelectionChanged, CampaignClosed, CampaignNotOpen.
    """
    require_open(campaign)
    chosen = preview(session, campaign, criteria, seen[0])
    if chosen.digest() != seen[1] or not chosen.figure:
        raise SelectionChanged
    return _remove_or_ask(session, campaign, chosen.members, why, actor, _kept(criteria))


def remove_one(session: Session, campaign: Campaign, index: int, why: Removal, actor: Actor) -> Begun:
    """Remove one signer who is shown by name, or ask as `remove` does. Raises SignerUnknown, CampaignClosed."""
    if selection.named_signer(session, campaign.id, index) is None:
        raise SignerUnknown(index)
    return _remove_or_ask(session, campaign, [index], why, actor, {"entry": index})


def asks_first(session: Session, campaign: Campaign, signatures_found: int, now: datetime) -> bool:
    """Returns whether a removal of so many signatures would need a second organiser now."""
    return approval_rules.needs_approval(session, campaign, Removes(signatures_found), now)


def approved(session: Session, campaign: Campaign, request: ApprovalRequest, now: datetime) -> None:
    """Carry out an approved ApprovalKind.REMOVE: remove exactly what was reviewed when it was requested."""
    about, by = request.about, request.decided_by or request.asked_by
    members = selection.unpacked(about["members"])
    _begin(session, campaign, members, Removal(about["why"]), Actor(by, now), about["criteria"])


def take_back(session: Session, campaign: Campaign, removal_id: bytes, actor: Actor) -> int:
    """Cancel a running removal, or undo a waiting one. Returns how many were restored.

    Raises BulkRemovalUnknown, RemovalOver.
    """
    db.hold(session, epoch_lock(campaign.id))
    restored = bulk_removal.undo(session, bulk_removal.find(session, campaign.id, removal_id))
    audit_log.write(session, campaign.id, actor, Action.REMOVAL_UNDONE, {"n": restored})
    return restored


def remove_portion(session: Session, campaign_id: CampaignId, outbox_id: str, now: datetime, most: int) -> bool:
    """Remove up to `most` signatures of the oldest running bulk removal. Returns whether there was one.

    Without one, the outbox row is settled.
    """
    db.hold(session, epoch_lock(campaign_id))
    left = bulk_removal.running(session, campaign_id)
    if not left:
        outbox.settle(session, outbox_id)
        return False
    bulk_removal.advance(session, bulk_removal.find(session, campaign_id, left[0]), most)
    outbox.go_on(session, outbox_id, now)
    return True


def _remove_or_ask(
    session: Session, campaign: Campaign, members: Sequence[int], why: Removal, actor: Actor, kept: dict[str, Any]
) -> Begun:  # fmt: skip
    # Two removals at once are summed, because the second one waits here until the first one is committed.
    db.hold(session, epoch_lock(campaign.id))
    if not approval_rules.needs_approval(session, campaign, Removes(len(members)), actor.now):
        return Begun(_begin(session, campaign, members, why, actor, kept), None)
    about = {"n": len(members), "why": str(why), "criteria": kept, "members": selection.packed(members)}
    return Begun(None, approval_rules.ask(session, campaign, ApprovalKind.REMOVE, about, actor))


def _begin(
    session: Session, campaign: Campaign, members: Sequence[int], why: Removal, actor: Actor, kept: dict[str, Any]
) -> BulkRemoval:  # fmt: skip
    db.hold(session, epoch_lock(campaign.id))
    session.refresh(campaign)
    require_open(campaign)
    removal = bulk_removal.begin(session, campaign, members, why, actor, kept)
    audit_log.write(session, campaign.id, actor, Action.SIGNATURES_REMOVED, {"n": len(members), "why": str(why)})
    if len(members) <= DONE_AT_ONCE:
        while bulk_removal.advance(session, removal):
            pass
        return removal
    outbox.add(session, OutboxKind.REMOVAL, campaign.id, 0, actor.now)
    return removal


def _kept(criteria: Criteria) -> dict[str, Any]:
    """Returns the criteria without the searched text, which may be somebody's name."""
    document = criteria.as_json()
    return {"text": True, **document} if document.pop("q", None) else document


@dataclass(frozen=True, slots=True)
class Line:
    """One removal for the page: the bulk removal, and whether it can be undone."""

    removal: BulkRemoval
    reversible: bool

    @property
    def gone(self) -> int:
        """Returns how many signatures were withdrawn or removed otherwise, as far as the ledger or organisers say it."""
        return self.removal.found - self.removal.done if self.removal.state is not BulkRemovalState.RUNNING else 0


def lines(session: Session, campaign_id: CampaignId, most: int = 100) -> list[Line]:
    """Returns the removals, newest first, with two queries."""
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
