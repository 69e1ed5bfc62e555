"""P46: what takes two organisers has no effect with one, in slices, at once, by dates, or by what was undone."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from petition import campaigns, epochs, organisers, signatures
from petition.campaigns import Campaign, CampaignIncomplete, CampaignState, Lack, Missing, OpenCampaign, draft, find_any
from petition.campaigns.fingerprint import fingerprint
from petition.campaigns.milestones import MilestoneKind, PlannedMilestone, aim
from petition.core import db, outbox
from petition.core.outbox import OutboxKind
from petition.ledger.entries import Removal, Visibility
from petition.mailing import digests, subscribers
from petition.mailing.digests.tables import Edition
from petition.mailing.queue import Delivery
from petition.mailing.subscribers import Audience
from petition.organisers import Role, approvals, audit_log
from petition.organisers.actor import Actor
from petition.organisers.approvals import ApprovalKind, ApprovalRequest, RequestOutdated, RequestState, SameOrganiser
from petition.organisers.audit_log import Action
from petition.signatures import Concealed, DisplayChoice
from petition.signatures.selection import Criteria
from petition.signatures.tables import BulkRemoval, Signature, SignatureState
from petition.usecases import (
    acts,
    approval_rules,
    closing_date,
    hiding,
    milestone_settings,
    opening,
    public_texts,
    removals,
)
from petition.usecases.hiding import Hide
from petition.usecases.milestone_settings import Consequences
from tests import make

NOW = make.NOW
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
COUNT = MilestoneKind.COUNT
OPENS = Consequences(mail_readers=False, mail_organisers=False, open_names=True)
SHUT = Consequences(mail_readers=False, mail_organisers=False, open_names=False)


def owner(session: Session, campaign: Campaign, name: str, role: Role = Role.OWNER) -> bytes:
    someone = organisers.enrol(session, name, "en", NOW)
    organisers.join(session, campaign.id, someone.id, role, NOW)
    return someone.id


def signed(session: Session, campaign: Campaign, many: int) -> None:
    for number in range(many):
        make.signature(session, campaign, DisplayChoice(Visibility.NAME, name=f"Mallory {number}"))
    epochs.close_epoch(session, campaign, NOW)
    session.flush()
    session.expire_all()


def indices(session: Session, campaign: Campaign) -> list[int]:
    query = select(Signature.index).where(Signature.campaign_id == campaign.id).order_by(Signature.index)
    return list(session.scalars(query))


def one_goes(session: Session, campaign: Campaign, index: int, by: bytes, at: timedelta = HOUR) -> removals.Begun:
    begun = removals.remove_one(session, campaign, index, Removal.FRAUD, Actor(by, NOW + at))
    session.expire_all()
    return begun


def batch_goes(session: Session, campaign: Campaign, number: int, by: bytes, at: timedelta) -> removals.Begun:
    """Remove everybody whom a batch brought."""
    criteria = Criteria(first=number, last=number)
    seen = removals.preview(session, campaign, criteria)
    begun = removals.remove(
        session, campaign, criteria, (seen.epoch, seen.digest()), Removal.FRAUD, Actor(by, NOW + at)
    )
    session.expire_all()
    return begun


def approve(session: Session, campaign: Campaign, request: ApprovalRequest | None, by: bytes, at: timedelta) -> None:
    assert request is not None
    acts.approve(session, campaign, request.id, Actor(by, NOW + at))
    session.flush()


def actions(session: Session, campaign: Campaign) -> list[Action]:
    session.flush()
    return [line.action for line in session.scalars(audit_log.lines(campaign.id))][::-1]


def test_eight_removals_of_forty_are_summed_over_all_organisers_and_days(session: Session) -> None:
    """P46: in slices. Two organisers alternate; the batch that writes the first slice changes nothing."""
    campaign = make.campaign(session)
    by = [owner(session, campaign, name) for name in ("Omar", "Suzie")]
    for _slice in range(8):
        signed(session, campaign, 40)
    begun = [batch_goes(session, campaign, n + 1, by[n % 2], n * 12 * HOUR) for n in range(8)]
    assert [each.removal is not None for each in begun] == [True] + [False] * 7
    assert [each.request.about["n"] for each in begun if each.request] == [40] * 7
    epochs.close_epoch(session, campaign, NOW + 4 * DAY)
    session.expire_all()
    assert batch_goes(session, campaign, 2, by[0], 6 * DAY).removal is None
    assert sum(each.done for each in session.scalars(select(BulkRemoval))) == 40
    approve(session, campaign, begun[1].request, by[0], DAY)
    assert session.scalars(select(BulkRemoval.found).order_by(BulkRemoval.at)).all() == [40, 40]


def test_the_sum_ends_after_seven_days(session: Session) -> None:
    """P46."""
    campaign = make.campaign(session)
    by = owner(session, campaign, "Omar")
    for _batch in range(2):
        signed(session, campaign, 40)
    assert batch_goes(session, campaign, 1, by, timedelta(0)).removal
    assert batch_goes(session, campaign, 2, by, 7 * DAY - HOUR).request
    assert batch_goes(session, campaign, 2, by, 7 * DAY).removal


def test_fifty_at_once_or_one_by_one_are_the_most_and_what_was_undone_counts(session: Session) -> None:
    """P46: in slices of one, and by restoring."""
    campaign = make.campaign(session)
    by = owner(session, campaign, "Omar")
    signed(session, campaign, 49)
    signed(session, campaign, 3)
    first = batch_goes(session, campaign, 1, by, HOUR)
    assert first.removal
    rest = indices(session, campaign)[-3:]
    assert [one_goes(session, campaign, index, by).removal is not None for index in rest] == [True, False, False]
    removals.take_back(session, campaign, first.removal.id, Actor(by, NOW + HOUR))
    session.expire_all()
    assert approval_rules.removed_lately(session, campaign.id, NOW + HOUR) == 50
    assert [one_goes(session, campaign, index, by).removal is not None for index in rest[1:]] == [False, False]
    again = batch_goes(session, campaign, 1, by, 2 * HOUR)
    assert (again.removal, again.request is not None) == (None, True), "what was restored and goes again"
    assert approval_rules.removed_lately(session, campaign.id, NOW + HOUR + 7 * DAY) == 0


def test_removals_of_another_letter_do_not_count(session: Session) -> None:
    one, other = make.campaign(session), make.campaign(session)
    by = owner(session, one, "Omar")
    for campaign in (one, other):
        signed(session, campaign, 40)
        assert batch_goes(session, campaign, 1, by, HOUR).removal


def test_two_removals_of_thirty_at_the_same_time_are_summed(engine: Engine) -> None:
    """P46: at once."""
    with db.transaction() as session:
        campaign = make.campaign(session)
        slug = campaign.slug
        by = owner(session, campaign, "Omar")
        for _batch in range(2):
            signed(session, campaign, 30)
    gate, begun = threading.Barrier(2), []

    def goes(number: int) -> None:
        with db.transaction() as session:
            campaign = find_any(session, slug)
            assert campaign
            gate.wait()
            begun.append(batch_goes(session, campaign, number, by, HOUR).removal is not None)

    threads = [threading.Thread(target=goes, args=[number]) for number in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(begun) == [False, True]
    engine.dispose()


def hidden(session: Session, campaign: Campaign, index: int, by: bytes, at: timedelta = HOUR) -> ApprovalRequest | None:
    asked = hiding.hide(session, campaign, Hide(index, Concealed.NAME), Actor(by, NOW + at))
    session.flush()
    return asked


def names_left(session: Session, campaign: Campaign) -> int:
    session.flush()
    return signatures.named(session, campaign.id).found


def test_hides_one_by_one_stop_at_twenty_for_all_organisers_and_go_on_after_seven_days(session: Session) -> None:
    """P46: in slices of one. Two moderators alternate; a comment counts like a name."""
    campaign = make.campaign(session)
    by = [owner(session, campaign, name, Role.MODERATOR) for name in ("Omar", "Suzie")]
    named = [DisplayChoice(Visibility.NAME, name=f"Mallory {n}", comment="Mind the gap") for n in range(24)]
    for each in named:
        make.signature(session, campaign, each)
    epochs.close_epoch(session, campaign, NOW)
    session.expire_all()
    rest = indices(session, campaign)
    comment = Hide(rest[0], Concealed.COMMENT)
    for _again in range(2):  # a comment is hidden, and counted, once
        assert hiding.hide(session, campaign, comment, Actor(by[0], NOW + HOUR)) is None
    asked = [hidden(session, campaign, index, by[n % 2]) for n, index in enumerate(rest[1:22])]
    assert [each is None for each in asked] == [True] * 19 + [False] * 2
    assert names_left(session, campaign) == 24 - 19
    assert approval_rules.hidden_lately(session, campaign.id, NOW + HOUR) == 20
    assert hiding.hide(session, campaign, Hide(rest[23], Concealed.COMMENT), Actor(by[0], NOW + HOUR)) is not None
    later = 7 * DAY + HOUR
    assert hidden(session, campaign, rest[22], by[0], later - timedelta(minutes=1)) is not None
    assert hidden(session, campaign, rest[22], by[0], later) is None
    assert actions(session, campaign).count(Action.SIGNER_HIDDEN) == 21


def twenty_hidden(session: Session, campaign: Campaign, by: bytes) -> None:
    for _name in range(20):
        audit_log.write(session, campaign.id, Actor(by, NOW), Action.SIGNER_HIDDEN, {"what": "name"})
    session.flush()


def test_a_hide_that_two_agreed_on_hides_exactly_that_name_and_not_with_one(session: Session) -> None:
    """P46."""
    campaign = make.campaign(session)
    omar, suzie = (owner(session, campaign, name, Role.MODERATOR) for name in ("Omar", "Suzie"))
    editor = owner(session, campaign, "Erin", Role.EDITOR)
    signed(session, campaign, 3)
    twenty_hidden(session, campaign, omar)
    first, second, _third = indices(session, campaign)
    asked, other = (hidden(session, campaign, index, omar) for index in (first, second))
    assert hidden(session, campaign, first, omar) is asked, "asked once"
    assert names_left(session, campaign) == 3
    assert asked is not None
    with pytest.raises(SameOrganiser):
        acts.approve(session, campaign, asked.id, Actor(omar, NOW + HOUR))
    with pytest.raises(acts.RightMissing), session.begin_nested():
        acts.approve(session, campaign, asked.id, Actor(editor, NOW + HOUR))
    approve(session, campaign, asked, suzie, HOUR)
    assert names_left(session, campaign) == 2
    assert session.get_one(Signature, (campaign.id, first)).state is SignatureState.HIDDEN
    line = session.scalars(audit_log.lines(campaign.id, action=Action.SIGNER_HIDDEN)).first()
    assert line is not None
    assert (line.by, line.about) == (suzie, {"what": "name"})
    asking = session.scalars(audit_log.lines(campaign.id, action=Action.KEY_ASKED)).all()
    assert [each.about for each in asking] == [{"act": "hide"}] * 2, "no line says which entry it was"
    assert other is not None


def test_a_request_to_hide_ends_when_the_signer_was_faster(session: Session) -> None:
    """Signers hide their own, whatever organisers have done, and nobody is asked."""
    campaign = make.campaign(session)
    omar, suzie = (owner(session, campaign, name, Role.MODERATOR) for name in ("Omar", "Suzie"))
    choice = DisplayChoice(Visibility.NAME, name="Mallory", comment="Mind the gap")
    receipts = [make.signature(session, campaign, choice) for _signer in range(3)]
    epochs.close_epoch(session, campaign, NOW)
    session.expire_all()
    twenty_hidden(session, campaign, omar)
    asked = {index: hidden(session, campaign, index, omar) for index in indices(session, campaign)}
    assert len(acts.waiting(session, campaign, NOW + HOUR)) == 3
    for receipt in receipts:
        assert signatures.hide(session, OpenCampaign.of(campaign), receipt.withdraw) is SignatureState.HIDDEN
    session.flush()
    assert acts.waiting(session, campaign, NOW + HOUR) == []
    assert approval_rules.hidden_lately(session, campaign.id, NOW + HOUR) == 20
    for request in asked.values():
        with pytest.raises(RequestOutdated), session.begin_nested():
            approve(session, campaign, request, suzie, HOUR)


def test_hides_and_removals_have_sums_of_their_own(session: Session) -> None:
    """After fifty removals a name still goes at once, and after twenty hides a signature."""
    campaign = make.campaign(session)
    by = owner(session, campaign, "Omar", Role.MODERATOR)
    signed(session, campaign, 50)
    signed(session, campaign, 2)
    assert batch_goes(session, campaign, 1, by, HOUR).removal
    first, second = indices(session, campaign)[-2:]
    assert one_goes(session, campaign, second, by).removal is None
    assert hidden(session, campaign, first, by) is None
    other = make.campaign(session)
    signed(session, other, 2)
    twenty_hidden(session, other, by)
    first, second = indices(session, other)
    assert one_goes(session, other, first, by).removal
    assert hidden(session, other, second, by) is not None


def test_two_hides_at_the_same_time_are_summed(engine: Engine) -> None:
    """P46: at once."""
    with db.transaction() as session:
        campaign = make.campaign(session)
        slug, by = campaign.slug, owner(session, campaign, "Omar", Role.MODERATOR)
        signed(session, campaign, 2)
        places = indices(session, campaign)
        for _name in range(19):
            audit_log.write(session, campaign.id, Actor(by, NOW), Action.SIGNER_HIDDEN, {"what": "name"})
    gate, asked = threading.Barrier(2), []

    def hides(index: int) -> None:
        with db.transaction() as session:
            campaign = find_any(session, slug)
            assert campaign
            gate.wait()
            asked.append(hidden(session, campaign, index, by) is not None)

    threads = [threading.Thread(target=hides, args=[index]) for index in places]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(asked) == [False, True]
    engine.dispose()


CLOSINGS: list[tuple[timedelta | None, timedelta | None, bool]] = [
    (None, 72 * HOUR, False),
    (None, 72 * HOUR - timedelta(minutes=1), True),
    (None, timedelta(minutes=1), True),
    (90 * DAY, 80 * HOUR, False),
    (90 * DAY, 71 * HOUR, True),
    (71 * HOUR, 70 * HOUR, True),
    (10 * HOUR, 20 * HOUR, False),
    (10 * HOUR, None, False),
    (10 * HOUR, 10 * HOUR, False),
]


@pytest.mark.parametrize(("before", "after", "asks"), CLOSINGS)
def test_a_closing_date_nearer_than_72_hours_waits_for_a_second_owner(
    session: Session, before: timedelta | None, after: timedelta | None, asks: bool
) -> None:
    """P46: by dates. Postponing never asks."""
    campaign = make.campaign(session, closes_at=None if before is None else NOW + before)
    by = owner(session, campaign, "Omar")
    asked = closing_date.set_date(session, campaign, None if after is None else NOW + after, Actor(by, NOW))
    assert (asked is not None) is asks
    expected = before if asks else after
    assert campaign.closes_at == (None if expected is None else NOW + expected)
    if asks:
        with pytest.raises(SameOrganiser):
            acts.approve(session, campaign, asked.id, Actor(by, NOW))  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("wanted", "closes"), [(None, 24 * HOUR), (2 * HOUR, 24 * HOUR), (60 * HOUR, 59 * HOUR)], ids=str
)
def test_an_approved_close_waits_24_hours_and_any_owner_keeps_the_letter_open(
    session: Session, wanted: timedelta | None, closes: timedelta
) -> None:
    """P46: the approval is given an hour after the request."""
    campaign = make.campaign(session)
    omar, suzie, rita = (owner(session, campaign, name) for name in ("Omar", "Suzie", "Rita"))
    if wanted is None:
        asked: ApprovalRequest | None = closing_date.ask_to_close(session, campaign, Actor(omar, NOW))
        assert closing_date.ask_to_close(session, campaign, Actor(omar, NOW)) is asked
    else:
        asked = closing_date.set_date(session, campaign, NOW + wanted, Actor(omar, NOW))
    approve(session, campaign, asked, suzie, HOUR)
    assert campaign.closes_at == NOW + HOUR + closes
    assert epochs.keep_calendar(session, NOW + closes) == []
    assert closing_date.is_near(campaign, NOW + HOUR)
    closing_date.keep_open(session, campaign, Actor(rita, NOW + 3 * HOUR))
    session.flush()
    assert epochs.keep_calendar(session, NOW + 90 * DAY) == []
    approve(session, campaign, closing_date.ask_to_close(session, campaign, Actor(rita, NOW + DAY)), omar, DAY)
    assert epochs.keep_calendar(session, NOW + 2 * DAY) == [campaign.slug]
    assert actions(session, campaign)[-8:] == [
        Action.KEY_ASKED, Action.KEY_GIVEN, Action.CLOSE_PLANNED, Action.CLOSE_CANCELLED,
        Action.KEY_ASKED, Action.KEY_GIVEN, Action.CLOSE_PLANNED, Action.CAMPAIGN_CLOSED,
    ]  # fmt: skip


def test_an_approved_close_moves_no_nearer_date_away(session: Session) -> None:
    campaign = make.campaign(session, closes_at=NOW + 10 * HOUR)
    omar, suzie = (owner(session, campaign, name) for name in ("Omar", "Suzie"))
    asked = closing_date.ask_to_close(session, campaign, Actor(omar, NOW))
    approve(session, campaign, asked, suzie, timedelta(0))
    assert campaign.closes_at == NOW + 10 * HOUR


def a_draft(session: Session, **changes: object) -> Campaign:
    return draft(session, make.a_draft(**changes))


def test_a_draft_with_one_owner_cannot_be_opened_by_hand_or_by_its_date(session: Session) -> None:
    """P46: by drafts."""
    campaign = a_draft(session, opens_at=NOW + HOUR)
    omar = owner(session, campaign, "Omar")
    owner(session, campaign, "Erin", Role.EDITOR)
    assert opening.missing(session, campaign, NOW) == [Missing(Lack.SECOND_OWNER)]
    with pytest.raises(CampaignIncomplete):
        opening.ask(session, campaign, Actor(omar, NOW))
    assert campaign.slug not in epochs.keep_calendar(session, NOW + DAY)


CHANGES: dict[str, Callable[[Session, Campaign], object]] = {
    "letter": lambda _, made: campaigns.write_letter(made, "en", "A letter", "Other words."),
    "title": lambda _, made: campaigns.write_letter(made, "fr", "Une autre lettre", "Madame,\n"),
    "demand": lambda _, made: campaigns.write_demand(made, 1, {"en": "Pay us.", "fr": "Payez."}),
    "batch": lambda _, made: campaigns.change(made, {"batch_min": 2}),
    "minimum": lambda _, made: campaigns.change(made, {"public_min": 2}),
    "closing date": lambda _, made: campaigns.change(made, {"closes_at": NOW + 2 * HOUR}),
    "opening date": lambda _, made: campaigns.change(made, {"opens_at": NOW + 2 * HOUR}),
    "domains": lambda _, made: campaigns.change(made, {"domains": {"other.example": {}}}),
    "legal texts": lambda _, made: campaigns.change(made, {"legal": {"privacy": {"en": "None."}}}),
    "order of roles": lambda _, made: campaigns.change(made, {"roles": {"Designer": {}, "Engineer": {}}}),
    "milestone": lambda session, made: aim(session, made.id, [(COUNT, 7)]),
    "names": lambda session, made: setattr(session.get_one(PlannedMilestone, (made.id, COUNT, 5)), "open_names", False),
}


@pytest.mark.parametrize("what", CHANGES)
@pytest.mark.parametrize("dated", [False, True])
def test_a_draft_that_was_changed_is_not_opened_with_the_approval_of_another(
    session: Session, what: str, dated: bool
) -> None:
    """P46: by drafts, and F16: batch, minimum and seals are part of what the second owner approves."""
    campaign = a_draft(session, opens_at=NOW + HOUR if dated else None)
    session.add(PlannedMilestone(campaign_id=campaign.id, kind=COUNT, value=5, open_names=True))
    omar, suzie = (owner(session, campaign, name) for name in ("Omar", "Suzie"))
    asked = opening.ask(session, campaign, Actor(omar, NOW))
    if dated:
        approve(session, campaign, asked, suzie, timedelta(0))
        assert opening.is_approved(session, campaign)
    CHANGES[what](session, campaign)
    session.flush()
    if dated:
        assert campaign.slug not in epochs.keep_calendar(session, NOW + HOUR)
    else:
        assert acts.waiting(session, campaign, NOW) == []
        with pytest.raises(RequestOutdated):
            approve(session, campaign, asked, suzie, timedelta(0))
    assert (campaign.state, campaign.opened) == (CampaignState.DRAFT, None)


def test_two_owners_open_a_draft_at_once_or_at_its_date(session: Session) -> None:
    """P46."""
    now, dated = a_draft(session), a_draft(session, opens_at=NOW + HOUR)
    by = [organisers.enrol(session, name, "en", NOW).id for name in ("Omar", "Suzie")]
    for campaign in (now, dated):
        for each in by:
            organisers.join(session, campaign.id, each, Role.OWNER, NOW)
        approve(session, campaign, opening.ask(session, campaign, Actor(by[0], NOW)), by[1], timedelta(0))
    assert (now.state, dated.state) == (CampaignState.OPEN, CampaignState.DRAFT)
    assert dated.slug in epochs.keep_calendar(session, NOW + HOUR)
    assert dated.state is CampaignState.OPEN


def test_a_fingerprint_is_the_same_in_every_session_and_time_zone(session: Session) -> None:
    campaign = a_draft(session, opens_at=NOW + HOUR, roles={"Engineer": {}, "Designer": {"fr": "Conceptrice"}})
    before = fingerprint(session, campaign)
    session.flush()
    session.expire_all()
    assert fingerprint(session, campaign) == before


TITLE, GERMAN = "Ein Brief", "Sehr geehrte Damen und Herren,"
LEGAL = {"privacy": {"en": "We keep nothing."}}


def test_translations_and_legal_texts_wait_for_a_second_organiser(session: Session) -> None:
    """P46."""
    campaign = make.campaign(session)
    omar, erin = owner(session, campaign, "Omar"), owner(session, campaign, "Erin", Role.EDITOR)
    suzie = owner(session, campaign, "Suzie")
    first = public_texts.ask_to_translate(session, campaign, "de", TITLE, "Quatsch", Actor(omar, NOW))
    asked = public_texts.ask_to_translate(session, campaign, "de", TITLE, GERMAN, Actor(omar, NOW))
    legal = public_texts.ask_for_legal_texts(session, campaign, LEGAL, Actor(erin, NOW))
    assert (campaign.languages, campaign.legal, first.state) == (["en", "fr"], {}, RequestState.REFUSED)
    approve(session, campaign, legal, omar, HOUR)
    approve(session, campaign, asked, suzie, HOUR)
    assert (campaign.languages, campaign.legal) == (["en", "fr", "de"], LEGAL)
    assert public_texts.ask_for_legal_texts(session, campaign, LEGAL, Actor(erin, NOW)) is None


Edit = Callable[[Session, Campaign, Actor], ApprovalRequest | None]
EDITS: dict[str, tuple[Edit, bool]] = {
    "removed": (lambda s, c, by: milestone_settings.remove(s, c, COUNT, 500, by), True),
    "unticked": (lambda s, c, by: milestone_settings.change(s, c, COUNT, 500, SHUT, by), True),
    "a lower one": (lambda s, c, by: milestone_settings.add(s, c, COUNT, 499, OPENS, by), True),
    "a lower share": (lambda s, c, by: milestone_settings.add(s, c, MilestoneKind.SHARE, 1, OPENS, by), True),
    "a higher one": (lambda s, c, by: milestone_settings.add(s, c, COUNT, 501, OPENS, by), False),
    "one that opens nothing": (lambda s, c, by: milestone_settings.add(s, c, COUNT, 10, SHUT, by), False),
}


@pytest.mark.parametrize("what", EDITS)
def test_names_open_sooner_only_with_a_second_organiser(session: Session, what: str) -> None:
    """P46."""
    campaign = make.campaign(session)
    omar, erin = owner(session, campaign, "Omar"), owner(session, campaign, "Erin", Role.EDITOR)
    assert milestone_settings.add(session, campaign, COUNT, 500, OPENS, Actor(erin, NOW)) is None
    edit, asks = EDITS[what]
    asked = edit(session, campaign, Actor(erin, NOW))
    assert (asked is not None) is asks
    sealed = campaigns.milestones.names_from(session, campaign.id, campaign.workforce)
    assert sealed == 500, "with one organiser"
    if asks:
        approve(session, campaign, asked, omar, HOUR)
        assert campaigns.milestones.names_from(session, campaign.id, campaign.workforce) in {None, 499, 10}


def test_an_approved_milestone_that_no_longer_fits_changes_nothing(session: Session) -> None:
    campaign = make.campaign(session)
    omar, erin = owner(session, campaign, "Omar"), owner(session, campaign, "Erin", Role.EDITOR)
    milestone_settings.add(session, campaign, COUNT, 500, OPENS, Actor(erin, NOW))
    milestone_settings.add(session, campaign, COUNT, 600, OPENS, Actor(erin, NOW))
    asked = milestone_settings.remove(session, campaign, COUNT, 500, Actor(erin, NOW))
    assert asked is None, "names still wait, and for more"
    milestone_settings.add(session, campaign, COUNT, 700, OPENS, Actor(erin, NOW))
    asked = milestone_settings.add(session, campaign, COUNT, 100, OPENS, Actor(erin, NOW))
    milestone_settings.remove(session, campaign, COUNT, 600, Actor(erin, NOW))
    with pytest.raises(RequestOutdated):
        approve(session, campaign, asked, omar, HOUR)


def test_what_is_pending_is_mailed_to_the_organisers_without_a_word_about_signers(session: Session) -> None:
    campaign = make.campaign(session)
    signed(session, campaign, 3)
    omar = owner(session, campaign, "Omar")
    for audience, address in ((Audience.ORGANISER, "omar@post.example"), (Audience.ADDRESSEE, "boss@post.example")):
        subscribers.enter(session, make.PEPPER, campaign.id, campaign.policies(), audience, address, "en", NOW)
    closing_date.ask_to_close(session, campaign, Actor(omar, NOW))
    closing_date.ask_to_close(session, campaign, Actor(omar, NOW))
    (edition,) = session.scalars(select(Edition).where(Edition.kind == "organiser_approvals"))
    assert edition.facts == {
        "waiting": [{"act": "close", "until": (NOW + 72 * HOUR).isoformat()}],
        "closes": None,
        "approved": [],
    }
    assert len(session.scalars(select(Delivery)).all()) == 1, "the addressee gets none"
    closing_date.set_date(session, campaign, NOW + 90 * DAY, Actor(omar, NOW))
    session.flush()
    mail = digests.preview(session, campaign, "organiser_approvals", "en", "https://letters.example", NOW)
    assert mail is not None
    assert "Close the campaign: it can be approved until" in mail.text
    assert "The letter closes by itself on 21 February 2027" in " ".join(mail.text.split())
    assert "https://letters.example/organise/c/" in mail.text
    assert len(session.scalars(select(Delivery)).all()) == 1, "the date is announced an hour after the request"
    (row,) = [row for kind, row in outbox.overdue(session, NOW + HOUR) if kind is OutboxKind.PENDING]
    assert digests.announce_later(session, campaign.id, row, NOW + HOUR) == 1
    newest = session.scalars(select(Edition).order_by(Edition.until.desc())).first()
    assert newest is not None
    assert newest.facts is not None
    assert newest.facts["closes"] == (NOW + 90 * DAY).isoformat()


def test_nobody_floods_the_other_organisers_with_mail_about_requests(session: Session) -> None:
    """Twelve requests of an hour: one mail at once, and one when its hour is over."""
    campaign = make.campaign(session)
    omar = owner(session, campaign, "Omar")
    subscribers.enter(
        session, make.PEPPER, campaign.id, campaign.policies(), Audience.ORGANISER, "rita@post.example", "en", NOW
    )
    for number in range(12):
        at = NOW + number * timedelta(minutes=5)
        closing_date.set_date(session, campaign, NOW + (number + 1) * HOUR, Actor(omar, at))
    assert len(session.scalars(select(Delivery)).all()) == 1
    closing_date.set_date(session, campaign, NOW + 40 * HOUR, Actor(omar, NOW + HOUR))
    assert len(session.scalars(select(Delivery)).all()) == 2
    assert outbox.overdue(session, NOW + DAY) == [], "that mail said everything"


def test_a_clock_that_was_ahead_delays_no_mail_by_more_than_an_hour(session: Session) -> None:
    campaign = make.campaign(session)
    omar = owner(session, campaign, "Omar")
    closing_date.ask_to_close(session, campaign, Actor(omar, NOW + 300 * DAY))
    assert digests.next_pending_mail(session, campaign, NOW) == NOW + HOUR


def test_what_is_asked_in_quiet_hours_is_one_mail_in_the_morning(session: Session) -> None:
    campaign = make.campaign(session, mailing={"time_zone": "UTC", "quiet_from": 20, "quiet_to": 8})
    omar = owner(session, campaign, "Omar")
    night = NOW.replace(hour=21)
    for number in range(5):
        closing_date.set_date(session, campaign, night + 40 * HOUR + number * HOUR, Actor(omar, night + number * HOUR))
    assert session.scalars(select(Edition)).all() == []
    assert [kind for kind, _row in outbox.overdue(session, night + 11 * HOUR)] == [OutboxKind.PENDING]
    assert outbox.overdue(session, night + 11 * HOUR - timedelta(seconds=1)) == []


def test_a_restored_copy_brings_back_nothing_that_was_pending(session: Session) -> None:
    """P46: by restores."""
    near, far = (make.campaign(session, closes_at=NOW + each) for each in (DAY, 30 * DAY))
    dated = a_draft(session, opens_at=NOW + HOUR)
    by = [organisers.enrol(session, name, "en", NOW).id for name in ("Omar", "Suzie")]
    for each in by:
        organisers.join(session, dated.id, each, Role.OWNER, NOW)
        organisers.join(session, far.id, each, Role.OWNER, NOW)
    approve(session, dated, opening.ask(session, dated, Actor(by[0], NOW)), by[1], timedelta(0))
    asked = closing_date.ask_to_close(session, far, Actor(by[0], NOW))
    approval_rules.forget_in_copy(session, NOW + 2 * DAY)
    session.expire_all()
    assert (near.closes_at, far.closes_at, dated.opening_approved) == (None, NOW + 30 * DAY, None)
    assert asked.state is RequestState.REFUSED
    assert epochs.keep_calendar(session, NOW + 2 * DAY) == []


def test_an_organiser_has_one_request_of_a_kind_that_replaces_itself(session: Session) -> None:
    campaign = make.campaign(session)
    omar, suzie = (owner(session, campaign, name) for name in ("Omar", "Suzie"))
    first = closing_date.set_date(session, campaign, NOW + HOUR, Actor(omar, NOW))
    other = closing_date.set_date(session, campaign, NOW + HOUR, Actor(suzie, NOW))
    second = closing_date.set_date(session, campaign, NOW + 2 * HOUR, Actor(omar, NOW))
    waiting = list(session.scalars(approvals.waiting(campaign.id, NOW)))
    assert (first not in waiting, set(waiting) == {other, second}) == (True, True)
    assert {each.act for each in waiting} == {ApprovalKind.CLOSE}
