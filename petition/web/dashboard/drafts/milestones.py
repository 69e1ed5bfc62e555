"""The milestones step of a draft: numbers of signatures, or shares of the workforce."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from flask import Response, request, url_for
from sqlalchemy.orm import Session
from wtforms import Field, ValidationError
from wtforms.validators import NumberRange

from petition import campaigns
from petition.campaigns import Campaign
from petition.campaigns.milestones import MilestoneKind
from petition.core import db
from petition.organisers import Act
from petition.usecases import drafting
from petition.web.dashboard import access
from petition.web.dashboard.access import needs
from petition.web.dashboard.drafts import pages
from petition.web.forms.base import BaseForm, FormRefused
from petition.web.forms.fields import IntegerField, SelectField
from petition.web.forms.redraw import redraw
from petition.web.language import lazy_gettext as _

MOST_MILESTONES: Final = 40
LARGEST_SHARE: Final = 100
KINDS: Final = {MilestoneKind.COUNT: _("Signatures"), MilestoneKind.SHARE: _("Per cent of the workforce")}


@dataclass(frozen=True, slots=True)
class Milestone:
    """A number of signatures, or a share of the workforce in per cent."""

    kind: MilestoneKind
    value: int


class MilestoneForm(BaseForm):
    """One milestone."""

    kind = SelectField(_("What is counted"), choices=MilestoneKind, labels=KINDS)
    value = IntegerField(
        _("How many"),
        [NumberRange(1, 10_000_000)],
        render_kw={"inputmode": "numeric", "autocomplete": "off"},
    )

    def validate_value(self, field: Field) -> None:
        """Reject a share above the whole workforce."""
        if self.kind.data is MilestoneKind.SHARE and field.data > LARGEST_SHARE:
            raise ValidationError(_("A share is at most 100 per cent."))

    def milestone(self) -> Milestone:
        """Return the kind and the value."""
        return Milestone(self.kind.data, self.value.data)


def _page(form: MilestoneForm | None = None) -> Response:
    with db.session() as session:
        campaign = access.campaign(session)
        campaigns.require_draft(campaign)
        milestones = drafting.planned_milestones(session, campaign)
        return pages.render(
            "milestones", session, campaign, "milestones", form or MilestoneForm(), milestones=milestones
        )


@needs(Act.WRITE)
def milestones(slug: str) -> Response:
    """Show the milestones, and fields for a new one."""
    del slug
    return _page()


@needs(Act.WRITE)
@redraw(_page, form=MilestoneForm)
def add_milestone(slug: str) -> Response:
    """Add a milestone and continue. Raises LetterFrozen."""
    with db.transaction() as session:
        campaign = access.campaign(session)
        address = pages.next_address(campaign)
        if address is None or request.form.get("value", "").strip():
            _add(session, campaign)
    return access.go(address or url_for("organise_drafts.milestones", slug=slug))


def _add(session: Session, campaign: Campaign) -> None:
    wanted = MilestoneForm.read(request.form).milestone()
    if len(drafting.planned_milestones(session, campaign)) >= MOST_MILESTONES:
        raise FormRefused({"value": [_("Set %(n)s milestones at most.", n=MOST_MILESTONES)]})
    drafting.add_milestone(session, campaign, wanted.kind, wanted.value, access.actor())


@needs(Act.WRITE)
def remove_milestone(slug: str) -> Response:
    """Remove a milestone. Raises LetterFrozen, FormRefused."""
    unwanted = MilestoneForm.read(request.form).milestone()
    with db.transaction() as session:
        drafting.remove_milestone(session, access.campaign(session), unwanted.kind, unwanted.value, access.actor())
    return access.go(url_for("organise_drafts.milestones", slug=slug))
