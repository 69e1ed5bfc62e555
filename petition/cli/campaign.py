"""Campaigns and their ledgers: what happens to them, and a recount."""

from __future__ import annotations

import sys
from typing import Final

import click

from petition import campaigns, epochs
from petition.campaigns import CampaignIncomplete, CampaignState, DemandState, StepSkipped
from petition.cli.common import named, opened, refuse
from petition.core import clock, db

ONE_MOMENT: Final = {"isolation_level": "REPEATABLE READ"}
"""A batch that is written while its ledger is recounted is seen in all tables or in none."""


@click.group()
def campaign() -> None:
    """Campaigns: list, open, close, record what came of them."""


@campaign.command("list")
def list_() -> None:
    """Every campaign with its state."""
    with opened(), db.session() as session:
        for found in session.scalars(campaigns.every()):
            click.echo(f"{found.slug:<40} {found.state}")


@campaign.command()
@click.argument("slug")
@click.argument(
    "state", type=click.Choice([state.value for state in CampaignState if state is not CampaignState.DRAFT])
)
def move(slug: str, state: str) -> None:
    """Take a campaign to its next state."""
    with opened(), db.transaction() as session:
        try:
            epochs.change(session, named(session, slug), CampaignState(state), clock.now())
        except StepSkipped as skipped:
            refuse(f"A campaign takes one step at a time; this one cannot go from {skipped}.")
        except CampaignIncomplete as incomplete:
            refuse(str(incomplete))


@campaign.command()
@click.argument("slug")
@click.argument("number", type=int)
@click.argument("state", type=click.Choice([state.value for state in DemandState]))
@click.argument("source")
def demand(slug: str, number: int, state: str, source: str) -> None:
    """Record what became of a demand, and who reports it."""
    with opened(), db.transaction() as session:
        campaigns.judge_demand(session, named(session, slug), number, DemandState(state), source, clock.now().date())


@click.group()
def ledger() -> None:
    """The ledger: recount it."""


@ledger.command()
@click.argument("slug", required=False)
def verify(slug: str | None) -> None:
    """Recount from the entries; exit code 1 on any drift."""
    with opened(), db.session() as session:
        found = [named(session, slug)] if slug else session.scalars(campaigns.every(but_drafts=True)).all()
        drifted = [_report(each) for each in found]
    sys.exit(1 if any(drifted) else 0)


def _report(found: campaigns.Campaign) -> bool:
    with db.session() as session:
        session.connection(execution_options=ONE_MOMENT)
        drift = epochs.audit(session, found)
    click.echo(f"{found.slug}: counted {drift.counted}, entries {drift.size}, root {drift.root}")
    for fault in drift.faults:
        click.echo(f"  {fault}")
    return bool(drift.faults)
