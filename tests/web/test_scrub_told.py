"""The scrub says what it was not allowed to do, on /metrics and to organisers; and every fault moves its figure at once."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import Engine, create_engine, text, update
from sqlalchemy.engine import make_url
from sqlalchemy.orm import Session

from petition.campaigns import find
from petition.config.addresses import APPLICATION_ROLE
from petition.core import clock, db, outbox
from petition.core.outbox import OutboxKind
from petition.ledger.log import Head
from petition.mailing import queue
from petition.mailing.queue import Delivery, DeliveryState, Throttle
from petition.privacy import scrub_state
from petition.privacy.scrub import REWRITTEN, Scrubbed, scrub
from petition.usecases import daily_figures
from petition.web.dashboard.panels import health
from tests import make
from tests.support.omar import Omar
from tests.support.services import MONITOR, as_role
from tests.support.slots import catch_up


def figures(client: FlaskClient) -> dict[str, float]:
    lines = [
        line.split() for line in client.get("/metrics", headers=MONITOR).text.splitlines() if not line.startswith("#")
    ]
    return {name.removeprefix("undersigned_"): float(value) for name, value in lines}


def role(database_url: str, *rights: str) -> str:
    """The address of the database for a role of its own with so many rights."""
    name = f"role_{secrets.token_hex(4)}"
    engine = create_engine(database_url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE ROLE {name} LOGIN"))
        for right in rights:
            connection.execute(text(right.format(role=name)))
    engine.dispose()
    return make_url(database_url).set(username=name).render_as_string(hide_password=False)


def record(database_url: str, did: Scrubbed, now: datetime) -> None:
    """Record a run, as the worker does."""
    engine = create_engine(as_role(database_url, APPLICATION_ROLE))
    with Session(engine) as session:
        scrub_state.record(session, did, now)
        session.commit()
    engine.dispose()


OWNS = (
    "GRANT USAGE ON SCHEMA verification TO {role}",
    *(f"ALTER TABLE {table} OWNER TO {{role}}" for table in REWRITTEN),
)


@pytest.mark.parametrize(
    ("rights", "did"),
    [
        (OWNS, Scrubbed(True, wal_switched=False, checkpointed=False)),
        ((*OWNS, "GRANT pg_checkpoint TO {role}"), Scrubbed(True, wal_switched=False, checkpointed=True)),
        ((), Scrubbed(False, wal_switched=False, checkpointed=False)),
    ],
)
def test_what_the_role_may_not_do_is_told(
    client: FlaskClient, omar: Omar, database_url: str, rights: tuple[str, ...], did: Scrubbed
) -> None:
    """P59."""
    assert "scrub_seconds" not in figures(client)
    lesser = create_engine(role(database_url, *rights))
    assert scrub(lesser) == did
    lesser.dispose()
    record(database_url, did, clock.now() - timedelta(seconds=90))
    told = figures(client)
    assert 90 <= told["scrub_seconds"] < 120
    assert {step: told[f'scrub_step{{step="{step}"}}'] for step in scrub_state.STEPS} == {
        "rewritten": did.rewritten, "wal_switched": did.wal_switched, "checkpointed": did.checkpointed
    }  # fmt: skip
    with db.session() as session:
        shown = health.data(session, find(session, omar.slug), clock.now())
    assert set(shown.refused) == {step for step in scrub_state.STEPS if not getattr(did, step)}
    page = omar.sees("~").text
    assert ("may not rewrite the tables" in page) == (not did.rewritten)
    assert ("may not clear old pages" in page) == did.rewritten


def test_maintenance_may_do_all_of_it_and_the_newest_run_is_told(
    client: FlaskClient, omar: Omar, maintenance: Engine, database_url: str
) -> None:
    """P50."""
    did = scrub(maintenance)
    assert did == Scrubbed(True, True, True)
    record(database_url, Scrubbed(True, wal_switched=False, checkpointed=False), clock.now() - timedelta(hours=3))
    assert re.search(r'class="bad">taken out 3 h', omar.sees("~").text) or "may not clear" in omar.sees("~").text
    record(database_url, did, clock.now())
    assert figures(client)["scrub_seconds"] < 60
    assert "may not" not in omar.sees("~").text


def test_a_single_database_role_is_shown_with_what_is_lost(omar: Omar, owner: Engine) -> None:
    """P59, P50: the panel asks the database, whatever the settings say."""
    assert "One database role does everything here" not in omar.sees("~").text
    with owner.begin() as connection:
        connection.execute(text(f"GRANT DELETE ON entry TO {APPLICATION_ROLE}"))
    assert "One database role does everything here" in omar.sees("~").text


def owe(slug: str) -> None:
    with db.transaction() as session:
        outbox.add(session, OutboxKind.BUNDLE, find(session, slug).id, 1, clock.now() - timedelta(hours=1))


def lose_a_mail(slug: str) -> None:
    with db.transaction() as session:
        queue.enqueue(session, "weekly", bytes(16), "1", find(session, slug).id, bytes(16), clock.now())
        session.execute(update(Delivery).values(state=DeliveryState.DEAD))


def drift(slug: str) -> None:
    with db.transaction() as session:
        session.get_one(Head, find(session, slug).id).counted = 7


def bounce(slug: str) -> None:
    del slug
    with db.transaction() as session:
        session.add(
            Throttle(domain_tag=bytes(16), name="", open_at=None, failures=0, sent=90, bounced=30, complained=0)
        )


def wait(slug: str) -> None:
    with db.transaction() as session:
        for _ in range(10):
            make.signature(session, find(session, slug))


def stall(slug: str) -> None:
    with db.transaction() as session:
        catch_up(session, find(session, slug).id, clock.now() - timedelta(hours=1))


FAULTS: dict[str, Callable[[str], None]] = {
    "oldest_owed_seconds": owe, "dead_letters": lose_a_mail, "drift": drift, "bounce_rate": bounce,
    "overdue_seconds": stall, "pending": wait,
}  # fmt: skip


ONCE_A_DAY = {"bounce_rate", "pending"}


@pytest.mark.parametrize("name", FAULTS)
def test_each_figure_moves_with_its_fault(client: FlaskClient, slug: str, name: str) -> None:
    """P39: figures are counted when they are asked for, so each moves with the next look.

    Those that one person could move do so once the day is over.
    """
    with db.transaction() as session:
        daily_figures.record(session, clock.now())
    assert figures(client)[name] == 0
    FAULTS[name](slug)
    assert (figures(client)[name] != 0) is (name not in ONCE_A_DAY)
    with db.transaction() as session:
        daily_figures.record(session, clock.now() + timedelta(days=1))
    assert figures(client)[name] != 0
