"""Campaigns and their ledgers from a terminal: state changes, demands, a recount."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import click
from sqlalchemy import text
from sqlalchemy.orm import Session

from petition import campaigns, epochs
from petition.campaigns import CampaignIncomplete, CampaignState, DemandState, StepSkipped
from petition.cli.common import YES, named, opened, refuse, require_yes
from petition.core import clock, db, logs, security_events
from petition.core.redis_store import RedisStore
from petition.core.security_events import SecurityEvent
from petition.organisers import audit_log
from petition.organisers.actor import Operator
from petition.organisers.audit_log import Action

ONE_MOMENT: Final = {"isolation_level": "REPEATABLE READ"}
"""A batch that is written during a recount is seen in all tables or in none."""
KEEP_OUT: Final = text("LOCK TABLE signature, publication IN ACCESS SHARE MODE")
"""The scrub truncates these tables, which no snapshot survives: the recount would find no signature. It waits, or is waited for."""


BYPASSES: Final = {
    CampaignState.OPEN: ("the opening", Action.CAMPAIGN_OPENED),
    CampaignState.CLOSED: ("the close", Action.CAMPAIGN_CLOSED),
}
"""States for which organisers need one another, what they approve, and the line of the audit log."""


@click.group()
def campaign() -> None:
    """List, open and close campaigns, and record the status of their demands."""


@campaign.command("list")
def list_() -> None:
    """List every campaign with its state."""
    with opened(), db.session() as session:
        for found in session.scalars(campaigns.every()):
            click.echo(f"{found.slug:<40} {found.state}")


@campaign.command()
@click.argument("slug")
@click.argument(
    "state", type=click.Choice([state.value for state in CampaignState if state is not CampaignState.DRAFT])
)
@YES
def move(slug: str, state: str, *, yes: bool) -> None:
    """Move a campaign to its next state. Opening and closing need --yes."""
    to = CampaignState(state)
    with opened(), db.transaction() as session:
        found = named(session, slug)
        if to in BYPASSES:
            require_yes(BYPASSES[to][0], yes=yes)
        try:
            epochs.change(session, found, to, clock.now())
        except StepSkipped as skipped:
            refuse(f"A campaign takes one step at a time; this one cannot go from {skipped}.")
        except CampaignIncomplete as incomplete:
            refuse(str(incomplete))
        if to in BYPASSES:
            audit_log.write(session, found.id, Operator(clock.now()), BYPASSES[to][1])


@campaign.command()
@click.argument("slug")
@click.argument("number", type=int)
@click.argument("state", type=click.Choice([state.value for state in DemandState]))
@click.argument("source")
def demand(slug: str, number: int, state: str, source: str) -> None:
    """Record the status of a demand, and who reports it."""
    with opened(), db.transaction() as session:
        found = named(session, slug)
        campaigns.judge_demand(session, found, number, DemandState(state), source, found.local_day(clock.now()))


@click.group()
def ledger() -> None:
    """Recount ledgers."""


@ledger.command()
@click.argument("slug", required=False)
def verify(slug: str | None) -> None:
    """Recount from the entries. The exit code is 1 if anything differs."""
    with opened() as config, db.session() as session:
        found = [named(session, slug)] if slug else session.scalars(campaigns.every(but_drafts=True)).all()
        drifted = [_report(each) for each in found]
        if any(drifted):
            logs.configure(config)
            security_events.record(RedisStore(config.redis_url), SecurityEvent.TAMPERING_FOUND, clock.now())
    sys.exit(1 if any(drifted) else 0)


@contextmanager
def _one_moment() -> Iterator[Session]:
    """Open a session that sees everything as of one moment. The lock comes first; the next statement takes the snapshot."""
    with db.session() as session:
        session.connection(execution_options=ONE_MOMENT)
        session.execute(KEEP_OUT)
        yield session


def _report(found: campaigns.Campaign) -> bool:
    with _one_moment() as session:
        drift = epochs.audit(session, found)
    click.echo(f"{found.slug}: counted {drift.counted}, entries {drift.size}, root {drift.root}")
    for fault in drift.faults:
        click.echo(f"  {fault}")
    return bool(drift.faults)
