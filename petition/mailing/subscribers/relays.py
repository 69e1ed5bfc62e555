"""Reports of bounces and complaints by mail relays, over HTTP: authentication and parsing.

Only a relay that has the key can suppress an address. Three formats are accepted: a generic one, for operators of their
own relay, and the documented webhooks of Mailgun and Postmark. Signatures are compared in constant time, before
anything in the body is trusted. A relay's "permanent" may be about us: whether an address does not exist is read from
the status and text that it passes on (`petition.mail.bounce_status`), and without them it does not count. Everything
else is rejected, and other events (opened, delivered) are ignored.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from petition.core.errors import ExpectedError
from petition.mail import bounce_status
from petition.mail.bounce_status import Meaning
from petition.mailing.subscribers.bounces import Report, Trouble

SIGNATURE: Final = "X-Undersigned-Signature"
SIGNED: Final = re.compile(r"t=([0-9]{1,12}),v1=([0-9a-f]{64})", re.ASCII)
SECONDS: Final = re.compile(r"[0-9]{1,12}", re.ASCII)
GENERIC_LIFE: Final = timedelta(minutes=5)
# Mailgun signs a report once and repeats it for eight hours until it gets a 200.
MAILGUN_LIFE: Final = timedelta(hours=12)
LONGEST_TOKEN: Final = 200
MOST_REPORTS: Final = 1_000

MAILGUN: Final = {
    ("failed", "permanent"): Trouble.HARD,
    ("failed", "temporary"): Trouble.SOFT,
    ("complained", ""): Trouble.COMPLAINT,
}
# Postmark's other types are automatic replies, mails that are still being tried, or our own faults. HardBounce has
# several meanings; BadEmailAddress has exactly one.
POSTMARK: Final = {
    "HardBounce": Trouble.HARD,
    "BadEmailAddress": Trouble.HARD,
    "SoftBounce": Trouble.SOFT,
    "DnsError": Trouble.SOFT,
    "SpamComplaint": Trouble.COMPLAINT,
}


class SignatureWrong(ExpectedError, ValueError):
    """The sender of this request does not have the key, or sent it too long ago."""

    status = 403


class ReportUnreadable(ExpectedError, ValueError):
    """The request was signed correctly but has none of the relays' formats."""

    status = 400


def reports(headers: Mapping[str, str], body: bytes, key: str, now: datetime) -> list[Report]:
    """Parse a relay's request; `headers` by their usual names. Raises SignatureWrong, ReportUnreadable."""
    if SIGNATURE in headers:
        _check_generic(headers[SIGNATURE], body, key, now)
        return _generic(_object(body))
    if headers.get("Authorization", "").startswith("Basic "):
        _check_password(headers["Authorization"], key)
        return _postmark(_object(body))
    try:
        document = _object(body)
    except ReportUnreadable:
        raise SignatureWrong from None
    _check_mailgun(document.get("signature"), key, now)
    return _mailgun(document)


def fingerprint(headers: Mapping[str, str], body: bytes) -> bytes:
    """Returns 32 bytes that are equal for a repeated request and differ for another one."""
    return hashlib.sha256(headers.get(SIGNATURE, "").encode() + b"\0" + body).digest()


def used_token(headers: Mapping[str, str], body: bytes) -> bytes | None:
    """Returns 32 bytes for what the signature of a genuine report of Mailgun covers, and None for other formats.

    Mailgun signs a timestamp and a random token, but not the report. A second report with the same token is forged.
    """
    if SIGNATURE in headers or headers.get("Authorization", "").startswith("Basic "):
        return None
    timestamp, token, _given = _mailgun_signature(_object(body).get("signature"))
    return hashlib.sha256(b"mailgun\0" + (timestamp + token).encode()).digest()


def sign(body: bytes, key: str, now: datetime) -> str:
    """Returns the value of X-Undersigned-Signature for a body, as an operator's own relay makes it."""
    seconds = int(now.timestamp())
    return f"t={seconds},v1={_mac(key, str(seconds).encode() + b'.' + body)}"


def _mac(key: str, text: bytes) -> str:
    return hmac.digest(key.encode(), text, "sha256").hex()


def _check_generic(signature: str, body: bytes, key: str, now: datetime) -> None:
    read = SIGNED.fullmatch(signature)
    if read is None or not hmac.compare_digest(_mac(key, read[1].encode() + b"." + body), read[2]):
        raise SignatureWrong
    _check_age(read[1], GENERIC_LIFE, now)


def _check_mailgun(signature: object, key: str, now: datetime) -> None:
    timestamp, token, given = _mailgun_signature(signature)
    if not hmac.compare_digest(_mac(key, (timestamp + token).encode()), given):
        raise SignatureWrong
    _check_age(timestamp, MAILGUN_LIFE, now)


def _mailgun_signature(signature: object) -> tuple[str, str, str]:
    """Returns the timestamp, the token and the signature, if each has its length. Raises SignatureWrong."""
    if not isinstance(signature, dict):
        raise SignatureWrong
    timestamp, token, given = (signature.get(name) for name in ("timestamp", "token", "signature"))
    timestamp = str(timestamp) if isinstance(timestamp, int) and abs(timestamp) < 10**12 else timestamp
    for text, longest in ((timestamp, 12), (token, LONGEST_TOKEN), (given, 64)):
        if not isinstance(text, str) or len(text) > longest or not text.isascii():
            raise SignatureWrong
    return str(timestamp), str(token), str(given)


def _check_age(seconds: str, life: timedelta, now: datetime) -> None:
    if SECONDS.fullmatch(seconds) is None or abs(now.timestamp() - int(seconds)) > life.total_seconds():
        raise SignatureWrong


def _check_password(authorization: str, key: str) -> None:
    try:
        decoded = base64.b64decode(authorization.removeprefix("Basic ").strip(), validate=True)
    except ValueError:
        raise SignatureWrong from None
    if not hmac.compare_digest(decoded.partition(b":")[2], key.encode()):
        raise SignatureWrong


def _object(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        raise ReportUnreadable from None
    if not isinstance(document, dict):
        raise ReportUnreadable
    return document


def _generic(document: dict[str, Any]) -> list[Report]:
    found = document.get("reports")
    if not isinstance(found, list) or len(found) > MOST_REPORTS:
        raise ReportUnreadable
    try:
        return [_one(each) for each in found]
    except (TypeError, KeyError, ValueError, AttributeError):
        raise ReportUnreadable from None


def _one(report: dict[str, Any]) -> Report:
    """Parse one report. A given status or text of the mail server overrides its `hard`."""
    trouble, details = Trouble(report["trouble"]), (report.get("diagnostic", ""), report.get("status", ""))
    if trouble is Trouble.HARD and any(details):
        trouble = _read(*details)
    return Report(trouble, _address(report["address"]))


def _read(diagnostic: object, status: object, code: object = 0) -> Trouble:
    """Returns the kind of problem that a mail server's status and text describe."""
    if not (isinstance(diagnostic, str) and isinstance(status, str)):
        raise ReportUnreadable
    meaning = bounce_status.read(diagnostic, status, code if isinstance(code, int) else 0)
    return Trouble.HARD if meaning is Meaning.NO_SUCH_ADDRESS else Trouble.SOFT


def _mailgun(document: dict[str, Any]) -> list[Report]:
    event = document.get("event-data")
    if not isinstance(event, dict):
        raise ReportUnreadable
    kind = str(event.get("event", ""))
    trouble = MAILGUN.get((kind, str(event.get("severity", "")) if kind == "failed" else ""))
    if trouble is Trouble.HARD:
        trouble = _mailgun_reads(event.get("delivery-status"))
    return [] if trouble is None else [Report(trouble, _address(event.get("recipient")))]


def _mailgun_reads(status: object) -> Trouble:
    """Returns the kind of a Mailgun failure. The server's response is in `message` or `description`."""
    if not isinstance(status, dict):
        return Trouble.SOFT
    words = "\n".join(str(status.get(name) or "") for name in ("message", "description"))
    return _read(words, str(status.get("enhanced-code") or ""), status.get("code"))


def _postmark(document: dict[str, Any]) -> list[Report]:
    kind = "SpamComplaint" if document.get("RecordType") == "SpamComplaint" else str(document.get("Type", ""))
    trouble = POSTMARK.get(kind)
    if kind == "HardBounce":
        trouble = _read(str(document.get("Details") or ""), "")
    return [] if trouble is None else [Report(trouble, _address(document.get("Email")))]


def _address(value: object) -> str:
    if not isinstance(value, str):
        raise ReportUnreadable
    return value
