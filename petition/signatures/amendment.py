"""Changing what a signature shows: correcting a name, showing more, showing less.

What was shown disappears at once. The new body waits, with a commitment of its own, until an epoch writes the change
into the ledger (docs/protocol.md §4.3). Until then a later act of the signer replaces it.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from sqlalchemy import BindParameter, bindparam, select
from sqlalchemy.orm import Session

from petition.campaigns import Campaign, CampaignClosed, OpenCampaign, milestones, require_open
from petition.core.errors import ExpectedError
from petition.ledger.entries import Body, Visibility, commitment
from petition.signatures import revealed
from petition.signatures.redeem import DisplayChoice, refuse_faults
from petition.signatures.revealed import Row
from petition.signatures.tables import ActKind, SignatureState, WaitingAct
from petition.signatures.withdrawal import forget, has_removal, is_shown, is_withdrawn_for_good, mark_stale


class SignatureEnded(ExpectedError):
    """The signature was removed, even if it was withdrawn since, or its withdrawal is in the ledger."""

    status = 409


@dataclass(frozen=True, slots=True)
class AmendReceipt:
    """What a signer gets for a change: the new commitment, and what opens it.

    Nothing is promised, because a later act of the signer or a removal replaces a change that waits.
    """

    commitment: bytes
    salt: bytes
    body: Body


def amend(session: Session, campaign: OpenCampaign, value: bytes, choice: DisplayChoice) -> AmendReceipt:
    """Change what a signature shows, with the next value of its secret chain (32 bytes).

    The same request sent again gets the same receipt while the change waits. Raises SignatureUnknown, SignatureEnded,
    ValueUsed, DisplayRefused, CampaignNotOpen, CampaignClosed.
    """
    require_open(campaign)
    refuse_faults(campaign, choice)
    if not revealed.is_open(session, campaign.id):
        raise CampaignClosed
    found = revealed.find(session, campaign.id, value)
    row = found.row
    waiting = revealed.waiting_act(session, row)
    if found.repeats and waiting is not None and _is_same(waiting, choice):
        return AmendReceipt(waiting.commitment or b"", waiting.salt or b"", choice.body())
    if found.number >= row.used and (has_removal(session, row) or _is_ended(session, row)):
        raise SignatureEnded  # not told for a used value, which the ledger may show to everybody
    found.use()
    salt, body = secrets.token_bytes(32), choice.body()
    was_shown = is_shown(row)
    forget(row, SignatureState.HIDDEN)
    revealed.let_wait(
        session,
        row,
        ActKind.AMEND,
        value,
        **body.fields() | {"show": choice.show},
        commitment=commitment(salt, body),
        salt=salt,
        publish_at=choice.publish_at,
        sealed_until=_seal(session, campaign, choice),
    )
    if was_shown:
        mark_stale(session, campaign.id)
    return AmendReceipt(commitment(salt, body), salt, body)


def _is_ended(session: Session, row: Row) -> bool:
    """Returns whether a removal or the withdrawal of a locked signature is in the ledger."""
    return row.state is SignatureState.REMOVED or is_withdrawn_for_good(session, row)


def _is_same(waiting: WaitingAct, choice: DisplayChoice) -> bool:
    """Returns whether a waiting act is the change that is asked for again."""
    asked = choice.body().fields() | {"publish_at": choice.publish_at}
    return waiting.kind is ActKind.AMEND and all(getattr(waiting, name) == asked[name] for name in asked)


def _seal(session: Session, campaign: OpenCampaign, choice: DisplayChoice) -> int:
    """Returns the number of signatures that a new name waits for: what the page promised, or more if the letter does."""
    if choice.show is not Visibility.NAME:
        return 0
    cid: BindParameter[bytes] = bindparam("campaign")
    query = select(milestones.seal(cid, Campaign.workforce)).where(Campaign.id == cid)
    return max(choice.sealed_until, session.execute(query, {"campaign": campaign.id}).scalar_one())
