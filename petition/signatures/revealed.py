"""Finds the signature to which a revealed value of a secret chain belongs, and counts the value as used.

A signer's chain has nine values (docs/protocol.md §3.2). Each act reveals one that lies deeper than all that were used
before; values may be skipped. Values that an entry of the ledger shows are used, so nobody else can act with them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from petition.blindsign.passes import hashes_of
from petition.campaigns import Campaign, CampaignState
from petition.core.errors import ExpectedError
from petition.core.ids import CampaignId
from petition.signatures.tables import ActKind, Pending, Signature, WaitingAct

Row = Pending | Signature
NOTHING: Final = {
    "commitment": None,
    "salt": None,
    "show": None,
    "name": "",
    "role": "",
    "team": "",
    "comment": "",
    "publish_at": 0,
    "sealed_until": 0,
}
"""The columns of a waiting act that changes no body."""


class SignatureUnknown(ExpectedError, LookupError):
    """No signature of this campaign matches this secret or hash."""

    status = 404


class ValueUsed(ExpectedError):
    """The value of the secret chain was used for an earlier act. The next one of the chain is needed."""

    status = 409


@dataclass(frozen=True, slots=True)
class Found:
    """A locked signature, and the number (0 to 8) that the revealed value has in its chain."""

    row: Row
    number: int

    @property
    def repeats(self) -> bool:
        """Returns whether the value is the one of the signature's last act."""
        return self.number == self.row.used - 1

    def use(self) -> None:
        """Count the value, and all before it, as used. Raises ValueUsed if it was used before."""
        if self.number < self.row.used:
            raise ValueUsed
        self.row.used = self.number + 1


def is_open(session: Session, campaign_id: CampaignId) -> bool:
    """Returns whether acts can still be written, and keeps a close out until the end of the transaction.

    It takes a shared lock on the campaign's row, as redeeming does; closing takes an exclusive one.
    """
    query = select(Campaign.state).where(Campaign.id == campaign_id).with_for_update(read=True, key_share=True)
    return session.scalar(query) is CampaignState.OPEN


def find(session: Session, campaign_id: CampaignId, value: bytes) -> Found:
    """Returns the signature to which a value of 32 bytes belongs, locked. Raises SignatureUnknown."""
    hashes = hashes_of(value)
    row = locked(session, campaign_id, hashes)
    return Found(row, hashes.index(row.hw))


def locked(session: Session, campaign_id: CampaignId, hashes: tuple[bytes, ...]) -> Row:
    """Returns the signature with one of these `hw`, locked. Raises SignatureUnknown."""
    waiting = select(Pending).where(Pending.campaign_id == campaign_id, Pending.hw.in_(hashes)).with_for_update()
    logged = select(Signature).where(Signature.campaign_id == campaign_id, Signature.hw.in_(hashes)).with_for_update()
    # A row that an epoch is moving may be in neither place for one query; the second query finds it.
    row = session.scalar(logged) or session.scalar(waiting) or session.scalar(logged)
    if row is None:
        raise SignatureUnknown
    return row


def waiting_act(session: Session, row: Row) -> WaitingAct | None:
    """Returns the act of a locked signature that waits for an epoch, if there is one."""
    return session.get(WaitingAct, (row.campaign_id, row.hw), populate_existing=True)


def drop_waiting_act(session: Session, row: Row) -> None:
    """Delete the act of a locked signature that waits, if there is one."""
    mine = (WaitingAct.campaign_id == row.campaign_id, WaitingAct.hw == row.hw)
    session.execute(delete(WaitingAct).where(*mine).execution_options(synchronize_session=False))


def let_wait(session: Session, row: Row, kind: ActKind, value: bytes, **changes: object) -> None:
    """Have an act of a locked signature wait for an epoch, in place of an earlier one. `changes` are those of a body."""
    values = {**NOTHING, **changes, "kind": kind, "revealed": value}
    adding = insert(WaitingAct).values(campaign_id=row.campaign_id, hw=row.hw, **values)
    session.execute(adding.on_conflict_do_update(index_elements=["campaign_id", "hw"], set_=values))
