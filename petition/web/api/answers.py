"""What calls and pages answer with, as values that JSON can hold."""

from __future__ import annotations

from typing import Any

from petition.core.encoding import b64u
from petition.signatures import Receipt, SignatureState, SignatureStatus


def receipt_json(receipt: Receipt) -> dict[str, Any]:
    """A receipt."""
    return {
        "entry": receipt.entry,
        "salt": b64u(receipt.salt),
        "body": receipt.body.fields(),
        "withdraw": b64u(receipt.withdraw),
        "promise": b64u(receipt.promise),
        "by_epoch": receipt.by_epoch,
    }


def status_json(status: SignatureStatus) -> dict[str, Any]:
    """The status of a signature; a hidden name is still a signature in the ledger.

    A removal that no epoch has taken yet says so; one that was taken says why.
    """
    answer: dict[str, Any] = {"state": state_name(status.state, logged=status.index is not None)}
    if status.state is SignatureState.REMOVED:
        answer |= {"why": str(status.why)} if status.why else {"state": "removing"}
    if status.index is not None:
        proof = [b64u(each) for each in status.proof]
        answer |= {"index": status.index, "epoch": status.epoch, "proof": proof}
    return answer


def state_name(state: SignatureState, *, logged: bool = True) -> str:
    """The state's name to a client: whether a name is hidden is nobody's business, because it counts."""
    if state is not SignatureState.HIDDEN:
        return str(state)
    return str(SignatureState.LOGGED if logged else SignatureState.PENDING)
