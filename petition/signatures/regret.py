"""Changing one's mind: withdraw, hide; and removal by organisers.

Body and salt are deleted at once; the tombstone follows in the next epoch. All of it may be repeated without harm.
"""

from __future__ import annotations

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from petition import events
from petition.blindsign.passes import withdraw_hash
from petition.campaigns import Campaign
from petition.ledger.entries import Removal
from petition.signatures.tables import Pending, Signature, SignatureState, WaitingRemoval, Withdrawal

_GONE = {"salt": None, "show": None, "name": "", "role": "", "team": "", "comment": "", "publish_at": 0}
_FINAL = {SignatureState.WITHDRAWN, SignatureState.REMOVED}


class SignatureUnknown(LookupError):
    """No signature of this campaign answers to this secret, hash or number."""


def withdraw(session: Session, campaign: Campaign, w: bytes) -> SignatureState:
    """Take a signature back. `w` is the 32-byte secret of the receipt; raises SignatureUnknown."""
    hw = withdraw_hash(w)
    row = _locked(session, campaign.id, hw)
    if row.state in _FINAL:
        return row.state
    _forget(row, SignatureState.WITHDRAWN)
    waiting = insert(Withdrawal).values(campaign_id=campaign.id, hw=hw, w=w)
    session.execute(waiting.on_conflict_do_nothing())
    _tell(session, campaign)
    return SignatureState.WITHDRAWN


def hide(session: Session, campaign: Campaign, w: bytes) -> SignatureState:
    """Take the name off and keep the signature counted; raises SignatureUnknown."""
    row = _locked(session, campaign.id, withdraw_hash(w))
    if row.state in _FINAL or row.state is SignatureState.HIDDEN:
        return row.state
    _forget(row, SignatureState.HIDDEN)
    _tell(session, campaign)
    return SignatureState.HIDDEN


def remove(session: Session, campaign: Campaign, index: int, why: Removal) -> SignatureState:
    """Organisers strike a signature out, for a reason from the closed list; raises SignatureUnknown."""
    row = session.get(Signature, (campaign.id, index), with_for_update=True)
    if row is None:
        raise SignatureUnknown(index)
    if row.state in _FINAL:
        return row.state
    _forget(row, SignatureState.REMOVED)
    waiting = insert(WaitingRemoval).values(campaign_id=campaign.id, index=index, why=why)
    session.execute(waiting.on_conflict_do_nothing())
    _tell(session, campaign)
    return SignatureState.REMOVED


def _locked(session: Session, campaign_id: bytes, hw: bytes) -> Pending | Signature:
    waiting = select(Pending).where(Pending.campaign_id == campaign_id, Pending.hw == hw).with_for_update()
    logged = select(Signature).where(Signature.campaign_id == campaign_id, Signature.hw == hw).with_for_update()
    # A row that an epoch is moving just now is in neither place for one look; the second look finds it.
    found = session.scalar(logged) or session.scalar(waiting) or session.scalar(logged)
    if found is None:
        raise SignatureUnknown
    return found


def _forget(row: Pending | Signature, state: SignatureState) -> None:
    for name, value in _GONE.items():
        setattr(row, name, value)
    row.state = state
    if isinstance(row, Signature):
        row.public = False


def _tell(session: Session, campaign: Campaign) -> None:
    session.execute(update(Campaign).where(Campaign.id == campaign.id).values(stale=True))
    events.announce(session.info, events.SignatureWithdrawn(campaign.id.hex()))
