"""Updates, milestones, demands, delivery and answer, as organisers work with them."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from petition import epochs, organisers, publication, signatures
from petition.campaigns import (
    Campaign,
    CampaignFaulty,
    CampaignNotOpen,
    CampaignState,
    DemandState,
    DemandStep,
    StepSkipped,
    TooManyUpdates,
    Update,
    UpdateDraft,
    draft,
)
from petition.campaigns.milestones import MilestoneKind
from petition.core import db
from petition.ledger.entries import Visibility
from petition.mail import ListPostbox
from petition.mailing import digests, subscribers
from petition.mailing.digests import Sender
from petition.mailing.queue import Delivery
from petition.mailing.subscribers import Audience, Frequency, Subscriber, WorkAddressRefused
from petition.organisers import approvals, audit_log
from petition.organisers.actor import Actor
from petition.organisers.approvals import ApprovalKind, RequestUnknown
from petition.organisers.audit_log import Action
from petition.privacy import Recipient, daily_figures
from petition.privacy.daily_figures import CampaignDay
from petition.publication import Snapshot, bundle_file
from petition.signatures import DisplayChoice
from petition.usecases import acts, endings, milestone_settings, trials, updates
from petition.usecases.milestone_settings import (
    Consequences,
    MilestoneExists,
    MilestoneReached,
    NamesPublic,
    WorkforceUnknown,
)
from petition.usecases.updates import UpdateFixed, UpdateState, UpdateUnknown
from tests import make

TEXT = {"en": "We **met** them.", "fr": "Nous les avons **rencontrés**."}
USUAL = Consequences(mail_readers=True, mail_organisers=True, open_names=False)
SEALED = Consequences(mail_readers=True, mail_organisers=True, open_names=True)
COUNT = MilestoneKind.COUNT
LATER = make.NOW + timedelta(hours=1)


@pytest.fixture
def omar(session: Session) -> bytes:
    return organisers.enrol(session, "Omar", "en", make.NOW).id


@pytest.fixture
def suzie(session: Session) -> bytes:
    return organisers.enrol(session, "Suzie", "en", make.NOW).id


def deeds(session: Session, campaign: Campaign) -> list[Action]:
    session.flush()
    return [line.action for line in session.scalars(audit_log.lines(campaign.id))][::-1]


def public(session: Session, campaign: Campaign) -> Snapshot:
    """What the page shows after the next look of the workers."""
    session.flush()
    epochs.refresh_stale(session, LATER)
    found = publication.load(session, campaign.slug)
    assert found
    return found


def reader(session: Session, campaign: Campaign, address: str, rhythm: Frequency, lang: str = "en") -> None:
    subscribers.ask(session, make.PEPPER, campaign.id, campaign.policies(), address, lang, rhythm, make.NOW)
    newest = session.scalars(select(Subscriber).where(Subscriber.state == subscribers.SubscriberState.UNCONFIRMED))
    subscribers.confirm(session, newest.one().id, make.NOW)


def approved(session: Session, campaign: Campaign, request_id: bytes, actor: Actor) -> None:
    """What the page of two keys does."""
    request = approvals.approve(session, campaign.id, request_id, actor)
    acts.ACTS[request.act](session, campaign, request, actor.now)


def test_an_update_is_kept_changed_published_and_stands_on_the_page(session: Session, omar: bytes) -> None:
    campaign = make.campaign(session)
    kept = updates.write(session, campaign, {"en": "We met."}, Actor(omar, make.NOW))
    with pytest.raises(CampaignFaulty):
        updates.plan(session, campaign, kept, None, Actor(omar, make.NOW))
    updates.rewrite(session, campaign, kept, TEXT, Actor(omar, make.NOW))
    updates.plan(session, campaign, kept, None, Actor(omar, make.NOW))
    newest = public(session, campaign).timeline[0]
    assert (newest.kind, newest.text) == ("update", TEXT)
    assert updates.find(session, campaign, kept, make.NOW).state is UpdateState.PUBLISHED
    for late in (
        lambda: updates.rewrite(session, campaign, kept, {"en": "No."}, Actor(omar, LATER)),
        lambda: updates.plan(session, campaign, kept, None, Actor(omar, LATER)),
        lambda: updates.cancel(session, campaign, kept, Actor(omar, LATER)),
        lambda: updates.discard(session, campaign, kept, Actor(omar, LATER)),
    ):
        with pytest.raises(UpdateFixed):
            late()
    assert deeds(session, campaign) == [Action.UPDATE_WRITTEN, Action.UPDATE_WRITTEN, Action.UPDATE_PUBLISHED]


def test_an_update_of_another_campaign_is_unknown(session: Session, omar: bytes) -> None:
    campaign, other = make.campaign(session), make.campaign(session)
    kept = updates.write(session, campaign, TEXT, Actor(omar, make.NOW))
    with pytest.raises(UpdateUnknown):
        updates.plan(session, other, kept, None, Actor(omar, make.NOW))


def test_a_planned_update_waits_for_its_time_and_can_be_cancelled_until_then(session: Session, omar: bytes) -> None:
    campaign = make.campaign(session)
    kept = updates.write(session, campaign, TEXT, Actor(omar, make.NOW))
    updates.plan(session, campaign, kept, LATER, Actor(omar, make.NOW))
    session.flush()
    assert updates.due(session, LATER - timedelta(seconds=1)) == []
    updates.cancel(session, campaign, kept, Actor(omar, make.NOW))
    session.flush()
    assert updates.due(session, LATER) == []
    updates.plan(session, campaign, kept, LATER, Actor(omar, make.NOW))
    session.flush()
    assert updates.due(session, LATER) == [kept]
    assert [updates.publish_due(session, kept, LATER) for _ in range(2)] == [True, False]
    assert deeds(session, campaign)[-1] is Action.UPDATE_PUBLISHED


def test_any_number_of_workers_publish_a_planned_update_once(engine: Engine) -> None:
    with db.transaction() as session:
        campaign = make.campaign(session)
        omar = organisers.enrol(session, "Omar", "en", make.NOW).id
        kept = updates.write(session, campaign, TEXT, Actor(omar, make.NOW))
        updates.plan(session, campaign, kept, LATER, Actor(omar, make.NOW))
    done, together = [], threading.Barrier(8)

    def work() -> None:
        together.wait()
        for _ in range(3):
            with db.transaction() as session:
                done.append(updates.publish_due(session, kept, LATER))

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with db.session() as session:
        published = session.scalar(select(func.count()).select_from(Update))
        told = [line for line in session.scalars(audit_log.lines(campaign.id, action=Action.UPDATE_PUBLISHED))]
    assert (done.count(True), len(done), published, len(told)) == (1, 24, 1, 1)


def test_a_mailed_update_takes_two_organisers_and_goes_to_those_who_want_it_as_it_happens(
    session: Session, omar: bytes, suzie: bytes
) -> None:
    campaign = make.campaign(session)
    reader(session, campaign, "one@post.example", Frequency.MILESTONES)
    reader(session, campaign, "two@post.example", Frequency.MILESTONES, "fr")
    reader(session, campaign, "three@post.example", Frequency.WEEKLY)
    assert subscribers.audience(session, campaign.id)[Frequency.MILESTONES] == {"en": 1, "fr": 1}
    counted = CampaignDay(make.NOW.date(), frequencies={Frequency.MILESTONES: 20})
    daily_figures.write(session, campaign.id, counted)
    kept = updates.write(session, campaign, TEXT, Actor(omar, make.NOW))
    request = updates.ask_to_mail(session, campaign, kept, None, Actor(omar, make.NOW))
    assert (request.act, request.about["readers"], request.about["draft"]) == (ApprovalKind.MAIL, 20, kept.hex())
    assert updates.find(session, campaign, kept, make.NOW).state is UpdateState.ASKED
    with pytest.raises(UpdateFixed):
        updates.rewrite(session, campaign, kept, {"en": "Other words", "fr": "Autre"}, Actor(omar, make.NOW))
    with pytest.raises(approvals.SameOrganiser):
        approved(session, campaign, request.id, Actor(omar, make.NOW))
    assert session.scalar(select(func.count()).select_from(Update)) == 0
    approved(session, campaign, request.id, Actor(suzie, make.NOW))
    session.flush()
    digests.plan_instant(session, campaign.id, 1, make.NOW)
    (published,) = updates.published(session, campaign)
    assert (published.update.mailed, published.mails) == (True, {"planned": 0})
    assert deeds(session, campaign) == [
        Action.UPDATE_WRITTEN, Action.KEY_ASKED, Action.KEY_GIVEN, Action.UPDATE_PUBLISHED,
    ]  # fmt: skip


def test_an_approved_mail_waits_for_its_time(session: Session, omar: bytes, suzie: bytes) -> None:
    campaign = make.campaign(session)
    kept = updates.write(session, campaign, TEXT, Actor(omar, make.NOW))
    due = datetime.fromisoformat("2026-11-23T19:00:00+06:00")
    request = updates.ask_to_mail(session, campaign, kept, due, Actor(omar, make.NOW))
    session.flush()
    session.expire_all()
    assert updates.due(session, LATER) == []
    approved(session, campaign, request.id, Actor(suzie, make.NOW))
    session.flush()
    assert updates.find(session, campaign, kept, make.NOW).state is UpdateState.PLANNED
    assert (updates.due(session, due - timedelta(seconds=1)), updates.due(session, due)) == ([], [kept])
    assert updates.publish_due(session, kept, due)
    assert updates.published(session, campaign)[0].update.mailed


def test_a_request_is_taken_back_with_its_update_and_approves_nothing_afterwards(
    session: Session, omar: bytes, suzie: bytes
) -> None:
    campaign = make.campaign(session)
    kept = updates.write(session, campaign, TEXT, Actor(omar, make.NOW))
    request = updates.ask_to_mail(session, campaign, kept, None, Actor(omar, make.NOW))
    updates.cancel(session, campaign, kept, Actor(omar, make.NOW))
    with pytest.raises(RequestUnknown):
        approved(session, campaign, request.id, Actor(suzie, make.NOW))
    again = updates.ask_to_mail(session, campaign, kept, None, Actor(omar, make.NOW))
    session.get_one(UpdateDraft, kept).text = {"en": "Something else.", "fr": "Autre chose."}
    session.flush()
    with pytest.raises(RequestUnknown):
        approved(session, campaign, again.id, Actor(suzie, make.NOW))


def test_a_fourth_mail_in_a_week_is_refused_when_asked_and_given_back_when_planned(
    session: Session, omar: bytes, suzie: bytes
) -> None:
    campaign = make.campaign(session)

    def mail(due: datetime | None) -> bytes:
        kept = updates.write(session, campaign, TEXT, Actor(omar, make.NOW))
        approved(
            session,
            campaign,
            updates.ask_to_mail(session, campaign, kept, due, Actor(omar, make.NOW)).id,
            Actor(suzie, make.NOW),
        )
        session.flush()
        return kept

    planned = mail(LATER)
    for _ in range(3):
        mail(None)
    fifth = updates.write(session, campaign, TEXT, Actor(omar, make.NOW))
    with pytest.raises(TooManyUpdates):
        updates.ask_to_mail(session, campaign, fifth, None, Actor(omar, make.NOW))
    updates.ask_to_mail(session, campaign, fifth, make.NOW + timedelta(days=7), Actor(omar, make.NOW))
    assert updates.publish_due(session, planned, LATER) is False
    assert updates.find(session, campaign, planned, LATER).state is UpdateState.DRAFT
    assert deeds(session, campaign)[-1] is Action.UPDATE_CANCELLED


def test_a_trial_goes_to_one_private_address_and_the_journal_does_not_know_it(session: Session, omar: bytes) -> None:
    campaign = make.campaign(session)
    kept = updates.write(session, campaign, TEXT, Actor(omar, make.NOW))
    assert trials.want_trial(session, campaign, kept, "Omar@post.example", Actor(omar, make.NOW)) == "omar@post.example"
    with pytest.raises(WorkAddressRefused):
        trials.want_trial(session, campaign, kept, "omar@corp.example", Actor(omar, make.NOW))
    for _ in range(trials.TRIALS_AN_HOUR - 1):
        trials.want_trial(session, campaign, kept, "omar@post.example", Actor(omar, make.NOW))
    with pytest.raises(trials.TooManyTrials):
        trials.want_trial(session, campaign, kept, "omar@post.example", Actor(omar, make.NOW))
    trials.want_trial(session, campaign, kept, "omar@post.example", Actor(omar, make.NOW + timedelta(minutes=61)))
    lines = list(session.scalars(audit_log.lines(campaign.id, action=Action.TRIAL_SENT)))
    assert {str(line.about) for line in lines} == {"{}"}
    sender = Sender(ListPostbox(), "http://localhost", "s" * 32, make.PEPPER, "letters@undersigned.example", 0)
    mail = trials.trial(session, kept, Recipient("omar@post.example", "fr"), sender, make.NOW)
    assert mail
    assert (mail.to, "rencontrés" in mail.text, "<strong>rencontrés</strong>" in mail.html) == (
        "omar@post.example",
        True,
        True,
    )
    assert trials.trial(session, b"gone", Recipient("omar@post.example", "fr"), sender, make.NOW) is None


def test_each_step_of_a_demand_stays_in_its_timeline(session: Session, omar: bytes) -> None:
    campaign = make.campaign(session)
    source = "https://press.example/1"
    endings.judge(session, campaign, 1, DemandState.PARTLY_MET, source, date(2026, 11, 20), Actor(omar, make.NOW))
    endings.judge(session, campaign, 1, DemandState.BROKEN, "", date(2026, 11, 23), Actor(omar, make.NOW))
    snapshot = public(session, campaign)
    (demand,) = snapshot.demands
    assert [(each.day.day, each.state, each.source) for each in demand.steps] == [
        (20, DemandState.PARTLY_MET, source), (23, DemandState.BROKEN, ""),
    ]  # fmt: skip
    assert demand.state is DemandState.BROKEN
    assert [(item.day.day, item.state) for item in snapshot.timeline if item.kind == "demand"] == [
        (23, "broken"), (20, "partly_met"),
    ]  # fmt: skip
    assert deeds(session, campaign) == [Action.DEMAND_JUDGED, Action.DEMAND_JUDGED]
    with pytest.raises(CampaignFaulty):
        endings.judge(session, campaign, 2, DemandState.MET, "", make.NOW.date(), Actor(omar, make.NOW))
    unopened = draft(session, make.a_draft())
    with pytest.raises(CampaignNotOpen):
        endings.judge(session, unopened, 1, DemandState.MET, "", make.NOW.date(), Actor(omar, make.NOW))
    assert session.scalar(select(func.count()).select_from(DemandStep)) == 2


def test_a_letter_is_delivered_after_the_close_and_answered_after_the_delivery(session: Session, omar: bytes) -> None:
    campaign, day = make.campaign(session), make.NOW.date()
    with pytest.raises(StepSkipped):
        endings.deliver(session, campaign, day, TEXT, {}, Actor(omar, make.NOW))
    epochs.close_campaign(session, campaign, make.NOW)
    with pytest.raises(StepSkipped):
        endings.answer(session, campaign, day, TEXT, Actor(omar, make.NOW))
    endings.deliver(session, campaign, day, {"en": "By hand", "fr": "En main propre"}, {}, Actor(omar, make.NOW))
    assert campaign.state is CampaignState.DELIVERED


@pytest.fixture
def corrected(session: Session, omar: bytes) -> Campaign:
    """Closed, delivered and answered; then the words of the answer and of the delivery were put right."""
    campaign, day = make.campaign(session), make.NOW.date()
    epochs.close_campaign(session, campaign, make.NOW)
    endings.deliver(session, campaign, day, {"en": "By hand", "fr": "En main propre"}, {}, Actor(omar, make.NOW))
    endings.answer(session, campaign, day, {"en": "We shall act."}, Actor(omar, make.NOW))
    endings.answer(session, campaign, day, {"en": "We will act."}, Actor(omar, make.NOW))
    endings.deliver(session, campaign, day, {"en": "By hand", "fr": "Par porteur"}, {}, Actor(omar, make.NOW))
    return campaign


def test_the_page_shows_a_delivery_and_an_answer_as_they_were_corrected(session: Session, corrected: Campaign) -> None:
    day, snapshot = make.NOW.date(), public(session, corrected)
    assert (snapshot.state, snapshot.ending.answer, snapshot.ending.handover) == (
        CampaignState.ANSWERED,
        publication.views.AnswerView(day, {"en": "We will act."}),
        publication.views.HandoverView(day, {"en": "By hand", "fr": "Par porteur"}, {}),
    )
    assert [item.kind for item in snapshot.timeline] == ["answered", "delivered", "closed", "opened"]


def test_the_journal_tells_each_correction(session: Session, corrected: Campaign) -> None:
    assert deeds(session, corrected) == [Action.DELIVERED, Action.ANSWERED, Action.ANSWERED, Action.DELIVERED]


def test_the_next_digest_leads_to_the_answer(session: Session, corrected: Campaign) -> None:
    told = digests.preview(session, corrected, "signer_daily", "en", "http://localhost", make.NOW + timedelta(days=1))
    assert told
    assert f"http://localhost/c/{corrected.slug}#answer" in told.text
    assert f'href="http://localhost/c/{corrected.slug}#answer"' in told.html


def named(session: Session, campaign: Campaign) -> list[str]:
    return [each.name for each in signatures.named(session, campaign.id).names]


def sign(session: Session, campaign: Campaign, *names: str) -> None:
    for name in names:
        make.signature(session, campaign, DisplayChoice(Visibility.NAME, name=name))


def close_epoch(session: Session, campaign: Campaign, step: int) -> Snapshot:
    """A batch, after which every recount agrees."""
    epochs.close_epoch(session, campaign, make.NOW + timedelta(seconds=10 * step))
    session.flush()
    assert epochs.audit(session, campaign).faults == []
    found = publication.load(session, campaign.slug)
    assert found
    return found


def test_names_wait_for_their_milestone_and_appear_in_the_very_epoch_that_reaches_it(
    session: Session, omar: bytes, tmp_path: object
) -> None:
    from pathlib import Path
    from zipfile import ZipFile

    def in_bundle() -> int:
        bundle_file.write_bundle(session, campaign, Path(str(tmp_path)))
        with ZipFile(bundle_file.bundle_path(Path(str(tmp_path)), campaign.slug)) as bundle:
            return sum(bundle.read(name).count(b" Example") for name in bundle.namelist())

    campaign = make.campaign(session)
    milestone_settings.add(session, campaign, COUNT, 3, SEALED, Actor(omar, make.NOW))
    sign(session, campaign, "Alice Example", "Bob Example")
    snapshot = close_epoch(session, campaign, 1)
    assert (snapshot.count, snapshot.names_from, snapshot.tally.named, snapshot.tally.anonymous) == (2, 3, 0, 2)
    assert (named(session, campaign), in_bundle()) == ([], 0)
    epochs.refresh_stale(session, LATER)
    assert named(session, campaign) == []
    sign(session, campaign, "Carol Example")
    snapshot = close_epoch(session, campaign, 2)
    assert (snapshot.count, snapshot.names_from, snapshot.tally.named) == (3, None, 3)
    assert sorted(named(session, campaign)) == ["Alice Example", "Bob Example", "Carol Example"]
    assert in_bundle() == 3
    with pytest.raises(MilestoneReached):
        milestone_settings.remove(session, campaign, COUNT, 3, Actor(omar, make.NOW))
    with pytest.raises(MilestoneReached):
        milestone_settings.change(session, campaign, COUNT, 3, USUAL, Actor(omar, make.NOW))


def test_removing_the_milestone_opens_no_name_that_was_signed_under_it(
    session: Session, omar: bytes, suzie: bytes
) -> None:
    campaign = make.campaign(session)
    milestone_settings.add(session, campaign, COUNT, 30, SEALED, Actor(omar, make.NOW))
    sign(session, campaign, "Alice Example")
    close_epoch(session, campaign, 1)
    asked = milestone_settings.remove(session, campaign, COUNT, 30, Actor(omar, make.NOW))
    assert asked is not None
    approved(session, campaign, asked.id, Actor(suzie, make.NOW))
    session.flush()
    epochs.refresh_stale(session, LATER)
    assert named(session, campaign) == []
    sign(session, campaign, "Bob Example")
    close_epoch(session, campaign, 2)
    assert named(session, campaign) == ["Bob Example"]
    with pytest.raises(NamesPublic):
        milestone_settings.add(session, campaign, COUNT, 30, SEALED, Actor(omar, make.NOW))
    milestone_settings.add(session, campaign, COUNT, 30, USUAL, Actor(omar, make.NOW))
    with pytest.raises(NamesPublic):
        milestone_settings.change(session, campaign, COUNT, 30, SEALED, Actor(omar, make.NOW))
    assert deeds(session, campaign) == [
        Action.MILESTONE_ADDED,
        Action.KEY_ASKED,
        Action.KEY_GIVEN,
        Action.MILESTONE_REMOVED,
        Action.MILESTONE_ADDED,
    ]


def test_a_letter_that_closes_below_the_milestone_keeps_its_names_to_itself(session: Session, omar: bytes) -> None:
    campaign = make.campaign(session)
    milestone_settings.add(session, campaign, COUNT, 30, SEALED, Actor(omar, make.NOW))
    sign(session, campaign, "Alice Example")
    epochs.close_campaign(session, campaign, make.NOW)
    assert (named(session, campaign), epochs.audit(session, campaign).faults) == ([], [])


def test_one_wish_for_many_names_still_holds_after_the_milestone(session: Session, omar: bytes) -> None:
    campaign = make.campaign(session)
    milestone_settings.add(session, campaign, COUNT, 2, SEALED, Actor(omar, make.NOW))
    sign(session, campaign, "Alice Example")
    make.signature(session, campaign, DisplayChoice(Visibility.NAME, name="Bob Example", publish_at=25))
    close_epoch(session, campaign, 1)
    assert named(session, campaign) == ["Alice Example"]


def test_a_milestone_is_added_once_and_a_share_needs_a_workforce(session: Session, omar: bytes) -> None:
    campaign = make.campaign(session, workforce=None)
    milestone_settings.add(session, campaign, COUNT, 10, USUAL, Actor(omar, make.NOW))
    with pytest.raises(MilestoneExists):
        milestone_settings.add(session, campaign, COUNT, 10, USUAL, Actor(omar, make.NOW))
    with pytest.raises(WorkforceUnknown):
        milestone_settings.add(session, campaign, MilestoneKind.SHARE, 10, USUAL, Actor(omar, make.NOW))
    (line,) = milestone_settings.lines(session, campaign, counted=4)
    assert (line.needs, line.missing, line.reached, line.then) == (10, 6, None, USUAL)


@pytest.mark.parametrize(("readers", "organiser"), [(True, False), (False, True), (False, False), (True, True)])
def test_a_milestone_is_mailed_to_whom_it_says(session: Session, omar: bytes, readers: bool, organiser: bool) -> None:
    campaign = make.campaign(session)
    reader(session, campaign, "one@post.example", Frequency.MILESTONES)
    someone = subscribers.enter(
        session, make.PEPPER, campaign.id, campaign.policies(), Audience.ORGANISER, "omar@post.example", "en", make.NOW
    )
    then = Consequences(mail_readers=readers, mail_organisers=organiser, open_names=False)
    milestone_settings.add(session, campaign, COUNT, 1, then, Actor(omar, make.NOW))
    make.signature(session, campaign)
    close_epoch(session, campaign, 1)
    digests.plan_instant(session, campaign.id, 1, make.NOW)
    mailed = set(session.scalars(select(Delivery.recipient).where(Delivery.kind == "milestone")))
    assert (someone.id in mailed, len(mailed)) == (organiser, readers + organiser)


def test_a_milestone_cannot_be_sealed_while_an_epoch_opens_names(engine: Engine) -> None:
    """Whoever comes first wins, and the other one sees it: never is a public name sealed again."""
    with db.transaction() as session:
        campaign = make.campaign(session)
        omar = organisers.enrol(session, "Omar", "en", make.NOW).id
        sign(session, campaign, "Alice Example")
    refused: list[bool] = []

    def seal() -> None:
        try:
            with db.transaction() as session:
                milestone_settings.add(
                    session, session.get_one(Campaign, campaign.id), COUNT, 30, SEALED, Actor(omar, make.NOW)
                )
        except NamesPublic:
            refused.append(True)

    def batch() -> None:
        with db.transaction() as session:
            epochs.close_epoch(session, session.get_one(Campaign, campaign.id), datetime(2026, 11, 23, 13, tzinfo=UTC))

    threads = [threading.Thread(target=work) for work in (seal, batch)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with db.session() as session:
        snapshot = publication.load(session, campaign.slug)
        assert snapshot
        assert (len(snapshot.first_names), snapshot.names_from) == ((1, None) if refused else (0, 30))
