"""Converts receipts and statuses to values that JSON can hold, for the API and the pages."""

from __future__ import annotations

from typing import Any

from petition.core.encoding import b64u
from petition.signatures import Receipt, SignatureState, SignatureStatus


def receipt_json(receipt: Receipt) -> dict[str, Any]:
    """Returns a receipt as a JSON object."""
    return {
        "entry": receipt.entry,
        "salt": b64u(receipt.salt),
        "body": receipt.body.fields(),
        "withdraw": b64u(receipt.withdraw),
        "promise": b64u(receipt.promise),
        "by_epoch": receipt.by_epoch,
    }


def status_json(status: SignatureStatus) -> dict[str, Any]:
    """Returns the status of a signature as a JSON object. A hidden name is still a signature in the ledger.

    A removal that is not in an epoch yet has the state `removing`; one that is has its reason.
    """
    answer: dict[str, Any] = {"state": state_name(status.state, logged=status.index is not None)}
    if status.state is SignatureState.REMOVED:
        answer |= {"why": str(status.why)} if status.why else {"state": "removing"}
    if status.index is not None:
        proof = [b64u(each) for each in status.proof]
        answer |= {"index": status.index, "epoch": status.epoch, "proof": proof}
    return answer


def without_place(status: dict[str, Any]) -> dict[str, Any]:
    """Returns a status without its place in the ledger, which reveals how many signed."""
    return {name: status[name] for name in ("state", "why") if name in status}


def state_name(state: SignatureState, *, logged: bool = True) -> str:
    """Returns the state that clients see. A hidden name is reported as pending or logged, because it still counts."""
    if state is not SignatureState.HIDDEN:
        return str(state)
    return str(SignatureState.LOGGED if logged else SignatureState.PENDING)
