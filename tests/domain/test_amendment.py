"""What a signer does with the secret chain: changes, one after the other, each with its own value, in any order of batches."""

from __future__ import annotations

import secrets
from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from petition import epochs, publication, signatures
from petition.blindsign import passes
from petition.campaigns import Campaign, CampaignClosed, CampaignState, OpenCampaign
from petition.ledger import entries, log, merkle
from petition.ledger.entries import AmendEntry, Removal, Visibility, WithdrawEntry, commitment
from petition.organisers.actor import Actor
from petition.signatures import (
    DisplayChoice,
    DisplayRefused,
    SignatureEnded,
    SignatureState,
    SignatureUnknown,
    ValueUsed,
    bulk_removal,
    selection,
)
from petition.signatures.tables import Signature, WaitingAct
from tests import make
from tests.make import KeptReceipt

LATER = make.NOW + timedelta(hours=2)
NAMED = DisplayChoice(Visibility.NAME, name="Suzie Mistyped", role="Engineer", comment="I stay.")
CORRECTED = DisplayChoice(Visibility.NAME, name="Suzie Example")
ROLE = DisplayChoice(Visibility.ROLE, role="Engineer")


def value(receipt: KeptReceipt, number: int) -> bytes:
    return passes.reveal(receipt.w0, number)


def amend(session: Session, campaign: Campaign, receipt: KeptReceipt, number: int, choice: DisplayChoice):  # type: ignore[no-untyped-def]
    return signatures.amend(session, OpenCampaign.of(campaign), value(receipt, number), choice)


def batch(session: Session, campaign: Campaign) -> list[entries.Entry]:
    """Write one batch of everything that waits; its entries."""
    before = log.head_of(session, campaign.id).size
    epochs.close_epoch(session, campaign, LATER)
    session.flush()
    session.expire_all()
    head = log.head_of(session, campaign.id)
    assert epochs.audit(session, campaign).faults == []
    return [entries.parse(line) for line in list(log.lines(session, campaign.id, head.size))[before:]]


def names(session: Session, campaign: Campaign) -> list[str]:
    return [each.name for each in signatures.named(session, campaign.id).names]


@pytest.fixture
def campaign(session: Session) -> Campaign:
    return make.campaign(session)


def test_a_correction_hides_the_old_text_at_once_and_shows_the_new_one_with_a_batch(
    session: Session, campaign: Campaign
) -> None:
    receipt = make.signature(session, campaign, NAMED)
    batch(session, campaign)
    assert names(session, campaign) == ["Suzie Mistyped"]
    changed = amend(session, campaign, receipt, 0, CORRECTED)
    assert names(session, campaign) == []
    row = session.scalars(select(Signature)).one()
    assert (row.salt, row.name, row.comment, row.state) == (None, "", "", SignatureState.HIDDEN)
    acts = batch(session, campaign)
    assert acts[0] == AmendEntry(1, commitment(changed.salt, CORRECTED.body()), value(receipt, 0))
    assert changed.commitment == commitment(changed.salt, CORRECTED.body())
    assert names(session, campaign) == ["Suzie Example"]
    assert log.head_of(session, campaign.id).counted == 1
    assert session.scalar(select(func.count()).select_from(WaitingAct)) == 0


def test_the_body_of_the_bundle_opens_the_changed_commitment(session: Session, campaign: Campaign) -> None:
    receipt = make.signature(session, campaign)
    batch(session, campaign)
    changed = amend(session, campaign, receipt, 0, CORRECTED)
    batch(session, campaign)
    size = log.head_of(session, campaign.id).size
    (body,) = signatures.bodies(session, campaign.id, size)
    assert (body.index, body.salt, body.body) == (1, changed.salt, CORRECTED.body())


def test_a_signature_that_waits_is_changed_with_the_batch_after_its_own(session: Session, campaign: Campaign) -> None:
    receipt = make.signature(session, campaign, NAMED)
    amend(session, campaign, receipt, 0, CORRECTED)
    first, second = batch(session, campaign), batch(session, campaign)
    assert [type(each) for each in first] == [entries.SignEntry, entries.EpochEntry]
    assert merkle.leaf_hash(first[0].line()) == receipt.leaf
    assert isinstance(second[0], AmendEntry)
    assert names(session, campaign) == ["Suzie Example"]


def test_the_newest_act_replaces_the_one_that_waits(session: Session, campaign: Campaign) -> None:
    receipt = make.signature(session, campaign, NAMED)
    batch(session, campaign)
    opened = OpenCampaign.of(campaign)
    amend(session, campaign, receipt, 0, CORRECTED)
    assert signatures.withdraw(session, opened, value(receipt, 1)) is SignatureState.WITHDRAWN
    amend(session, campaign, receipt, 2, ROLE)
    assert signatures.hide(session, opened, value(receipt, 3)) is SignatureState.HIDDEN
    assert batch(session, campaign)[:-1] == []
    amend(session, campaign, receipt, 5, CORRECTED)  # values may be skipped
    amend(session, campaign, receipt, 6, ROLE)
    acts = batch(session, campaign)
    assert next(each for each in acts if isinstance(each, AmendEntry)).revealed == value(receipt, 6)
    assert len(acts) == 2
    assert log.head_of(session, campaign.id).counted == 1
    assert names(session, campaign) == []


def test_a_withdrawal_is_taken_back_until_it_stands_in_the_ledger(session: Session, campaign: Campaign) -> None:
    receipt = make.signature(session, campaign, NAMED)
    batch(session, campaign)
    opened = OpenCampaign.of(campaign)
    signatures.withdraw(session, opened, value(receipt, 0))
    amend(session, campaign, receipt, 1, CORRECTED)
    assert not any(isinstance(each, WithdrawEntry) for each in batch(session, campaign))
    assert log.head_of(session, campaign.id).counted == 1
    signatures.withdraw(session, opened, value(receipt, 2))
    assert any(isinstance(each, WithdrawEntry) for each in batch(session, campaign))
    with pytest.raises(SignatureEnded):
        amend(session, campaign, receipt, 3, CORRECTED)
    assert signatures.hide(session, opened, value(receipt, 3)) is SignatureState.WITHDRAWN
    assert log.head_of(session, campaign.id).counted == 0


def test_a_value_acts_once_and_the_same_request_gets_the_same_receipt_while_it_waits(
    session: Session, campaign: Campaign
) -> None:
    receipt = make.signature(session, campaign)
    batch(session, campaign)
    first = amend(session, campaign, receipt, 0, CORRECTED)
    assert amend(session, campaign, receipt, 0, CORRECTED) == first
    for other in (ROLE, DisplayChoice(Visibility.NAME, name="Suzie Example", publish_at=25)):
        with pytest.raises(ValueUsed):
            amend(session, campaign, receipt, 0, other)
    opened = OpenCampaign.of(campaign)
    for act in (signatures.withdraw, signatures.hide):
        with pytest.raises(ValueUsed):
            act(session, opened, value(receipt, 0))
    batch(session, campaign)
    for act in (signatures.withdraw, signatures.hide):  # the ledger shows the value now
        with pytest.raises(ValueUsed):
            act(session, opened, value(receipt, 0))
    with pytest.raises(ValueUsed):
        amend(session, campaign, receipt, 0, CORRECTED)


def test_nobody_acts_with_a_value_that_is_not_of_the_chain(session: Session, campaign: Campaign) -> None:
    receipt = make.signature(session, campaign)
    batch(session, campaign)
    opened = OpenCampaign.of(campaign)
    foreign = (
        secrets.token_bytes(32),
        passes.step(value(receipt, 0)),
        passes.secret_hash(receipt.w0),
        receipt.ticket * 2,
    )
    for wrong in foreign:
        for act in (signatures.withdraw, signatures.hide):
            with pytest.raises(SignatureUnknown):
                act(session, opened, wrong)
        with pytest.raises(SignatureUnknown):
            signatures.amend(session, opened, wrong, CORRECTED)


def test_nine_acts_and_not_a_tenth(session: Session, campaign: Campaign) -> None:
    receipt = make.signature(session, campaign)
    batch(session, campaign)
    for number in range(9):
        amend(session, campaign, receipt, number, DisplayChoice(Visibility.NAME, name=f"Suzie {number}"))
    with pytest.raises(ValueUsed):
        amend(session, campaign, receipt, 8, CORRECTED)
    batch(session, campaign)
    assert names(session, campaign) == ["Suzie 8"]


def test_a_faulty_choice_uses_no_value(session: Session, campaign: Campaign) -> None:
    receipt = make.signature(session, campaign, NAMED)
    batch(session, campaign)
    with pytest.raises(DisplayRefused):
        amend(session, campaign, receipt, 0, DisplayChoice(Visibility.NAME))
    assert names(session, campaign) == ["Suzie Mistyped"]
    amend(session, campaign, receipt, 0, CORRECTED)


def test_a_removal_by_organisers_goes_before_a_change_that_waits(session: Session, campaign: Campaign) -> None:
    receipt, other = make.signature(session, campaign, NAMED), make.signature(session, campaign)
    batch(session, campaign)
    index = signatures.status_of(session, OpenCampaign.of(campaign), receipt.w0).index
    assert index is not None
    amend(session, campaign, receipt, 0, CORRECTED)
    session.flush()
    removal = bulk_removal.begin(session, campaign, [index], Removal.FRAUD, Actor(b"o" * 16, LATER), {})
    bulk_removal.advance(session, removal)
    session.flush()
    with pytest.raises(SignatureEnded):
        amend(session, campaign, receipt, 1, CORRECTED)
    acts = batch(session, campaign)
    assert [type(each) for each in acts] == [entries.RemoveEntry, entries.EpochEntry]
    assert session.scalar(select(func.count()).select_from(WaitingAct)) == 0
    assert signatures.status_of(session, OpenCampaign.of(campaign), other.w0).state is SignatureState.LOGGED


def test_a_removal_that_is_taken_back_leaves_the_change_waiting(session: Session, campaign: Campaign) -> None:
    receipt = make.signature(session, campaign, NAMED)
    batch(session, campaign)
    amend(session, campaign, receipt, 0, CORRECTED)
    session.flush()
    removal = bulk_removal.begin(session, campaign, [1], Removal.FRAUD, Actor(b"o" * 16, LATER), {})
    bulk_removal.advance(session, removal)
    session.flush()
    bulk_removal.undo(session, removal)
    session.flush()
    batch(session, campaign)
    assert names(session, campaign) == ["Suzie Example"]


def test_the_close_writes_the_changes_that_wait_and_takes_no_more(session: Session, campaign: Campaign) -> None:
    logged = make.signature(session, campaign, NAMED)
    batch(session, campaign)
    waiting = make.signature(session, campaign, NAMED)
    amend(session, campaign, logged, 0, CORRECTED)
    amend(session, campaign, waiting, 0, DisplayChoice(Visibility.NAME, name="Carol Example"))
    epochs.change(session, campaign, CampaignState.CLOSED, LATER)
    session.flush()
    session.expire_all()
    assert sorted(names(session, campaign)) == ["Carol Example", "Suzie Example"]
    assert epochs.audit(session, campaign).faults == []
    with pytest.raises(CampaignClosed):
        amend(session, campaign, logged, 1, NAMED)


def test_a_new_name_waits_for_the_number_that_its_signer_was_promised(session: Session) -> None:
    """P45."""
    campaign = make.campaign(session)
    receipt = make.signature(session, campaign)
    batch(session, campaign)
    amend(session, campaign, receipt, 0, DisplayChoice(Visibility.NAME, name="Suzie Example", sealed_until=3))
    batch(session, campaign)
    assert names(session, campaign) == []
    for _ in range(2):
        make.signature(session, campaign)
    batch(session, campaign)
    assert names(session, campaign) == ["Suzie Example"]


def test_by_leaf_hash_nothing_is_told_before_the_ledger_tells_it(session: Session, campaign: Campaign) -> None:
    """P42: somebody who polls all leaf hashes of the bundle."""
    receipt = make.signature(session, campaign, NAMED)
    opened = OpenCampaign.of(campaign)
    batch(session, campaign)
    public = signatures.status(session, opened, receipt.leaf)
    assert (public.state, public.used, public.shows) == (SignatureState.LOGGED, 0, None)
    for number, act in enumerate((signatures.hide, signatures.withdraw)):
        act(session, opened, value(receipt, number))
        assert signatures.status(session, opened, receipt.leaf) == public
        assert signatures.status(session, opened, receipt.leaf, secrets.token_bytes(16)) == public
    own = signatures.status(session, opened, receipt.leaf, receipt.ticket)
    assert (own.state, own.used, own.can_return) == (SignatureState.WITHDRAWN, 2, True)
    batch(session, campaign)
    assert signatures.status(session, opened, receipt.leaf).state is SignatureState.WITHDRAWN


def test_below_the_public_minimum_nobody_is_told_where_a_signature_stands(session: Session) -> None:
    campaign = make.campaign(session, public_min=2)
    receipt = make.signature(session, campaign)
    batch(session, campaign)
    opened = OpenCampaign.of(campaign)
    for ticket in (b"", receipt.ticket):
        found = signatures.status(session, opened, receipt.leaf, ticket)
        assert (found.state, found.logged, found.index, found.epoch, found.proof) == (
            SignatureState.LOGGED, True, None, None, (),
        )  # fmt: skip


def test_after_the_close_a_withdrawal_hides_and_says_that_it_counts(session: Session, campaign: Campaign) -> None:
    receipt = make.signature(session, campaign, NAMED)
    epochs.change(session, campaign, CampaignState.CLOSED, LATER)
    session.flush()
    session.expire_all()
    opened = OpenCampaign.of(campaign)
    assert signatures.withdraw(session, opened, value(receipt, 0)) is SignatureState.HIDDEN
    assert signatures.withdraw(session, opened, value(receipt, 0)) is SignatureState.HIDDEN
    found = signatures.status(session, opened, receipt.leaf, receipt.ticket)
    assert (found.state, found.can_return) == (SignatureState.HIDDEN, False)
    assert session.scalar(select(func.count()).select_from(WaitingAct)) == 0
    assert (names(session, campaign), log.head_of(session, campaign.id).counted) == ([], 1)


def test_a_value_that_the_ledger_shows_does_not_tell_of_a_removal_that_waits(
    session: Session, campaign: Campaign
) -> None:
    receipt = make.signature(session, campaign, NAMED)
    batch(session, campaign)
    amend(session, campaign, receipt, 0, CORRECTED)
    batch(session, campaign)
    removal = bulk_removal.begin(session, campaign, [1], Removal.FRAUD, Actor(b"o" * 16, LATER), {})
    bulk_removal.advance(session, removal)
    session.flush()
    with pytest.raises(ValueUsed):
        amend(session, campaign, receipt, 0, ROLE)


def test_nothing_public_is_made_anew_when_nothing_public_changes(session: Session, campaign: Campaign) -> None:
    """P42: pages that are rendered again answer later, and that would tell that somebody acted.

    Nor are they looked at: the worker that does it holds locks, for which a stranger with a receipt can wait.
    """
    receipt = make.signature(session, campaign)
    batch(session, campaign)
    before = publication.load(session, campaign.slug)
    assert before is not None
    opened = OpenCampaign.of(campaign)
    for number, act in enumerate((signatures.hide, signatures.withdraw)):
        act(session, opened, value(receipt, number))
        session.flush()
        session.expire_all()
        assert epochs.refresh_stale(session, LATER) == []
    assert publication.load(session, campaign.slug, known=before.version) is None
    batch(session, campaign)
    assert publication.load(session, campaign.slug, known=before.version) is not None


def test_a_selection_of_organisers_does_not_move_with_a_withdrawal_before_its_batch(
    session: Session, campaign: Campaign
) -> None:
    """P43."""
    receipts = [make.signature(session, campaign) for _ in range(3)]
    batch(session, campaign)
    size = log.head_of(session, campaign.id).size

    def chosen() -> tuple[int, ...]:
        return selection.select_signatures(session, campaign.id, selection.Criteria(first=1, last=1), size).members

    before = chosen()
    signatures.withdraw(session, OpenCampaign.of(campaign), value(receipts[0], 0))
    session.flush()
    assert chosen() == before
    batch(session, campaign)
    assert len(chosen()) == len(before) - 1
