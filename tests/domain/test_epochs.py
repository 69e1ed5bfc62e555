"""An epoch: what waited is in the ledger, counted, provable; all of it or nothing."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from zipfile import ZipFile

import pytest
from sqlalchemy.orm import Session

from petition import epochs, owed, publishing, signatures, snapshots
from petition.campaigns import Campaign, CampaignClosed, CampaignState, closed_before
from petition.epochs.batch import BUNDLE
from petition.ledger import log, merkle
from petition.ledger.entries import Show
from petition.milestones import MilestoneKind
from petition.signatures import PassSpent, SignatureState, Wish
from tests import make

LATER = make.NOW + timedelta(seconds=10)


def test_a_signature_is_counted_by_the_next_epoch_and_proven_to_be_in_it(session: Session) -> None:
    campaign = make.campaign(session)
    receipt = make.signature(session, campaign)
    assert signatures.standing(session, campaign, receipt.leaf).state is SignatureState.PENDING

    closed = epochs.close_due(session, campaign.id, LATER)

    assert closed is not None
    assert (closed.number, closed.signatures, closed.tombstones) == (1, 1, 0)
    head = log.head_of(session, campaign.id)
    assert (head.counted, head.size, head.epoch) == (1, 3, 1)
    where = signatures.standing(session, campaign, receipt.leaf)
    assert (where.state, where.index, where.epoch) == (SignatureState.LOGGED, 1, 1)
    assert merkle.verify_inclusion(receipt.leaf, 1, head.size, where.proof, head.root)
    assert epochs.audit(session, campaign).faults == []


def test_a_pass_is_spent_once_before_and_after_the_epoch(session: Session) -> None:
    campaign = make.campaign(session)
    held = make.a_pass(session, campaign).encode()
    signatures.redeem(session, campaign, held, make.ANONYMOUS)
    with pytest.raises(PassSpent), session.begin_nested():
        signatures.redeem(session, campaign, held, make.ANONYMOUS)
    epochs.close_due(session, campaign.id, LATER)
    with pytest.raises(PassSpent), session.begin_nested():
        signatures.redeem(session, campaign, held, make.ANONYMOUS)


def test_a_batch_waits_for_enough_signatures_or_for_the_longest_wait(session: Session) -> None:
    campaign = make.campaign(session, batch_min=2, interval=60, max_wait=600)
    make.signature(session, campaign)
    at = lambda seconds: make.NOW + timedelta(seconds=seconds)
    assert epochs.close_due(session, campaign.id, at(61)) is None
    assert epochs.close_due(session, campaign.id, at(601)) is not None
    make.signature(session, campaign)
    make.signature(session, campaign)
    assert epochs.close_due(session, campaign.id, at(620)) is None
    assert epochs.close_due(session, campaign.id, at(662)) is not None
    assert epochs.close_due(session, campaign.id, at(99_999)) is None


def test_a_withdrawn_signature_leaves_the_count_at_the_next_epoch_and_its_body_at_once(session: Session) -> None:
    campaign = make.campaign(session)
    receipt = make.signature(session, campaign, Wish(Show.NAME, name="Suzie"))
    make.signature(session, campaign)
    epochs.close_due(session, campaign.id, LATER)

    assert signatures.withdraw(session, campaign, receipt.withdraw) is SignatureState.WITHDRAWN
    assert signatures.withdraw(session, campaign, receipt.withdraw) is SignatureState.WITHDRAWN
    assert signatures.named(session, campaign.id).names == ()
    assert log.head_of(session, campaign.id).counted == 2

    epochs.close_due(session, campaign.id, LATER + timedelta(seconds=10))
    head = log.head_of(session, campaign.id)
    assert (head.counted, head.withdrawn) == (1, 1)
    assert epochs.audit(session, campaign).faults == []


def test_a_signature_withdrawn_while_it_waits_is_entered_and_struck_out(session: Session) -> None:
    campaign = make.campaign(session)
    receipt = make.signature(session, campaign, Wish(Show.NAME, name="Suzie"))
    signatures.withdraw(session, campaign, receipt.withdraw)
    for step in (1, 2):
        epochs.close_due(session, campaign.id, make.NOW + timedelta(seconds=10 * step))
    head = log.head_of(session, campaign.id)
    assert (head.epoch, head.counted, head.withdrawn) == (2, 0, 1)
    assert signatures.standing(session, campaign, receipt.leaf).state is SignatureState.WITHDRAWN
    assert epochs.audit(session, campaign).faults == []


def test_a_hidden_name_is_gone_and_the_signature_still_counts(session: Session) -> None:
    campaign = make.campaign(session)
    receipt = make.signature(session, campaign, Wish(Show.NAME, name="Suzie"))
    epochs.close_due(session, campaign.id, LATER)
    assert [each.name for each in signatures.named(session, campaign.id).names] == ["Suzie"]
    signatures.hide(session, campaign, receipt.withdraw)
    assert epochs.refresh_stale(session, LATER) == [campaign.slug]
    snapshot = snapshots.load(session, campaign.slug)
    assert snapshot is not None
    assert (snapshot.count, snapshot.first_names) == (1, ())
    assert epochs.audit(session, campaign).faults == []


def test_closing_takes_the_last_batch_destroys_the_keys_and_ends_the_ledger(session: Session) -> None:
    campaign = make.campaign(session, batch_min=10)
    held = make.a_pass(session, campaign).encode()
    receipt = make.signature(session, campaign)
    signatures.withdraw(session, campaign, receipt.withdraw)
    make.signature(session, campaign)
    epochs.change(session, campaign, CampaignState.CLOSED, LATER)
    assert log.head_of(session, campaign.id).counted == 1
    assert epochs.audit(session, campaign).faults == []
    with pytest.raises(CampaignClosed):
        signatures.redeem(session, campaign, held, make.ANONYMOUS)


def test_a_milestone_is_reached_once_and_stays_when_signers_withdraw(session: Session) -> None:
    goals = ((MilestoneKind.COUNT, 2), (MilestoneKind.COUNT, 3), (MilestoneKind.SHARE, 1))
    campaign = make.campaign(session, goals=goals, workforce=200)
    first = make.signature(session, campaign)
    make.signature(session, campaign)
    epochs.close_due(session, campaign.id, LATER)
    signatures.withdraw(session, campaign, first.withdraw)
    epochs.close_due(session, campaign.id, LATER + timedelta(seconds=10))
    make.signature(session, campaign)
    epochs.close_due(session, campaign.id, LATER + timedelta(seconds=20))
    snapshot = snapshots.load(session, campaign.slug)
    assert snapshot is not None
    reached = [(each.kind, each.value, each.epoch) for each in snapshot.milestones]
    assert reached == [(MilestoneKind.COUNT, 2, 1), (MilestoneKind.SHARE, 1, 1), (MilestoneKind.COUNT, 3, None)]


def test_names_under_seal_open_together_when_there_are_enough(session: Session) -> None:
    campaign = make.campaign(session)
    for name in ("Suzie", "Alice Example"):
        make.signature(session, campaign, Wish(Show.NAME, name=name, publish_at=3))
    epochs.close_due(session, campaign.id, LATER)
    assert signatures.named(session, campaign.id).found == 0
    make.signature(session, campaign, Wish(Show.NAME, name="Bob Example"))
    epochs.close_due(session, campaign.id, LATER + timedelta(seconds=10))
    assert signatures.named(session, campaign.id).found == 3


def test_roles_are_shown_only_in_cells_of_ten(session: Session) -> None:
    campaign = make.campaign(session)
    for _ in range(9):
        make.signature(session, campaign, Wish(Show.ROLE, role="Engineer"))
    epochs.close_due(session, campaign.id, LATER)
    assert signatures.role_counts(session, campaign.id) == {}
    make.signature(session, campaign, Wish(Show.ROLE, role="Engineer"))
    epochs.close_due(session, campaign.id, LATER + timedelta(seconds=10))
    assert signatures.role_counts(session, campaign.id) == {"Engineer": 10}


def published(session: Session, campaign: Campaign, home: Path) -> str:
    """The bodies of the newest bundle, once everything that is owed was written."""
    for kind, owed_id in owed.overdue(session, LATER):
        if kind == BUNDLE:
            publishing.settle(owed_id, home, LATER)
    with ZipFile(publishing.bundle_path(home, campaign.slug)) as bundle:
        return bundle.read("bodies.jsonl").decode()


def test_a_name_taken_off_after_the_close_leaves_the_bundle_too(session: Session, tmp_path: Path) -> None:
    campaign = make.campaign(session)
    receipt = make.signature(session, campaign, Wish(Show.NAME, name="Suzie Quux"))
    epochs.close_campaign(session, campaign, LATER)
    session.flush()
    assert "Suzie Quux" in published(session, campaign, tmp_path)
    signatures.hide(session, campaign, receipt.withdraw)
    session.expire_all()
    epochs.refresh_stale(session, LATER)
    session.flush()
    assert published(session, campaign, tmp_path) == ""


def test_names_go_six_months_after_the_close_and_the_count_stands(session: Session, tmp_path: Path) -> None:
    campaign = make.campaign(session)
    make.signature(session, campaign, Wish(Show.NAME, name="Suzie Quux"))
    epochs.close_campaign(session, campaign, LATER)
    session.flush()
    assert closed_before(session, LATER.date()) == []
    assert closed_before(session, LATER.date() + timedelta(days=1)) == [campaign.id]
    signatures.forget_bodies(session, campaign.id)
    session.expire_all()
    assert epochs.refresh_stale(session, LATER) == [campaign.slug]
    session.flush()
    snapshot = snapshots.load(session, campaign.slug)
    assert snapshot is not None
    assert (snapshot.count, snapshot.tally.named, snapshot.first_names) == (1, 0, ())
    assert published(session, campaign, tmp_path) == ""
    assert epochs.audit(session, campaign).faults == []
