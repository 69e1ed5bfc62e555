"""Milestones: what the campaign aims at, what follows when it is reached.

Guards that what was reached stays, and that nobody is promised sealed names that are public already. Refuses numbers
below one and shares above the whole.
"""

from __future__ import annotations

from typing import Final

from flask import Response, request, url_for
from sqlalchemy.orm import Session

from petition.campaigns import Campaign
from petition.campaigns.milestones import MilestoneKind
from petition.core import db
from petition.ledger import log
from petition.organisers import Act
from petition.usecases import milestone_settings
from petition.usecases.milestone_settings import Consequences, GoalUnknown
from petition.web.dashboard import access, rendering
from petition.web.dashboard.access import needs
from petition.web.dashboard.typed import Typed
from petition.web.fields import EMPTY, Filled
from petition.web.forms import FormRefused

bp = access.blueprint("milestones")
LARGEST: Final = {MilestoneKind.COUNT: 10_000_000, MilestoneKind.SHARE: 100}
THEN: Final = ("mail_readers", "mail_organisers", "open_names")
REFUSED: Final = (
    FormRefused,
    milestone_settings.GoalThere,
    milestone_settings.GoalReached,
    milestone_settings.WorkforceUnknown,
    milestone_settings.NamesPublic,
)
AS_USUAL: Final = Filled({"mail_readers": "yes", "mail_organisers": "yes"})


@bp.get("/c/<slug>/milestones")
@needs(Act.TELL)
def milestones(slug: str) -> Response:
    """All of them, with how many are missing, or when each was reached."""
    del slug
    with db.session() as session:
        return _render(session, access.campaign(session))


@bp.post("/c/<slug>/milestones")
@needs(Act.TELL)
def add(slug: str) -> Response:
    """Aim at one more."""
    try:
        with db.transaction() as session:
            access.look_first()
            typed = Typed(request.form)
            kind = typed.choice("kind", MilestoneKind)
            value = typed.number("value", 1, LARGEST[kind])
            typed.check()
            milestone_settings.add(session, access.campaign(session), kind, value, _then(), access.actor())
    except REFUSED as error:
        form = rendering.to_mend(
            error, {name: request.form.get(name, "") for name in ("kind", "value", *THEN)}, "value"
        )
        with db.session() as session:
            return rendering.render_again(error, _render(session, access.campaign(session), form))
    return access.go(url_for(".milestones", slug=slug))


@bp.get("/c/<slug>/milestones/<kind>/<int:value>")
@needs(Act.TELL)
def milestone(slug: str, kind: str, value: int) -> Response:
    """One that is not reached: what follows, and the way to remove it. Raises GoalUnknown."""
    del slug
    with db.session() as session:
        return _render_one(session, access.campaign(session), _kind(kind), value)


@bp.post("/c/<slug>/milestones/<kind>/<int:value>")
@needs(Act.TELL)
def change(slug: str, kind: str, value: int) -> Response:
    """Let other things follow. Raises GoalUnknown."""
    try:
        with db.transaction() as session:
            milestone_settings.change(session, access.campaign(session), _kind(kind), value, _then(), access.actor())
    except REFUSED as error:
        form = rendering.to_mend(error, {name: request.form.get(name, "") for name in THEN})
        with db.session() as session:
            return rendering.render_again(
                error, _render_one(session, access.campaign(session), _kind(kind), value, form)
            )
    return access.go(url_for(".milestones", slug=slug))


@bp.post("/c/<slug>/milestones/<kind>/<int:value>/remove")
@needs(Act.TELL)
def remove(slug: str, kind: str, value: int) -> Response:
    """No longer aim at it. Raises GoalUnknown, GoalReached."""
    with db.transaction() as session:
        milestone_settings.remove(session, access.campaign(session), _kind(kind), value, access.actor())
    return access.go(url_for(".milestones", slug=slug))


def _kind(kind: str) -> MilestoneKind:
    try:
        return MilestoneKind(kind)
    except ValueError:
        raise GoalUnknown from None


def _then() -> Consequences:
    typed = Typed(request.form)
    return Consequences(*(typed.ticked(name) for name in THEN))


def _render(session: Session, campaign: Campaign, form: Filled = AS_USUAL) -> Response:
    lines = milestone_settings.lines(session, campaign, log.counted(session, campaign.id))
    sealable = milestone_settings.names_can_wait(session, campaign)
    return rendering.render("milestones", session, campaign, form, lines=lines, sealable=sealable)


def _render_one(
    session: Session, campaign: Campaign, kind: MilestoneKind, value: int, form: Filled = EMPTY
) -> Response:
    line = milestone_settings.line(session, campaign, kind, value, log.counted(session, campaign.id))
    values = {name: "yes" if getattr(line.then, name) else "" for name in THEN}
    filled = form if form.errors else Filled(values)
    sealable = milestone_settings.names_can_wait(session, campaign)
    return rendering.render("milestone", session, campaign, filled, line=line, sealable=sealable)
