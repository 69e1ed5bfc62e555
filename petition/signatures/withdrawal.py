"""Withdrawing and hiding by signers, and hiding of a name or a comment by organisers.

Body and salt are deleted at once; the tombstone follows in the next epoch. Every operation can be repeated safely. A
signer's decision takes precedence over a removal by organisers that still waits (`petition.signatures.bulk_removal`).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from sqlalchemy import ColumnElement, delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from petition.blindsign.passes import withdraw_hash
from petition.campaigns import Campaign, OpenCampaign
from petition.core.errors import ExpectedError
from petition.core.ids import CampaignId
from petition.ledger.entries import Visibility
from petition.signatures.tables import Pending, Signature, SignatureState, WaitingRemoval, Withdrawal

GONE: Final = {
    "salt": None,
    "show": None,
    "name": "",
    "role": "",
    "team": "",
    "comment": "",
    "publish_at": 0,
    "sealed_until": 0,
}
_FINAL = {SignatureState.WITHDRAWN, SignatureState.REMOVED}


class SignatureUnknown(ExpectedError, LookupError):
    """No signature of this campaign matches this secret or hash."""

    status = 404


class SignerUnknown(ExpectedError, LookupError):
    """No signer with this index is shown by name: the name was hidden, withdrawn or removed, or never shown."""

    status = 404


class Concealed(StrEnum):
    """What organisers can hide."""

    NAME = "name"
    COMMENT = "comment"


def withdraw(session: Session, campaign: OpenCampaign, w: bytes) -> SignatureState:
    """Withdraw a signature. `w` is the 32-byte secret of the receipt. Raises SignatureUnknown."""
    hw = withdraw_hash(w)
    row = _locked(session, campaign.id, hw)
    given_up = _give_up_removal(session, row)
    if row.state in _FINAL and not given_up:
        return row.state
    _forget(row, SignatureState.WITHDRAWN)
    waiting = insert(Withdrawal).values(campaign_id=campaign.id, hw=hw, w=w)
    session.execute(waiting.on_conflict_do_nothing())
    _mark_stale(session, campaign.id)
    return SignatureState.WITHDRAWN


def hide(session: Session, campaign: OpenCampaign, w: bytes) -> SignatureState:
    """Hide the name and keep the signature counted. Raises SignatureUnknown."""
    row = _locked(session, campaign.id, withdraw_hash(w))
    if row.show is None:
        return row.state
    _forget(row, SignatureState.REMOVED if row.state is SignatureState.REMOVED else SignatureState.HIDDEN)
    if isinstance(row, Signature):
        session.execute(update(WaitingRemoval).where(_removal_of(row)).values(public=False))
    _mark_stale(session, campaign.id)
    return row.state


def conceal(session: Session, campaign: Campaign, index: int, what: Concealed) -> None:
    """Hide a signer's shown name, or only the comment, for organisers. The signature still counts.

    The ledger's commitment covers the whole body. Without the comment the rest cannot be proven, so the salt is
    deleted, too, and the signature leaves the bundle. Raises SignerUnknown.
    """
    row = session.get(Signature, (campaign.id, index), with_for_update=True, populate_existing=True)
    if row is None or not row.public or row.show is not Visibility.NAME:
        raise SignerUnknown(index)
    if what is Concealed.NAME:
        _forget(row, SignatureState.HIDDEN)
    else:
        row.comment, row.salt = "", None
    _mark_stale(session, campaign.id)


def forget_bodies(session: Session, campaign_id: CampaignId) -> None:
    """Delete every name, role and comment of a campaign that was closed long ago. Its count stays."""
    shown = update(Signature).where(Signature.campaign_id == campaign_id, Signature.state == SignatureState.LOGGED)
    gone = shown.values(**GONE, state=SignatureState.HIDDEN, public=False).returning(Signature.index)
    if session.execute(gone).first() is not None:
        session.execute(update(Campaign).where(Campaign.id == campaign_id).values(stale=True))


def _removal_of(row: Signature) -> ColumnElement[bool]:
    return (WaitingRemoval.campaign_id == row.campaign_id) & (WaitingRemoval.index == row.index)


def _give_up_removal(session: Session, row: Pending | Signature) -> bool:
    if isinstance(row, Pending):
        return False
    dropped = delete(WaitingRemoval).where(_removal_of(row)).returning(WaitingRemoval.index)
    return session.scalar(dropped) is not None


def _locked(session: Session, campaign_id: CampaignId, hw: bytes) -> Pending | Signature:
    waiting = select(Pending).where(Pending.campaign_id == campaign_id, Pending.hw == hw).with_for_update()
    logged = select(Signature).where(Signature.campaign_id == campaign_id, Signature.hw == hw).with_for_update()
    # A row that an epoch is moving may be in neither place for one query; the second query finds it.
    found = session.scalar(logged) or session.scalar(waiting) or session.scalar(logged)
    if found is None:
        raise SignatureUnknown
    return found


def _forget(row: Pending | Signature, state: SignatureState) -> None:
    for name, value in GONE.items():
        setattr(row, name, value)
    row.state = state
    if isinstance(row, Signature):
        row.public = False


def _mark_stale(session: Session, campaign_id: CampaignId) -> None:
    session.execute(update(Campaign).where(Campaign.id == campaign_id).values(stale=True))
