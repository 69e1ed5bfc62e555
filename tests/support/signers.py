"""Signers who are in the ledger."""

from __future__ import annotations

from petition import epochs
from petition.campaigns import find_any
from petition.core import clock, db
from petition.ledger.entries import Visibility
from petition.signatures import DisplayChoice
from tests import make


def an_epoch(slug: str, *wishes: DisplayChoice) -> list[make.KeptReceipt]:
    """Signatures in a batch of their own; gives their receipts."""
    with db.transaction() as session:
        campaign = find_any(session, slug)
        assert campaign
        receipts = [make.signature(session, campaign, wish) for wish in wishes]
        epochs.close_epoch(session, campaign, clock.now())
    return receipts


def named(name: str, comment: str = "", role: str = "Engineer") -> DisplayChoice:
    """The wish of somebody who signs with a name."""
    return DisplayChoice(Visibility.NAME, name=name, role=role, comment=comment)
