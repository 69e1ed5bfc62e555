"""Bounces that arrive as mail: parses delivery status notifications (RFC 3464), field by field.

This protects against everything else that arrives in a bounce mailbox. Only two formats are read, because they are
written for programs: a multipart/report with a delivery status, and qmail's own format (QSBMF). The prose around them
is never read. Sloppy notifications are read as far as they are clear: without a report type, without the block about
the message, in quoted-printable, inside another multipart. A report that was attached to a mail by somebody is not
acted on.

What looks like a report of a failure and does not say clearly whose, is `unread`: the caller keeps it for the operator
(`petition.mailing.subscribers.unread`). Endless and deeply nested input is cut off. The content is trusted: anybody who
can write to the mailbox can suppress a subscriber, so its address (the envelope sender) should accept mail from relays
only, or be hard to guess. Decision 0064 compares this reader with another one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from email import message_from_bytes, message_from_string
from email.message import Message
from email.policy import compat32
from enum import StrEnum
from typing import Final

from petition.mail import bounce_status
from petition.mail.bounce_status import Meaning
from petition.mailing.subscribers import failure_notices
from petition.mailing.subscribers.bounces import Report, Trouble

LARGEST: Final = 1024 * 1024
"""So many bytes of a mail are read. The delivery status comes before the returned mail."""
MOST_RECIPIENTS: Final = 100
DEEPEST_COMMENT: Final = 10
DEEPEST_PART: Final = 5
MOST_PARTS: Final = 100
COMMENT: Final = re.compile(r"\([^()]*\)")
XTEXT: Final = re.compile(r"\+([0-9A-F]{2})", re.ASCII)
# RFC 6533 §3: utf-8-addr-xtext.
UTF8_ESCAPE: Final = re.compile(r"\\x\{([0-9A-F]{2,6})\}", re.ASCII)
# The part is read as plain bytes, so that its transfer encoding is decoded; the standard library would parse it before.
STATUS_PART: Final = re.compile(
    rb"^(content-type:[ \t]*)message/(?:global-)?delivery-status", re.IGNORECASE | re.MULTILINE
)
AS_BYTES: Final = "application/x-delivery-status"
BLANK_LINE: Final = re.compile(r"\n[ \t]*\n")
OTHER_REPORTS: Final = frozenset(
    {"message/disposition-notification", "message/global-disposition-notification", "message/feedback-report"}
)
FAILURES: Final = frozenset({"failed", "failure", "error"})
NO_FAILURES: Final = frozenset({"delayed", "delivered", "relayed", "expanded"})


@dataclass(frozen=True, slots=True)
class Reading:
    """What a mail says: its reports, and whether it reports a failure (`unread`) without saying clearly whose."""

    reports: tuple[Report, ...] = ()
    unread: bool = False


class Block(StrEnum):
    """What a block of a delivery status says when it is no report: nothing, no failure, or nothing clear."""

    OF_THE_MESSAGE = "of the message"
    NO_FAILURE = "no failure"
    UNCLEAR = "unclear"


def read(raw: bytes) -> Reading:
    """Returns what a mail reports, with one report for each recipient with a problem. Never raises."""
    try:
        return _read(message_from_bytes(_prepared(raw[:LARGEST]), policy=compat32))
    except failure_notices.PARSER_ERRORS:
        return Reading(unread=STATUS_PART.search(raw[:LARGEST]) is not None)


def _prepared(raw: bytes) -> bytes:
    return STATUS_PART.sub(rb"\1" + AS_BYTES.encode(), failure_notices.with_plain_line_ends(raw))


def _read(mail: Message) -> Reading:
    if (report := _report_of(mail)) is not None:
        return _of_report(report)
    if (paragraphs := failure_notices.qmail_paragraphs(mail)) is not None:
        found = [Report(_trouble(words), address) for address, words in paragraphs[:MOST_RECIPIENTS]]
        return Reading(tuple(found), unread=not found)
    attached = any(each.get_content_type() == AS_BYTES for each in failure_notices.walk(mail))
    return Reading(unread=attached or failure_notices.looks_like_one(mail))


def _report_of(mail: Message) -> Message | None:
    """Returns the multipart/report of a mail: the mail itself, or inside other multiparts, but not inside a message."""
    level = [mail]
    for _ in range(DEEPEST_PART):
        found = next((each for each in level if each.get_content_type() == "multipart/report"), None)
        if found is not None:
            return found
        level = [part for each in level for part in _children(each)][:MOST_PARTS]
    return None


def _children(mail: Message) -> list[Message]:
    parts = mail.get_payload() if mail.get_content_maintype() == "multipart" else None
    return [each for each in parts if isinstance(each, Message)] if isinstance(parts, list) else []


def _of_report(report: Message) -> Reading:
    types = [each.get_content_type() for each in _children(report)]
    if _parameter(report, "report-type") not in {"", "delivery-status"} or not OTHER_REPORTS.isdisjoint(types):
        return Reading()
    status = next((each for each in _children(report) if each.get_content_type() == AS_BYTES), None)
    body = status.get_payload(decode=True) if status is not None else None
    if not isinstance(body, bytes):
        return Reading(unread=True)
    return _of_recipients(failure_notices.with_plain_line_ends(body).decode("utf-8", "replace"))


def _of_recipients(body: str) -> Reading:
    """Parse the recipient blocks.

    The block about the message has no recipient (RFC 3464 §2.1) unless both are merged. Only line feeds end a line:
    what a mail server said may hold other line ends, and must not add a block.
    """
    blocks = BLANK_LINE.split(body.strip())
    recipients = [message_from_string(block.strip("\n"), policy=compat32) for block in blocks[: MOST_RECIPIENTS + 1]]
    meanings = [_meaning(block) for block in recipients]
    reports = tuple(each for each in meanings if isinstance(each, Report))[:MOST_RECIPIENTS]
    return Reading(reports, unread=Block.UNCLEAR in meanings or set(meanings) == {Block.OF_THE_MESSAGE})


def _meaning(block: Message) -> Report | Block:
    """Returns a report.

    A delay is no bounce, and a failure is `hard` only if it states that the address does not exist.
    """
    action, address = _field(block, "Action").lower(), _address(block)
    if action in NO_FAILURES:
        return Block.NO_FAILURE
    if action in FAILURES and address:
        return Report(_trouble(_diagnostic(block), _field(block, "Status")), address)
    about = any(name in block for name in ("Action", "Status", "Final-Recipient", "Original-Recipient"))
    return Block.UNCLEAR if about else Block.OF_THE_MESSAGE


def _trouble(diagnostic: str, status: str = "") -> Trouble:
    meaning = bounce_status.read(diagnostic, status)
    return Trouble.HARD if meaning is Meaning.NO_SUCH_ADDRESS else Trouble.SOFT


def _address(block: Message) -> str:
    """Returns the last address that was tried. The original address counts only if no other one is given."""
    final, original = (_mailbox(_field(block, f"{name}-Recipient")) for name in ("Final", "Original"))
    # RFC 3461 §4: the field is xtext. If it is unclear whether a relay has decoded it, the address is unclear.
    return final or (original if original == XTEXT.sub(_decoded, original) else "")


def _mailbox(recipient: str) -> str:
    kind, typed, address = recipient.rpartition(";")
    kind, address = kind.strip().lower(), address.strip().strip("<>")
    if kind == "utf-8":
        return UTF8_ESCAPE.sub(_decoded, address)
    return address if not typed or kind == "rfc822" else ""


def _decoded(code: re.Match[str]) -> str:
    """Returns the character of an escape, or the escape if it stands for none that an address may have."""
    number = int(code[1], 16)
    character = chr(number) if number <= 0x10FFFF else ""
    return character if character.isprintable() and character else code[0]


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
