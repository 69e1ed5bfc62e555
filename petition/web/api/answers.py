"""Converts receipts and statuses to values that JSON can hold, for the API and the pages."""

from __future__ import annotations

from typing import Any

from petition.core.encoding import b64u
from petition.signatures import AmendReceipt, Receipt, SignatureState, SignatureStatus


def receipt_json(receipt: Receipt) -> dict[str, Any]:
    """Returns a receipt as a JSON object."""
    return {
        "entry": receipt.entry,
        "salt": b64u(receipt.salt),
        "body": receipt.body.fields(),
        "ticket": b64u(receipt.ticket),
        "promise": b64u(receipt.promise),
        "by_epoch": receipt.by_epoch,
    }


def amend_receipt_json(receipt: AmendReceipt) -> dict[str, Any]:
    """Returns the receipt of a change as a JSON object."""
    return {"commitment": b64u(receipt.commitment), "salt": b64u(receipt.salt), "body": receipt.body.fields()}


def status_json(status: SignatureStatus) -> dict[str, Any]:
    """Returns the status of a signature as a JSON object. A hidden name is still a signature in the ledger.

    A removal that is not in an epoch yet has the state `removing`; one that is has its reason. `used` (how many values
    of the secret chain were used) and `amends` (a change waits) are there for the receipt's ticket only.
    """
    answer: dict[str, Any] = {"state": state_name(status.state, logged=status.logged)}
    if status.state is SignatureState.REMOVED:
        answer |= {"why": str(status.why)} if status.why else {"state": "removing"}
    if status.index is not None:
        proof = [b64u(each) for each in status.proof]
        answer |= {"index": status.index, "epoch": status.epoch, "size": status.size, "proof": proof}
    return answer | ({"used": status.used} if status.used else {}) | ({"amends": True} if status.amends else {})


def state_name(state: SignatureState, *, logged: bool = True) -> str:
    """Returns the state that clients see. A hidden name is reported as pending or logged, because it still counts."""
    if state is not SignatureState.HIDDEN:
        return str(state)
    return str(SignatureState.LOGGED if logged else SignatureState.PENDING)
