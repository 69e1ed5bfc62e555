"""Removal by organisers, of one signature or many, in portions. It can be undone until an epoch writes it.

Exactly what was selected is removed: the indices are stored when the removal begins, and each portion is its own
transaction, so that a worker that dies leaves nothing half done and two concurrent workers do nothing twice. A removed
signature is hidden at once. Its body is kept until the epoch deletes it, so that an undo restores every byte. An epoch
takes a bulk removal completely or not at all (`petition.signatures.append_batch`). Until then no figure depends on
whether signers withdrew: such a signature is found, done and restored like every other, and stays withdrawn. This
module only changes signature rows; `petition.usecases.removals` handles the audit log and the approval. The caller
holds the epoch's lock.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    ColumnElement,
    any_,
    case,
    cast,
    delete,
    func,
    insert,
    literal,
    select,
    update,
)
from sqlalchemy.orm import Session

from petition.campaigns import Campaign
from petition.core.errors import ExpectedError
from petition.core.ids import CampaignId
from petition.ledger.entries import Removal
from petition.organisers.actor import Actor
from petition.signatures.selection import COUNTED, removable
from petition.signatures.tables import BulkRemoval, BulkRemovalState, Signature, SignatureState, WaitingRemoval
from petition.signatures.visibility import fold_names
from petition.signatures.withdrawal import UNSHOWN

PORTION: Final = 500
_UNSYNCED: Final = {"synchronize_session": False}


class BulkRemovalUnknown(ExpectedError, LookupError):
    """No removal of this campaign has this id."""

    status = 404


class RemovalOver(ExpectedError):
    """There is nothing to undo: the removal is in the ledger, or was undone already."""

    status = 409


def begin(
    session: Session, campaign: Campaign, members: Sequence[int], why: Removal, actor: Actor, criteria: Mapping[str, Any]) -> BulkRemoval:  # fmt: skip
    """Store what is to be removed.

    Signatures that are gone from the ledger's count since the selection, or in another removal, are left out.
    """
    removal = BulkRemoval(
        id=secrets.token_bytes(16), campaign_id=campaign.id, why=why, criteria=dict(criteria), found=len(members), done=0,
        state=BulkRemovalState.RUNNING, by=actor.by, at=actor.now,
    )  # fmt: skip
    session.add(removal)
    session.flush()
    among = Signature.index == any_(cast(list(members), ARRAY(BigInteger)))
    mine = (Signature.campaign_id == campaign.id, among)
    # The locks come first: the statement after them sees what signers did while it waited.
    session.execute(select(Signature.index).where(*mine).order_by(Signature.index).with_for_update())
    no = cast(literal(False), Boolean)
    chosen = select(
        Signature.campaign_id, Signature.index, literal(why, WaitingRemoval.why.type), literal(removal.id),
        no.label("public"), no.label("reached"),
    )  # fmt: skip
    columns = ["campaign_id", "index", "why", "bulk_removal_id", "public", "reached"]
    session.execute(insert(WaitingRemoval).from_select(columns, chosen.where(*mine, removable())))
    return removal


def find(session: Session, campaign_id: CampaignId, removal_id: bytes) -> BulkRemoval:
    """Returns a bulk removal, locked. Raises BulkRemovalUnknown."""
    query = (
        select(BulkRemoval)
        .where(BulkRemoval.id == removal_id, BulkRemoval.campaign_id == campaign_id)
        .with_for_update()
    )
    removal = session.scalar(query.execution_options(populate_existing=True))
    if removal is None:
        raise BulkRemovalUnknown
    return removal


def running(session: Session, campaign_id: CampaignId) -> list[bytes]:
    """Returns the bulk removals that are not finished, oldest first."""
    query = select(BulkRemoval.id).where(
        BulkRemoval.campaign_id == campaign_id, BulkRemoval.state == BulkRemovalState.RUNNING
    )
    return list(session.scalars(query.order_by(BulkRemoval.at, BulkRemoval.id)))


def advance(session: Session, removal: BulkRemoval, most: int = PORTION) -> bool:
    """Remove the next portion of a locked bulk removal. Returns whether there is more to do.

    A signature that was withdrawn meanwhile stays withdrawn, and is done like the others.
    """
    if removal.state is not BulkRemovalState.RUNNING:
        return False
    rows = session.execute(
        select(Signature.index, Signature.public)
        .join(WaitingRemoval, _same())
        .where(*_of(removal), WaitingRemoval.reached.is_(False)).order_by(Signature.index).limit(most)
        .with_for_update(of=Signature)
    ).all()  # fmt: skip
    if not rows:
        removal.state = BulkRemovalState.DONE
        return False
    _remove(session, removal.campaign_id, [index for index, _ in rows], [index for index, public in rows if public])
    removal.done += len(rows)
    if len(rows) < most:
        removal.state = BulkRemovalState.DONE
    _mark_stale(session, removal.campaign_id)
    return removal.state is BulkRemovalState.RUNNING


def finish(session: Session, campaign_id: CampaignId) -> None:
    """Finish every bulk removal of a campaign, because none may still run when the ledger is closed."""
    for removal_id in running(session, campaign_id):
        removal = find(session, campaign_id, removal_id)
        while advance(session, removal):
            pass


def undo(session: Session, removal: BulkRemoval) -> int:
    """Restore exactly what a bulk removal removed, unless the ledger has it. Returns how many. Raises RemovalOver.

    A running bulk removal is cancelled in the same way: what it removed so far is restored. Signatures that were
    withdrawn meanwhile stay withdrawn, and are counted here like the others.
    """
    mine = _of(removal)
    if removal.state not in {BulkRemovalState.RUNNING, BulkRemovalState.DONE} or not waits(session, removal):
        raise RemovalOver
    locking = select(Signature.index).join(WaitingRemoval, _same()).where(*mine).order_by(Signature.index)
    session.execute(locking.with_for_update(of=Signature))
    kind = Signature.state.type
    hidden, logged = (cast(literal(state, kind), kind) for state in (SignatureState.HIDDEN, SignatureState.LOGGED))
    back = (
        update(Signature)
        .where(*mine, _same(), Signature.state == SignatureState.REMOVED)
        .values(state=case((Signature.show.is_(None), hidden), else_=logged), public=WaitingRemoval.public)
    )
    session.execute(back.execution_options(**_UNSYNCED))
    session.execute(delete(WaitingRemoval).where(*mine))
    fold_names(session, removal.campaign_id)
    removal.state = BulkRemovalState.CANCELLED if removal.state is BulkRemovalState.RUNNING else BulkRemovalState.UNDONE
    _mark_stale(session, removal.campaign_id)
    return removal.done


def waits(session: Session, removal: BulkRemoval) -> bool:
    """Returns whether a removal can still be undone: it runs, or no epoch has taken it."""
    left = session.scalar(select(WaitingRemoval.index).where(*_of(removal)).limit(1))
    return removal.state is BulkRemovalState.RUNNING or left is not None


def waiting_of(session: Session, campaign_id: CampaignId) -> dict[bytes, int]:
    """Returns the bulk removals that no epoch has taken, with the number of their signatures, withdrawn ones included."""
    query = select(WaitingRemoval.bulk_removal_id, func.count()).where(WaitingRemoval.campaign_id == campaign_id)
    return {
        removal: n
        for removal, n in session.execute(query.group_by(WaitingRemoval.bulk_removal_id))
        if removal is not None
    }


def _remove(session: Session, campaign_id: CampaignId, indices: list[int], public: list[int]) -> None:
    reached = update(WaitingRemoval).where(WaitingRemoval.campaign_id == campaign_id, WaitingRemoval.index.in_(indices))
    was_public = WaitingRemoval.index == any_(cast(public, ARRAY(BigInteger)))
    session.execute(reached.values(reached=True, public=was_public).execution_options(**_UNSYNCED))
    counted = Signature.state.in_(COUNTED)
    gone = update(Signature).where(Signature.campaign_id == campaign_id, Signature.index.in_(indices), counted)
    session.execute(gone.values(**UNSHOWN, state=SignatureState.REMOVED).execution_options(**_UNSYNCED))


def _of(removal: BulkRemoval) -> tuple[ColumnElement[bool], ...]:
    return WaitingRemoval.campaign_id == removal.campaign_id, WaitingRemoval.bulk_removal_id == removal.id


def _same() -> ColumnElement[bool]:
    return (Signature.campaign_id == WaitingRemoval.campaign_id) & (Signature.index == WaitingRemoval.index)


def _mark_stale(session: Session, campaign_id: CampaignId) -> None:
    session.execute(update(Campaign).where(Campaign.id == campaign_id).values(stale=True))
