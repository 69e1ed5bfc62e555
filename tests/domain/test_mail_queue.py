"""The mail queue's rules with time as an argument: throttles, pauses and refusals; links of subscribers; relays' requests."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from petition.core.ids import CampaignId
from petition.mailing.queue import Claim, Delivery, DeliveryState, Pause, Throttle, pauses, refusals, throttle
from petition.mailing.queue.tables import enqueue
from petition.mailing.subscribers import Purpose, links
from petition.mailing.subscribers.links import LinkBroken
from petition.mailing.subscribers.relays import SIGNATURE, ReportUnreadable, reports, sign
from tests import make

NOW, PEPPER = make.NOW, make.PEPPER
URL, A = "https://letters.example", CampaignId(b"a" * 16)
GMAIL, OWN = (throttle.throttle_of(PEPPER, domain) for domain in ("gmail.com", "suzie-q.example"))
KEY, OLD = "k" * 32, "o" * 32
MINUTE = timedelta(minutes=1)


def row(session: Session, tag: bytes) -> Throttle:
    return session.scalars(
        select(Throttle).where(Throttle.domain_tag == tag), execution_options={"populate_existing": True}
    ).one()


@pytest.fixture(autouse=True)
def _throttles(request: pytest.FixtureRequest) -> None:
    if "session" in request.fixturenames:
        for each in (GMAIL, OWN):
            throttle.ensure(request.getfixturevalue("session"), each)


def test_only_a_large_provider_keeps_its_name() -> None:
    assert (GMAIL.name, OWN.name, GMAIL.tag != OWN.tag) == ("gmail.com", "", True)
    assert throttle.throttle_of(b"q" * 32, "gmail.com").tag != GMAIL.tag, "another installation has other tags"


def test_a_domain_that_is_known_keeps_its_figures(session: Session) -> None:
    throttle.record_success(session, {GMAIL.tag: 3})
    throttle.ensure(session, GMAIL)
    assert row(session, GMAIL.tag).sent == 3


@pytest.mark.parametrize(
    ("open_at", "begins"),
    [
        (None, NOW),
        (NOW - timedelta(hours=1), NOW),
        (NOW - throttle.MADE_UP, NOW),
        (NOW - timedelta(seconds=2), NOW - timedelta(seconds=2)),
        (NOW + MINUTE, NOW + MINUTE),
    ],
)
def test_a_domain_is_closed_for_the_time_of_its_mails_and_a_short_delay_is_caught_up(
    session: Session, open_at: datetime | None, begins: datetime
) -> None:
    row(session, GMAIL.tag).open_at = open_at
    session.flush()
    throttle.take_slots(session, {GMAIL.tag: 5}, 2.0, NOW)
    assert row(session, GMAIL.tag).open_at == begins + timedelta(seconds=2.5)
    assert row(session, OWN.tag).open_at is None


def test_without_a_rate_no_domain_is_closed(session: Session) -> None:
    throttle.take_slots(session, {GMAIL.tag: 5}, 0, NOW)
    assert row(session, GMAIL.tag).open_at is None


@pytest.mark.parametrize(
    ("hung", "seconds"),
    [
        (False, [0, 0, 30, 60, 120, 240, 480, 960, 1800, 1800, 1800, 1800, 1800, 1800, 1800, 1800]),
        (True, [30, 60, 120, 240, 480, 960, 1800, 1800, 1800, 1800, 1800, 1800, 1800, 1800, 1800, 1800]),
    ],
)
def test_failures_in_a_row_close_a_domain_for_twice_as_long_up_to_half_an_hour(
    session: Session, hung: bool, seconds: list[int]
) -> None:
    found = []
    for _ in seconds:
        closed = throttle.record_failure(session, GMAIL.tag, NOW, hung=hung)
        found.append(int(((row(session, GMAIL.tag).open_at or NOW) - NOW).total_seconds()))
        assert closed is bool(found[-1])
    assert (found, row(session, OWN.tag).failures) == (seconds, 0)


def test_a_mail_that_is_taken_ends_the_failures_of_its_domain_alone(session: Session) -> None:
    for tag in (GMAIL.tag, GMAIL.tag, OWN.tag, OWN.tag):
        throttle.record_failure(session, tag, NOW, hung=False)
    throttle.record_success(session, {GMAIL.tag: 1})
    assert not throttle.record_failure(session, GMAIL.tag, NOW, hung=False)
    assert throttle.record_failure(session, OWN.tag, NOW, hung=False)


def test_providers_are_listed_by_name_and_all_others_as_one_line(session: Session) -> None:
    other = throttle.throttle_of(PEPPER, "omar.example")
    throttle.ensure(session, other)
    throttle.record_success(session, {GMAIL.tag: 4, OWN.tag: 2, other.tag: 1})
    throttle.bounced(session, other.tag)
    throttle.bounced(session, OWN.tag)
    throttle.bounced(session, GMAIL.tag, complaint=True)
    assert throttle.by_provider(session) == [("", 3, 2, 0), ("gmail.com", 4, 0, 1)]


@pytest.mark.parametrize(
    ("what", "everything"),
    [("all", True), (pauses.REFUSED, True), ("kind:update", False), (f"campaign:{A.hex()}", False)],
)
def test_a_pause_holds_what_it_names_until_that_is_resumed(session: Session, what: str, everything: bool) -> None:
    pauses.pause(session, what, NOW)
    assert (pauses.current_pauses(session, URL), pauses.is_paused(session, URL)) == ([what], everything)
    pauses.resume(session, "kind:other", URL)
    assert pauses.current_pauses(session, URL) == [what]
    pauses.resume(session, what, URL)
    assert pauses.current_pauses(session, URL) == []


def test_a_second_pause_keeps_the_time_and_the_words_of_the_first(session: Session) -> None:
    pauses.pause(session, pauses.REFUSED, NOW, "550 blocked")
    pauses.pause(session, pauses.REFUSED, NOW + MINUTE, "other")
    found = pauses.refused(session)
    assert found is not None
    assert (found.since, found.words) == (NOW, "550 blocked")


def test_resuming_everything_ends_a_pause_by_refusals_and_no_smaller_one(session: Session) -> None:
    for what in (pauses.EVERYTHING, pauses.REFUSED, "kind:update"):
        pauses.pause(session, what, NOW)
    pauses.resume(session, pauses.EVERYTHING, URL)
    assert pauses.current_pauses(session, URL) == ["kind:update"]


def test_a_copy_sends_nothing_until_everything_is_resumed(session: Session) -> None:
    assert pauses.is_original(session, URL)
    pauses.disown(session)
    assert (pauses.is_paused(session, URL), pauses.current_pauses(session, URL)) == (True, [pauses.RESTORED])
    pauses.resume(session, "kind:update", URL)
    assert pauses.is_paused(session, URL)
    pauses.resume(session, pauses.EVERYTHING, URL)
    assert not pauses.is_paused(session, URL)


def test_a_database_under_another_address_is_a_copy_and_a_local_one_may_change_its_port(session: Session) -> None:
    assert pauses.is_original(session, "http://localhost:5000")
    assert pauses.is_original(session, "http://127.0.0.1:8000")
    assert not pauses.is_original(session, "https://staging.example")


def refuse(session: Session, number: int) -> bool:
    """The mail server refuses the mail of this number."""
    claim = Claim("update", bytes([number]) * 16, "1", A, GMAIL.tag, NOW, 0, 0, NOW)
    enqueue(session, claim.kind, claim.recipient, claim.period, A, GMAIL.tag, NOW, DeliveryState.DEAD)
    refusals.lock(session)
    return refusals.count(session, claim, "550 blocked", NOW + MINUTE)


def test_the_third_mail_refused_in_a_row_pauses_everything_and_none_of_the_three_is_lost(session: Session) -> None:
    assert [refuse(session, number) for number in (1, 2, 3)] == [False, False, True]
    assert session.scalars(select(Pause.what)).all() == [pauses.REFUSED]
    found = [(each.state, each.due, each.tries) for each in session.scalars(select(Delivery))]
    assert found == [(DeliveryState.PLANNED, NOW + MINUTE, 0)] * 3


def test_the_same_mail_refused_again_and_again_pauses_nothing(session: Session) -> None:
    assert [refuse(session, 1) for _ in range(5)] == [False] * 5
    assert session.scalars(select(Pause.what)).all() == []


def test_a_row_that_ended_begins_again_at_one(session: Session) -> None:
    assert [refuse(session, number) for number in (1, 2)] == [False, False]
    refusals.end_row(session)
    assert [refuse(session, number) for number in (3, 4)] == [False, False]


def test_a_mail_refused_during_the_pause_is_planned_again_too(session: Session) -> None:
    assert [refuse(session, number) for number in (1, 2, 3, 4)][-2:] == [True, True]
    assert set(session.scalars(select(Delivery.state))) == {DeliveryState.PLANNED}


IDS = st.binary(min_size=links.ID_BYTES, max_size=links.ID_BYTES)


@given(IDS, st.sampled_from(Purpose))
def test_a_link_is_read_under_its_key_for_its_purpose_alone(subscriber_id: bytes, purpose: Purpose) -> None:
    link = links.made(OLD, purpose, subscriber_id)
    assert len(link) == links.LENGTH
    assert links.read((KEY, OLD), purpose, link) == subscriber_id, "an older key still reads its links"
    for keys, other in [((KEY,), purpose), *(((OLD,), each) for each in Purpose if each is not purpose)]:
        with pytest.raises(LinkBroken):
            links.read(keys, other, link)


@given(IDS, st.integers(0, links.LENGTH - 2), st.sampled_from("abcXYZ019-_.\u00e9\x00"))
def test_a_link_with_one_other_character_is_broken(subscriber_id: bytes, at: int, letter: str) -> None:
    link = links.made(KEY, Purpose.SETTINGS, subscriber_id)
    if link[at] == letter:
        return
    with pytest.raises(LinkBroken):
        links.read((KEY,), Purpose.SETTINGS, link[:at] + letter + link[at + 1 :])


@given(st.text(st.characters(exclude_categories=()), max_size=80))
def test_any_text_that_was_not_made_here_is_a_broken_link(text: str) -> None:
    with pytest.raises(LinkBroken):
        links.read((KEY,), Purpose.CONFIRM, text)


NAMES = ("reports", "trouble", "address", "status", "diagnostic", "signature", "timestamp", "token", "event-data", "event",
         "severity", "recipient", "delivery-status", "message", "code", "RecordType", "Type", "Email", "Details")  # fmt: skip
WORDS = (
    "hard",
    "soft",
    "failed",
    "permanent",
    "5.1.1",
    "HardBounce",
    "SpamComplaint",
    "a@b.example",
    "\ud800",
    "9" * 400,
)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(WORDS) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=12,
)


@given(st.one_of(JSON, st.builds(lambda report: {"reports": [report]}, JSON)), st.sampled_from(["own", "basic"]))
def test_a_request_with_the_right_key_is_read_or_unreadable_and_never_an_accident(document: Any, how: str) -> None:
    body = json.dumps(document).encode()
    headers = {SIGNATURE: sign(body, "key", NOW)} if how == "own" else {"Authorization": "Basic YTprZXk="}
    try:
        found = reports(headers, body, "key", NOW)
    except ReportUnreadable:
        return
    assert all(isinstance(each.address, str) for each in found)
