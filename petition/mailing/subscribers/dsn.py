"""Bounces that arrive as mail: parses delivery status notifications (RFC 3464), field by field.

This protects against everything else that arrives in a bounce mailbox. Only a multipart/report with a delivery status
is read, only its machine-readable part, never the prose around it, and no more than one mail could cause. Sloppy
notifications are read as far as they are clear: without a report type, without the block about the message, in
quoted-printable. Malformed, deeply nested and endless input yields nothing. The content is trusted: anybody who can
write to the mailbox can suppress a subscriber, so its address (the envelope sender) should accept mail from relays
only, or be hard to guess.
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
# The part is read as plain bytes, so that its transfer encoding is decoded; the standard library would parse it before.
STATUS_PART: Final = re.compile(
    rb"^(content-type:[ \t]*)message/(?:global-)?delivery-status", re.IGNORECASE | re.MULTILINE
)
AS_BYTES: Final = "application/x-delivery-status"
BLANK_LINE: Final = re.compile(r"\n[ \t]*\n")


def reports(raw: bytes) -> list[Report]:
    """Returns the reports in a mail, one for each recipient with a problem; none for any other mail."""
    try:
        return _reports(raw) if len(raw) <= LARGEST else []
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError, AssertionError):
        return []  # The standard library's parser is lenient, but not proven to be so for every input.


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
    """Parse the recipient blocks.

    The block about the message has no recipient (RFC 3464 §2.1) unless both are merged.
    """
    blocks = BLANK_LINE.split("\n".join(body.splitlines()).strip())
    recipients = [message_from_string(block.strip("\n"), policy=compat32) for block in blocks[: MOST_RECIPIENTS + 1]]
    reports = [_report(block) for block in recipients]
    return [each for each in reports if each is not None][:MOST_RECIPIENTS]


def _report(block: Message) -> Report | None:
    """Returns a report.

    A delay is no bounce, and a failure is `hard` only if it states that the address does not exist.
    """
    address = _address(block)
    if _field(block, "Action").lower() != "failed" or not address:
        return None
    meaning = bounce_status.read(_diagnostic(block), _field(block, "Status"))
    return Report(Trouble.HARD if meaning is Meaning.NO_SUCH_ADDRESS else Trouble.SOFT, address)


def _address(block: Message) -> str:
    """Returns the last address that was tried. The original address counts only if no other one is given."""
    final, original = (_mailbox(_field(block, f"{name}-Recipient")) for name in ("Final", "Original"))
    # RFC 3461 §4: the field is xtext. If it is unclear whether a relay has decoded it, the address is unclear.
    return final or (original if original == _decoded(original) else "")


def _mailbox(recipient: str) -> str:
    kind, typed, address = recipient.rpartition(";")
    return address.strip().strip("<>") if not typed or kind.strip().lower() in {"rfc822", "utf-8"} else ""


def _decoded(xtext: str) -> str:
    return XTEXT.sub(lambda code: chr(int(code[1], 16)), xtext)


def _diagnostic(block: Message) -> str:
    """Returns the mail server's text without its type prefix."""
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
