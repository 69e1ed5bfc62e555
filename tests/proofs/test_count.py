"""P7 and P8: milestones reached once whoever counts and crashes; a drift is found whatever was changed."""

from __future__ import annotations

import random
import threading
from datetime import timedelta

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from petition import campaigns, epochs
from petition.campaigns import OpenCampaign
from petition.campaigns.milestones import MilestoneKind, ReachedMilestone
from petition.campaigns.news import News, NewsKind
from petition.core import db
from petition.ledger.entries import Visibility
from petition.signatures import DisplayChoice
from tests import make
from tests.support.figures import Write


class Crash(Exception):
    """The process dies between the count and the commit."""


@pytest.mark.usefixtures("engine")
def test_many_signers_and_crashing_counters_reach_each_milestone_once(long: bool, figure: Write) -> None:
    """P7: 64 signers at once across ten milestones, four counters, one in three dying before its commit."""
    trials = 20 if long else 5
    announced = [times for trial in range(trials) for times in announcements(trial)]
    figure(f"P7: announcements of each of {len(announced)} milestones, {trials} trials", max(announced), "exactly 1")
    assert announced == [1] * 10 * trials


def announcements(trial: int) -> list[int]:
    """One trial: how often each of the ten milestones was announced."""
    goals = tuple((MilestoneKind.COUNT, value) for value in range(6, 64, 6))
    with db.transaction() as session:
        made = make.campaign(session, goals=goals, interval=1)
        slug, campaign_id = made.slug, made.id
        held = [make.a_pass(session, made).held for _ in range(64)]
    chance, done = random.Random(trial), threading.Event()

    def sign(mine: list[str]) -> None:
        from petition import signatures

        for each in mine:
            with db.transaction() as session:
                signatures.redeem(session, OpenCampaign.of(campaigns.find(session, slug)), each, make.ANONYMOUS)

    def count(_: int) -> None:
        turn = 0
        while not done.is_set():
            turn += 1
            try:
                with db.transaction() as session:
                    epochs.close_due(session, campaign_id, make.NOW + timedelta(seconds=10_000 * turn))
                    if chance.random() < 0.33:
                        raise Crash
            except Crash:
                continue

    signers = [threading.Thread(target=sign, args=(held[number::16],)) for number in range(16)]
    counters = [threading.Thread(target=count, args=(number,)) for number in range(4)]
    for thread in [*counters, *signers]:
        thread.start()
    for thread in signers:
        thread.join()
    done.set()
    for thread in counters:
        thread.join()
    with db.transaction() as session:
        epochs.close_epoch(session, campaigns.find(session, slug), make.NOW + timedelta(days=999))
    with db.session() as session:
        mine = (
            select(ReachedMilestone).where(ReachedMilestone.campaign_id == campaign_id).order_by(ReachedMilestone.value)
        )
        announced = [_news(session, milestone) for milestone in session.scalars(mine)]
        drift = epochs.audit(session, campaigns.find(session, slug))
    assert (drift.counted, drift.faults) == (64, [])
    assert len(announced) == len(goals) == 10
    return announced


def _news(session: Session, milestone: ReachedMilestone) -> int:
    """How often it was announced that an epoch reached this milestone."""
    told = select(func.count()).where(
        News.campaign_id == milestone.campaign_id, News.kind == NewsKind.MILESTONE, News.value == milestone.epoch
    )
    return session.scalar(told) or 0


DRIFTS = {
    "the head counts one more": "UPDATE head SET counted = counted + 1",
    "the page shows one more": "UPDATE publication SET data = jsonb_set(data, '{count}', '9')",
    "an entry is gone": "DELETE FROM entry WHERE index = 2",
    "an entry was edited": 'UPDATE entry SET line = replace(line, \'"d":["*"]\', \'"d":["d1"]\') WHERE index = 2',
    "two entries changed places": "UPDATE entry SET index = CASE index WHEN 1 THEN 102 ELSE 101 END WHERE index IN (1, 2);"
    "UPDATE entry SET index = index - 100 WHERE index > 100",
    "a tile was changed": "UPDATE tile SET hashes = overlay(hashes placing '\\x00'::bytea from 33)",
    "a signature's row is gone": "DELETE FROM signature WHERE index = 1",
    "more was issued than is told": "UPDATE head SET issued = '{\"work_email\": 77}'",
    "the letter was edited": "UPDATE letter SET markdown = markdown || '.' WHERE lang = 'en'",
    "a body was edited": "UPDATE signature SET name = 'Mallory' WHERE show = 'name'",
}


@pytest.mark.parametrize("what", DRIFTS)
def test_a_recount_finds_that(session: Session, what: str) -> None:
    """P8: whatever was changed behind our back, the recount says so."""
    made = make.campaign(session)
    for wish in (DisplayChoice(Visibility.NAME, name="Suzie Quux"), make.ANONYMOUS, make.ANONYMOUS):
        make.signature(session, made, wish)
    epochs.close_epoch(session, made, make.NOW + timedelta(seconds=10))
    session.flush()
    assert epochs.audit(session, made).faults == []
    session.execute(text("RESET ROLE"))
    for statement in DRIFTS[what].split(";"):
        session.execute(text(statement))
    session.expire_all()
    assert epochs.audit(session, made).faults != []
