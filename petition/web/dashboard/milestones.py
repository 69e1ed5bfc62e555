"""Milestones: what the campaign aims at, what follows when it is reached.

Guards that what was reached stays, and that nobody is promised sealed names that are public already. Refuses numbers
below one and shares above the whole.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final

from flask import Response, request, url_for
from wtforms.validators import NumberRange

from petition.campaigns.milestones import MilestoneKind
from petition.core import db
from petition.ledger import log
from petition.organisers import Act
from petition.usecases import milestone_settings
from petition.usecases.milestone_settings import Consequences, MilestoneUnknown
from petition.web.dashboard import access, rendering
from petition.web.dashboard.access import needs
from petition.web.forms.base import BaseForm
from petition.web.forms.fields import BooleanField, IntegerField, SelectField
from petition.web.forms.redraw import redraw
from petition.web.language import lazy_gettext as _

bp = access.blueprint("milestones")
LARGEST: Final = {MilestoneKind.COUNT: 10_000_000, MilestoneKind.SHARE: 100}
KINDS: Final = {MilestoneKind.COUNT: _("Signatures"), MilestoneKind.SHARE: _("Per cent of the workforce")}
REFUSALS: Final = (
    milestone_settings.MilestoneExists,
    milestone_settings.MilestoneReached,
    milestone_settings.WorkforceUnknown,
    milestone_settings.NamesPublic,
)
AS_USUAL: Final = {"mail_readers": True, "mail_organisers": True}


class ConsequencesForm(BaseForm):
    """What follows when a milestone is reached."""

    mail_readers = BooleanField(
        _("Mail subscribers"),
        description=_("Those who asked for news as it happens. The others find it in their digest."),
    )
    mail_organisers = BooleanField(_("Mail organisers"), description=_("Organisers who get digests."))
    open_names = BooleanField(
        _("Open names"),
        description=_(
            "No name is public before. People who sign with a name are promised this number: their name never "
            "appears sooner, whatever you change later."
        ),
    )

    def consequences(self) -> Consequences:
        """All three."""
        return Consequences(self.mail_readers.data, self.mail_organisers.data, self.open_names.data)


class MilestoneForm(ConsequencesForm):
    """A new milestone; how large it may be depends on what is counted."""

    kind = SelectField(_("What is counted"), choices=MilestoneKind, labels=KINDS)
    value = IntegerField(_("How many"), render_kw={"inputmode": "numeric", "autocomplete": "off"})

    def process(self, formdata: Any = None, *others: Any, **values: Any) -> None:
        """Set the limits of the number before it is read."""
        share = formdata is not None and formdata.get("kind") == MilestoneKind.SHARE
        limits = NumberRange(1, LARGEST[MilestoneKind.SHARE if share else MilestoneKind.COUNT])
        self.value.validators, self.value.flags.min, self.value.flags.max = [limits], limits.min, limits.max
        super().process(formdata, *others, **values)


def _page(form: MilestoneForm | None = None) -> Response:
    with db.session() as session:
        campaign = access.campaign(session)
        lines = milestone_settings.lines(session, campaign, log.counted(session, campaign.id))
        sealable = milestone_settings.names_can_wait(session, campaign)
        shown = form or MilestoneForm(data=AS_USUAL)
        return rendering.render("milestones", session, campaign, shown, lines=lines, sealable=sealable)


def _page_of_one(form: ConsequencesForm | None, kind: str, value: int) -> Response:
    with db.session() as session:
        campaign = access.campaign(session)
        line = milestone_settings.line(session, campaign, _kind(kind), value, log.counted(session, campaign.id))
        sealable = milestone_settings.names_can_wait(session, campaign)
        shown = form or ConsequencesForm(data=asdict(line.then))
        return rendering.render("milestone", session, campaign, shown, line=line, sealable=sealable)


@bp.get("/c/<slug>/milestones")
@needs(Act.PUBLISH)
def milestones(slug: str) -> Response:
    """All of them, with how many are missing, or when each was reached."""
    del slug
    return _page()


@bp.post("/c/<slug>/milestones")
@needs(Act.PUBLISH)
@redraw(_page, *REFUSALS, form=MilestoneForm, field="value")
def add(slug: str) -> Response:
    """Aim at one more."""
    form = MilestoneForm.read(request.form)
    access.show_again_if_resent()
    kind, value, then = form.kind.data, form.value.data, form.consequences()
    with db.transaction() as session:
        milestone_settings.add(session, access.campaign(session), kind, value, then, access.actor())
    return access.go(url_for(".milestones", slug=slug))


@bp.get("/c/<slug>/milestones/<kind>/<int:value>")
@needs(Act.PUBLISH)
def milestone(slug: str, kind: str, value: int) -> Response:
    """One that is not reached: what follows, and the way to remove it. Raises MilestoneUnknown."""
    del slug
    return _page_of_one(None, kind, value)


@bp.post("/c/<slug>/milestones/<kind>/<int:value>")
@needs(Act.PUBLISH)
@redraw(_page_of_one, *REFUSALS, form=ConsequencesForm)
def change(slug: str, kind: str, value: int) -> Response:
    """Let other things follow. Raises MilestoneUnknown."""
    then = ConsequencesForm.read(request.form).consequences()
    with db.transaction() as session:
        milestone_settings.change(session, access.campaign(session), _kind(kind), value, then, access.actor())
    return access.go(url_for(".milestones", slug=slug))


@bp.post("/c/<slug>/milestones/<kind>/<int:value>/remove")
@needs(Act.PUBLISH)
def remove(slug: str, kind: str, value: int) -> Response:
    """No longer aim at it. Raises MilestoneUnknown, MilestoneReached."""
    with db.transaction() as session:
        milestone_settings.remove(session, access.campaign(session), _kind(kind), value, access.actor())
    return access.go(url_for(".milestones", slug=slug))


def _kind(kind: str) -> MilestoneKind:
    try:
        return MilestoneKind(kind)
    except ValueError:
        raise MilestoneUnknown from None
