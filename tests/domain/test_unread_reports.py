"""Delivery reports that could not be read: sealed, all of one length, without a work address, gone after a week."""

from __future__ import annotations

import base64
import secrets
import time
from datetime import timedelta

import pytest
from cryptography.fernet import Fernet
from sqlalchemy import select
from sqlalchemy.orm import Session

from petition.mailing.subscribers import unread
from petition.mailing.subscribers.tables import UnreadReport
from petition.mailing.subscribers.unread import KEPT_BYTES, MOST_KEPT, Opened
from petition.privacy import DomainPolicy, keyring
from tests import make
from tests.support.spellings import met

TODAY = make.NOW.date()
WORK = [DomainPolicy("corp.example"), DomainPolicy("xn--bcher-kva.example")]
CODES = "Accounts <no-reply@accounts.example>"


def kept(session: Session, raw: bytes) -> Opened:
    """What an operator sees of a report that could not be read."""
    unread.keep(session, raw, WORK, CODES, TODAY)
    session.flush()
    return unread.opened(session)[-1]


def sealed(session: Session) -> list[bytes]:
    return list(session.scalars(select(UnreadReport.sealed)))


def test_a_report_lies_sealed_and_comes_back_as_it_was(session: Session) -> None:
    """P27, P54."""
    mark = f"qzvreader{secrets.token_hex(5)}"
    raw = f"From: MAILER-DAEMON@relay.example\n\n<{mark}@post.example>: é\n\n".encode()
    assert kept(session, raw) == Opened(TODAY, raw)
    assert met([("row", sealed(session)[0])], [mark]) == []
    assert met([("control", raw)], [mark]) != []
    assert mark not in repr(unread.opened(session))


def test_all_rows_have_one_length_and_a_long_report_its_beginning(session: Session) -> None:
    long = b"x" * (3 * KEPT_BYTES)
    for raw in (b"", b"short", long):
        unread.keep(session, raw, WORK, CODES, TODAY)
    session.flush()
    assert len({len(each) for each in sealed(session)}) == 1
    assert sorted(each.text or b"" for each in unread.opened(session)) == [b"", b"short", long[:KEPT_BYTES]]


@pytest.mark.parametrize(
    "raw",
    [
        b"<suzie@corp.example>: 550",
        b"<suzie@HR.Corp.Example>: 550",
        b"VERP: bounces+suzie=40corp.example@relay.example",
        b"VERP: bounces+suzie=corp.example@relay.example",
        b"<suzie@corp.example.>: 550",
        "<suzie@bücher.example>: 550".encode(),
        b"Subject: x\n\nReporting-MTA: dns;mx1.corp.example\n\nsuzie",
        b"Received: from mx1.relay.example\n\tby mx.corp.example\n\nsuzie",
        b"To: no-reply@ACCOUNTS.example\n\nfailed",
        b"Content-Transfer-Encoding: base64\n\n" + base64.encodebytes(b"<suzie@corp.example>: 550"),
        b"Content-Transfer-Encoding: quoted-printable\n\nsuzie=40co=\nrp.example",
        b'Content-Type: multipart/mixed; boundary="B"\n\n--B\nContent-Transfer-Encoding: base64\n\n'
        + base64.encodebytes(b"Your mail to suzie@corp.example") + b"--B--",
    ],
)  # fmt: skip
def test_what_may_be_about_a_code_is_counted_and_not_kept(session: Session, raw: bytes) -> None:
    """P27: no work address lies in the database, not even sealed."""
    assert kept(session, raw) == Opened(TODAY, None)
    assert sealed(session) == [b""]
    assert unread.count(session) == 1


@pytest.mark.parametrize(
    "raw",
    [
        b"Received: " + b"a" * KEPT_BYTES,
        b"Received: " + b"a." * KEPT_BYTES,
        b"=40" * KEPT_BYTES,
        b"=a%d@" * KEPT_BYTES,
        b"".join(b"=%da" % n for n in range(4_000)),
        b"\n\t".join([b"Received:"] * 5_000),
        b"".join(b"Content-Type: multipart/mixed; boundary=%d\n\n--%d\n" % (n, n) for n in range(400)),
        bytes(range(256)) * 64,
    ],
    ids=range(8),
)
def test_a_hostile_report_takes_no_time(session: Session, raw: bytes) -> None:
    began = time.monotonic()
    assert kept(session, raw).day == TODAY
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("raw", [b"<suzie@notcorp.example>: 550", b"Letter to the head of corp.example", b"x@" * 8_000])
def test_what_only_resembles_it_is_kept(session: Session, raw: bytes) -> None:
    assert kept(session, raw) == Opened(TODAY, raw)


def test_beyond_a_hundred_reports_only_count(session: Session) -> None:
    for _ in range(MOST_KEPT + 5):
        unread.keep(session, b"A report.", WORK, CODES, TODAY)
        session.flush()
    assert (unread.count(session), sealed(session).count(b"")) == (MOST_KEPT + 5, 5)


def test_without_its_master_key_a_report_cannot_be_opened_and_says_so(session: Session) -> None:
    unread.keep(session, b"A report.", WORK, CODES, TODAY)
    session.flush()
    keyring.connect([Fernet.generate_key().decode()])
    assert unread.opened(session) == [Opened(TODAY, None)]


def test_a_report_is_gone_after_a_week(session: Session) -> None:
    unread.keep(session, b"A report.", WORK, CODES, TODAY)
    session.flush()
    unread.purge(session, TODAY + timedelta(days=6))
    assert unread.count(session) == 1
    unread.purge(session, TODAY + timedelta(days=7))
    assert unread.count(session) == 0
