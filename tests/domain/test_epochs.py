"""An epoch: what waited is in the ledger, counted, provable; all of it or nothing."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from zipfile import ZipFile

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from petition import epochs, publication, signatures
from petition.campaigns import (
    Campaign,
    CampaignClosed,
    CampaignIncomplete,
    CampaignState,
    OpenCampaign,
    allow_small_batches,
    closed_before,
    draft,
)
from petition.campaigns.fingerprint import fingerprint
from petition.campaigns.milestones import MilestoneKind
from petition.core import outbox
from petition.core.outbox import OutboxKind
from petition.epochs.history import Epoch
from petition.epochs.slots import ACTS_EVERY, Slots
from petition.ledger import log, merkle
from petition.ledger.entries import Removal, Visibility
from petition.organisers.actor import Actor
from petition.publication import bundle_file
from petition.signatures import DisplayChoice, PassSpent, SignatureState, bulk_removal
from tests import make
from tests.support.slots import look, slots_of
from workers.loops.bundles import publish_bundle

LATER = make.NOW + timedelta(seconds=10)


def test_a_signature_is_counted_by_the_next_epoch_and_proven_to_be_in_it(session: Session) -> None:
    campaign = make.campaign(session)
    receipt = make.signature(session, campaign)
    assert signatures.status(session, OpenCampaign.of(campaign), receipt.leaf).state is SignatureState.PENDING

    closed = look(session, campaign)

    assert closed is not None
    assert (closed.number, closed.signatures, closed.acts) == (1, 1, 0)
    head = log.head_of(session, campaign.id)
    assert (head.counted, head.size, head.epoch) == (1, 3, 1)
    where = signatures.status(session, OpenCampaign.of(campaign), receipt.leaf)
    assert (where.state, where.index, where.epoch) == (SignatureState.LOGGED, 1, 1)
    assert merkle.verify_inclusion(receipt.leaf, 1, head.size, where.proof, head.root)
    assert epochs.audit(session, campaign).faults == []


def test_a_pass_is_spent_once_before_and_after_the_epoch(session: Session) -> None:
    campaign = make.campaign(session)
    held = make.a_pass(session, campaign).held
    signatures.redeem(session, OpenCampaign.of(campaign), held, make.ANONYMOUS)
    with pytest.raises(PassSpent), session.begin_nested():
        signatures.redeem(session, OpenCampaign.of(campaign), held, make.ANONYMOUS)
    look(session, campaign)
    with pytest.raises(PassSpent), session.begin_nested():
        signatures.redeem(session, OpenCampaign.of(campaign), held, make.ANONYMOUS)


def test_a_batch_waits_for_enough_signatures_and_for_a_slot(session: Session) -> None:
    campaign = make.campaign(session, batch_min=2, interval=60)
    make.signature(session, campaign)
    at = lambda seconds: make.NOW + timedelta(seconds=seconds)
    assert epochs.close_due(session, campaign.id, at(60)) is None
    make.signature(session, campaign)
    assert epochs.close_due(session, campaign.id, at(61)) is None
    assert epochs.close_due(session, campaign.id, at(119)) is None
    assert epochs.close_due(session, campaign.id, at(120)) is not None
    make.signature(session, campaign)
    make.signature(session, campaign)
    assert epochs.close_due(session, campaign.id, at(121)) is None
    assert epochs.close_due(session, campaign.id, at(180)) is not None
    assert look(session, campaign) is None


@pytest.mark.parametrize("days", [1, 7, 400])
@pytest.mark.parametrize("interval", [300, 3600, 24 * 3600, 7 * 24 * 3600])
@pytest.mark.parametrize("least", [5, 10])
def test_a_lone_signature_is_no_batch_however_long_it_waits(
    session: Session, days: int, interval: int, least: int
) -> None:
    """P41: with every distance of batches, after a quiet day, week and year."""
    campaign = make.campaign(session, batch_min=least, interval=interval)
    make.signature(session, campaign)
    assert look(session, campaign, make.NOW + timedelta(days=days)) is None
    for _ in range(least - 2):
        make.signature(session, campaign)
        assert look(session, campaign) is None
    make.signature(session, campaign)
    closed = look(session, campaign)
    assert closed is not None
    assert closed.signatures == least


@pytest.mark.parametrize("seconds", [1, 59, 1799, 3598])
def test_nine_accomplices_learn_in_which_slot_the_tenth_came_and_not_when(session: Session, seconds: int) -> None:
    """P41: they sign at once after a slot; the batch comes with the next slot, whenever the tenth signs before it."""
    campaign = make.campaign(session, batch_min=10, interval=3600)
    for _ in range(9):
        make.signature(session, campaign)
    for second in sorted({*range(0, 3600, 40), seconds, seconds + 1}):
        if second == seconds:
            make.signature(session, campaign)
        assert epochs.close_due(session, campaign.id, make.NOW + timedelta(hours=1, seconds=second)) is None
    closed = epochs.close_due(session, campaign.id, make.NOW + timedelta(hours=2))
    assert closed is not None
    assert closed.signatures == 10


def a_letter_with(session: Session, signed: int, waiting: int) -> tuple[Campaign, list[signatures.Receipt]]:
    """A letter in batches of three, with signatures in the ledger and others that wait."""
    campaign = make.campaign(session, batch_min=3, interval=60)
    receipts = [
        make.signature(session, campaign, DisplayChoice(Visibility.NAME, name=f"Suzie {i}")) for i in range(signed)
    ]
    epochs.close_epoch(session, campaign, make.NOW)
    for _ in range(waiting):
        make.signature(session, campaign)
    return campaign, receipts


def test_a_lone_withdrawal_waits_for_the_slot_of_the_week_and_takes_no_signature_along(session: Session) -> None:
    """P41."""
    campaign, receipts = a_letter_with(session, 5, waiting=1)
    before = log.head_of(session, campaign.id).issued
    signatures.withdraw(session, OpenCampaign.of(campaign), receipts[0].withdraw)
    assert signatures.named(session, campaign.id).found == 4
    for days in range(7):
        assert look(session, campaign, make.NOW + timedelta(days=days, hours=1)) is None
        assert log.head_of(session, campaign.id).counted == 5
    closed = look(session, campaign, make.NOW + timedelta(days=7))
    assert closed is not None
    assert (closed.signatures, closed.acts) == (0, 1)
    head = log.head_of(session, campaign.id)
    assert (head.counted, head.withdrawn, head.issued, head.acts_week) == (4, 1, before, 1)
    assert signatures.waiting(session, campaign.id) == (1, 0)
    assert epochs.audit(session, campaign).faults == []
    assert look(session, campaign, make.NOW + timedelta(days=99)) is None


def test_no_number_of_acts_makes_a_batch_before_the_week_is_over(session: Session) -> None:
    """P41: k − 1 withdrawals, changes and removals on purpose do not make a batch with one more person's withdrawal."""
    campaign, receipts = a_letter_with(session, 12, waiting=2)
    opened = OpenCampaign.of(campaign)
    for receipt in receipts[:3]:
        signatures.withdraw(session, opened, receipt.withdraw)
    for receipt in receipts[3:6]:
        signatures.amend(session, opened, receipt.withdraw, DisplayChoice(Visibility.ANONYMOUS))
    false = [signatures.status_of(session, opened, receipt.w0).index for receipt in receipts[6:9]]
    removal = bulk_removal.begin(
        session, campaign, [index for index in false if index], Removal.FRAUD, Actor(b"o" * 16, LATER), {}
    )
    bulk_removal.advance(session, removal)
    assert signatures.waiting(session, campaign.id) == (2, 9)
    assert [look(session, campaign, make.NOW + timedelta(days=days, hours=2)) for days in range(7)] == [None] * 7
    closed = look(session, campaign, make.NOW + timedelta(days=7))
    assert closed is not None
    assert (closed.signatures, closed.acts) == (0, 9)
    assert epochs.audit(session, campaign).faults == []


def test_an_act_on_the_last_day_waits_no_longer_than_the_week_lasts(session: Session) -> None:
    """The day of a batch says nothing about the day of its oldest act."""
    campaign, receipts = a_letter_with(session, 5, waiting=0)
    assert look(session, campaign, make.NOW + timedelta(days=6, hours=23)) is None
    signatures.withdraw(session, OpenCampaign.of(campaign), receipts[0].withdraw)
    closed = look(session, campaign, make.NOW + timedelta(days=7))
    assert closed is not None
    assert closed.acts == 1


def test_a_batch_of_signatures_takes_no_lone_withdrawal_along(session: Session) -> None:
    """P41: whose signature was withdrawn, and when, is not told by the next batch of signatures."""
    campaign, receipts = a_letter_with(session, 5, waiting=2)
    signatures.withdraw(session, OpenCampaign.of(campaign), receipts[0].withdraw)
    assert look(session, campaign) is None
    make.signature(session, campaign)
    closed = look(session, campaign, make.NOW + timedelta(days=2))
    assert closed is not None
    assert (closed.signatures, closed.acts) == (3, 0)
    closed = look(session, campaign, make.NOW + timedelta(days=7))
    assert closed is not None
    assert (closed.signatures, closed.acts) == (0, 1)
    assert epochs.audit(session, campaign).faults == []


def test_signatures_and_acts_that_are_due_at_one_slot_share_a_batch_and_the_next_week_begins_anew(
    session: Session,
) -> None:
    campaign, receipts = a_letter_with(session, 5, waiting=3)
    for receipt in receipts[:3]:
        signatures.withdraw(session, OpenCampaign.of(campaign), receipt.withdraw)
    closed = look(session, campaign, make.NOW + timedelta(days=7))
    assert closed is not None
    assert (closed.signatures, closed.acts) == (3, 3)
    signatures.withdraw(session, OpenCampaign.of(campaign), receipts[3].withdraw)
    assert look(session, campaign) is None
    assert look(session, campaign, make.NOW + timedelta(days=13)) is None
    assert look(session, campaign, make.NOW + timedelta(days=14)) is not None
    assert epochs.audit(session, campaign).faults == []


def test_a_slot_for_acts_that_was_missed_is_followed_by_the_next_one(session: Session) -> None:
    """A worker that was away for an hour costs an hour, not a week."""
    campaign, receipts = a_letter_with(session, 5, waiting=0)
    signatures.withdraw(session, OpenCampaign.of(campaign), receipts[0].withdraw)
    slots = slots_of(session, campaign)
    weekly = slots.next_acts(make.NOW)
    assert weekly == make.NOW.replace(microsecond=0) + timedelta(days=7)
    late = weekly + slots.grace + timedelta(seconds=1)
    assert epochs.close_due(session, campaign.id, late) is None
    closed = epochs.close_due(session, campaign.id, weekly + slots.interval)
    assert closed is not None
    assert closed.acts == 1


def test_a_clock_that_was_wrong_by_a_year_delays_acts_by_a_week_at_most(session: Session) -> None:
    """P10."""
    campaign, receipts = a_letter_with(session, 5, waiting=0)
    slots = slots_of(session, campaign)
    assert epochs.close_due(session, campaign.id, slots.next_acts(make.NOW + timedelta(days=365))) is None
    assert log.head_of(session, campaign.id).acts_week == 53
    signatures.withdraw(session, OpenCampaign.of(campaign), receipts[0].withdraw)
    found = [look(session, campaign, make.NOW + timedelta(hours=hours)) for hours in range(1, 169)]
    assert [closed.acts for closed in found if closed] == [1]


def test_a_demonstration_writes_acts_at_every_slot(session: Session) -> None:
    campaign = make.campaign(session, batch_min=1, interval=5)
    receipt = make.signature(session, campaign)
    assert look(session, campaign) is not None
    signatures.withdraw(session, OpenCampaign.of(campaign), receipt.withdraw)
    closed = look(session, campaign)
    assert closed is not None
    assert (closed.signatures, closed.acts) == (0, 1)


@pytest.mark.parametrize("interval", [300, 3600, 86_400, 604_800, 1_000_000])
def test_each_week_has_one_slot_for_acts(interval: int) -> None:
    """Intervals that divide a week and one that does not."""
    slots = Slots(make.NOW, timedelta(seconds=interval))
    weekly, now = [], make.NOW
    for _ in range(10):
        now = slots.next_acts(now)
        weekly.append(now)
    numbers = [(moment - make.NOW) // slots.interval for moment in weekly]
    assert all(slots.week(number) > slots.week(number - 1) for number in numbers)
    assert all(later - sooner < ACTS_EVERY + slots.interval for sooner, later in itertools.pairwise(weekly))
    assert len(set(weekly)) == len(weekly)


def test_the_issued_figures_stand_still_in_a_batch_without_signatures(session: Session) -> None:
    """P41: a pass that was issued meanwhile is counted with the next signatures."""
    campaign, receipts = a_letter_with(session, 5, waiting=0)
    before = log.head_of(session, campaign.id).issued
    held = [make.a_pass(session, campaign).held for _ in range(3)]
    for receipt in receipts[:3]:
        signatures.withdraw(session, OpenCampaign.of(campaign), receipt.withdraw)
    assert look(session, campaign, make.NOW + timedelta(days=7)) is not None
    assert log.head_of(session, campaign.id).issued == before
    for each in held:
        signatures.redeem(session, OpenCampaign.of(campaign), each, make.ANONYMOUS)
    assert look(session, campaign) is not None
    assert log.head_of(session, campaign.id).issued != before


def test_the_close_takes_what_waits_however_few(session: Session) -> None:
    """P41: the last batch, and no other, holds fewer than k new signatures."""
    campaign, receipts = a_letter_with(session, 5, waiting=1)
    signatures.withdraw(session, OpenCampaign.of(campaign), receipts[0].withdraw)
    epochs.close_campaign(session, campaign, LATER)
    assert log.head_of(session, campaign.id).counted == 5
    assert signatures.waiting(session, campaign.id) == (0, 0)
    assert epochs.audit(session, campaign).faults == []
    assert epochs.close_due(session, campaign.id, make.NOW + timedelta(days=9)) is None


def test_a_close_with_a_withdrawal_of_a_waiting_signature_writes_no_signature_after_the_small_batch(
    session: Session,
) -> None:
    """P41: the batch with fewer than k new signatures is the last one with any; only withdrawals may follow it."""
    campaign, _receipts = a_letter_with(session, 5, waiting=1)
    receipt = make.signature(session, campaign)
    signatures.withdraw(session, OpenCampaign.of(campaign), receipt.withdraw)
    epochs.close_campaign(session, campaign, LATER)
    session.flush()
    batches = session.execute(select(Epoch.signed, Epoch.withdrawn, Epoch.issued).order_by(Epoch.number)).all()
    assert batches == [(5, 0, 5), (2, 0, 7), (0, 1, 7)]
    assert epochs.audit(session, campaign).faults == []


def test_a_promise_names_no_batch_that_might_come_without_the_signature(session: Session) -> None:
    _campaign, receipts = a_letter_with(session, 5, waiting=0)
    assert {receipt.by_epoch for receipt in receipts} == {2**64 - 1}


def test_what_waits_moves_no_figure_of_a_monitor_and_a_missing_runner_shows_whatever_waits(session: Session) -> None:
    """P41, P43: the figure of a runner that is away says nothing about signatures."""
    campaign = make.campaign(session, batch_min=12, interval=60)
    head, hour = log.head_of(session, campaign.id), make.NOW + timedelta(hours=1)
    told = []
    for _ in range(12):
        told.append((epochs.coming(campaign, head, hour), epochs.health(session, hour).pending))
        assert epochs.stalled_seconds(session, campaign, hour) == 3540
        make.signature(session, campaign)
    assert told == [(epochs.Coming(12, hour + timedelta(minutes=1), make.NOW + ACTS_EVERY), 0)] * 12
    assert epochs.health(session, hour).overdue_seconds == 3540
    assert epochs.close_due(session, campaign.id, hour) is not None
    for seconds, overdue in ((0, 0), (119, 0), (120, 60)):
        assert epochs.stalled_seconds(session, campaign, hour + timedelta(seconds=seconds)) == overdue


@pytest.fixture
def in_production() -> Iterator[None]:
    """An installation that keeps the rules of production."""
    allow_small_batches(False)
    yield
    allow_small_batches(True)


@pytest.mark.usefixtures("in_production")
def test_no_letter_with_batches_under_five_opens_in_production_by_hand_or_by_the_calendar(session: Session) -> None:
    """P41."""
    small = draft(session, make.a_draft(batch_min=4, interval=299, opens_at=make.NOW))
    with pytest.raises(CampaignIncomplete, match="small batches"):
        epochs.open_campaign(session, small, make.NOW)
    small.opening_approved = fingerprint(session, small)
    assert small.slug not in epochs.keep_calendar(session, LATER)
    small.batch_min = 5
    with pytest.raises(CampaignIncomplete, match="short interval"):
        epochs.open_campaign(session, small, make.NOW)
    small.interval = 300
    small.opening_approved = fingerprint(session, small)
    assert small.slug in epochs.keep_calendar(session, LATER)


def test_production_writes_no_batch_under_five_for_a_letter_that_was_opened_elsewhere(session: Session) -> None:
    """P41: a database of a demonstration that production goes on with."""
    campaign = make.campaign(session, batch_min=1)
    allow_small_batches(False)
    for _ in range(4):
        make.signature(session, campaign)
        assert look(session, campaign) is None
    make.signature(session, campaign)
    assert epochs.coming(campaign, log.head_of(session, campaign.id), make.NOW).least == 5
    assert look(session, campaign) is not None


def test_a_withdrawn_signature_leaves_the_count_at_the_next_epoch_and_its_body_at_once(session: Session) -> None:
    campaign = make.campaign(session)
    receipt = make.signature(session, campaign, DisplayChoice(Visibility.NAME, name="Suzie"))
    make.signature(session, campaign)
    look(session, campaign)

    assert signatures.withdraw(session, OpenCampaign.of(campaign), receipt.withdraw) is SignatureState.WITHDRAWN
    assert signatures.withdraw(session, OpenCampaign.of(campaign), receipt.withdraw) is SignatureState.WITHDRAWN
    assert signatures.named(session, campaign.id).names == ()
    assert log.head_of(session, campaign.id).counted == 2

    look(session, campaign)
    head = log.head_of(session, campaign.id)
    assert (head.counted, head.withdrawn) == (1, 1)
    assert epochs.audit(session, campaign).faults == []


def test_a_signature_withdrawn_while_it_waits_is_entered_and_struck_out(session: Session) -> None:
    campaign = make.campaign(session)
    receipt = make.signature(session, campaign, DisplayChoice(Visibility.NAME, name="Suzie"))
    signatures.withdraw(session, OpenCampaign.of(campaign), receipt.withdraw)
    for _ in range(2):
        look(session, campaign)
    head = log.head_of(session, campaign.id)
    assert (head.epoch, head.counted, head.withdrawn) == (2, 0, 1)
    assert signatures.status(session, OpenCampaign.of(campaign), receipt.leaf).state is SignatureState.WITHDRAWN
    assert epochs.audit(session, campaign).faults == []


def test_a_hidden_name_is_gone_and_the_signature_still_counts(session: Session) -> None:
    campaign = make.campaign(session)
    receipt = make.signature(session, campaign, DisplayChoice(Visibility.NAME, name="Suzie"))
    look(session, campaign)
    assert [each.name for each in signatures.named(session, campaign.id).names] == ["Suzie"]
    signatures.hide(session, OpenCampaign.of(campaign), receipt.withdraw)
    assert epochs.refresh_stale(session, LATER) == [campaign.slug]
    snapshot = publication.load(session, campaign.slug)
    assert snapshot is not None
    assert (snapshot.count, snapshot.first_names) == (1, ())
    assert epochs.audit(session, campaign).faults == []


def test_closing_takes_the_last_batch_destroys_the_keys_and_ends_the_ledger(session: Session) -> None:
    campaign = make.campaign(session, batch_min=10)
    held = make.a_pass(session, campaign).held
    receipt = make.signature(session, campaign)
    signatures.withdraw(session, OpenCampaign.of(campaign), receipt.withdraw)
    make.signature(session, campaign)
    epochs.change(session, campaign, CampaignState.CLOSED, LATER)
    assert log.head_of(session, campaign.id).counted == 1
    assert epochs.audit(session, campaign).faults == []
    with pytest.raises(CampaignClosed):
        signatures.redeem(session, OpenCampaign.of(campaign), held, make.ANONYMOUS)


def test_a_milestone_is_reached_once_and_stays_when_signers_withdraw(session: Session) -> None:
    goals = ((MilestoneKind.COUNT, 2), (MilestoneKind.COUNT, 3), (MilestoneKind.SHARE, 1))
    campaign = make.campaign(session, goals=goals, workforce=200)
    first = make.signature(session, campaign)
    make.signature(session, campaign)
    look(session, campaign)
    signatures.withdraw(session, OpenCampaign.of(campaign), first.withdraw)
    look(session, campaign)
    make.signature(session, campaign)
    look(session, campaign)
    snapshot = publication.load(session, campaign.slug)
    assert snapshot is not None
    reached = [(each.kind, each.value, each.epoch) for each in snapshot.milestones]
    assert reached == [(MilestoneKind.COUNT, 2, 1), (MilestoneKind.SHARE, 1, 1), (MilestoneKind.COUNT, 3, None)]


def test_names_under_seal_open_together_when_there_are_enough(session: Session) -> None:
    campaign = make.campaign(session)
    for name in ("Suzie", "Alice Example"):
        make.signature(session, campaign, DisplayChoice(Visibility.NAME, name=name, publish_at=3))
    look(session, campaign)
    assert signatures.named(session, campaign.id).found == 0
    make.signature(session, campaign, DisplayChoice(Visibility.NAME, name="Bob Example"))
    look(session, campaign)
    assert signatures.named(session, campaign.id).found == 3


def test_roles_are_shown_only_in_cells_of_ten(session: Session) -> None:
    campaign = make.campaign(session)
    for _ in range(9):
        make.signature(session, campaign, DisplayChoice(Visibility.ROLE, role="Engineer"))
    look(session, campaign)
    assert signatures.role_counts(session, campaign.id) == {}
    make.signature(session, campaign, DisplayChoice(Visibility.ROLE, role="Engineer"))
    look(session, campaign)
    assert signatures.role_counts(session, campaign.id) == {"Engineer": 10}


def published(session: Session, campaign: Campaign, home: Path) -> str:
    """The bodies of the newest bundle, once everything that is owed was written."""
    for kind, outbox_id in outbox.overdue(session, LATER):
        if kind == OutboxKind.BUNDLE:
            publish_bundle(outbox_id, home, LATER)
    with ZipFile(bundle_file.bundle_path(home, campaign.slug)) as bundle:
        return bundle.read("bodies.jsonl").decode()


def test_a_name_taken_off_after_the_close_leaves_the_bundle_too(session: Session, tmp_path: Path) -> None:
    campaign = make.campaign(session)
    receipt = make.signature(session, campaign, DisplayChoice(Visibility.NAME, name="Suzie Quux"))
    epochs.close_campaign(session, campaign, LATER)
    session.flush()
    assert "Suzie Quux" in published(session, campaign, tmp_path)
    signatures.hide(session, OpenCampaign.of(campaign), receipt.withdraw)
    session.expire_all()
    epochs.refresh_stale(session, LATER)
    session.flush()
    assert published(session, campaign, tmp_path) == ""


def test_names_go_six_months_after_the_close_and_the_count_stands(session: Session, tmp_path: Path) -> None:
    campaign = make.campaign(session)
    make.signature(session, campaign, DisplayChoice(Visibility.NAME, name="Suzie Quux"))
    epochs.close_campaign(session, campaign, LATER)
    session.flush()
    assert closed_before(session, LATER.date()) == []
    assert closed_before(session, LATER.date() + timedelta(days=1)) == [campaign.id]
    signatures.forget_bodies(session, campaign.id)
    session.expire_all()
    assert epochs.refresh_stale(session, LATER) == [campaign.slug]
    session.flush()
    snapshot = publication.load(session, campaign.slug)
    assert snapshot is not None
    assert (snapshot.count, snapshot.tally.named, snapshot.first_names) == (1, 0, ())
    assert published(session, campaign, tmp_path) == ""
    assert epochs.audit(session, campaign).faults == []
