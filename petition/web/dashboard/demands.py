"""The demands page records what happened to each demand, since when, and a page that reports it.

Every state has a date, and if somebody reports it, a link to a page that readers can open themselves. Dates in the
future are rejected, and so is a state while the letter is not public yet.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Final

from flask import Response, request, url_for
from wtforms.validators import Length

from petition.campaigns import CampaignFaulty, CampaignNotOpen, CampaignState, DemandState
from petition.core import clock, db
from petition.organisers import Act
from petition.publication import timeline
from petition.usecases import endings
from petition.web.dashboard import access, rendering
from petition.web.dashboard.access import needs
from petition.web.forms.base import BaseForm
from petition.web.forms.fields import DateField, SelectField, StringField
from petition.web.forms.redraw import redraw
from petition.web.forms.validators import not_in_future, web_page
from petition.web.labels import DEMAND_STATES
from petition.web.language import lazy_gettext as _

bp = access.blueprint("demands")
LONGEST_LINK: Final = 500


@dataclass(frozen=True, slots=True)
class Judgement:
    """The state of a demand, its date, and the address of a page that reports it, or nothing."""

    state: DemandState
    day: date
    source: str


class DemandForm(BaseForm):
    """The state of one demand. The names of its fields end in the number of the demand."""

    state = SelectField(_("State"), choices=DemandState, labels=DEMAND_STATES)
    day = DateField(_("Since"), [not_in_future])
    source = StringField(
        _("Source (optional)"),
        [Length(max=LONGEST_LINK), web_page],
        description=_("The address of a page where people can read it, starting with https://."),
        render_kw={"type": "url"},
    )

    def judgement(self) -> Judgement:
        """Return the state, the date and the source."""
        return Judgement(self.state.data, self.day.data, self.source.data)


def _page(form: DemandForm | None = None, number: int = 0) -> Response:
    with db.session() as session:
        campaign = access.campaign(session)
        today = clock.now().astimezone(rendering.zone_of(campaign)).date()
        demands = timeline.demands(session, campaign)
        forms = {
            each.number: DemandForm(data={"state": each.state, "day": today}, meta={"suffix": f"-{each.number}"})
            for each in demands
        }
        if form is not None:
            forms[number] = form
        return rendering.render(
            "demands", session, campaign, form or DemandForm(), demands=demands, forms=forms, today=today,
            public=campaign.state is not CampaignState.DRAFT,
        )  # fmt: skip


@bp.get("/c/<slug>/demands")
@needs(Act.PUBLISH)
def demands(slug: str) -> Response:
    """Show every demand with its timeline."""
    del slug
    return _page()


@bp.post("/c/<slug>/demands/<int:number>")
@needs(Act.PUBLISH)
@redraw(_page, CampaignNotOpen, CampaignFaulty, form=DemandForm)
def judge(slug: str, number: int) -> Response:
    """Record the state of one demand."""
    with db.transaction() as session:
        campaign, actor = access.campaign(session), access.actor()
        form = DemandForm.read(request.form, suffix=f"-{number}", **rendering.form_meta(campaign))
        access.show_again_if_resent()
        judged = form.judgement()
        endings.judge(session, campaign, number, judged.state, judged.source, judged.day, actor)
    return access.go(url_for(".demands", slug=slug, _anchor=f"demand-{number}"))
