"""Closes a campaign from a terminal: it first shows what the close deletes, and closes only with --yes.

It closes at once, without a second organiser and without the day in which owners could keep the letter open.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from petition import config, epochs
from petition.campaigns import Campaign, CampaignState
from petition.cli.common import YES, named, opened, refuse, require_yes
from petition.core import clock, db
from petition.organisers import audit_log
from petition.organisers.actor import Operator
from petition.organisers.audit_log import Action
from petition.usecases import close_preview
from petition.usecases.close_preview import ClosePreview


@click.command()
@click.argument("slug")
@YES
def close(slug: str, *, yes: bool) -> None:
    """Close a campaign for good, at once. Without --yes, only show what will be lost."""
    with opened() as here, db.transaction() as session:
        found = named(session, slug)
        if found.state is not CampaignState.OPEN:
            refuse(f"{slug} is {found.state.value}: only an open campaign can be closed.")
        foreseen = close_preview.preview_close(session, found)
        if yes:
            epochs.change(session, found, CampaignState.CLOSED, clock.now())
            audit_log.write(session, found.id, Operator(clock.now()), Action.CAMPAIGN_CLOSED)
        click.echo("\n".join(_describe(found, foreseen, yes=yes)))
        if not foreseen.others:
            click.echo("\n".join(_pepper(config.pepper_file(here.home))))
        require_yes("the close", yes=yes)


def _describe(found: Campaign, foreseen: ClosePreview, *, yes: bool) -> Iterator[str]:
    yield f"{found.slug} is closed for good." if yes else f"Closing {found.slug} cannot be undone:"
    yield f"  {foreseen.pending:>6} waiting signatures get their last batch"
    yield f"  {foreseen.tombstones:>6} waiting withdrawals and removals are written with it"
    if foreseen.bulk_removals:
        yield f"  {foreseen.bulk_removals:>6} running bulk removals are finished"
    yield f"  {1:>6} issuer key is destroyed: no pass can be issued any more"
    yield f"  {foreseen.tags:>6} tags of verified people are deleted"
    yield f"  {foreseen.unused:>6} of {foreseen.issued} passes were not used, and cannot be any more"
    yield f"  {foreseen.subscribers:>6} subscribers get the final digest; their addresses are deleted half a year later"
    yield "Backups from before the close still hold the tags and the sealed key: destroy them, too."


def _pepper(file: Path) -> Iterator[str]:
    yield "No other campaign is open. The pepper then serves only the list of subscribers: after the last mail, destroy it,"
    yield f"and every copy, by overwriting {file} with 32 new random bytes."
