"""P25: an organiser removes a wave of signatures; and the list of signers, however long it is."""

from __future__ import annotations

import hashlib
import signal
import subprocess
import sys
import time
import tracemalloc
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

from petition import epochs
from petition.campaigns import Campaign, find_any
from petition.config.addresses import PROJECT
from petition.core import clock, db, outbox
from petition.core.outbox import OutboxKind
from petition.ledger import log
from petition.ledger.entries import Removal, Visibility
from petition.organisers import approvals, audit_log
from petition.organisers.actor import Actor
from petition.organisers.audit_log import Action
from petition.publication import bundle_file
from petition.signatures import DisplayChoice
from petition.signatures.selection import Criteria, Selection
from petition.signatures.tables import BulkRemoval, BulkRemovalState, Signature
from petition.usecases import removals
from petition.usecases.acts import ACTS
from tests import make
from tests.support.figures import Write
from tests.support.omar import Omar
from tests.support.work import counted_queries
from workers.loops.removals import carry_out_removals

OMAR, RITA = b"o" * 16, b"r" * 16


def bundle(session: Session, campaign: Campaign, home: Path) -> bytes:
    """The file that a reader gets now: pages and file follow within seconds."""
    epochs.refresh_stale(session, make.NOW)
    session.flush()
    for kind, outbox_id in outbox.overdue(session, make.NOW):
        if kind == OutboxKind.BUNDLE:
            outbox.settle(session, outbox_id)
    bundle_file.write_bundle(session, campaign, home)
    return bundle_file.bundle_path(home, campaign.slug).read_bytes()


def recount(home: Path, slug: str) -> str:
    """What the stand-alone script says of the file."""
    script, file = PROJECT / "petition/ledger/verify.py", bundle_file.bundle_path(home, slug)
    done = subprocess.run([sys.executable, script, file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def state(session: Session) -> str:
    """Every byte of the signatures."""
    session.expire_all()
    rows = session.execute(select(*Signature.__table__.columns).order_by(Signature.index)).all()
    return hashlib.sha256(repr([tuple(row) for row in rows]).encode()).hexdigest()


@pytest.mark.usefixtures("engine")
def test_a_wave_is_removed_as_previewed_undone_whole_and_final_with_the_epoch(
    long: bool, figure: Write, tmp_path: Path
) -> None:
    """P25: preview equals result, reversible until the epoch, journal, second organiser above 50."""
    signed, fakes = (2_000, 300) if long else (300, 60)
    with db.transaction() as session:
        campaign = make.campaign(session)
        name = campaign.slug
        for number in range(signed - fakes):
            make.signature(session, campaign, DisplayChoice(Visibility.NAME, name=f"Alice Example {number}") if number % 3 else make.ANONYMOUS)  # fmt: skip
        epochs.close_epoch(session, campaign, make.NOW + timedelta(seconds=10))
        for number in range(fakes):
            make.signature(
                session, campaign, DisplayChoice(Visibility.NAME, name=f"Mallory {number}", comment="me too")
            )
        epochs.close_epoch(session, campaign, make.NOW + timedelta(seconds=20))
    with db.transaction() as session:
        campaign = found(session, name)
        before, rows = bundle(session, campaign, tmp_path), state(session)

    chosen, wave = removed(name)
    figure(f"P25: previewed minus removed, of {signed} signatures", chosen.figure - wave.done, "0")
    assert (chosen.figure, wave.done, wave.state) == (fakes, fakes, BulkRemovalState.DONE)
    with db.transaction() as session:
        campaign = found(session, name)
        without = bundle(session, campaign, tmp_path)
        assert "Mallory" not in recount(tmp_path, name)
        assert without != before
        assert epochs.audit(session, campaign).faults == []
        assert log.head_of(session, campaign.id).counted == signed

    with db.transaction() as session:
        removals.take_back(session, found(session, name), wave.id, Actor(RITA, make.NOW))
    with db.transaction() as session:
        campaign = found(session, name)
        after = bundle(session, campaign, tmp_path)
        figure("P25: bytes of the bundle that differ after the undo", sum(a != b for a, b in zip(before, after, strict=True)), "0")  # fmt: skip
        assert after == before
        assert state(session) == rows
        assert epochs.audit(session, campaign).faults == []

    _, wave = removed(name)
    with db.transaction() as session:
        campaign = found(session, name)
        epochs.close_epoch(session, campaign, make.NOW + timedelta(seconds=30))
        with pytest.raises(removals.bulk_removal.RemovalOver):
            removals.take_back(session, campaign, wave.id, Actor(RITA, make.NOW))
    with db.transaction() as session:
        campaign = found(session, name)
        head = log.head_of(session, campaign.id)
        assert (head.counted, head.removed) == (signed - fakes, {"fraud": fakes})
        bundle(session, campaign, tmp_path)
        assert epochs.audit(session, campaign).faults == []
        deeds = [line.action for line in session.scalars(audit_log.lines(campaign.id))]
        kept = select(Signature).where(Signature.name.contains("Mallory"))
        assert session.scalars(kept).all() == []
    told = recount(tmp_path, name)
    figure("P25: counted by verify.py after the epoch, minus the signatures left", counted(told) - signed + fakes, "0")
    assert counted(told) == signed - fakes
    assert deeds[::-1] == [
        Action.KEY_ASKED, Action.KEY_GIVEN, Action.SIGNATURES_REMOVED, Action.REMOVAL_UNDONE,
        Action.KEY_ASKED, Action.KEY_GIVEN, Action.SIGNATURES_REMOVED,
    ]  # fmt: skip


def found(session: Session, name: str) -> Campaign:
    campaign = find_any(session, name)
    assert campaign
    return campaign


def counted(told: str) -> int:
    """The number in the script's first line of figures."""
    (line,) = [each for each in told.splitlines() if each.strip().startswith("counted")]
    return int("".join(c for c in line if c.isdigit()))


def removed(name: str) -> tuple[Selection, BulkRemoval]:
    """What was previewed, asked for, approved by a second organiser and worked off by a worker."""
    criteria = Criteria(q="mallory", first=2)
    with db.transaction() as session:
        campaign = found(session, name)
        chosen = removals.preview(session, campaign, criteria)
        seen = (chosen.epoch, chosen.digest())
        request = removals.remove(session, campaign, criteria, seen, Removal.FRAUD, Actor(OMAR, make.NOW)).request
        assert request
        request_id = request.id
    with db.session() as session, pytest.raises(approvals.SameOrganiser):
        approvals.approve(session, found(session, name).id, request_id, Actor(OMAR, make.NOW))
    with db.transaction() as session:
        campaign = found(session, name)
        given = approvals.approve(session, campaign.id, request_id, Actor(RITA, make.NOW))
        ACTS[given.act](session, campaign, given, make.NOW)
    with db.session() as session:
        (outbox_id,) = [each for kind, each in outbox.overdue(session, make.NOW) if kind == OutboxKind.REMOVAL]
    carry_out_removals(outbox_id, lambda: make.NOW, lambda: False)
    with db.session() as session:
        return chosen, session.scalars(select(BulkRemoval).order_by(BulkRemoval.state, BulkRemoval.at)).all()[0]


WORKER = """
import os, signal, sys
from petition.core import clock, db
from workers.loops.removals import carry_out_removals
portions = iter(range(3))

def stopping():
    if next(portions, None) is None:
        os.kill(os.getpid(), signal.SIGKILL)
    return False

db.connect(sys.argv[1])
carry_out_removals(sys.argv[2], clock.now, stopping, 5)
"""
"""A worker that dies after its fourth portion of five."""


def test_a_worker_killed_in_the_middle_of_a_wave_is_followed_and_the_figures_are_exact(
    engine: Engine, database_url: str, figure: Write
) -> None:
    """P25: kill -9; the sweep's next worker goes on where the last portion was committed."""
    del engine
    with db.transaction() as session:
        campaign = make.campaign(session)
        name = campaign.slug
        for number in range(60):
            make.signature(session, campaign, DisplayChoice(Visibility.NAME, name=f"Mallory {number}"))
        epochs.close_epoch(session, campaign, make.NOW + timedelta(seconds=10))
    with db.transaction() as session:
        campaign = found(session, name)
        chosen = removals.preview(session, campaign, Criteria(q="mallory"))
        told = (chosen.epoch, chosen.digest())
        request = removals.remove(
            session, campaign, Criteria(q="mallory"), told, Removal.FRAUD, Actor(OMAR, make.NOW)
        ).request
        assert request
        removals.approved(session, campaign, request, make.NOW)
    with db.session() as session:
        (outbox_id,) = [each for kind, each in outbox.overdue(session, make.NOW) if kind == OutboxKind.REMOVAL]
    worker = subprocess.Popen([sys.executable, "-c", WORKER, database_url, outbox_id], cwd=PROJECT)
    assert worker.wait(60) == -signal.SIGKILL
    assert done() == 20
    carry_out_removals(outbox_id, lambda: clock.now() + outbox.LEASE * 2, lambda: False)
    figure("P25: removed of 60 after a worker was killed", done(), "60")
    assert done() == 60
    with db.transaction() as session:
        campaign = found(session, name)
        epochs.close_epoch(session, campaign, make.NOW + timedelta(seconds=30))
        assert log.head_of(session, campaign.id).removed == {"fraud": 60}
        assert epochs.audit(session, campaign).faults == []


def done() -> int:
    with db.session() as session:
        return session.scalars(select(BulkRemoval.done)).one()


MANY = """
INSERT INTO signature (
  campaign_id, index, hw, leaf, epoch, state, salt, show, name, role, team, comment, publish_at, sealed_until, public,
  ticket, used
)
SELECT :campaign, n, sha256(n::text::bytea), sha256(('leaf' || n)::bytea), 1 + n / 1000, 'logged', sha256('salt'::bytea),
  'name', 'Signer ' || md5(n::text), 'Engineer', '', '', 0, 0, true, '', 0
FROM generate_series(CAST(:first AS int), CAST(:last AS int)) AS n
"""


def measured(omar: Omar, path: str) -> tuple[float, int, int]:
    """Seconds (best of five), peak bytes and queries of a page."""
    omar.sees(path)
    with counted_queries() as counting:
        tracemalloc.start()
        assert omar.sees(path).text.count("/signers/") >= 100
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    times = []
    for _ in range(5):
        began = time.perf_counter()
        omar.sees(path)
        times.append(time.perf_counter() - began)
    return min(times), peak, len(counting)


def test_a_page_of_a_hundred_thousand_signers_costs_what_a_page_of_a_hundred_costs(
    app: Flask, omar: Omar, owner: Engine, long: bool, figure: Write
) -> None:
    """The list is paged: the same queries, the same memory, hardly more time."""
    with db.transaction() as session:
        campaign_id = found(session, omar.slug).id
        session.execute(text(MANY), {"campaign": campaign_id, "first": 1, "last": 101})
        session.execute(text("UPDATE head SET counted = 101"))  # as many as are public, at least
    few = measured(omar, "~/signers")
    with db.transaction() as session:
        session.execute(text(MANY), {"campaign": campaign_id, "first": 102, "last": 100_000})
    with owner.connect() as connection:
        connection.execution_options(isolation_level="AUTOCOMMIT").execute(text("VACUUM ANALYZE signature"))
    many, last = measured(omar, "~/signers"), measured(omar, "~/signers?before=100000")
    figure("100,000 signers: milliseconds of the first page", many[0] * 1000, "≤ 200")
    figure("100,000 signers: milliseconds of the last page", last[0] * 1000, "≤ 200")
    figure("100,000 signers: peak kB of a page", many[1] // 1024, "as with 100")
    assert many[2] == last[2] == few[2]
    assert max(many[1], last[1]) <= 1.5 * few[1]
    if long:
        assert max(many[0], last[0]) <= 8 * few[0]
