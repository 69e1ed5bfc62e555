"""Whatever the data map says lives for a while is gone afterwards: one case for each table, planted, aged, purged."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import pytest
from sqlalchemy import Engine, func, select, update
from sqlalchemy.orm import Session

from petition import epochs, organisers, signatures
from petition.campaigns import Campaign, OpenCampaign
from petition.config import Config
from petition.core import clock, db, logs, security_events
from petition.core.redis_store import RedisStore
from petition.core.security_events import SecurityEvent
from petition.ledger.entries import Removal, Visibility
from petition.ledger.log import Head
from petition.mailing import queue, subscribers
from petition.mailing.digests.tables import Edition
from petition.mailing.queue import Delivery
from petition.mailing.subscribers import Frequency, Subscriber
from petition.mailing.subscribers.tables import Contact, UnreadReport
from petition.organisers import Invitation, OrganiserSession, Role, approvals, audit_log, sessions
from petition.organisers.actor import Actor, Operator
from petition.organisers.approvals import ApprovalKind, ApprovalRequest
from petition.organisers.audit_log import Action, AuditEntry
from petition.privacy import daily_figures
from petition.privacy.daily_figures import CampaignDay
from petition.privacy.data_elsewhere import LOG_DAYS
from petition.privacy.data_map import AS_LETTER, DATA_MAP, FOR_GOOD, MINUTES
from petition.signatures import DisplayChoice
from petition.signatures.tables import Pending, Signature, SignatureState, WaitingAct, WaitingRemoval
from petition.signatures.withdrawal import UNSHOWN
from petition.usecases import daily_figures as counting
from petition.usecases import exports, files
from petition.usecases.tables import Export, ExportKind
from petition.verification.tables import CodeDay, Issuer, MailCap, Tag
from tests import make
from workers import celery_app
from workers.tasks.upkeep import purge

ENDLESS: Final = {FOR_GOOD, AS_LETTER, MINUTES}
"""Not ended by a date: what is public for good, what the letter needs, and what ends with the work it stands for."""
DAY: Final = timedelta(days=1)
HALF_A_YEAR: Final = timedelta(days=181)
NAMED: Final = DisplayChoice(Visibility.NAME, name="Suzie Example")
Plant = Callable[[Session, Campaign, datetime], object]
Left = Callable[[Session, Campaign], int]


def rows(table: type[db.Base]) -> Left:
    """How many rows a table holds."""
    return lambda session, _campaign: session.scalar(select(func.count()).select_from(table)) or 0


def nothing(_session: Session, _campaign: Campaign, _now: datetime) -> None:
    """Nothing ends it but time."""


def close(session: Session, campaign: Campaign, now: datetime) -> None:
    """The letter closes."""
    epochs.close_campaign(session, campaign, now)


def batch(session: Session, campaign: Campaign, now: datetime) -> None:
    """The next batch is written."""
    epochs.close_epoch(session, campaign, now)


def another_batch(session: Session, campaign: Campaign, now: datetime) -> None:
    """Somebody else signs, and it is written."""
    sign(session, campaign, now)
    batch(session, campaign, now + DAY)


@dataclass(frozen=True)
class Case:
    """How something comes into a table, what ends it, after how long it is gone, and how much of it is left."""

    plant: Plant
    left: Left
    life: timedelta = timedelta(0)
    end: Plant = nothing
    before: int = 1
    after: int = 0


def adds(make_row: Callable[[Campaign, datetime], db.Base]) -> Plant:
    return lambda session, campaign, now: session.add(make_row(campaign, now))


def sign(session: Session, campaign: Campaign, now: datetime) -> signatures.Receipt:
    del now
    return make.signature(session, campaign, NAMED)


def signed(session: Session, campaign: Campaign, now: datetime) -> signatures.Receipt:
    receipt = sign(session, campaign, now)
    epochs.close_epoch(session, campaign, now)
    return receipt


def withdrawn(session: Session, campaign: Campaign, now: datetime) -> None:
    signatures.withdraw(session, OpenCampaign.of(campaign), signed(session, campaign, now).withdraw)


def removed(session: Session, campaign: Campaign, now: datetime) -> None:
    signed(session, campaign, now)
    index = session.scalars(select(Signature.index)).one()
    session.execute(update(Signature).values(state=SignatureState.REMOVED, **UNSHOWN))
    session.add(
        WaitingRemoval(campaign_id=campaign.id, index=index, why=Removal.FRAUD, bulk_removal_id=None, public=True)
    )


def names_left(session: Session, campaign: Campaign) -> int:
    named = select(func.count()).select_from(Signature).where(Signature.name != "", Signature.salt.is_not(None))
    return session.scalar(named.where(Signature.campaign_id == campaign.id)) or 0


def moments(session: Session, campaign: Campaign) -> int:
    """One while the ledger's head tells when the planted batch was written."""
    return int(session.get_one(Head, campaign.id).epoch == 1)


def wants_mail(session: Session, campaign: Campaign, now: datetime) -> None:
    policies = campaign.policies()
    subscribers.ask(session, make.PEPPER, campaign.id, policies, "suzie@post.example", "en", Frequency.WEEKLY, now)
    subscribers.confirm(session, session.scalars(select(Subscriber.id)).one(), now)


def figures_of_a_day(session: Session, campaign: Campaign, now: datetime) -> None:
    daily_figures.write(session, campaign.id, CampaignDay(daily_figures.last_day(now), active=70))


def figures_left(session: Session, campaign: Campaign) -> int:
    found = daily_figures.of_campaign(session, campaign.id)
    return int(found is not None and found.active == 70)


def next_day(session: Session, _campaign: Campaign, now: datetime) -> None:
    """Another day is over, and its figures are counted."""
    counting.record(session, now + DAY)


def omar(session: Session, now: datetime) -> bytes:
    return organisers.enrol(session, "Omar", "en", now).id


def edition(campaign: Campaign, period: str, now: datetime) -> Edition:
    return Edition(
        campaign_id=campaign.id, kind="signer_weekly", period=period, since=now, until=now, after=0, upto=0, facts=None
    )


def editions(session: Session, campaign: Campaign, now: datetime) -> None:
    session.add_all([edition(campaign, "old", now), edition(campaign, "new", now + DAY)])


CASES: Final[dict[str, Case]] = {
    "verification.mail_cap": Case(
        adds(lambda _, now: MailCap(key=bytes(32), day=now.date(), n=1)), rows(MailCap), DAY
    ),
    "verification.code_day": Case(
        adds(lambda c, now: CodeDay(campaign_id=c.id, domain="corp.example", day=now.date(), asked=10, used=0, share=0)),
        rows(CodeDay),
        10 * DAY,
    ),
    "verification.tag": Case(lambda s, c, now: make.a_pass(s, c), rows(Tag), end=close),
    "verification.issuer": Case(lambda s, c, now: None, rows(Issuer), end=close),
    "public.pending": Case(sign, rows(Pending), end=batch),
    "public.signature": Case(signed, names_left, HALF_A_YEAR, end=close),
    "public.waiting_act": Case(withdrawn, rows(WaitingAct), end=batch),
    "public.waiting_removal": Case(removed, rows(WaitingRemoval), end=batch),
    "public.head": Case(signed, moments, end=another_batch),
    "public.subscriber": Case(wants_mail, rows(Subscriber), HALF_A_YEAR, end=close),
    "public.contact": Case(wants_mail, rows(Contact), HALF_A_YEAR, end=close),
    "public.unread_report": Case(
        lambda s, c, now: subscribers.unread.keep(s, b"A report.", [], "no-reply@accounts.example", now.date()),
        rows(UnreadReport),
        7 * DAY,
    ),
    "public.delivery": Case(
        lambda s, c, now: queue.enqueue(s, "signer_weekly", bytes(16), "2026-W48", c.id, bytes(16), now),
        rows(Delivery),
        61 * DAY,
    ),
    "public.edition": Case(editions, rows(Edition), 61 * DAY, before=2, after=1),
    "public.daily_figures": Case(figures_of_a_day, figures_left, end=next_day),
    "public.visit": Case(lambda s, c, now: sessions.begin(s, omar(s, now), now), rows(OrganiserSession), timedelta(hours=12)),
    "public.invitation": Case(
        lambda s, c, now: organisers.invite(s, c.id, Role.OWNER, Operator(now)), rows(Invitation), 3 * DAY
    ),
    "public.journal": Case(
        lambda s, c, now: audit_log.write(s, c.id, Operator(now), Action.INVITED, {}), rows(AuditEntry), 367 * DAY
    ),
    "public.key_request": Case(
        lambda s, c, now: approvals.ask(s, c.id, ApprovalKind.CLOSE, {}, Actor(omar(s, now), now)), rows(ApprovalRequest), 105 * DAY
    ),
    "public.export": Case(
        lambda s, c, now: exports.ask(s, c, ExportKind.AUDIT_LOG, Actor(omar(s, now), now)), rows(Export), DAY
    ),
}  # fmt: skip


def test_every_table_in_which_something_ends_has_a_case() -> None:
    ending = {column.rpartition(".")[0] for column, datum in DATA_MAP.items() if datum.life not in ENDLESS}
    assert set(CASES) == ending


@pytest.fixture
def _office(engine: Engine, config: Config) -> Iterator[None]:
    del engine
    celery_app.set_up(config)
    yield
    clock.set_offset(0)
    db.engine().dispose()


def purge_at(moment: datetime) -> None:
    """The hourly purge, at a moment."""
    clock.set_offset(0)
    clock.set_offset(int((moment - clock.now()).total_seconds()) + 1)
    purge()


def yesterday_at_noon() -> datetime:
    """In the past, for the database has a clock of its own that guards the journal; and where no day or hour ends."""
    return (clock.now() - DAY).replace(hour=12, minute=30, second=0, microsecond=0)


def left(case: Case, campaign_id: bytes) -> int:
    with db.session() as session:
        return case.left(session, session.get_one(Campaign, campaign_id))


@pytest.mark.usefixtures("_office")
@pytest.mark.parametrize("table", CASES)
def test_what_has_served_its_day_is_gone(table: str) -> None:
    case = CASES[table]
    then = yesterday_at_noon() - case.life
    with db.transaction() as session:
        campaign = make.campaign(session)
        session.flush()
        case.plant(session, campaign, then)
        campaign_id = campaign.id
    purge_at(then)
    assert left(case, campaign_id) == case.before
    with db.transaction() as session:
        case.end(session, session.get_one(Campaign, campaign_id), then)
    purge_at(then + case.life)
    assert left(case, campaign_id) == case.after


@pytest.mark.usefixtures("_office")
def test_the_security_events_of_yesterday_are_logged_once(
    config: Config, redis_store: RedisStore, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure(config)
    for _ in range(12):
        security_events.record(redis_store, SecurityEvent.LIMIT_REACHED, clock.now() - DAY)
    purge()
    purge()
    assert capsys.readouterr().err.count("security events of a day") == 1


@pytest.mark.usefixtures("_office")
def test_a_file_that_was_asked_for_goes_with_its_row(config: Config) -> None:
    with db.transaction() as session:
        export = exports.ask(
            session, make.campaign(session), ExportKind.AUDIT_LOG, Actor(omar(session, make.NOW), make.NOW)
        )
        path = files.path(config.home, export.id)
    path.parent.mkdir(parents=True)
    path.write_text("made")
    purge_at(make.NOW)
    assert path.exists()
    purge_at(make.NOW + DAY)
    assert not path.exists()


def test_no_line_of_a_log_is_there_after_a_week_and_none_is_lost_within_three_days(tmp_path: Path) -> None:
    log, lines = tmp_path / "web.log", []
    writer = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for hour in range(24 * 20):
        now = make.NOW + timedelta(hours=hour)
        os.write(writer, f"{hour}\n".encode())
        logs.rotate(tmp_path, now)
        lines = [int(line) for path in tmp_path.glob("web*.log") for line in path.read_text().split()]
        assert hour - min(lines) <= LOG_DAYS * 24
        assert set(range(max(0, hour - 72 + 1), hour + 1)) <= {*lines, hour}
    assert {path.name for path in tmp_path.iterdir()} == {"web.log", "web.1.log"}
    assert (tmp_path / "web.1.log").stat().st_mode & 0o077 == 0
    logs.rotate(tmp_path, make.NOW + timedelta(days=40))
    assert [path.read_text() for path in tmp_path.iterdir()] == ["", ""]
    os.close(writer)


def test_a_log_that_grows_too_fast_is_rotated_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "LARGEST", 100)
    log = tmp_path / "web.log"
    log.write_text("old\n")
    logs.rotate(tmp_path, make.NOW)
    for hour in range(1, 5):
        log.write_text("".join(f"{hour} {line}\n" for line in range(1000)))
        logs.rotate(tmp_path, make.NOW + timedelta(hours=hour))
        assert log.read_text() == ""
        kept = (tmp_path / "web.1.log").read_text()
        assert len(kept) == 100
        assert kept.endswith(f"{hour} 999\n")
    log.write_text("new\n")
    logs.rotate(tmp_path, make.NOW + timedelta(hours=6))
    assert log.read_text() == "new\n"
