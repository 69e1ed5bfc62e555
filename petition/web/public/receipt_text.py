"""A receipt as text: what a signer keeps and later pastes.

Reading a receipt checks that the text is consistent: its entry is a signature, and its secret matches that entry.
Receipts of other campaigns are rejected, and so is any other text.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from petition.blindsign import passes
from petition.blindsign.passes import SECRET_LENGTH, secret_hash
from petition.core.encoding import MalformedEncoding, b64u, unb64u
from petition.ledger import merkle
from petition.ledger.entries import EntryMalformed, SignEntry, Visibility, parse
from petition.publication import Snapshot
from petition.signatures import AmendReceipt, DisplayChoice, Receipt
from petition.signatures.redeem import TICKET_LENGTH
from petition.web.api.answers import amend_receipt_json, receipt_json
from petition.web.json_http import json_text

TOKEN_LENGTH = 43


class ReceiptFaulty(ValueError):
    """This text is not a receipt of this campaign."""


@dataclass(frozen=True, slots=True)
class ParsedReceipt:
    """A receipt that was read: the leaf hash and the secret (32 bytes each), and the ticket (16 bytes)."""

    leaf: bytes
    w0: bytes = field(repr=False)
    ticket: bytes = field(repr=False)


def to_text(receipt: Receipt, w0: bytes, snapshot: Snapshot) -> str:
    """Returns the text for the signer to keep, on one line.

    It is the API's receipt object with the campaign's id and origin, and the secret of the pass.
    """
    return json_text({"campaign": snapshot.id, "origin": snapshot.origin, **receipt_json(receipt), "w0": b64u(w0)})


def changed_text(text: str, receipt: AmendReceipt) -> str:
    """Returns a receipt with a change in it, or an empty text if what was pasted is no receipt but a pass or a secret.

    Body and salt are those of the change, and `commitment` is what the ledger will hold of them.
    """
    try:
        document = json.loads(text)
        return json_text({**document, **amend_receipt_json(receipt)})
    except (ValueError, TypeError, RecursionError):
        return ""


def read(text: str, snapshot: Snapshot) -> ParsedReceipt:
    """Parse a receipt that `to_text` or the browser wrote. Raises ReceiptFaulty."""
    try:
        document = json.loads(text)
        return _checked(document, snapshot)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError, EntryMalformed) as error:
        raise ReceiptFaulty from error


def secret_in(text: str, snapshot: Snapshot) -> bytes:
    """Returns the secret `w0` from a receipt, from a pass that was kept, or from the secret's own text.

    Raises ReceiptFaulty.
    """
    text = text.strip().strip('"')
    if text.startswith(passes.VERSION):
        return _secret_in_pass(text)
    if len(text) != TOKEN_LENGTH:
        return read(text, snapshot).w0
    try:
        return unb64u(text, SECRET_LENGTH)
    except MalformedEncoding as error:
        raise ReceiptFaulty from error


def shown_in(text: str, publish_at: int) -> DisplayChoice:
    """Returns what the signature of a receipt shows. Raises ReceiptFaulty.

    The receipt does not contain `publish_at`, so the page posts it beside the receipt.
    """
    try:
        body = json.loads(text)["body"]
        choice = DisplayChoice(**(body | {"show": Visibility(body["show"]), "publish_at": publish_at}))
        _check_texts(choice)
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise ReceiptFaulty from error
    return choice


def _check_texts(choice: DisplayChoice) -> None:
    """Raises TypeError or ValueError unless the choice consists of texts that a page can show."""
    for text in (choice.name, choice.role, choice.team, choice.comment):
        str.encode(text)


def _secret_in_pass(text: str) -> bytes:
    try:
        return passes.KeptPass.decode(text).w0
    except passes.PassMalformed as error:
        raise ReceiptFaulty from error


def _checked(document: dict[str, Any], snapshot: Snapshot) -> ParsedReceipt:
    line, secret = document["entry"].encode(), unb64u(document["w0"], SECRET_LENGTH)
    entry = parse(line)
    if document["campaign"] != snapshot.id or not isinstance(entry, SignEntry):
        raise ReceiptFaulty
    if entry.secret_hash != secret_hash(secret):
        raise ReceiptFaulty
    return ParsedReceipt(merkle.leaf_hash(line), secret, unb64u(document["ticket"], TICKET_LENGTH))
