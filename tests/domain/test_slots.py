"""Fixed slots: each is looked at once, whatever clocks, runners and crashes do."""

from __future__ import annotations

import signal
import threading
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from petition import campaigns, epochs, signatures
from petition.campaigns import Campaign, CampaignState, LetterFrozen, OpenCampaign, changes
from petition.core import db
from petition.epochs.history import Epoch
from petition.epochs.slots import ACTS_EVERY, CLOCK_ERROR, Look, Slots
from petition.ledger import log
from tests import make
from tests.support import runner
from tests.support.slots import look, next_slot, slots_of
from tests.support.waiting import until_nobody_holds_a_lock

HOURLY = Slots(make.NOW, timedelta(hours=1))
SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def test_slots_are_multiples_of_the_interval_since_the_opening() -> None:
    """P41."""
    assert [HOURLY.moment(slot) for slot in (0, 1, 24)] == [make.NOW, make.NOW + HOUR, make.NOW + DAY]
    assert HOURLY.look(0, make.NOW + HOUR - SECOND) == Look(0, in_time=False)
    assert HOURLY.look(0, make.NOW + HOUR) == Look(1, in_time=True)
    assert HOURLY.look(1, make.NOW + HOUR + SECOND) == Look(1, in_time=False)


@pytest.mark.parametrize(
    ("interval", "grace"), [(1, 2), (4, 2), (5, 2.5), (60, 30), (120, 60), (3600, 60), (604_800, 60)]
)
def test_a_slot_whose_first_look_comes_too_late_is_left_out(interval: int, grace: float) -> None:
    """P41: the grace is a minute, or half the interval if that is less, and long enough for a look each second."""
    slots = Slots(make.NOW, timedelta(seconds=interval))
    assert slots.grace == timedelta(seconds=grace)
    late = slots.moment(7) + slots.grace + timedelta(microseconds=1)
    for now in (slots.moment(7), slots.moment(7) + slots.grace, late):
        in_time = now - slots.moment((now - make.NOW) // slots.interval) <= slots.grace
        assert slots.look(3, now).in_time is in_time
    if grace < interval:
        assert slots.look(6, late) == Look(7, in_time=False)
        assert slots.look(7, slots.moment(8)) == Look(8, in_time=True)


@pytest.mark.parametrize("back", [SECOND, HOUR, 2 * HOUR, DAY])
def test_a_clock_that_was_set_back_looks_again_once_it_has_passed_the_last_slot(back: timedelta) -> None:
    """P10, P41: by a second, by an hour, by a day."""
    last = 100
    now = HOURLY.moment(last) + SECOND - back
    assert HOURLY.look(last, now) == Look(last, in_time=False)
    assert HOURLY.look(last, HOURLY.moment(last)) == Look(last, in_time=False)
    assert HOURLY.next(last, now) == HOURLY.moment(last + 1)


@pytest.mark.parametrize("ahead", [DAY + 2 * HOUR, 365 * DAY])
def test_a_clock_that_was_wrong_by_more_than_a_day_leaves_one_slot_out(ahead: timedelta) -> None:
    """P10: somebody set the clock to the next year and back again; the letter does not wait for a year."""
    now = HOURLY.moment(100) + SECOND
    wrong = HOURLY.look(100, now + ahead).slot
    assert wrong > 100
    found = HOURLY.look(wrong, now)
    assert found == Look(101, in_time=False)
    assert HOURLY.next(wrong, now) == HOURLY.moment(102)
    assert HOURLY.look(101, HOURLY.moment(101)) == Look(101, in_time=False)
    assert HOURLY.look(101, HOURLY.moment(102)) == Look(102, in_time=True)


def test_a_clock_that_was_set_forward_passes_over_slots() -> None:
    """P10."""
    assert HOURLY.look(3, HOURLY.moment(30) + 2 * MINUTE) == Look(30, in_time=False)
    assert HOURLY.look(30, HOURLY.moment(31)) == Look(31, in_time=True)


@given(
    interval=st.sampled_from([1, 5, 60, 3600, 86_400, 604_800]),
    steps=st.lists(st.one_of(st.floats(0, 3), st.floats(-90, 90), st.floats(-86_000, 90_000)), max_size=200),
)
def test_no_slot_is_looked_at_twice_and_none_too_late(interval: int, steps: list[float]) -> None:
    """P10, P41: for a clock that is set forward and back by less than a day, again and again."""
    slots, now, last, seen, latest = Slots(make.NOW, timedelta(seconds=interval)), make.NOW, 0, list[int](), make.NOW
    for step in steps:
        now = max(now + timedelta(seconds=step), latest - CLOCK_ERROR + slots.interval)
        latest = max(now, latest)
        found = slots.look(last, now)
        assert found.slot >= last
        if found.in_time:
            assert timedelta(0) <= now - slots.moment(found.slot) <= slots.grace
            seen.append(found.slot)
        assert slots.next(last, now) >= slots.moment(found.slot + 1)
        last = found.slot
    assert seen == sorted(set(seen))


def test_two_workers_whose_clocks_differ_by_hours_look_at_each_slot_once() -> None:
    """P41: the clock that is ahead counts; the other one changes nothing."""
    last, looks = 0, []
    for minute in range(60 * 30):
        for ahead in (3 * HOUR, timedelta(0)):
            found = HOURLY.look(last, make.NOW + minute * MINUTE + ahead)
            looks += [found.slot] if found.in_time and found.slot != last else []
            last = found.slot
    assert looks == sorted(set(looks))
    assert len(looks) == 30


def test_what_comes_in_after_the_look_waits_for_the_next_slot(session: Session) -> None:
    """P41: the runner comes by every second; only its first look at a slot decides."""
    campaign = make.campaign(session, batch_min=5, interval=300)
    for _ in range(4):
        make.signature(session, campaign)
    slot = next_slot(session, campaign)
    assert epochs.close_due(session, campaign.id, slot) is None
    make.signature(session, campaign)
    for second in range(1, 300):
        assert epochs.close_due(session, campaign.id, slot + second * SECOND) is None
    closed = epochs.close_due(session, campaign.id, slot + 300 * SECOND)
    assert closed is not None
    assert closed.signatures == 5


def test_a_watcher_sees_batches_at_slots_only(session: Session) -> None:
    """P41: signatures and withdrawals at any moment of nine days, looks in time and late ones."""
    campaign = make.campaign(session, batch_min=5, interval=900)
    receipts = [make.signature(session, campaign) for _ in range(5)]
    slots, now = slots_of(session, campaign), make.NOW
    for step in range(860):
        now = make.NOW + step * timedelta(seconds=809.3)
        if step % 5 == 0:
            receipts.append(make.signature(session, campaign))
        if step % 20 == 0:
            signatures.withdraw(session, OpenCampaign.of(campaign), receipts[step // 20].withdraw)
        epochs.close_due(session, campaign.id, now)
    session.flush()
    written = session.execute(
        select(Epoch.at, Epoch.signed, Epoch.withdrawn, Epoch.issued).order_by(Epoch.number)
    ).all()
    assert len(written) > 10
    assert any(signed for _, signed, _, _ in written)
    assert any(withdrawn for _, _, withdrawn, _ in written)
    moments = [(at - slots.opened_at) % slots.interval for at, _, _, _ in written]
    assert max(moments) <= slots.grace
    assert len({(at - slots.opened_at) // slots.interval for at, _, _, _ in written}) == len(written)
    assert all(signed == 0 or signed >= 5 for _, signed, _, _ in written)
    assert [(at - slots.opened_at) // ACTS_EVERY for at, _, withdrawn, _ in written if withdrawn] == [1]
    assert epochs.audit(session, campaign).faults == []


@pytest.mark.usefixtures("engine")
def test_two_runners_and_signers_at_once_write_one_batch_a_slot(database_url: str) -> None:
    """P41: two processes look at the same seconds while people sign; no batch is small and no slot has two."""
    campaign, slots = opened()
    runners, batches = [runner.started(database_url) for _ in range(2)], 0
    for slot in range(1, 9):
        signing = threading.Thread(target=sign, args=(campaign, slot % 4))
        sign(campaign, slot % 3)
        signing.start()
        written = [wrote for second in range(3) for wrote in at_once(runners, slots.moment(slot) + second * SECOND)]
        signing.join()
        found = [int(wrote) for wrote in written if wrote != "-"]
        assert len(found) <= 1
        assert all(n >= 3 for n in found)
        batches += len(found)
    runner.stop(*runners)
    with db.session() as session:
        assert log.head_of(session, campaign.id).epoch == batches > 2
        assert epochs.audit(session, session.get_one(Campaign, campaign.id)).faults == []


def opened() -> tuple[Campaign, Slots]:
    with db.transaction() as session:
        made = make.campaign(session, batch_min=3, interval=60)
        return made, slots_of(session, made)


def sign(campaign: Campaign, n: int) -> None:
    for _ in range(n):
        with db.transaction() as session:
            make.signature(session, session.get_one(Campaign, campaign.id))


def at_once(runners: list[runner.subprocess.Popen[str]], now: datetime) -> list[str]:
    for each in runners:
        runner.ask(each, now)
    return [runner.answer(each) for each in runners]


@pytest.mark.usefixtures("engine")
def test_a_runner_that_is_killed_between_look_and_batch_changes_nothing(database_url: str) -> None:
    """P41: the look and the batch are one transaction; who comes within the grace looks anew."""
    campaign, slots = opened()
    sign(campaign, 3)
    dying = runner.started(database_url, "looked_before_batch")
    runner.ask(dying, slots.moment(1))
    assert runner.answer(dying) == ""
    assert dying.wait() == -signal.SIGKILL
    until_nobody_holds_a_lock()
    with db.session() as session:
        head = log.head_of(session, campaign.id)
        assert (head.slot, head.epoch) == (0, 0)
    next_one = runner.started(database_url)
    runner.ask(next_one, slots.moment(1) + slots.grace)
    assert runner.answer(next_one) == "3"
    runner.stop(next_one)


@pytest.mark.usefixtures("engine")
def test_a_slot_whose_runner_was_killed_is_left_out_if_nobody_comes_in_time(
    database_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    """P41: the log says so, and nothing about what waits."""
    campaign, slots = opened()
    sign(campaign, 3)
    dying = runner.started(database_url, "looked_before_batch")
    runner.ask(dying, slots.moment(1))
    assert dying.wait() == -signal.SIGKILL
    until_nobody_holds_a_lock()
    with db.transaction() as session:
        assert epochs.close_due(session, campaign.id, slots.moment(1) + slots.grace + SECOND) is None
    assert caplog.messages == [f"slot 1 of {campaign.id.hex()} was looked at too late and is left out"]
    with db.transaction() as session:
        assert epochs.close_due(session, campaign.id, slots.moment(2)) is not None
    runner.stop(dying)


def test_nobody_changes_the_batches_of_an_open_letter(session: Session) -> None:
    """P41: neither organisers nor a slip in the code; the database refuses it."""
    campaign = make.campaign(session, batch_min=10, interval=3600)
    for changed in ({"batch_min": 9}, {"batch_min": 11}, {"interval": 1800}):
        for change in (changes.change, changes.change_public):
            with pytest.raises(LetterFrozen):
                change(campaign, changed)
    mine = update(Campaign).where(Campaign.id == campaign.id)
    for values in ({"batch_min": 9}, {"interval": 1800}, {"state": CampaignState.DRAFT, "batch_min": 1}):
        with pytest.raises(DBAPIError, match="stay as they were promised"), session.begin_nested():
            session.execute(mine.values(values))
    session.refresh(campaign)
    assert (campaign.state, campaign.batch_min, campaign.interval) == (CampaignState.OPEN, 10, 3600)


def test_a_draft_may_change_its_batches(session: Session) -> None:
    campaign = campaigns.draft(session, make.a_draft(batch_min=10, interval=3600))
    campaigns.change(campaign, {"batch_min": 5, "interval": 300})
    session.flush()
    epochs.open_campaign(session, campaign, make.NOW + timedelta(microseconds=700))
    assert slots_of(session, campaign) == Slots(make.NOW, timedelta(seconds=300))
    assert look(session, campaign) is None
