"""Recognises mails in which a mail server says in prose that a mail was not delivered, and reads qmail's.

This protects an operator's time: out-of-office replies, delays, receipts and spam are no failure notices. A notice has
to come from a mail server (MAILER-DAEMON, postmaster) and to say in its subject or its first lines that something was
not delivered, in one of the languages that mail servers speak. No address is taken from such prose. The one exception is
qmail's bounce format (cr.yp.to/proto/qsbmf.txt), which was made for programs: paragraphs that begin with `<address>:`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from email.message import Message
from email.utils import parseaddr
from itertools import islice
from typing import Final

PARSER_ERRORS: Final = (ValueError, LookupError, TypeError, AttributeError, RecursionError, AssertionError)
"""The standard library's parser of mails is lenient, but not proven to be so for every input."""
MOST_PARTS: Final = 200
MOST_TEXT: Final = 4_000
LONGEST_HEADER: Final = 500
SERVERS: Final = re.compile(
    r"mailer-?daemon|mail-?daemon|mdaemon|postmaster|mail-?delivery|microsoftexchange[0-9a-f]{32}", re.ASCII
)
FAILURE: Final = re.compile(
    r"undeliver|failure notice|returned (?:mail|to sender)|delivery status notification|"
    r"(?:delivery|mail|message) (?:delivery )?(?:has |have |was )?(?:failed|failure|error)|"
    r"delivery has failed|(?:could ?n[o']t|cannot|can't|was ?n[o']t|not) (?:be |been |successfully )?delivered|wasn't able to deliver|"
    r"unzustellbar|nicht zugestellt|zustellung .{0,60}fehlgeschlagen|fehler bei der (?:nachrichten)?zustellung|"
    r"non remise?\b|non distribu|n'a (?:pas )?pu [eê]tre remis|[eé]chec de (?:la )?(?:remise|distribution)|"
    r"no (?:se puede |se ha podido )?entrega|impossibile recapitare|mancat[ao] (?:recapito|consegna)|onbestelbaar"
)
NO_FAILURE: Final = re.compile(
    r"still being retried|not yet been delivered|attempts will continue|no action is required|this is a warning"
)
NO_FAILURE_SUBJECT: Final = re.compile(r"\bdelay|\bwarning|verz[oö]ger|retard|(?<!not )\bsuccess")
LINE_END: Final = re.compile(rb"(?<!\r)\r*\n")
QMAIL: Final = re.compile(r"\s*Hi\. This is the ")
QMAIL_RECIPIENT: Final = re.compile(r"<([^<>\s]{1,320})>:\n(.*)", re.DOTALL)
BLANK_LINE: Final = re.compile(r"\n[ \t]*\n")


def with_plain_line_ends(raw: bytes) -> bytes:
    """Returns bytes in which a line feed, and nothing else, ends a line. A carriage return becomes a space."""
    return LINE_END.sub(b"\n", raw).replace(b"\r", b" ")


def walk(mail: Message) -> Iterator[Message]:
    """Returns the parts of a mail, attached messages included, up to a number."""
    return islice(mail.walk(), MOST_PARTS)


def looks_like_one(mail: Message) -> bool:
    """Returns whether a mail server says in prose that a mail was not delivered for good."""
    if not _is_from_a_server(mail):
        return False
    subject = _header(mail, "Subject").casefold()
    words = f"{subject}\n{_text(mail)}".casefold().replace("’", "'")
    if NO_FAILURE_SUBJECT.search(subject) is not None or NO_FAILURE.search(words) is not None:
        return False
    return FAILURE.search(words) is not None or "X-Failed-Recipients" in mail


def qmail_paragraphs(mail: Message) -> list[tuple[str, str]] | None:
    """Returns the addresses and texts of a notice in qmail's format, and None for any other mail."""
    if mail.is_multipart() or not _is_from_a_server(mail):
        return None
    intro, *paragraphs = BLANK_LINE.split(_text(mail).strip())
    if QMAIL.match(intro) is None or NO_FAILURE.search(intro.casefold()) is not None:
        return None
    found = []
    for paragraph in paragraphs:
        if paragraph.startswith("-"):
            break
        if (recipient := QMAIL_RECIPIENT.fullmatch(paragraph)) is not None:
            found.append((recipient[1], recipient[2]))
    return found


def _is_from_a_server(mail: Message) -> bool:
    address = parseaddr(_header(mail, "From"))[1]
    return SERVERS.fullmatch(address.rpartition("@")[0].lower() or address.lower()) is not None


def _header(mail: Message, name: str) -> str:
    value = str(mail.get(name, ""))[:LONGEST_HEADER]
    try:
        return str(make_header(decode_header(value)))
    except (HeaderParseError, ValueError, LookupError):
        return value


def _text(mail: Message) -> str:
    """Returns the beginning of the first text of a mail, decoded."""
    for part in walk(mail):
        body = part.get_payload(decode=True) if part.get_content_maintype() == "text" else None
        if isinstance(body, bytes):
            return _decoded(with_plain_line_ends(body[:MOST_TEXT]), part.get_content_charset("utf-8"))
    return ""


def _decoded(body: bytes, charset: str) -> str:
    try:
        return body.decode(charset, "replace")
    except LookupError:
        return body.decode("utf-8", "replace")
