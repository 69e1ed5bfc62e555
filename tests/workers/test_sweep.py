"""P2 without a storm: the queue lost every message; the rows are there, and the sweep sends them again."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import Engine, func, select

from petition import campaigns, epochs
from petition.campaigns.milestones import MilestoneKind
from petition.config import Config
from petition.core import clock, db, outbox
from petition.core.outbox import OutboxItem, OutboxKind
from petition.mailing.queue import Delivery
from petition.organisers.actor import Actor
from petition.usecases import exports
from petition.usecases.tables import ExportKind
from tests import make
from tests.support import mails
from workers import celery_app, follow_ups
from workers.follow_ups import FOLLOW_UPS
from workers.loops.exports import make_export
from workers.tasks import digests as digest_tasks
from workers.tasks import upkeep


def test_a_milestone_that_waits_for_a_day_is_left_alone_until_then_and_alarms_nobody(
    engine: Engine, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P46."""
    celery_app.set_up(config)
    monkeypatch.setattr(follow_ups, "send", lambda *_: None)
    now = clock.now()
    goals = ((MilestoneKind.COUNT, 1), (MilestoneKind.COUNT, 2))
    with db.transaction() as session:
        campaign = make.campaign(session, mailing=mails.AWAKE, goals=goals)
        mails.add_readers(session, campaign, 3, rhythm=mails.Frequency.MILESTONES)
        slug = campaign.slug
    for hours, many in ((0, 3), (1, 3), (23.9, 3), (24.1, 6), (60, 6)):
        if hours <= 1:
            with db.transaction() as session:
                campaign = campaigns.find(session, slug)
                make.signature(session, campaign)
                epochs.close_epoch(session, campaign, now + timedelta(hours=hours))
        with time_machine.travel(now + timedelta(hours=hours), tick=False):
            for _again in range(2):
                sweep_instant_news()
            with db.session() as session:
                made = session.scalar(select(func.count()).where(Delivery.kind == "milestone"))
                outbox.settle_all(session, OutboxKind.BUNDLE, campaign.id)
                assert epochs.health(session, clock.now()).oldest_owed_seconds == 0
        assert made == many, hours
    db.engine().dispose()


def sweep_instant_news() -> None:
    """What a worker does about the rows that a sweep finds."""
    with db.transaction() as session:
        found = [
            outbox_id for kind, outbox_id in outbox.overdue(session, clock.now()) if kind == OutboxKind.INSTANT_NEWS
        ]
    for outbox_id in found:
        digest_tasks.plan_instant(outbox_id)


def planned() -> int:
    """How many mails about the update are promised."""
    with db.session() as session:
        return session.scalar(select(func.count()).where(Delivery.kind == "update")) or 0


def test_news_whose_message_was_lost_is_planned_once_after_the_next_sweep(
    engine: Engine, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    celery_app.set_up(config)
    sent: list[tuple[str, str, list[str]]] = []
    monkeypatch.setattr(follow_ups, "send", lambda name, queue, args: sent.append((name, queue, args)))
    now = clock.now()
    with db.transaction() as session:
        campaign = make.campaign(session, mailing=mails.AWAKE)
        mails.add_readers(session, campaign, 3, rhythm=mails.Frequency.MILESTONES)
        text = {"en": "It is raining.", "fr": "Il pleut."}
        campaigns.publish_update(session, campaign, text, now, mailed_since=now + timedelta(days=1))
    with time_machine.travel(now + timedelta(hours=1), tick=False):
        upkeep.sweep()
        mine = [
            (name, queue, args) for name, queue, args in sent if (name, queue) == FOLLOW_UPS[OutboxKind.INSTANT_NEWS]
        ]
        assert len(mine) == 1
        for _ in range(2):  # a message that comes twice
            digest_tasks.plan_instant(*mine[0][2])
        assert planned() == 3
        sent.clear()
        upkeep.sweep()
    assert [each for each in sent if each[:2] == FOLLOW_UPS[OutboxKind.INSTANT_NEWS]] == []
    with db.session() as session:
        assert session.scalar(select(func.count()).where(OutboxItem.kind == OutboxKind.INSTANT_NEWS)) == 0
    db.engine().dispose()


def test_a_file_whose_message_was_lost_is_made_after_the_next_sweep(
    engine: Engine, config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    celery_app.set_up(config)
    sent: list[tuple[str, str, list[object]]] = []
    monkeypatch.setattr(follow_ups, "send", lambda name, queue, args: sent.append((name, queue, args)))
    with db.transaction() as session:
        campaign = make.campaign(session)
        export = exports.ask(session, campaign, ExportKind.FIGURES_CSV, Actor(b"o" * 16, clock.now()))
        export_id = export.id
    upkeep.sweep()
    assert [each for each in sent if each[0] == "exports.make"] == [("exports.make", "upkeep", [export_id.hex()])]
    make_export(export_id, config.home, clock.now())
    sent.clear()
    upkeep.sweep()
    assert [each for each in sent if each[0] == "exports.make"] == []
    db.engine().dispose()
