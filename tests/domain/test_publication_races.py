"""What the public sees after two transactions that knew nothing of each other: all that was committed, and no deadlock."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import Engine, update
from sqlalchemy.orm import Session

from petition import campaigns, epochs, publication
from petition.campaigns import Campaign, CampaignState, DemandState, changes, switches
from petition.campaigns.milestones import MilestoneKind
from petition.core import clock, db
from petition.ledger import log
from petition.organisers.actor import Actor
from petition.publication import Snapshot
from petition.usecases import milestone_settings
from tests import make
from tests.support.waiting import lock_waiters, until


@pytest.fixture
def letter(engine: Engine) -> str:
    """An open campaign in which a signature waits."""
    with db.transaction() as session:
        made = make.campaign(session, public_min=1)
        make.signature(session, made)
        return made.slug


def public(slug: str) -> Snapshot:
    with db.session() as session:
        found = publication.load(session, slug)
        assert found
        return found


def stop(session: Session, slug: str) -> None:
    campaign = campaigns.find(session, slug)
    switches.stop(session, campaign, switches.SIGNING)
    session.flush()
    publication.refresh(session, campaign)


def test_a_batch_that_began_before_a_stop_publishes_the_stop(letter: str) -> None:
    with db.transaction() as batch:
        campaign = campaigns.find(batch, letter)
        with db.transaction() as session:
            stop(session, letter)
        epochs.close_epoch(batch, campaign, make.NOW)
    assert public(letter).stopped == (switches.SIGNING,)
    assert public(letter).count == 1


def test_a_batch_that_began_before_a_translation_publishes_it(letter: str) -> None:
    with db.transaction() as batch:
        campaign = campaigns.find(batch, letter)
        assert len(campaign.letters) == 2
        with db.transaction() as session:
            epochs.add_translation(session, campaigns.find(session, letter), "de", "Ein Brief", "Text")
        epochs.close_epoch(batch, campaign, make.NOW)
    assert set(public(letter).letters) == {"en", "fr", "de"}


def test_a_stop_that_began_before_a_batch_publishes_the_batch(letter: str) -> None:
    with db.transaction() as session:
        campaign = campaigns.find(session, letter)
        head = log.head_of(session, campaign.id)
        assert head.epoch == 0
        with db.transaction() as batch:
            epochs.close_epoch(batch, campaigns.find(batch, letter), make.NOW)
        stop(session, letter)
    assert (public(letter).epoch, public(letter).count) == (1, 1)


def test_a_batch_of_a_session_that_read_the_ledger_before_another_batch_comes_after_it(letter: str) -> None:
    with db.transaction() as late:
        campaign = campaigns.find(late, letter)
        head = log.head_of(late, campaign.id)
        with db.transaction() as batch:
            epochs.close_epoch(batch, campaigns.find(batch, letter), make.NOW)
        assert head.epoch == 0
        assert epochs.close_epoch(late, campaign, make.NOW).number == 2
    with db.session() as session:
        assert epochs.audit(session, campaigns.find(session, letter)).faults == []


def test_of_two_translations_at_once_both_are_languages_of_the_letter(letter: str) -> None:
    with db.transaction() as one:
        campaign = campaigns.find(one, letter)
        with db.transaction() as other:
            epochs.add_translation(other, campaigns.find(other, letter), "de", "Ein Brief", "Text")
        epochs.add_translation(one, campaign, "es", "Una carta", "Texto")
    assert set(public(letter).languages) == {"en", "fr", "de", "es"}


def judge(session: Session, campaign: Campaign) -> None:
    campaigns.judge_demand(session, campaign, 1, DemandState.MET, "https://news.example", make.NOW.date())


def tell(session: Session, campaign: Campaign) -> None:
    campaigns.publish_update(session, campaign, {"en": "News", "fr": "Du neuf"}, make.NOW, mailed_since=None)


def put_off(session: Session, campaign: Campaign) -> None:
    changes.change_public(campaign, {"closes_at": make.NOW + timedelta(days=90)})


@pytest.mark.parametrize("act", [judge, tell, put_off])
def test_what_is_changed_while_the_pages_are_drawn_is_drawn_next(
    letter: str, act: Callable[[Session, Campaign], None]
) -> None:
    mark_stale(letter)
    with db.transaction() as session:
        campaign = campaigns.find(session, letter)
        with db.transaction() as sweep:
            assert epochs.refresh_stale(sweep, make.NOW) == [letter]
        act(session, campaign)
    with db.transaction() as sweep:
        assert epochs.refresh_stale(sweep, make.NOW) == [letter]


def beside(hold: Callable[[Session], None], go_on: Callable[[Session], None], work: Callable[[Session], None]) -> None:
    """`hold` locks something in a transaction, `work` waits for it in another, then the first goes on to its end."""

    def other() -> None:
        with db.transaction() as session:
            work(session)

    with ThreadPoolExecutor(1) as thread:
        with db.transaction() as session:
            hold(session)
            waits: Future[None] = thread.submit(other)
            until("the other to wait for a lock, or to end", lambda: waits.done() or lock_waiters())
            go_on(session)
        waits.result(60)


def mark_stale(slug: str) -> None:
    with db.transaction() as session:
        session.execute(update(Campaign).where(Campaign.slug == slug).values(stale=True))


def test_a_stop_and_a_batch_of_a_page_that_is_stale_do_not_wait_for_each_other(letter: str) -> None:
    mark_stale(letter)
    beside(
        lambda session: switches.stop(session, campaigns.find(session, letter), switches.SIGNING) and session.flush(),
        lambda session: stop(session, letter),
        lambda session: epochs.close_epoch(session, campaigns.find(session, letter), make.NOW) and None,
    )
    assert (public(letter).stopped, public(letter).epoch) == ((switches.SIGNING,), 1)
    with db.session() as session:
        assert campaigns.find(session, letter).stale is False


@pytest.mark.parametrize("act", [judge, tell])
def test_a_close_and_news_do_not_wait_for_each_other(letter: str, act: Callable[[Session, Campaign], None]) -> None:
    beside(
        lambda session: session.refresh(campaigns.find(session, letter), with_for_update=True),
        lambda session: epochs.close_campaign(session, campaigns.find(session, letter), make.NOW),
        lambda session: act(session, campaigns.find(session, letter)),
    )
    assert public(letter).state is CampaignState.CLOSED


def test_a_new_milestone_and_a_stop_do_not_wait_for_each_other(letter: str) -> None:
    then = milestone_settings.Consequences(mail_readers=False, mail_organisers=False, open_names=False)
    beside(
        lambda session: milestone_settings.add(
            session, campaigns.find(session, letter), MilestoneKind.COUNT, 9, then, Actor(bytes(16), make.NOW)
        ),
        lambda session: session.flush(),
        lambda session: stop(session, letter),
    )
    assert public(letter).stopped == (switches.SIGNING,)
    assert [each.value for each in public(letter).milestones] == [9]


def test_a_close_by_its_date_and_a_batch_of_a_page_that_is_stale_do_not_wait_for_each_other(letter: str) -> None:
    mark_stale(letter)
    with db.transaction() as session:
        campaign = campaigns.find(session, letter)
        campaign.closes_at, lock = make.NOW, epochs.batch.epoch_lock(campaign.id)
    beside(
        lambda session: db.hold(session, lock),
        lambda session: epochs.close_epoch(session, campaigns.find(session, letter), make.NOW) and None,
        lambda session: epochs.keep_calendar(session, clock.now()) and None,
    )
    with db.transaction() as session:
        epochs.keep_calendar(session, clock.now())
    assert public(letter).state is CampaignState.CLOSED
