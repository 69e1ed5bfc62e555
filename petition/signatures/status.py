"""The status of a signature: waiting, in the ledger with its proof, withdrawn or removed."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from petition.blindsign.passes import withdraw_hash
from petition.campaigns import OpenCampaign
from petition.ledger import log
from petition.ledger.entries import Removal
from petition.signatures.tables import Pending, Signature, SignatureState
from petition.signatures.withdrawal import SignatureUnknown


@dataclass(frozen=True, slots=True)
class SignatureStatus:
    """The state, and for a signature in the ledger its index, its epoch and an inclusion proof for the checkpoint.

    `why` is the reason of a removal that is in the ledger. A removal without it waits for the next epoch.
    """

    state: SignatureState
    index: int | None
    epoch: int | None
    proof: list[bytes]
    why: Removal | None = None


def status(session: Session, campaign: OpenCampaign, leaf: bytes) -> SignatureStatus:
    """Returns the status by leaf hash (32 bytes). Raises SignatureUnknown."""
    return _status(session, campaign, Signature.leaf == leaf, Pending.leaf == leaf)


def status_of(session: Session, campaign: OpenCampaign, w: bytes) -> SignatureStatus:
    """Returns the status by the secret of the receipt. Raises SignatureUnknown."""
    hw = withdraw_hash(w)
    return _status(session, campaign, Signature.hw == hw, Pending.hw == hw)


def _status(
    session: Session, campaign: OpenCampaign, logged: ColumnElement[bool], waiting: ColumnElement[bool]
) -> SignatureStatus:
    find_logged = select(Signature).where(Signature.campaign_id == campaign.id, logged)
    row = session.scalar(find_logged)
    if row is None:
        state = session.scalar(select(Pending.state).where(Pending.campaign_id == campaign.id, waiting))
        if state is not None:
            return SignatureStatus(state, None, None, [])
        row = session.scalar(find_logged)
    if row is None:
        raise SignatureUnknown
    size = log.head_of(session, campaign.id).size
    proof = log.tree(session, campaign.id, size).inclusion_proof(row.index)
    return SignatureStatus(row.state, row.index, row.epoch, proof, row.why)
