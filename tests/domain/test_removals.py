"""Removal by organisers: what is selected is what is removed, it comes back whole, and an epoch takes it whole."""

from __future__ import annotations

import secrets
import threading
from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from petition import epochs, publication, signatures
from petition.blindsign import passes
from petition.campaigns import Campaign, CampaignClosed, CampaignState, OpenCampaign, find_any
from petition.core import db, outbox
from petition.core.outbox import OutboxKind
from petition.ledger import log
from petition.ledger.entries import Removal, Visibility
from petition.organisers import audit_log
from petition.organisers.actor import Actor
from petition.organisers.audit_log import Action
from petition.signatures import Concealed, DisplayChoice, SignatureState, SignerUnknown, bulk_removal, selection
from petition.signatures.bulk_removal import RemovalOver
from petition.signatures.selection import Criteria, CriteriaEmpty, Shown, WithComment
from petition.signatures.tables import BulkRemoval, BulkRemovalState, Signature, WaitingRemoval
from petition.usecases import hiding, hints, removals
from petition.usecases.hiding import Hide
from petition.usecases.removals import SelectionChanged
from tests import make
from workers.loops.removals import carry_out_removals

LATER = make.NOW + timedelta(seconds=10)
OMAR, RITA = b"o" * 16, b"r" * 16


def named(name: str, role: str = "Engineer", team: str = "", comment: str = "") -> DisplayChoice:
    return DisplayChoice(Visibility.NAME, name=name, role=role, team=team, comment=comment)


def an_epoch(session: Session, campaign: Campaign, *wishes: DisplayChoice, at: int = 1) -> None:
    for wish in wishes:
        make.signature(session, campaign, wish)
    epochs.close_epoch(session, campaign, make.NOW + timedelta(seconds=10 * at))
    session.flush()
    session.expire_all()


def begun(session: Session, campaign: Campaign, criteria: Criteria, why: Removal = Removal.FRAUD) -> removals.Begun:
    seen = removals.preview(session, campaign, criteria)
    made = removals.remove(session, campaign, criteria, (seen.epoch, seen.digest()), why, Actor(OMAR, LATER))
    session.expire_all()
    return made


def rows(session: Session) -> list[tuple[object, ...]]:
    session.expire_all()
    columns = [column for column in Signature.__table__.columns]
    return [tuple(row) for row in session.execute(select(*columns).order_by(Signature.index))]


def value(receipt: make.KeptReceipt, number: int) -> bytes:
    """The value of the secret chain that a signer's act with this number reveals."""
    return passes.reveal(receipt.w0, number)


def found(session: Session, campaign: Campaign, criteria: Criteria) -> list[str]:
    chosen = removals.preview(session, campaign, criteria)
    return [each.name for each in chosen.sample]


def refreshed(session: Session, campaign: Campaign) -> publication.Snapshot:
    session.expire_all()
    epochs.refresh_stale(session, LATER)
    session.flush()
    shown = publication.load(session, campaign.slug)
    assert shown
    return shown


def test_a_removed_signature_is_out_of_sight_at_once_comes_back_whole_and_is_final_with_the_epoch(
    session: Session,
) -> None:
    campaign = make.campaign(session)
    an_epoch(session, campaign, named("Mallory"), named("Suzie", comment="Please."))
    before = rows(session)
    wave = removals.remove_one(
        session, campaign, index_of(session, "Suzie"), Removal.REQUEST, Actor(OMAR, LATER)
    ).removal
    assert wave
    session.expire_all()
    assert [each.name for each in signatures.named(session, campaign.id).names] == ["Mallory"]
    assert (epochs.audit(session, campaign).counted, epochs.audit(session, campaign).faults) == (2, [])
    assert refreshed(session, campaign).tally.named == 1
    assert epochs.audit(session, campaign).faults == []

    assert removals.take_back(session, campaign, wave.id, Actor(OMAR, LATER)) == 1
    assert rows(session) == before
    assert refreshed(session, campaign).tally.named == 2
    with pytest.raises(RemovalOver):
        removals.take_back(session, campaign, wave.id, Actor(OMAR, LATER))

    index = index_of(session, "Suzie")
    again = removals.remove_one(session, campaign, index, Removal.REQUEST, Actor(OMAR, LATER)).removal
    assert again
    an_epoch(session, campaign, at=2)
    gone = session.get_one(Signature, (campaign.id, index))
    assert (gone.state, gone.why, gone.name, gone.comment, gone.salt) == (
        SignatureState.REMOVED, Removal.REQUEST, "", "", None,
    )  # fmt: skip
    head = log.head_of(session, campaign.id)
    assert (head.counted, head.removed) == (1, {"request": 1})
    assert epochs.audit(session, campaign).faults == []
    with pytest.raises(RemovalOver):
        removals.take_back(session, campaign, again.id, Actor(OMAR, LATER))
    told = [(line.action, line.about) for line in session.scalars(audit_log.lines(campaign.id))]
    assert told == [
        (Action.SIGNATURES_REMOVED, {"n": 1, "why": "request"}),
        (Action.REMOVAL_UNDONE, {"n": 1}),
        (Action.SIGNATURES_REMOVED, {"n": 1, "why": "request"}),
    ]


def index_of(session: Session, name: str) -> int:
    return session.scalars(select(Signature.index).where(Signature.name == name)).one()


def test_a_hidden_comment_leaves_page_and_bundle_and_its_name_stays(session: Session) -> None:
    campaign = make.campaign(session)
    an_epoch(session, campaign, named("Suzie", comment="Mind the gap"), named("Alice Example"))
    index = index_of(session, "Suzie")
    hiding.hide(session, campaign, Hide(index, Concealed.COMMENT), Actor(OMAR, LATER))
    shown = refreshed(session, campaign)
    assert [(each.name, each.comment) for each in signatures.named(session, campaign.id).names] in (
        [("Suzie", ""), ("Alice Example", "")],
        [("Alice Example", ""), ("Suzie", "")],
    )
    assert (shown.count, shown.tally.named, shown.tally.unproven) == (2, 2, 1)
    assert [each.body.name for each in signatures.bodies(session, campaign.id, 99)] == ["Alice Example"]
    assert epochs.audit(session, campaign).faults == []


def test_a_name_is_hidden_once_even_after_its_comment(session: Session) -> None:
    campaign = make.campaign(session)
    an_epoch(session, campaign, named("Suzie", comment="Mind the gap"), named("Alice Example"))
    index = index_of(session, "Suzie")
    hiding.hide(session, campaign, Hide(index, Concealed.COMMENT), Actor(OMAR, LATER))
    hiding.hide(session, campaign, Hide(index, Concealed.NAME), Actor(OMAR, LATER))
    shown = refreshed(session, campaign)
    assert (shown.count, shown.tally.named, shown.tally.unproven) == (2, 1, 0)
    with pytest.raises(SignerUnknown):
        hiding.hide(session, campaign, Hide(index, Concealed.NAME), Actor(OMAR, LATER))
    told = [(line.action, line.about) for line in session.scalars(audit_log.lines(campaign.id))]
    assert told == [(Action.SIGNER_HIDDEN, {"what": "name"}), (Action.SIGNER_HIDDEN, {"what": "comment"})]


def test_criteria_find_what_is_shown_and_nothing_of_the_others_but_their_epoch(session: Session) -> None:
    campaign = make.campaign(session)
    sealed = DisplayChoice(Visibility.NAME, name="Suzie Sealed", role="Designer", publish_at=100)
    an_epoch(session, campaign, named("Alice Example", comment="Yes"), named("Bob Example", role="Designer"), sealed)
    an_epoch(session, campaign, named("alice example", team="Platform"), make.ANONYMOUS, DisplayChoice(Visibility.ROLE, role="Designer"), at=2)  # fmt: skip
    assert sorted(found(session, campaign, Criteria(q="EXAMPLE"))) == ["Alice Example", "Bob Example", "alice example"]
    assert found(session, campaign, Criteria(q="sealed")) == []
    assert found(session, campaign, Criteria(role="Designer")) == ["Bob Example"]
    assert found(session, campaign, Criteria(team="Platform")) == ["alice example"]
    assert found(session, campaign, Criteria(comment=WithComment.WITH)) == ["Alice Example"]
    assert sorted(found(session, campaign, Criteria(comment=WithComment.WITHOUT))) == ["Bob Example", "alice example"]
    assert sorted(found(session, campaign, Criteria(repeated=True))) == ["Alice Example", "alice example"]
    assert found(session, campaign, Criteria(repeated=True, last=1)) == ["Alice Example"]
    assert found(session, campaign, Criteria(shown=Shown.ROLE)) == []
    unseen = removals.preview(session, campaign, Criteria(shown=Shown.ANONYMOUS))
    assert (unseen.figure, unseen.unseen, unseen.by_epoch, unseen.sample) == (3, 3, ((1, 1), (2, 2)), ())
    mixed = removals.preview(session, campaign, Criteria(first=2, last=2))
    assert (mixed.figure, mixed.unseen, len(mixed.sample)) == (3, 2, 1)
    assert removals.preview(session, campaign, Criteria(shown=Shown.ANONYMOUS, role="Designer")).figure == 0
    with pytest.raises(CriteriaEmpty):
        removals.preview(session, campaign, Criteria())
    with pytest.raises(CriteriaEmpty):
        removals.preview(session, campaign, Criteria.read({}))
    assert Criteria.read(Criteria(q="a", comment=WithComment.WITH).as_json()) == Criteria(
        q="a", comment=WithComment.WITH
    )


def test_days_are_the_epochs_that_were_closed_on_them(session: Session) -> None:
    campaign = make.campaign(session)
    for day in (1, 2, 3):
        make.signature(session, campaign, named(f"Alice {'ABC'[day - 1]}"))
        epochs.close_epoch(session, campaign, make.NOW + timedelta(days=day))
    session.flush()
    day = (make.NOW + timedelta(days=2)).date()
    of = lambda first, last: removals.of_days(session, campaign.id, Criteria(), removals.Days(first, last))
    assert of(day, day) == Criteria(first=2, last=2)
    assert of(None, day) == Criteria(first=1, last=2)
    assert of(day, None) == Criteria(first=2, last=3)
    assert removals.preview(session, campaign, of(day - timedelta(days=99), day - timedelta(days=98))).figure == 0


def test_numbers_are_packed_into_a_text_and_come_back(session: Session) -> None:
    del session
    for members in ([], [0], [1, 2, 300], sorted(secrets.SystemRandom().sample(range(50_000), 3_000))):
        assert selection.unpacked(selection.packed(members)) == members


def test_what_came_later_is_not_touched_and_what_is_gone_is_told_after_the_batch(session: Session) -> None:
    campaign = make.campaign(session)
    receipts = [make.signature(session, campaign, named("Mallory")) for _ in range(52)]
    an_epoch(session, campaign)
    request = begun(session, campaign, Criteria(q="mallory")).request
    assert request
    assert (request.about["n"], request.about["why"]) == (52, "fraud")
    an_epoch(session, campaign, named("Mallory"), at=2)
    signatures.withdraw(session, OpenCampaign.of(campaign), receipts[7].withdraw)
    request.decided_by = RITA
    removals.approved(session, campaign, request, LATER)
    bulk_removal.finish(session, campaign.id)
    session.expire_all()
    line = removals.lines(session, campaign.id)[0]
    assert (line.removal.found, line.removal.done, line.gone, line.reversible) == (52, 52, 0, True)
    assert [each.name for each in signatures.named(session, campaign.id).names] == ["Mallory"]
    an_epoch(session, campaign, at=3)
    head = log.head_of(session, campaign.id)
    assert (head.counted, head.withdrawn, head.removed) == (1, 1, {"fraud": 51})
    assert epochs.audit(session, campaign).faults == []
    session.expire_all()
    line = removals.lines(session, campaign.id)[0]
    assert (line.removal.found, line.removal.done, line.gone, line.reversible) == (52, 51, 1, False)


def test_what_the_ledger_shows_as_withdrawn_before_a_removal_begins_is_told_at_once(session: Session) -> None:
    campaign = make.campaign(session)
    receipts = [make.signature(session, campaign, make.ANONYMOUS) for _ in range(52)]
    an_epoch(session, campaign)
    request = begun(session, campaign, Criteria(first=1)).request
    assert request
    signatures.withdraw(session, OpenCampaign.of(campaign), receipts[7].withdraw)
    an_epoch(session, campaign, at=2)
    request.decided_by = RITA
    removals.approved(session, campaign, request, LATER)
    bulk_removal.finish(session, campaign.id)
    session.expire_all()
    line = removals.lines(session, campaign.id)[0]
    assert (line.removal.found, line.removal.done, line.gone, line.reversible) == (52, 51, 1, True)


def test_a_selection_ends_with_a_whole_batch(session: Session) -> None:
    campaign = make.campaign(session)
    an_epoch(session, campaign, *[make.ANONYMOUS] * 4)
    an_epoch(session, campaign, *[make.ANONYMOUS] * 3, at=2)
    of = lambda epoch: removals.preview(session, campaign, Criteria(shown=Shown.ANONYMOUS), epoch).figure
    assert [of(epoch) for epoch in (0, 1, 2, 9)] == [0, 4, 7, 7]
    assert removals.preview(session, campaign, Criteria(shown=Shown.ANONYMOUS)).epoch == 2


def test_a_selection_that_is_not_the_one_that_was_looked_at_is_refused(session: Session) -> None:
    campaign = make.campaign(session)
    an_epoch(session, campaign, named("Mallory"), named("Mallory"))
    seen = removals.preview(session, campaign, Criteria(q="mallory"))
    hiding.hide(session, campaign, Hide(seen.members[0], Concealed.NAME), Actor(OMAR, LATER))
    session.expire_all()
    told = (seen.epoch, seen.digest())
    with pytest.raises(SelectionChanged):
        removals.remove(session, campaign, Criteria(q="mallory"), told, Removal.FRAUD, Actor(OMAR, LATER))
    nobody = removals.preview(session, campaign, Criteria(q="nobody"))
    told = (nobody.epoch, nobody.digest())
    with pytest.raises(SelectionChanged):
        removals.remove(session, campaign, Criteria(q="nobody"), told, Removal.FRAUD, Actor(OMAR, LATER))


def test_an_epoch_leaves_a_wave_that_runs_for_the_next_one_and_is_not_due_for_it(session: Session) -> None:
    campaign = make.campaign(session)
    an_epoch(session, campaign, *[named("Mallory") for _ in range(4)])
    wave = bulk_removal.begin(session, campaign, [1, 2, 3], Removal.FRAUD, Actor(OMAR, LATER), {})
    assert bulk_removal.advance(session, wave, 2) is True
    session.expire_all()
    assert signatures.waiting(session, campaign.id) == (0, 0)
    an_epoch(session, campaign, at=2)
    assert log.head_of(session, campaign.id).counted == 4
    assert epochs.audit(session, campaign).faults == []
    assert bulk_removal.advance(session, bulk_removal.find(session, campaign.id, wave.id), 2) is False
    session.expire_all()
    assert signatures.waiting(session, campaign.id) == (0, 3)
    an_epoch(session, campaign, at=3)
    assert log.head_of(session, campaign.id).removed == {"fraud": 3}
    assert epochs.audit(session, campaign).faults == []


def test_a_wave_is_cancelled_while_it_runs_and_everything_it_did_comes_back(session: Session) -> None:
    campaign = make.campaign(session)
    an_epoch(session, campaign, *[named("Mallory") for _ in range(4)])
    before = rows(session)
    wave = bulk_removal.begin(session, campaign, [1, 2, 3], Removal.FRAUD, Actor(OMAR, LATER), {})
    bulk_removal.advance(session, wave, 2)
    assert removals.take_back(session, campaign, wave.id, Actor(OMAR, LATER)) == 2
    assert rows(session) == before
    assert session.get_one(BulkRemoval, wave.id).state is BulkRemovalState.CANCELLED
    assert bulk_removal.advance(session, bulk_removal.find(session, campaign.id, wave.id)) is False
    assert session.scalar(select(func.count()).select_from(WaitingRemoval)) == 0


def test_what_the_signer_wishes_goes_before_a_removal_that_waits(session: Session) -> None:
    campaign = make.campaign(session)
    receipts = {name: make.signature(session, campaign, named(name)) for name in ("Suzie", "Alice Example", "Bob Example")}  # fmt: skip
    an_epoch(session, campaign)
    wave = begun(session, campaign, Criteria(q="e")).removal
    assert wave
    assert (
        signatures.withdraw(session, OpenCampaign.of(campaign), receipts["Suzie"].withdraw) is SignatureState.WITHDRAWN
    )
    assert (
        signatures.hide(session, OpenCampaign.of(campaign), receipts["Alice Example"].withdraw)
        is SignatureState.REMOVED
    )
    session.flush()
    assert removals.take_back(session, campaign, wave.id, Actor(OMAR, LATER)) == 3
    session.expire_all()
    states = {
        name: signatures.status(session, OpenCampaign.of(campaign), each.leaf, each.ticket).state
        for name, each in receipts.items()
    }
    assert states == {
        "Suzie": SignatureState.WITHDRAWN,
        "Alice Example": SignatureState.HIDDEN,
        "Bob Example": SignatureState.LOGGED,
    }
    assert [each.name for each in signatures.named(session, campaign.id).names] == ["Bob Example"]
    an_epoch(session, campaign, at=2)
    assert epochs.audit(session, campaign).faults == []


def test_a_signature_withdrawn_while_its_wave_runs_is_done_like_the_others_and_stays_withdrawn(
    session: Session,
) -> None:
    campaign = make.campaign(session)
    receipts = [make.signature(session, campaign, named("Mallory")) for _ in range(3)]
    an_epoch(session, campaign)
    wave = bulk_removal.begin(session, campaign, [1, 2, 3], Removal.FRAUD, Actor(OMAR, LATER), {})
    signatures.withdraw(session, OpenCampaign.of(campaign), receipts[0].withdraw)
    session.flush()
    bulk_removal.advance(session, wave)
    session.flush()
    assert (wave.found, wave.done, wave.state) == (3, 3, BulkRemovalState.DONE)
    an_epoch(session, campaign, at=2)
    head = log.head_of(session, campaign.id)
    assert (head.withdrawn, head.removed, session.get_one(BulkRemoval, wave.id).done) == (1, {"fraud": 2}, 2)
    assert session.scalar(select(func.count()).select_from(WaitingRemoval)) == 0
    assert epochs.audit(session, campaign).faults == []


def test_a_batch_between_two_portions_writes_withdrawals_and_leaves_the_removal_whole(session: Session) -> None:
    campaign = make.campaign(session)
    receipts = [make.signature(session, campaign, make.ANONYMOUS) for _ in range(5)]
    an_epoch(session, campaign)
    wave = bulk_removal.begin(session, campaign, [1, 2, 3, 4, 5], Removal.FRAUD, Actor(OMAR, LATER), {})
    bulk_removal.advance(session, wave, 3)
    for receipt in receipts[:2]:
        signatures.withdraw(session, OpenCampaign.of(campaign), receipt.withdraw)
    an_epoch(session, campaign, at=2)
    assert log.head_of(session, campaign.id).withdrawn == 2
    wave = bulk_removal.find(session, campaign.id, wave.id)
    assert (wave.done, wave.state, bulk_removal.advance(session, wave, 3)) == (3, BulkRemovalState.RUNNING, False)
    an_epoch(session, campaign, at=3)
    head = log.head_of(session, campaign.id)
    assert (head.counted, head.withdrawn, head.removed) == (0, 2, {"fraud": 3})
    assert session.get_one(BulkRemoval, wave.id).done == 3
    assert session.scalar(select(func.count()).select_from(WaitingRemoval)) == 0
    assert epochs.audit(session, campaign).faults == []


@pytest.mark.parametrize("how", ["hide", "hide while it runs", "hide twice", "change", "stay"])
def test_nobody_escapes_a_removal_by_withdrawing_and_taking_that_back(session: Session, how: str) -> None:
    campaign = make.campaign(session)
    receipts = [make.signature(session, campaign, named("Mallory")) for _ in range(2)]
    an_epoch(session, campaign)
    index = session.scalars(select(Signature.index).where(Signature.leaf == receipts[0].leaf)).one()
    opened = OpenCampaign.of(campaign)
    wave = bulk_removal.begin(session, campaign, [1, 2], Removal.FRAUD, Actor(OMAR, LATER), {})
    if how != "hide while it runs":
        bulk_removal.advance(session, wave)
    assert signatures.withdraw(session, opened, value(receipts[0], 0)) is SignatureState.WITHDRAWN
    if how == "hide while it runs":
        assert signatures.hide(session, opened, value(receipts[0], 1)) is SignatureState.HIDDEN
        bulk_removal.advance(session, wave)
    elif how == "change":
        with pytest.raises(signatures.SignatureEnded):
            signatures.amend(session, opened, value(receipts[0], 1), named("Suzie"))
    elif how.startswith("hide"):
        assert signatures.hide(session, opened, value(receipts[0], 1)) is SignatureState.REMOVED
    if how == "hide twice":
        assert signatures.withdraw(session, opened, value(receipts[0], 2)) is SignatureState.WITHDRAWN
        assert signatures.hide(session, opened, value(receipts[0], 3)) is SignatureState.REMOVED
    an_epoch(session, campaign, at=2)
    head = log.head_of(session, campaign.id)
    stays = int(how in {"change", "stay"})
    assert (head.counted, head.withdrawn, head.removed) == (0, stays, {"fraud": 2 - stays})
    ended = session.get_one(Signature, (campaign.id, index))
    assert ended.state is (SignatureState.WITHDRAWN if stays else SignatureState.REMOVED)
    assert epochs.audit(session, campaign).faults == []


def test_a_withdrawal_that_is_taken_back_after_the_removal_was_undone_leaves_a_hidden_signature(
    session: Session,
) -> None:
    campaign = make.campaign(session)
    receipt = make.signature(session, campaign, named("Suzie"))
    an_epoch(session, campaign)
    wave = begun(session, campaign, Criteria(q="suzie")).removal
    assert wave
    signatures.withdraw(session, OpenCampaign.of(campaign), value(receipt, 0))
    assert removals.take_back(session, campaign, wave.id, Actor(OMAR, LATER)) == 1
    assert signatures.hide(session, OpenCampaign.of(campaign), value(receipt, 1)) is SignatureState.HIDDEN
    an_epoch(session, campaign, at=2)
    assert log.head_of(session, campaign.id).counted == 1
    assert epochs.audit(session, campaign).faults == []


def test_a_removal_that_waits_opens_no_name_and_holds_no_cell_open(session: Session) -> None:
    campaign = make.campaign(session)
    an_epoch(session, campaign, *[DisplayChoice(Visibility.ROLE, role="Engineer") for _ in range(10)], named("Mallory"))
    assert refreshed(session, campaign).tally.roles == 10
    mallory = index_of(session, "Mallory")
    wave = bulk_removal.begin(session, campaign, [1 if mallory != 1 else 2], Removal.FRAUD, Actor(OMAR, LATER), {})
    bulk_removal.advance(session, wave)
    removals.remove_one(session, campaign, mallory, Removal.FRAUD, Actor(OMAR, LATER))
    make.signature(session, campaign, DisplayChoice(Visibility.NAME, name="Alice Example", publish_at=2))
    signatures.append_batch(session, campaign.id, 90, 2)
    assert refreshed(session, campaign).tally.roles == 0
    assert signatures.named(session, campaign.id).found == 0
    removals.take_back(session, campaign, wave.id, Actor(OMAR, LATER))
    assert refreshed(session, campaign).tally.roles == 10


def test_a_close_brings_removals_that_run_to_their_end_and_takes_no_later_one(session: Session) -> None:
    campaign = make.campaign(session)
    an_epoch(session, campaign, *[named("Mallory") for _ in range(3)])
    bulk_removal.begin(session, campaign, [1, 2], Removal.FRAUD, Actor(OMAR, LATER), {})
    epochs.change(session, campaign, CampaignState.CLOSED, LATER)
    session.flush()
    session.expire_all()
    assert log.head_of(session, campaign.id).removed == {"fraud": 2}
    assert epochs.audit(session, campaign).faults == []
    with pytest.raises(CampaignClosed):
        removals.remove_one(session, campaign, 3, Removal.FRAUD, Actor(OMAR, LATER))


def test_hints_show_an_epoch_far_above_the_usual_and_names_that_repeat_or_are_numbered(session: Session) -> None:
    campaign = make.campaign(session)
    assert not hints.find(session, campaign.id)
    for at in (1, 2, 3):
        an_epoch(session, campaign, named("Alice Example"), at=at)
    an_epoch(session, campaign, *[named(f"Test {n}") for n in range(20)], at=4)
    worth = hints.find(session, campaign.id)
    assert worth.usual == 1
    assert worth.bursts == (hints.Burst(4, 20),)
    assert worth.repeated == (selection.Pattern("Alice Example", 3),)
    assert worth.numbered == (selection.Pattern("test ", 20),)


def committed(n: int) -> tuple[str, bytes]:
    """A campaign with so many named signers in its ledger."""
    with db.transaction() as session:
        campaign = make.campaign(session)
        for number in range(n):
            make.signature(session, campaign, named(f"Mallory {number}"))
        epochs.close_epoch(session, campaign, LATER)
        return campaign.slug, campaign.id


@pytest.mark.usefixtures("engine")
def test_workers_at_once_signers_who_withdraw_and_epochs_leave_the_figures_exact() -> None:
    slug, campaign_id = committed(0)
    with db.transaction() as session:
        campaign = find_any(session, slug)
        assert campaign
        receipts = [make.signature(session, campaign, named(f"Mallory {number}")) for number in range(120)]
        epochs.close_epoch(session, campaign, LATER + timedelta(seconds=1))
    with db.transaction() as session:
        campaign = find_any(session, slug)
        assert campaign
        chosen = removals.preview(session, campaign, Criteria(q="mallory"))
        request = removals.remove(session, campaign, Criteria(q="mallory"), (chosen.epoch, chosen.digest()), Removal.FRAUD, Actor(OMAR, LATER)).request  # fmt: skip
        assert request
        request.decided_by = RITA
        removals.approved(session, campaign, request, LATER)
        outbox.add(session, OutboxKind.REMOVAL, campaign_id, 0, LATER)
    with db.session() as session:
        outbox_ids = [outbox_id for kind, outbox_id in outbox.overdue(session, LATER) if kind == OutboxKind.REMOVAL]
    faults: list[Exception] = []

    def guarded(act) -> threading.Thread:  # type: ignore[no-untyped-def]
        def run() -> None:
            try:
                act()
            except Exception as fault:
                faults.append(fault)

        return threading.Thread(target=run)

    def withdraw() -> None:
        for each in receipts[::10]:
            with db.transaction() as session:
                campaign = find_any(session, slug)
                assert campaign
                signatures.withdraw(session, OpenCampaign.of(campaign), each.withdraw)

    def close() -> None:
        for step in range(8):
            with db.transaction() as session:
                campaign = find_any(session, slug)
                assert campaign
                epochs.close_epoch(session, campaign, LATER + timedelta(seconds=2 + step))
            with db.transaction() as session:
                epochs.refresh_stale(session, LATER)

    workers = [
        guarded(lambda each=each: carry_out_removals(each, lambda: LATER, lambda: False, 7)) for each in outbox_ids
    ]
    threads = [*workers, guarded(withdraw), guarded(close)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(outbox_ids) == 2
    assert faults == []
    with db.transaction() as session:
        campaign = find_any(session, slug)
        assert campaign
        epochs.close_epoch(session, campaign, LATER + timedelta(seconds=99))
    with db.session() as session:
        campaign = find_any(session, slug)
        assert campaign
        wave = session.scalars(select(BulkRemoval)).one()
        head = log.head_of(session, campaign_id)
        assert (wave.found, wave.state) == (120, BulkRemovalState.DONE)
        assert (head.counted, head.withdrawn + head.removed["fraud"]) == (0, 120)
        assert head.withdrawn <= 12
        assert epochs.audit(session, campaign).faults == []
        assert session.scalar(select(func.count()).select_from(WaitingRemoval)) == 0


class Killed(BaseException):
    """The worker is gone."""


@pytest.mark.usefixtures("engine")
def test_a_worker_that_dies_in_the_middle_is_followed_by_the_next_and_nothing_is_done_twice() -> None:
    slug, campaign_id = committed(60)
    with db.transaction() as session:
        campaign = find_any(session, slug)
        assert campaign
        request = begun(session, campaign, Criteria(q="mallory")).request
        assert request
        request.decided_by = RITA
        removals.approved(session, campaign, request, LATER)
    with db.session() as session:
        ((_, outbox_id),) = [each for each in outbox.overdue(session, LATER) if each[0] == OutboxKind.REMOVAL]
    portions = iter([True, True])

    def breath() -> bool:
        if next(portions, None) is None:
            raise Killed
        return False

    with pytest.raises(Killed):
        carry_out_removals(outbox_id, lambda: LATER, breath, 7)
    with db.session() as session:
        wave = session.scalars(select(BulkRemoval)).one()
        assert (wave.found, wave.done, wave.state) == (60, 21, BulkRemovalState.RUNNING)
        assert epochs.audit(session, session.get_one(Campaign, campaign_id)).faults == []
    carry_out_removals(outbox_id, lambda: LATER, lambda: False)  # the lease has not ended: nothing
    with db.session() as session:
        assert session.scalars(select(BulkRemoval.done)).one() == 21
    after = LATER + outbox.LEASE
    carry_out_removals(outbox_id, lambda: after, lambda: False)
    with db.session() as session:
        wave = session.scalars(select(BulkRemoval)).one()
        assert (wave.found, wave.done, wave.state) == (60, 60, BulkRemovalState.DONE)
        assert [kind for kind, _ in outbox.overdue(session, after) if kind == OutboxKind.REMOVAL] == []
