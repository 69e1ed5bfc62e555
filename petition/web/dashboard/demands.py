"""Demands: what became of each, since when, and who reports it.

Guards that a state comes with its day and, where somebody reports it, with a page that readers can open themselves.
Refuses days to come, and states of a letter that nobody can read yet.
"""

from __future__ import annotations

from typing import Final

from flask import Response, request, url_for
from sqlalchemy.orm import Session

from petition.campaigns import Campaign, CampaignFaulty, CampaignNotOpen, CampaignState, DemandState
from petition.core import clock, db
from petition.organisers import Act
from petition.publication import timeline
from petition.usecases import endings
from petition.web.dashboard import access, rendering
from petition.web.dashboard.access import needs
from petition.web.dashboard.typed import Typed
from petition.web.fields import EMPTY, Filled
from petition.web.forms import FormRefused

bp = access.blueprint("demands")
FIELDS: Final = ("state", "day", "source")


@bp.get("/c/<slug>/demands")
@needs(Act.TELL)
def demands(slug: str) -> Response:
    """Every demand with its timeline."""
    del slug
    with db.session() as session:
        return _render(session, access.campaign(session))


@bp.post("/c/<slug>/demands/<int:number>")
@needs(Act.TELL)
def judge(slug: str, number: int) -> Response:
    """Record what became of one."""
    me = access.actor()
    try:
        with db.transaction() as session:
            campaign = access.campaign(session)
            access.look_first()
            typed = Typed(request.form)
            state = typed.choice(f"state-{number}", DemandState)
            day = typed.day(f"day-{number}", me.now.astimezone(rendering.zone_of(campaign)).date())
            source = typed.link(f"source-{number}")
            typed.check()
            endings.judge(session, campaign, number, state, source, day, me)
    except (FormRefused, CampaignNotOpen, CampaignFaulty) as error:
        names = [f"{field}-{number}" for field in FIELDS]
        form = rendering.to_mend(error, {name: request.form.get(name, "") for name in names})
        with db.session() as session:
            return rendering.render_again(error, _render(session, access.campaign(session), form))
    return access.go(url_for(".demands", slug=slug, _anchor=f"demand-{number}"))


def _render(session: Session, campaign: Campaign, form: Filled = EMPTY) -> Response:
    today = clock.now().astimezone(rendering.zone_of(campaign)).date()
    told = timeline.demands(session, campaign)
    values = {f"day-{each.number}": today.isoformat() for each in told}
    values |= {f"state-{each.number}": each.state.value for each in told}
    public = campaign.state is not CampaignState.DRAFT
    states, filled = list(DemandState), Filled(values | dict(form.values), form.errors)
    return rendering.render(
        "demands", session, campaign, filled, demands=told, states=states, public=public, today=today
    )
