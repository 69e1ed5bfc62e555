"""Bounces that come as mail: delivery status notifications (RFC 3464), read field by field.

Guards against whatever else lands in a bounce mailbox: only a multipart/report of delivery-status is read, only its
machine-readable part, never the prose around it, and never more of it than one mail could cause. Malformed, deep and
endless input gives nothing. What it says is believed: whoever can write to the mailbox can take an address off the
list, so its address (the envelope sender) should accept mail from relays only, or be hard to guess.
"""

from __future__ import annotations

import re
from email import message_from_bytes
from email.message import Message
from email.policy import compat32
from typing import Final

from petition.subscribers.bounces import Report, Trouble

LARGEST: Final = 1024 * 1024
MOST_RECIPIENTS: Final = 100
STATUS: Final = re.compile(r"([245])\.[0-9]{1,3}\.[0-9]{1,3}", re.ASCII)
COMMENT: Final = re.compile(r"\([^()]*\)")


def reports(raw: bytes) -> list[Report]:
    """What a mail reports, one for each recipient in trouble; nothing for any other mail."""
    try:
        return _reports(message_from_bytes(raw, policy=compat32)) if len(raw) <= LARGEST else []
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError, AssertionError):
        return []  # the parser of the standard library is forgiving, and not proven so for every input


def _reports(mail: Message) -> list[Report]:
    if mail.get_content_type() != "multipart/report" or _parameter(mail, "report-type") != "delivery-status":
        return []
    parts = mail.get_payload()
    found = [each for each in parts if isinstance(each, Message)] if isinstance(parts, list) else []
    status = next((each for each in found if each.get_content_type() == "message/delivery-status"), None)
    blocks = status.get_payload() if status is not None else []
    if not isinstance(blocks, list):
        return []
    # The first block is about the message; each one after it about a recipient (RFC 3464 §2.1).
    recipients = [block for block in blocks[1:] if isinstance(block, Message) and len(block)]
    told = [_report(block) for block in recipients[:MOST_RECIPIENTS]]
    return [each for each in told if each is not None]


def _report(block: Message) -> Report | None:
    trouble = _trouble(_field(block, "Action").lower(), _field(block, "Status"))
    address = _address(block, "Original-Recipient") or _address(block, "Final-Recipient")
    return Report(trouble, address) if trouble is not None and address else None


def _trouble(action: str, status: str) -> Trouble | None:
    """RFC 3464 §2.3.3 and §2.3.4; a failure whose status is missing or says otherwise is not held against anybody."""
    read = STATUS.match(status)
    kind = read[1] if read else ""
    if action == "delayed" or (action == "failed" and kind == "4"):
        return Trouble.SOFT
    return Trouble.HARD if action == "failed" and kind == "5" else None


def _address(block: Message, name: str) -> str:
    kind, _, address = _field(block, name).partition(";")
    return address.strip().strip("<>") if kind.strip().lower() == "rfc822" else ""


def _field(block: Message, name: str) -> str:
    return COMMENT.sub("", str(block.get(name, ""))).strip()


def _parameter(mail: Message, name: str) -> str:
    value = mail.get_param(name)
    return value.lower() if isinstance(value, str) else ""
