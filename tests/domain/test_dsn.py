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
from petition.mailing.subscribers.dsn import LARGEST, Reading, read
from petition.privacy import personal_address
from tests import make

SUZIE = "suzie@post.example"
WRITTEN = Path(__file__).parent / "data" / "reports"
HARD, SOFT = Trouble.HARD.value, Trouble.SOFT.value
NOTHING, UNREAD = "nothing", "unread"
MEANS = {
    "hard": HARD, "hard by its diagnostic text": HARD, "soft": SOFT, "nothing": NOTHING, "delay: nothing": NOTHING,
    "sender (not held against the address)": SOFT,  # it suppresses nobody, and fades
    "unread": UNREAD,
}  # fmt: skip
SEVERAL = {"multi.eml": [("multi1@reader.example", HARD), ("multi3@reader.example", HARD)]}
"""The table says of this report: by each recipient's own status. The second one is delayed."""


def rows(folder: Path) -> list[dict[str, str]]:
    """The rows of a table of reports, each with the path of its file."""
    with (folder / "expected.tsv").open(encoding="utf-8") as table:
        return [row | {"path": str(folder / row["file"])} for row in csv.DictReader(table, delimiter="\t")]


ROWS = rows(WRITTEN) + rows(WRITTEN / "more")
"""Those from the field, and those that were added beside them."""
NO_SUBSCRIBERS = {"josé@reader.example"}
"""Nobody can subscribe with such an address: our mail server could not be asked to send there."""
EXPECTED = {row["path"]: [each for each in ROWS if each["path"] == row["path"]] for row in ROWS}


def reports(raw: bytes) -> list[Report]:
    """What a mail reports of recipients."""
    return list(read(raw).reports)


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
        b"x" * 1024 * 1024 + dsn(block()),
        b"\r" * 1024 * 1024 + dsn(block()),
        dsn(block()).replace(b"--B", b"\r" * 300_000 + b"--B"),
        dsn(block()).replace(b"--B", b"\n \t" * 30_000 + b"\n --B"),
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


def expected(path: str) -> set[tuple[str, str]]:
    """Each address of a report with its trouble, as the table says it; empty if it reports nobody."""
    if Path(path).name in SEVERAL:
        return set(SEVERAL[Path(path).name])
    means = {(row["address"], MEANS[row["expected"]]) for row in EXPECTED[path]}
    return {(address, meaning) for address, meaning in means if meaning in {HARD, SOFT}}


@pytest.mark.parametrize("path", EXPECTED, ids=[Path(path).stem for path in EXPECTED])
def test_a_report_is_read_rightly_or_known_to_be_unread(path: str) -> None:
    """P52, P54."""
    reading = read(Path(path).read_bytes())
    assert {(report.address, report.trouble.value) for report in reading.reports} == expected(path)
    assert reading.unread == (EXPECTED[path][0]["expected"] == UNREAD)


def test_every_file_has_a_row_and_none_of_the_field_is_missing() -> None:
    assert {str(path) for path in WRITTEN.rglob("*.eml")} == set(EXPECTED)
    assert len(rows(WRITTEN)) == 27


@pytest.mark.parametrize("path", EXPECTED, ids=[Path(path).stem for path in EXPECTED])
def test_a_report_suppresses_exactly_the_address_that_does_not_exist(session: Session, path: str) -> None:
    """P51, P52, P54: everybody whom a report names is on the list, and somebody who is named in none."""
    raw = Path(path).read_bytes()
    named = set(re.findall(r"[\w+.]+@reader\.example", raw.decode("utf-8", "replace"))) | {"somebody@reader.example"}
    named |= {address for address, _ in expected(path)}
    named -= NO_SUBSCRIBERS
    campaign = make.campaign(session)
    for address in named:
        subscribers.ask(session, make.PEPPER, campaign.id, [], address, "en", Frequency.DAILY, make.NOW)
    for each in session.scalars(select(Subscriber)):
        subscribers.confirm(session, each.id, make.NOW)
    for _ in range(4):  # one mail may cause several
        for report in reports(raw):
            subscribers.record(session, make.PEPPER, report, make.NOW.date())
    asleep = select(Subscriber).where(Subscriber.state == SubscriberState.SUPPRESSED)
    hard = {
        personal_address(address).deliverable
        for address, meaning in expected(path)
        if meaning == HARD and address not in NO_SUBSCRIBERS
    }
    assert {subscribers.address_book.opened(session, each) for each in session.scalars(asleep)} == hard
    assert len(session.scalars(select(Subscriber)).all()) == len(named)


@pytest.mark.parametrize("end", ["\r", "\v", "\x1c", "\x85", "\u2028"])
def test_what_a_mail_server_said_adds_no_recipient(end: str) -> None:
    """P54: its text may hold line ends of any kind."""
    said = end.join(
        ["smtp; 550 5.1.1 no such user", "", "Final-Recipient: rfc822; mallory@post.example", "Action: failed"]
    )
    assert reports(dsn(block(more=f"Diagnostic-Code: {said}"))) == [Report(Trouble.HARD, SUZIE)]


def test_a_report_with_ten_megabytes_behind_it_is_read() -> None:
    whole = dsn(block()).replace(b"Hello.", b"Hello.\n" * (10 * LARGEST // 7))
    began = time.monotonic()
    assert read(whole) == Reading((Report(Trouble.HARD, SUZIE),))
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("depth", [20, 300, 20_000])
def test_endless_nesting_reports_nobody_and_takes_no_time(depth: int) -> None:
    """A report further in than any gateway puts it is unread, and one that no parser can reach is nothing or unread."""
    opening = "".join(f"Content-Type: multipart/mixed; boundary=b{n}x\n\n--b{n}x\n" for n in range(depth))
    began = time.monotonic()
    assert (
        read(b"From: MAILER-DAEMON@relay.example\nSubject: failure notice\n" + opening.encode() + dsn(block())).reports
        == ()
    )
    assert time.monotonic() - began < 5


def test_an_unclear_recipient_does_not_hide_a_clear_one() -> None:
    both = read(dsn(block(), block(final="x400; /C=fr/")))
    assert both == Reading((Report(Trouble.HARD, SUZIE),), unread=True)


@pytest.mark.parametrize(
    ("sender", "subject", "unread"),
    [
        ("MAILER-DAEMON@relay.example", "Undelivered Mail Returned to Sender", True),
        ("Mail Delivery Subsystem <mailer-daemon@googlemail.com>", "Delivery Status Notification (Failure)", True),
        ("<MAILER-DAEMON>", "Returned mail: see transcript for details", True),
        ("postmaster@post.example", "Undeliverable: 249 signatures", True),
        ("postmaster@post.example", "Your mail was not successfully delivered", True),
        ("postmaster@post.example", "Onbestelbaar: 249 handtekeningen", True),
        ("postmaster@post.example", "No se puede entregar: 249 firmas", True),
        ("postmaster@post.example", "Impossibile recapitare: 249 firme", True),
        ("postmaster@post.example", "Delivery Status Notification (Delay)", False),
        ("postmaster@post.example", "Delivery Status Notification (Success)", False),
        ("postmaster@post.example", "Warning: could not be delivered for 4 hours", False),
        ("postmaster@post.example", "Maintenance on Sunday", False),
        ("Omar <omar@post.example>", "Undelivered Mail Returned to Sender", False),
        ("omar@post.example", "Automatic reply: Undeliverable", False),
    ],
)
def test_a_notice_in_prose_is_unread_if_a_mail_server_says_that_it_failed(
    sender: str, subject: str, unread: bool
) -> None:
    raw = f"From: {sender}\nSubject: {subject}\n\n<{SUZIE}>: 550 5.1.1 User unknown\n".encode()
    assert read(raw) == Reading(unread=unread)
