"""Organisers from a terminal: invite the first one of a campaign, list them, let one in again, disable one."""

from __future__ import annotations

import click
from sqlalchemy import select
from sqlalchemy.orm import Session

from petition import campaigns, organisers
from petition.cli.common import YES, named, opened, refuse, require_yes
from petition.config import Config
from petition.core import clock, db
from petition.organisers import Organiser, Role
from petition.organisers.actor import Operator


@click.group()
def organiser() -> None:
    """Invite, list, let in and disable organisers."""


@organiser.command()
@click.option("--campaign", "slug", help="the campaign to organise; without it, one who may begin campaigns")
@click.option("--role", type=click.Choice([role.value for role in Role]), help="owner where nothing is said")
def invite(slug: str | None, role: str | None) -> None:
    """Print a link that lets somebody join. It works once, within 72 hours."""
    if role and not slug:
        refuse("A role is a role in a campaign: name it with --campaign.")
    with opened() as config, db.transaction() as session:
        campaign = named(session, slug).id if slug else None
        chosen = Role(role or Role.OWNER) if slug else None
        token = organisers.invite(session, campaign, chosen, Operator(clock.now()))
        click.echo(_link(config, "invitation", token))


@organiser.command("list")
def list_() -> None:
    """List every organiser, with the role in each campaign."""
    with opened(), db.session() as session:
        slugs = {found.id: found.slug for found in session.scalars(campaigns.every())}
        for someone in session.scalars(select(Organiser).order_by(Organiser.known_as)):
            roles = organisers.campaigns_of(session, someone.id)
            roles_held = ", ".join(
                sorted(f"{slugs[campaign]} {role}" for campaign, role in roles.items() if campaign in slugs)
            )
            click.echo(f"{someone.name:<40} {'disabled' if someone.disabled else roles_held or '–'}")


@organiser.command("let-in")
@click.argument("name")
def let_in(name: str) -> None:
    """Print a link that signs an organiser in, once, within 72 hours, after losing every way to sign in."""
    with opened() as config, db.transaction() as session:
        someone = _organiser(session, name)
        if someone.disabled:
            refuse(f"{someone.name} is disabled.")
        click.echo(_link(config, "enter", organisers.let_in(session, someone.id, clock.now())))


@organiser.command()
@click.argument("name")
@YES
def disable(name: str, *, yes: bool) -> None:
    """Block an organiser everywhere, at once. An owner needs --yes."""
    with opened(), db.transaction() as session:
        someone = _organiser(session, name)
        if Role.OWNER in organisers.campaigns_of(session, someone.id).values():
            require_yes("the removal of an owner", yes=yes)
        organisers.disable(session, someone, clock.now())
        click.echo(f"{someone.name} is disabled; every visit is over.")


def _organiser(session: Session, name: str) -> Organiser:
    found = organisers.named(session, name)
    if found is None:
        refuse(f"There is no organiser {name!r}.")
    return found


def _link(config: Config, kind: str, token: str) -> str:
    return f"{config.base_url}/organise/{kind}/{token}"
