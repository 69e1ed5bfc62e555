"""Bounces that come as mail: delivery status notifications (RFC 3464), read field by field.

Guards against whatever else lands in a bounce mailbox: only a multipart/report with a delivery status is read, only that
machine-readable part, never the prose around it, and never more of it than one mail could cause. Loosely written ones
are read as far as they are clear: without a type of report, without the block about the message, in quoted-printable.
Malformed, deep and endless input gives nothing. What it says is believed: whoever can write to the mailbox can suppress
a subscriber, so its address (the envelope sender) should accept mail from relays only, or be hard to guess.
"""

from __future__ import annotations

import re
from email import message_from_bytes, message_from_string
from email.message import Message
from email.policy import compat32
from typing import Final

from petition.mail import bounce_status
from petition.mail.bounce_status import Meaning
from petition.mailing.subscribers.bounces import Report, Trouble

LARGEST: Final = 1024 * 1024
MOST_RECIPIENTS: Final = 100
DEEPEST_COMMENT: Final = 10
COMMENT: Final = re.compile(r"\([^()]*\)")
XTEXT: Final = re.compile(r"\+([0-9A-F]{2})", re.ASCII)
# Read as plain bytes, so that its transfer encoding is undone; the standard library would take it apart before.
STATUS_PART: Final = re.compile(
    rb"^(content-type:[ \t]*)message/(?:global-)?delivery-status", re.IGNORECASE | re.MULTILINE
)
AS_BYTES: Final = "application/x-delivery-status"
BLANK_LINE: Final = re.compile(r"\n[ \t]*\n")


def reports(raw: bytes) -> list[Report]:
    """What a mail reports, one for each recipient in trouble; nothing for any other mail."""
    try:
        return _reports(raw) if len(raw) <= LARGEST else []
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError, AssertionError):
        return []  # the parser of the standard library is forgiving, and not proven so for every input


def _reports(raw: bytes) -> list[Report]:
    mail = message_from_bytes(STATUS_PART.sub(rb"\1" + AS_BYTES.encode(), raw), policy=compat32)
    if mail.get_content_type() != "multipart/report" or _parameter(mail, "report-type") not in {"", "delivery-status"}:
        return []
    parts = mail.get_payload()
    found = [each for each in parts if isinstance(each, Message)] if isinstance(parts, list) else []
    status = next((each for each in found if each.get_content_type() == AS_BYTES), None)
    body = status.get_payload(decode=True) if status is not None else None
    return _of_recipients(body.decode("utf-8", "replace")) if isinstance(body, bytes) else []


def _of_recipients(body: str) -> list[Report]:
    """The block about the message names no recipient (RFC 3464 §2.1), unless it was made one with theirs."""
    blocks = BLANK_LINE.split("\n".join(body.splitlines()).strip())
    recipients = [message_from_string(block.strip("\n"), policy=compat32) for block in blocks[: MOST_RECIPIENTS + 1]]
    reports = [_report(block) for block in recipients]
    return [each for each in reports if each is not None][:MOST_RECIPIENTS]


def _report(block: Message) -> Report | None:
    """A delay is no bounce, and a failure is held against nobody unless it says that the address does not exist."""
    address = _address(block)
    if _field(block, "Action").lower() != "failed" or not address:
        return None
    meaning = bounce_status.read(_diagnostic(block), _field(block, "Status"))
    return Report(Trouble.HARD if meaning is Meaning.NO_SUCH_ADDRESS else Trouble.SOFT, address)


def _address(block: Message) -> str:
    """Whom it is about: the last address that was tried. What we wrote to counts only where no other is named."""
    final, original = (_mailbox(_field(block, f"{name}-Recipient")) for name in ("Final", "Original"))
    # RFC 3461 §4: xtext; where it is not clear whether a relay has undone it, the address is not clear.
    return final or (original if original == _decoded(original) else "")


def _mailbox(recipient: str) -> str:
    kind, typed, address = recipient.rpartition(";")
    return address.strip().strip("<>") if not typed or kind.strip().lower() in {"rfc822", "utf-8"} else ""


def _decoded(xtext: str) -> str:
    return XTEXT.sub(lambda code: chr(int(code[1], 16)), xtext)


def _diagnostic(block: Message) -> str:
    """What a mail server said, without the kind in front of it."""
    return str(block.get("Diagnostic-Code", "")).partition(";")[2].strip()


def _field(block: Message, name: str) -> str:
    value = str(block.get(name, ""))
    for _ in range(DEEPEST_COMMENT):
        value, found = COMMENT.subn("", value)
        if not found:
            break
    return value.strip()


def _parameter(mail: Message, name: str) -> str:
    value = mail.get_param(name)
    return value.lower() if isinstance(value, str) else ""
