"""Bounces that come as mail: what is believed, what is ignored, what cannot break it."""

from __future__ import annotations

import random
import time

import pytest

from petition.subscribers import Report, Trouble
from petition.subscribers.dsn import reports

SUZIE = "suzie@post.example"


def dsn(*blocks: str, kind: str = "multipart/report; report-type=delivery-status") -> bytes:
    """A notification with a block for each recipient."""
    told = "\n".join(f"{block}\n" for block in blocks)
    return f"""From: MAILER-DAEMON@relay.example
To: bounces@undersigned.example
Subject: Undelivered Mail Returned to Sender
MIME-Version: 1.0
Content-Type: {kind}; boundary="B"

--B
Content-Type: text/plain

Final-Recipient: rfc822; mallory@post.example
Action: failed
Status: 5.1.1
--B
Content-Type: message/delivery-status

Reporting-MTA: dns; relay.example
Arrival-Date: Mon, 23 Nov 2026 12:00:00 +0000

{told}
--B
Content-Type: message/rfc822

From: letters@undersigned.example
To: {SUZIE}
Subject: News

Hello.
--B--
""".encode()


def block(action: str = "failed", status: str = "5.1.1", final: str = f"rfc822; {SUZIE}", more: str = "") -> str:
    return f"Final-Recipient: {final}\nAction: {action}\nStatus: {status}\n{more}".rstrip("\n") + "\n"


@pytest.mark.parametrize(
    ("action", "status", "trouble"),
    [
        ("failed", "5.1.1", Trouble.HARD),
        ("Failed", "5.0.0 (unknown)", Trouble.HARD),
        ("failed (once)", "5.7.509", Trouble.HARD),
        ("failed", "4.4.7", Trouble.SOFT),
        ("delayed", "4.2.2", Trouble.SOFT),
        ("delayed", "", Trouble.SOFT),
        ("failed", "", None),
        ("failed", "2.0.0", None),
        ("failed", "5", None),
        ("failed", "55.1.1", None),
        ("delivered", "2.0.0", None),
        ("relayed", "5.1.1", None),
        ("expanded", "2.0.0", None),
        ("", "5.1.1", None),
    ],
)
def test_what_is_told_of_a_recipient(action: str, status: str, trouble: Trouble | None) -> None:
    assert reports(dsn(block(action, status))) == ([Report(trouble, SUZIE)] if trouble else [])


def test_each_recipient_counts_and_the_prose_does_not() -> None:
    two = reports(dsn(block(), block("delayed", "4.0.0", "RFC822;<ben@post.example>")))
    assert two == [Report(Trouble.HARD, SUZIE), Report(Trouble.SOFT, "ben@post.example")]


def test_whom_we_wrote_to_goes_before_where_it_was_forwarded() -> None:
    forwarded = block(final="rfc822; other@far.example", more=f"Original-Recipient: rfc822;{SUZIE}")
    assert reports(dsn(forwarded)) == [Report(Trouble.HARD, SUZIE)]


@pytest.mark.parametrize("final", ["x400; /C=fr/", "", "rfc822;", "suzie@post.example"])
def test_an_address_of_another_kind_is_nobodys(final: str) -> None:
    assert reports(dsn(block(final=final))) == []


@pytest.mark.parametrize(
    "kind",
    ["multipart/report; report-type=disposition-notification", "multipart/mixed", "multipart/report", "text/plain"],
)
def test_other_mail_is_ignored(kind: str) -> None:
    assert reports(dsn(block(), kind=kind)) == []


def test_line_ends_of_the_wire_are_read_too() -> None:
    assert reports(dsn(block()).replace(b"\n", b"\r\n")) == [Report(Trouble.HARD, SUZIE)]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\0" * 1000,
        b"\xff\xfe" * 1000,
        b"Content-Type: multipart/report; report-type=delivery-status\n\n",
        b"Content-Type: multipart/report; report-type*0*=utf-16''%ff; boundary=B\n\n--B\n\n--B--",
        b"Content-Type: multipart/report; report-type==?x?q?a?=; boundary=\n\n--\n\n----",
        b"Content-Type: message/delivery-status\n\n\n\nAction: failed",
        dsn(block()) + b"x" * 1024 * 1024,
        b"".join(b"Content-Type: multipart/report; report-type=delivery-status; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(3000)),
        dsn(block(status="(" * 100_000 + "5.1.1")),
    ],
)  # fmt: skip
def test_hostile_mail_reports_nobody_and_takes_no_time(raw: bytes) -> None:
    began = time.monotonic()
    assert reports(raw) == []
    assert time.monotonic() - began < 5


def test_recipients_without_end_are_cut_off() -> None:
    assert len(reports(dsn(*[block()] * 500))) == 100


def test_mutilated_notifications_never_raise() -> None:
    whole, dice = dsn(block(), block()), random.Random(1)
    for _ in range(500):
        raw = bytearray(whole)
        for _ in range(dice.randrange(1, 20)):
            raw[dice.randrange(len(raw))] = dice.randrange(256)
        reports(bytes(raw[: dice.randrange(len(raw))]))
