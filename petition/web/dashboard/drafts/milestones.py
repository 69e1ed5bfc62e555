"""What a draft aims at: numbers of signatures, or shares of the workforce."""

from __future__ import annotations

from flask import Response, request, url_for
from sqlalchemy.orm import Session
from wtforms import Field, ValidationError

from petition import campaigns
from petition.campaigns import Campaign
from petition.campaigns.milestones import MilestoneKind
from petition.core import db
from petition.core.i18n import marked as _
from petition.organisers import Act
from petition.usecases import drafting
from petition.web.dashboard import access, rendering
from petition.web.dashboard.access import needs
from petition.web.dashboard.drafts import pages
from petition.web.dashboard.drafts.changing import typed
from petition.web.dashboard.drafts.shapes import one_of, refuse, whole_between, word
from petition.web.fields import EMPTY, Filled
from petition.web.forms import DIGITS, FormRefused, Shape
from petition.web.language import gettext

MOST_GOALS = 40
WHOLE = 100


class GoalForm(Shape):
    """One milestone."""

    kind = word(one_of([kind.value for kind in MilestoneKind]))
    value = word(whole_between(1, 10_000_000))

    def validate_value(self, field: Field) -> None:
        """Refuse more than the whole workforce."""
        if self.kind.data == MilestoneKind.SHARE and DIGITS.fullmatch(field.data) and int(field.data) > WHOLE:
            raise ValidationError(gettext(_("A share is at most 100 per cent.")))


@needs(Act.WRITE)
def goals(slug: str) -> Response:
    """The milestones, and room for one more."""
    del slug
    return _page(EMPTY)


@needs(Act.WRITE)
def add_goal(slug: str) -> Response:
    """Aim at one more and go on; raises LetterFrozen."""
    try:
        with db.transaction() as session:
            campaign = access.campaign(session)
            onward = pages.onward(campaign)
            if onward is None or request.form.get("value", "").strip():
                _add(session, campaign)
    except FormRefused as refused:
        return rendering.render_again(refused, _page(rendering.to_mend(refused, typed())))
    return access.go(onward or url_for("organise_drafts.goals", slug=slug))


def _add(session: Session, campaign: Campaign) -> None:
    form = GoalForm.read(request.form)
    if len(drafting.goals(session, campaign)) >= MOST_GOALS:
        refuse("value", gettext(_("Set %(n)s milestones at most."), n=MOST_GOALS))
    kind, value = MilestoneKind(str(form.kind.data)), int(str(form.value.data))
    drafting.add_goal(session, campaign, kind, value, access.actor())


@needs(Act.WRITE)
def drop_goal(slug: str) -> Response:
    """Aim at one no longer; raises LetterFrozen, FormRefused."""
    form = GoalForm.read(request.form)
    with db.transaction() as session:
        kind, value = MilestoneKind(str(form.kind.data)), int(str(form.value.data))
        drafting.drop_goal(session, access.campaign(session), kind, value, access.actor())
    return access.go(url_for("organise_drafts.goals", slug=slug))


def _page(form: Filled) -> Response:
    with db.session() as session:
        campaign = access.campaign(session)
        campaigns.require_draft(campaign)
        return pages.render(
            "milestones", session, campaign, "milestones", form, goals=drafting.goals(session, campaign)
        )
