"""What relays report: who is believed, and what is made of it."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from petition.mailing.subscribers import Report, Trouble
from petition.mailing.subscribers.relays import (
    SIGNATURE,
    ReportUnreadable,
    SignatureWrong,
    fingerprint,
    reports,
    sign,
    used_token,
)
from tests.make import NOW
from tests.support.relays import KEY, SUZIE, failed, mailgun, password, postmark

GENERIC = json.dumps({"reports": [{"address": SUZIE, "trouble": "hard"}]}).encode()


def signed(body: bytes, key: str = KEY, at: datetime = NOW) -> dict[str, str]:
    return {SIGNATURE: sign(body, key, at)}


@pytest.mark.parametrize("trouble", list(Trouble))
def test_a_signed_report_is_read(trouble: Trouble) -> None:
    body = json.dumps({"reports": [{"address": SUZIE, "trouble": trouble}] * 2}).encode()
    assert reports(signed(body), body, KEY, NOW) == [Report(trouble, SUZIE)] * 2


@pytest.mark.parametrize(
    ("details", "trouble"),
    [
        ({}, Trouble.HARD),
        ({"status": "5.1.1"}, Trouble.HARD),
        ({"diagnostic": "550 user unknown"}, Trouble.HARD),
        ({"status": "5.7.1"}, Trouble.SOFT),
        ({"status": "5.1.1", "diagnostic": "blocked by policy"}, Trouble.SOFT),
        ({"diagnostic": "550 no"}, Trouble.SOFT),
    ],
)
def test_what_a_mail_server_said_goes_before_the_relays_own_word(details: dict[str, str], trouble: Trouble) -> None:
    body = json.dumps({"reports": [{"address": SUZIE, "trouble": "hard"} | details]}).encode()
    assert reports(signed(body), body, KEY, NOW) == [Report(trouble, SUZIE)]


@pytest.mark.parametrize("seconds", [-301, -300, 0, 300, 301])
def test_a_report_is_good_for_five_minutes(seconds: int) -> None:
    now = NOW + timedelta(seconds=seconds)
    if abs(seconds) <= 300:
        assert len(reports(signed(GENERIC), GENERIC, KEY, now)) == 1
    else:
        with pytest.raises(SignatureWrong):
            reports(signed(GENERIC), GENERIC, KEY, now)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {SIGNATURE: ""},
        {SIGNATURE: "t=1,v1="},
        {SIGNATURE: "v1=" + "0" * 64},
        {SIGNATURE: f"t={int(NOW.timestamp())},v1={'0' * 64}"},
        {SIGNATURE: sign(GENERIC, KEY, NOW) + ",v1=" + "0" * 64},
        {SIGNATURE: sign(GENERIC, KEY, NOW).upper()},
        {SIGNATURE: sign(GENERIC + b" ", KEY, NOW)},
        {SIGNATURE: sign(GENERIC, "", NOW)},
        {SIGNATURE: sign(GENERIC, "j" * 40, NOW)},
        {SIGNATURE: "t=٣,v1=" + "0" * 64},
        password("j" * 40),
        password(""),
        password(KEY + "x"),
        {"Authorization": "Basic"},
        {"Authorization": "Basic %%%"},
        {"Authorization": f"Bearer {KEY}"},
    ],
)
def test_nobody_without_the_key_is_believed(headers: dict[str, str]) -> None:
    with pytest.raises(SignatureWrong):
        reports(headers, GENERIC, KEY, NOW)


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"null", b"{}", b'{"reports": 1}', b'{"reports": [1]}', b'{"reports": [{"address": "a@b.example"}]}',
     b'{"reports": [{"address": 1, "trouble": "hard"}]}', b'{"reports": [{"address": "a@b.example", "trouble": "x"}]}',
     b'{"reports": [{"address": "a@b.example", "trouble": []}]}', b"[" * 100_000, b"\xff",
     b'{"reports": [{"address": "a@b.example", "trouble": "hard", "status": 5}]}',
     b'{"reports": [{"address": "a@b.example", "trouble": "hard", "diagnostic": ["x"]}]}'],
)  # fmt: skip
def test_a_signed_text_that_is_no_report_is_refused(body: bytes) -> None:
    with pytest.raises(ReportUnreadable):
        reports(signed(body), body, KEY, NOW)


@pytest.mark.parametrize(
    ("event", "trouble"),
    [
        (failed(550, "5.1.1 The email account that you tried to reach does not exist."), Trouble.HARD),
        (failed(550, "No such user here"), Trouble.HARD),
        (failed(550, "mailbox unavailable", enhanced="5.1.1"), Trouble.HARD),
        (failed(550, "5.7.1 Message blocked", enhanced="5.7.1"), Trouble.SOFT),
        (failed(550, "5.1.1 blocked using spamhaus", enhanced="5.1.1"), Trouble.SOFT),
        (failed(605, "", description="Not delivering to previously bounced address"), Trouble.SOFT),
        (failed(552, "5.2.2 mailbox full"), Trouble.SOFT),
        ({"event": "failed", "severity": "permanent"}, Trouble.SOFT),
        ({"event": "failed", "severity": "permanent", "delivery-status": []}, Trouble.SOFT),
        ({"event": "failed", "severity": "temporary"}, Trouble.SOFT),
        ({"event": "complained"}, Trouble.COMPLAINT),
        ({"event": "failed"}, None),
        ({"event": "delivered"}, None),
        ({"event": "opened", "severity": "permanent"}, None),
    ],
)
def test_mailgun_is_understood(event: dict[str, Any], trouble: Trouble | None) -> None:
    assert reports({}, mailgun(event), KEY, NOW) == ([Report(trouble, SUZIE)] if trouble else [])


def test_mailgun_may_repeat_itself_for_hours_and_not_for_days() -> None:
    body = mailgun({"event": "complained"})
    assert len(reports({}, body, KEY, NOW + timedelta(hours=8))) == 1
    for wrong in (
        lambda: reports({}, body, KEY, NOW + timedelta(hours=13)),
        lambda: reports({}, mailgun({"event": "complained"}, key="j" * 40), KEY, NOW),
        lambda: reports(
            {}, b'{"signature": {"timestamp": "\xc3\xa9", "token": "", "signature": "\xc3\xa9"}}', KEY, NOW
        ),
        lambda: reports({}, b'{"signature": [], "event-data": {}}', KEY, NOW),
    ):
        with pytest.raises(SignatureWrong):
            wrong()
    with pytest.raises(ReportUnreadable):
        reports({}, mailgun({"event": "complained", "recipient": None}), KEY, NOW)


@pytest.mark.parametrize(
    ("fields", "trouble"),
    [
        ({"Type": "HardBounce", "Details": "smtp;550 5.1.1 user unknown"}, Trouble.HARD),
        ({"Type": "HardBounce", "Details": "smtp;550 5.7.1 not allowed"}, Trouble.SOFT),
        ({"Type": "HardBounce", "Description": "(ex: unknown user, mailbox not found)"}, Trouble.SOFT),
        ({"Type": "HardBounce"}, Trouble.SOFT),
        ({"Type": "BadEmailAddress"}, Trouble.HARD),
        ({"Type": "SoftBounce"}, Trouble.SOFT),
        ({"Type": "DnsError"}, Trouble.SOFT),
        ({"Type": "SpamComplaint"}, Trouble.COMPLAINT),
        ({"RecordType": "SpamComplaint"}, Trouble.COMPLAINT),
        ({"Type": "AutoResponder"}, None),
        ({"Type": "Transient"}, None),
        ({"RecordType": "Delivery"}, None),
    ],
)
def test_postmark_is_understood(fields: dict[str, str], trouble: Trouble | None) -> None:
    assert reports(password(KEY), postmark(**fields), KEY, NOW) == ([Report(trouble, SUZIE)] if trouble else [])


def test_the_same_request_is_known_again_and_another_one_is_not() -> None:
    again = fingerprint(signed(GENERIC), GENERIC)
    assert again == fingerprint(signed(GENERIC), GENERIC)
    assert again != fingerprint(signed(GENERIC, at=NOW + timedelta(seconds=1)), GENERIC)
    assert fingerprint({}, postmark(ID=1)) != fingerprint({}, postmark(ID=2))


def test_the_token_of_a_report_of_mailgun_is_what_its_signature_covers() -> None:
    one = mailgun({"event": "complained"})
    other = json.dumps(json.loads(one) | {"event-data": {"event": "opened"}}).encode()
    assert used_token({}, one) == used_token({}, other) is not None
    assert used_token({}, one) != used_token({}, mailgun({"event": "complained"}))
    assert used_token(signed(GENERIC), GENERIC) is None
    assert used_token(password(KEY), postmark()) is None


@pytest.mark.parametrize(("name", "longest"), [("timestamp", 12), ("token", 200), ("signature", 64)])
def test_no_part_of_a_signature_of_mailgun_is_hashed_beyond_its_length(name: str, longest: int) -> None:
    """P48."""
    document = json.loads(mailgun({"event": "complained"}))
    for value in ("1" * (longest + 1), "é", 7.5, None, {"1": "1" * 100_000}, 10**400):
        document["signature"][name] = value
        with pytest.raises(SignatureWrong):
            reports({}, json.dumps(document).encode(), KEY, NOW)


def test_an_address_never_shows_in_what_is_written_down() -> None:
    assert SUZIE not in repr(reports(signed(GENERIC), GENERIC, KEY, NOW))
