"""Bounces that come as mail: what is believed, what is ignored, what cannot break it; reports as mail servers write them."""

from __future__ import annotations

import csv
import random
import re
import time
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from petition.mailing import subscribers
from petition.mailing.subscribers import Frequency, Report, Subscriber, SubscriberState, Trouble
from petition.mailing.subscribers.dsn import reports
from tests import make

SUZIE = "suzie@post.example"
WRITTEN = Path(__file__).parent / "data" / "reports"
with (WRITTEN / "expected.tsv").open(encoding="utf-8") as table:
    EXPECTED = list(csv.DictReader(table, delimiter="\t"))


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
        ("Failed", "5.1.10 (unknown)", Trouble.HARD),
        ("failed (permanent (really))", "5.2.1", Trouble.HARD),
        ("Failed", "5.0.0 (unknown)", Trouble.SOFT),
        ("failed (once)", "5.7.509", Trouble.SOFT),
        ("failed", "5.2.2", Trouble.SOFT),
        ("failed", "5.1.8", Trouble.SOFT),
        ("failed", "4.4.7", Trouble.SOFT),
        ("failed", "", Trouble.SOFT),
        ("failed", "2.0.0", Trouble.SOFT),
        ("failed", "5", Trouble.SOFT),
        ("failed", "55.1.1", Trouble.SOFT),
        ("delayed", "4.2.2", None),
        ("delayed", "5.1.1", None),
        ("delayed", "", None),
        ("delivered", "2.0.0", None),
        ("relayed", "5.1.1", None),
        ("expanded", "2.0.0", None),
        ("", "5.1.1", None),
    ],
)
def test_what_is_told_of_a_recipient(action: str, status: str, trouble: Trouble | None) -> None:
    assert reports(dsn(block(action, status))) == ([Report(trouble, SUZIE)] if trouble else [])


def test_each_recipient_counts_and_the_prose_does_not() -> None:
    two = reports(dsn(block(), block("failed", "4.0.0", "RFC822;<ben@post.example>")))
    assert two == [Report(Trouble.HARD, SUZIE), Report(Trouble.SOFT, "ben@post.example")]


def test_where_a_mail_was_forwarded_is_not_held_against_whom_we_wrote_to() -> None:
    forwarded = block(final="rfc822; other@far.example", more=f"Original-Recipient: rfc822;{SUZIE}")
    assert reports(dsn(forwarded)) == [Report(Trouble.HARD, "other@far.example")]


@pytest.mark.parametrize(
    ("original", "address"),
    [(SUZIE, SUZIE), ("suzie+tag@post.example", "suzie+tag@post.example"), ("suzie+2Btag@post.example", None)],
)
def test_whom_we_wrote_to_counts_alone_only_where_its_spelling_is_clear(original: str, address: str | None) -> None:
    alone = f"Original-Recipient: rfc822;{original}\nAction: failed\nStatus: 5.1.1\n"
    assert reports(dsn(alone)) == ([Report(Trouble.HARD, address)] if address else [])


@pytest.mark.parametrize(
    "diagnostic",
    [
        "smtp; 550 5.1.1 <x>: blocked using spamhaus",
        "smtp; 550 5.7.1 <x>: no such user",
        "smtp; 450 4.1.1 <x>: user unknown",
        "smtp; 550 Sender address rejected: user unknown",
    ],
)
def test_words_that_contradict_the_status_keep_the_subscriber(diagnostic: str) -> None:
    assert reports(dsn(block(more=f"Diagnostic-Code: {diagnostic}"))) == [Report(Trouble.SOFT, SUZIE)]


@pytest.mark.parametrize("final", ["x400; /C=fr/", "", "rfc822;"])
def test_an_address_of_another_kind_is_nobodys(final: str) -> None:
    assert reports(dsn(block(final=final))) == []


@pytest.mark.parametrize(
    "kind",
    ["multipart/report; report-type=disposition-notification", "multipart/mixed", "text/plain"],
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
    ],
)  # fmt: skip
def test_hostile_mail_reports_nobody_and_takes_no_time(raw: bytes) -> None:
    began = time.monotonic()
    assert reports(raw) == []
    assert time.monotonic() - began < 5


def test_a_comment_that_never_ends_takes_no_time_and_suppresses_nobody() -> None:
    began = time.monotonic()
    assert reports(dsn(block(status="(" * 100_000 + "5.1.1"))) == [Report(Trouble.SOFT, SUZIE)]
    assert time.monotonic() - began < 5


def test_recipients_without_end_are_cut_off() -> None:
    assert len(reports(dsn(*[block()] * 500))) == 100


def test_mutilated_notifications_never_raise() -> None:
    """P54."""
    whole, dice = dsn(block(), block()), random.Random(1)
    for _ in range(500):
        raw = bytearray(whole)
        for _ in range(dice.randrange(1, 20)):
            raw[dice.randrange(len(raw))] = dice.randrange(256)
        reports(bytes(raw[: dice.randrange(len(raw))]))


def suppressed_by(row: dict[str, str]) -> set[str]:
    """Whom a row of the table says that its report suppresses."""
    if row["file"] == "multi.eml":
        return {"multi1@reader.example", "multi3@reader.example"}
    return {row["address"]} if row["expected"].startswith("hard") else set()


@pytest.mark.parametrize("row", EXPECTED, ids=[row["file"] for row in EXPECTED])
def test_a_report_suppresses_exactly_the_address_that_does_not_exist(session: Session, row: dict[str, str]) -> None:
    """P51, P52, P54: everybody whom a report names is on the list, and somebody who is named in none."""
    raw = (WRITTEN / row["file"]).read_bytes()
    named = set(re.findall(r"[\w+.]+@reader\.example", raw.decode())) | {"somebody@reader.example"}
    campaign = make.campaign(session)
    for address in named:
        subscribers.ask(session, make.PEPPER, campaign.id, [], address, "en", Frequency.DAILY, make.NOW)
    for each in session.scalars(select(Subscriber)):
        subscribers.confirm(session, each.id, make.NOW)
    for _ in range(4):  # one mail may cause several
        for report in reports(raw):
            subscribers.record(session, make.PEPPER, report, make.NOW.date())
    asleep = select(Subscriber).where(Subscriber.state == SubscriberState.SUPPRESSED)
    assert {subscribers.address_book.opened(session, each) for each in session.scalars(asleep)} == suppressed_by(row)
    assert len(session.scalars(select(Subscriber)).all()) == len(named)
