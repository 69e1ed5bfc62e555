"""The status of a signature: waiting, in the ledger with its proof, withdrawn or removed.

Who knows only the leaf hash, which the ledger shows to everybody, learns nothing that the ledger does not show. Who
holds the receipt has its ticket or the secret, and learns the truth.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from petition.blindsign.passes import secret_hash
from petition.campaigns import OpenCampaign
from petition.ledger import log
from petition.ledger.entries import Removal, Visibility
from petition.signatures import revealed
from petition.signatures.redeem import DisplayChoice, ticket_hash
from petition.signatures.revealed import Row, SignatureUnknown
from petition.signatures.tables import ActKind, Pending, Signature, SignatureState, WaitingAct
from petition.signatures.visibility import enough


@dataclass(frozen=True, slots=True)
class SignatureStatus:
    """The state, and for a signature in the ledger its index, its epoch and an inclusion proof for the head of `size` entries.

    `why` is the reason of a removal that is in the ledger; a removal without it waits for an epoch. Index, epoch and
    proof are missing while the letter's count is not public. The rest is told to the receipt only, and `is_own` says
    whether it was: how many values of the secret chain were used, whether a change waits, whether a withdrawal can still
    be taken back, and what the signature shows, or will show once a change is written (None: nothing).
    """

    state: SignatureState
    logged: bool
    index: int | None = None
    epoch: int | None = None
    size: int | None = None
    proof: tuple[bytes, ...] = ()
    why: Removal | None = None
    is_own: bool = False
    used: int = 0
    amends: bool = False
    can_return: bool = False
    shows: DisplayChoice | None = None


def status(session: Session, campaign: OpenCampaign, leaf: bytes, ticket: bytes = b"") -> SignatureStatus:
    """Returns the status by leaf hash (32 bytes). Raises SignatureUnknown.

    Without the ticket of its receipt (16 bytes), a signature is pending or logged until the ledger says otherwise.
    """
    row = _find(session, campaign, Signature.leaf == leaf, Pending.leaf == leaf)
    return _status(session, campaign, row, is_own=secrets.compare_digest(row.ticket, ticket_hash(ticket)))


def status_of(session: Session, campaign: OpenCampaign, w0: bytes) -> SignatureStatus:
    """Returns the status by the secret that a signer keeps (32 bytes). Raises SignatureUnknown."""
    return _status(session, campaign, _find_by_hash(session, campaign, secret_hash(w0)), is_own=True)


def status_by_hash(session: Session, campaign: OpenCampaign, hw: bytes) -> SignatureStatus:
    """Returns the status by the public hash of a secret chain (32 bytes): what the ledger shows.

    Raises SignatureUnknown.
    """
    return _status(session, campaign, _find_by_hash(session, campaign, hw), is_own=False)


def _find_by_hash(session: Session, campaign: OpenCampaign, hw: bytes) -> Row:
    return _find(session, campaign, Signature.hw == hw, Pending.hw == hw)


def _find(session: Session, campaign: OpenCampaign, logged: ColumnElement[bool], waiting: ColumnElement[bool]) -> Row:
    find_logged = select(Signature).where(Signature.campaign_id == campaign.id, logged)
    find_waiting = select(Pending).where(Pending.campaign_id == campaign.id, waiting)
    # A row that an epoch is moving may be in neither place for one query; the second query finds it.
    row = session.scalar(find_logged) or session.scalar(find_waiting) or session.scalar(find_logged)
    if row is None:
        raise SignatureUnknown
    return row


def _status(session: Session, campaign: OpenCampaign, row: Row, *, is_own: bool) -> SignatureStatus:
    act = revealed.waiting_act(session, row)
    found = SignatureStatus(_public_state(row, is_final=act is None), logged=isinstance(row, Signature))
    if is_own:
        amends = act is not None and act.kind is ActKind.AMEND
        returns = act is not None and not amends
        shows = _shows(act if amends and act is not None else row)
        found = replace(
            found, is_own=True, state=row.state, used=row.used, amends=amends, can_return=returns, shows=shows
        )
    if not isinstance(row, Signature):
        return found
    found = replace(found, why=row.why)
    return _placed(session, campaign, row, found) if session.scalar(select(enough(campaign.id))) else found


def _shows(row: Row | WaitingAct) -> DisplayChoice | None:
    if row.show is None:
        return None
    texts = {name: getattr(row, name) for name in ("name", "role", "team", "comment")}
    return DisplayChoice(Visibility(row.show), **texts, publish_at=row.publish_at, sealed_until=row.sealed_until)


def _public_state(row: Row, *, is_final: bool) -> SignatureState:
    """Returns the state that the ledger shows. `is_final`: no act of the signer waits."""
    if not isinstance(row, Signature):
        return SignatureState.PENDING
    is_over = row.why is not None or (is_final and row.state is SignatureState.WITHDRAWN)
    return row.state if is_over else SignatureState.LOGGED


def _placed(session: Session, campaign: OpenCampaign, row: Signature, found: SignatureStatus) -> SignatureStatus:
    size = log.head_of(session, campaign.id).size
    proof = log.tree(session, campaign.id, size).inclusion_proof(row.index)
    return replace(found, index=row.index, epoch=row.epoch, size=size, proof=tuple(proof))
