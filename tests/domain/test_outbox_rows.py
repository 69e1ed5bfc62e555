"""Rows of the outbox, slots of periodic jobs and heartbeats: who gets the work, for how long and how often."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from petition.core import heartbeats, outbox
from petition.core.ids import CampaignId
from petition.core.outbox import LEASE, MOST_TRIES, JobSlot, OutboxItem, OutboxKind
from petition.privacy import scrub_state
from petition.privacy.scrub import Scrubbed
from tests.make import NOW

CAMPAIGN = CampaignId(b"c" * 16)
SECOND = timedelta(seconds=1)


def add(session: Session, number: int = 1, since: datetime = NOW, kind: OutboxKind = OutboxKind.BUNDLE) -> str:
    """The id of a new row."""
    added = outbox.add(session, kind, CAMPAIGN, number, since)
    session.flush()
    return added


def tries(session: Session, row: str) -> int | None:
    """How often a row was tried, or None if it is not there."""
    return session.scalar(select(OutboxItem.tries).where(OutboxItem.id == uuid.UUID(row)))


def test_a_claimed_row_names_its_work(session: Session) -> None:
    row = outbox.claim(session, add(session, 7), NOW)
    assert row is not None
    assert (row.kind, row.campaign_id, row.number) == (OutboxKind.BUNDLE, CAMPAIGN, 7)


def test_a_row_that_somebody_holds_is_nobody_elses_until_its_lease_ends(session: Session) -> None:
    row = add(session)
    assert outbox.claim(session, row, NOW) is not None
    assert outbox.claim(session, row, NOW + LEASE - SECOND) is None
    assert outbox.claim(session, row, NOW + LEASE) is not None


def test_a_row_is_claimed_as_often_as_is_allowed_and_not_once_more(session: Session) -> None:
    row = add(session)
    moments = [NOW + LEASE * n for n in range(MOST_TRIES + 2)]
    assert [outbox.claim(session, row, at) is not None for at in moments] == [True] * MOST_TRIES + [False] * 2


def test_work_that_makes_progress_is_not_given_up(session: Session) -> None:
    row = add(session)
    for n in range(MOST_TRIES):
        outbox.claim(session, row, NOW + LEASE * n)
    outbox.go_on(session, row, NOW + LEASE * MOST_TRIES)
    session.expire_all()
    assert tries(session, row) == 1
    assert outbox.overdue(session, NOW + LEASE * (MOST_TRIES + 1)) == [(OutboxKind.BUNDLE, row)]


def test_progress_renews_the_lease(session: Session) -> None:
    row = add(session)
    outbox.claim(session, row, NOW)
    outbox.go_on(session, row, NOW + LEASE - SECOND)
    assert outbox.claim(session, row, NOW + LEASE) is None


def test_a_settled_row_is_not_claimed_again(session: Session) -> None:
    done, other = add(session), add(session)
    outbox.settle(session, done)
    assert (outbox.claim(session, done, NOW), tries(session, other)) == (None, 0)


def test_work_of_one_kind_and_campaign_is_dropped_together_and_no_other(session: Session) -> None:
    dropped, kept = add(session), add(session, kind=OutboxKind.REMOVAL)
    elsewhere = outbox.add(session, OutboxKind.BUNDLE, CampaignId(b"d" * 16), 1, NOW)
    session.flush()
    outbox.settle_all(session, OutboxKind.BUNDLE, CAMPAIGN)
    assert [tries(session, row) for row in (dropped, kept, elsewhere)] == [None, 0, 0]


def test_the_sweep_finds_free_rows_oldest_first_and_no_held_one(session: Session) -> None:
    young, old, held = add(session, since=NOW), add(session, since=NOW - LEASE), add(session, since=NOW - 2 * LEASE)
    outbox.claim(session, held, NOW)
    assert [row for _, row in outbox.overdue(session, NOW)] == [old, young]
    assert [row for _, row in outbox.overdue(session, NOW + LEASE)] == [held, old, young]


def test_a_row_whose_last_try_still_runs_is_not_given_up(session: Session) -> None:
    row = add(session)
    for n in range(MOST_TRIES):
        outbox.claim(session, row, NOW + LEASE * n)
    outbox.overdue(session, NOW + LEASE * MOST_TRIES - SECOND)
    given_up = select(OutboxItem.given_up)
    assert session.scalar(given_up) is False
    assert outbox.overdue(session, NOW + LEASE * MOST_TRIES) == []
    assert session.scalar(given_up) is True


def test_a_job_runs_once_in_a_slot_and_again_in_the_next(session: Session) -> None:
    asked = [("purge", "a"), ("purge", "a"), ("scrub", "a"), ("purge", "b"), ("purge", "a")]
    assert [outbox.claim_slot(session, *each) for each in asked] == [True, False, True, True, False]


def test_the_newest_slots_of_each_job_are_kept(session: Session) -> None:
    for job in ("purge", "scrub"):
        for slot in ("2026-11-23", "2026-11-21", "2026-11-22"):
            outbox.claim_slot(session, job, slot)
    outbox.forget_slots(session, keep=2)
    kept = session.execute(select(JobSlot.job, JobSlot.slot).order_by(JobSlot.job, JobSlot.slot)).all()
    assert [tuple(row) for row in kept] == [
        ("purge", "2026-11-22"), ("purge", "2026-11-23"), ("scrub", "2026-11-22"), ("scrub", "2026-11-23"),
    ]  # fmt: skip


@pytest.mark.parametrize(("second", "shown"), [(0, 0), (9, 0), (10, 10), (59, 50)])
def test_a_heartbeat_has_a_resolution_of_ten_seconds(session: Session, second: int, shown: int) -> None:
    heartbeats.beat(session, "bulk", datetime(2026, 11, 23, 12, 0, second, 999, tzinfo=UTC))
    assert heartbeats.last_beats(session, ["bulk"]) == {"bulk": datetime(2026, 11, 23, 12, 0, shown, tzinfo=UTC)}


def test_a_heartbeat_never_goes_back_in_time(session: Session) -> None:
    for at in (NOW, NOW + timedelta(seconds=30), NOW + timedelta(seconds=20)):
        heartbeats.beat(session, "bulk", at)
    assert heartbeats.last_beats(session, ["bulk"]) == {"bulk": NOW + timedelta(seconds=30)}


def test_a_worker_that_never_gave_a_sign_of_life_is_left_out(session: Session) -> None:
    heartbeats.beat(session, "prompt", NOW)
    heartbeats.beat(session, "bulk", NOW)
    assert heartbeats.last_beats(session, ["prompt", "none"]) == {"prompt": NOW}
    assert heartbeats.last_beats(session, []) == {}


def test_before_the_first_scrub_there_is_none(session: Session) -> None:
    assert scrub_state.last(session) is None


def test_the_last_scrub_replaces_the_one_before_and_names_what_the_role_may_not_do(session: Session) -> None:
    scrub_state.record(session, Scrubbed(True, True, True), NOW)
    scrub_state.record(session, Scrubbed(True, False, False), NOW + timedelta(seconds=1, microseconds=5))
    last = scrub_state.last(session)
    assert last is not None
    assert (last.at, last.refused) == (NOW + SECOND, ("wal_switched", "checkpointed"))
    assert len(session.scalars(select(scrub_state.ScrubRun)).all()) == 1
