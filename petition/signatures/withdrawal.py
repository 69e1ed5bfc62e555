"""Withdrawing and hiding by signers, and hiding of a name or a comment by organisers.

Body and salt are deleted at once; the tombstone follows in a later epoch. Every operation can be repeated safely. A
signer's withdrawal is written in place of a removal by organisers that still waits (`petition.signatures.bulk_removal`),
and the removal stands again if the withdrawal is taken back. An act replaces the signer's own act that still waits.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from petition.campaigns import Campaign, OpenCampaign
from petition.core.errors import ExpectedError
from petition.core.ids import CampaignId
from petition.ledger.entries import Visibility
from petition.signatures import revealed
from petition.signatures.revealed import Row
from petition.signatures.tables import ActKind, Pending, Signature, SignatureState, WaitingRemoval

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
UNSHOWN: Final = {"public": False, "folded_name": None, "folded_comment": None}
"""What a signature in the ledger holds while its body is not shown. Bodies are folded for searches while they are."""


class SignerUnknown(ExpectedError, LookupError):
    """No signer with this index is shown by name: the name was hidden, withdrawn or removed, or never shown."""

    status = 404


class Concealed(StrEnum):
    """What organisers can hide."""

    NAME = "name"
    COMMENT = "comment"


def withdraw(session: Session, campaign: OpenCampaign, value: bytes) -> SignatureState:
    """Withdraw a signature with the next value of its secret chain (32 bytes). Returns the state.

    After the close nothing can be written any more: the signature is hidden, and stays counted. Nothing happens to a
    signature that was withdrawn or removed before. Raises SignatureUnknown, ValueUsed.
    """
    if not revealed.is_open(session, campaign.id):
        return hide(session, campaign, value)
    found = revealed.find(session, campaign.id, value)
    row = found.row
    if row.state is SignatureState.WITHDRAWN and (found.repeats or found.number >= row.used):
        return row.state
    if _is_removed(row):
        return row.state
    found.use()
    was_shown = is_shown(row)
    _forget_public(session, row)
    forget(row, SignatureState.WITHDRAWN)
    revealed.let_wait(session, row, ActKind.WITHDRAW, value)
    if was_shown:
        mark_stale(session, campaign.id)
    return SignatureState.WITHDRAWN


def hide(session: Session, campaign: OpenCampaign, value: bytes) -> SignatureState:
    """Hide what a signature shows, and keep it counted, with the next value of its chain. Returns the state.

    It replaces a withdrawal or a change that waits. A removal that waits stays. Raises SignatureUnknown, ValueUsed.
    """
    found = revealed.find(session, campaign.id, value)
    row = found.row
    if found.repeats and row.show is None and revealed.waiting_act(session, row) is None:
        return row.state
    if _is_removed(row) or is_withdrawn_for_good(session, row):
        return row.state
    found.use()
    was_shown = is_shown(row)
    _forget_public(session, row)
    forget(row, SignatureState.REMOVED if has_removal(session, row) else SignatureState.HIDDEN)
    revealed.drop_waiting_act(session, row)
    if was_shown:
        mark_stale(session, campaign.id)
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
        forget(row, SignatureState.HIDDEN)
    else:
        row.comment, row.folded_comment, row.salt = "", "", None
    mark_stale(session, campaign.id)


def forget_bodies(session: Session, campaign_id: CampaignId) -> None:
    """Delete every name, role and comment of a campaign that was closed long ago. Its count stays."""
    shown = update(Signature).where(Signature.campaign_id == campaign_id, Signature.state == SignatureState.LOGGED)
    gone = shown.values(**GONE, **UNSHOWN, state=SignatureState.HIDDEN).returning(Signature.index)
    if session.execute(gone).first() is not None:
        session.execute(update(Campaign).where(Campaign.id == campaign_id).values(stale=True))


def forget(row: Row, state: SignatureState) -> None:
    """Delete the body and the salt of a locked signature, and set its state."""
    for name, value in GONE.items():
        setattr(row, name, value)
    row.state = state
    if isinstance(row, Signature):
        row.public, row.folded_name, row.folded_comment = False, None, None


def is_withdrawn_for_good(session: Session, row: Row) -> bool:
    """Returns whether the withdrawal of a locked signature is in the ledger. Until then it can be taken back."""
    return row.state is SignatureState.WITHDRAWN and revealed.waiting_act(session, row) is None


def has_removal(session: Session, row: Row) -> bool:
    """Returns whether organisers removed a locked signature, and may still undo it. A withdrawal may lie above that."""
    if isinstance(row, Pending):
        return False
    query = select(WaitingRemoval.index).where(_removal_of(row), WaitingRemoval.reached)
    return session.scalar(query) is not None


def is_shown(row: Row) -> bool:
    """Returns whether the pages show something of a locked signature, so that an act on it has them rendered again.

    An act on another signature leaves them alone: a worker that renders pages holds locks meanwhile, and whoever waits
    for these would learn that somebody acted.
    """
    return isinstance(row, Signature) and row.public and row.show in {Visibility.NAME, Visibility.ROLE}


def mark_stale(session: Session, campaign_id: CampaignId) -> None:
    """Have the public pages rendered again."""
    session.execute(update(Campaign).where(Campaign.id == campaign_id).values(stale=True))


def _is_removed(row: Row) -> bool:
    """Returns whether the removal of a signature is in the ledger."""
    return isinstance(row, Signature) and row.why is not None


def _removal_of(row: Signature) -> ColumnElement[bool]:
    return (WaitingRemoval.campaign_id == row.campaign_id) & (WaitingRemoval.index == row.index)


def _forget_public(session: Session, row: Row) -> None:
    """Have an undo of a removal that waits show nothing, because the body is deleted."""
    if not isinstance(row, Pending):
        session.execute(update(WaitingRemoval).where(_removal_of(row)).values(public=False))
