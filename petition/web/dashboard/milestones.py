"""The milestones page: the numbers that the campaign aims at, and what follows when one is reached.

Reached milestones cannot be changed. Signers are never promised that their name is sealed if names are already public.
Numbers below one and shares above the whole workforce are rejected.
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
from petition.organisers.approvals import ApprovalRequest
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
DEFAULT_CONSEQUENCES: Final = {"mail_readers": True, "mail_organisers": True}


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
            "appears sooner, whatever you change later. A second organiser must approve that names open sooner for "
            "those who sign from then on."
        ),
    )

    def consequences(self) -> Consequences:
        """Return all consequences."""
        return Consequences(self.mail_readers.data, self.mail_organisers.data, self.open_names.data)


class MilestoneForm(ConsequencesForm):
    """A new milestone. Its largest value depends on what is counted."""

    kind = SelectField(_("What is counted"), choices=MilestoneKind, labels=KINDS)
    value = IntegerField(_("How many"), render_kw={"inputmode": "numeric", "autocomplete": "off"})

    def process(self, formdata: Any = None, *others: Any, **values: Any) -> None:
        """Set the limits of the number before the form is read."""
        share = formdata is not None and formdata.get("kind") == MilestoneKind.SHARE
        limits = NumberRange(1, LARGEST[MilestoneKind.SHARE if share else MilestoneKind.COUNT])
        self.value.validators, self.value.flags.min, self.value.flags.max = [limits], limits.min, limits.max
        super().process(formdata, *others, **values)


def _page(form: MilestoneForm | None = None) -> Response:
    with db.session() as session:
        campaign = access.campaign(session)
        lines = milestone_settings.lines(session, campaign, log.counted(session, campaign.id))
        sealable = milestone_settings.names_can_wait(session, campaign)
        shown = form or MilestoneForm(data=DEFAULT_CONSEQUENCES)
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
    """Show all milestones, with the number of missing signatures or the date of each that was reached."""
    del slug
    return _page()


@bp.post("/c/<slug>/milestones")
@needs(Act.PUBLISH, fresh=True)
@redraw(_page, *REFUSALS, form=MilestoneForm, field="value")
def add(slug: str) -> Response:
    """Add a milestone, or ask a second organiser if names would open sooner."""
    form = MilestoneForm.read(request.form)
    access.show_again_if_resent()
    kind, value, then = form.kind.data, form.value.data, form.consequences()
    with db.transaction() as session:
        asked = milestone_settings.add(session, access.campaign(session), kind, value, then, access.actor())
    return _back(slug, asked)


@bp.get("/c/<slug>/milestones/<kind>/<int:value>")
@needs(Act.PUBLISH)
def milestone(slug: str, kind: str, value: int) -> Response:
    """Show one milestone that is not reached: what follows, and a button to remove it. Raises MilestoneUnknown."""
    del slug
    return _page_of_one(None, kind, value)


@bp.post("/c/<slug>/milestones/<kind>/<int:value>")
@needs(Act.PUBLISH, fresh=True)
@redraw(_page_of_one, *REFUSALS, form=ConsequencesForm)
def change(slug: str, kind: str, value: int) -> Response:
    """Change what follows when a milestone is reached, or ask a second organiser. Raises MilestoneUnknown."""
    then = ConsequencesForm.read(request.form).consequences()
    with db.transaction() as session:
        asked = milestone_settings.change(session, access.campaign(session), _kind(kind), value, then, access.actor())
    return _back(slug, asked)


@bp.post("/c/<slug>/milestones/<kind>/<int:value>/remove")
@needs(Act.PUBLISH, fresh=True)
def remove(slug: str, kind: str, value: int) -> Response:
    """Remove a milestone, or ask a second organiser. Raises MilestoneUnknown, MilestoneReached."""
    with db.transaction() as session:
        asked = milestone_settings.remove(session, access.campaign(session), _kind(kind), value, access.actor())
    return _back(slug, asked)


def _back(slug: str, asked: ApprovalRequest | None) -> Response:
    """Redirect to the milestones, or to the page where a request waits."""
    return access.go(url_for(".milestones" if asked is None else "organise_approvals.approvals", slug=slug))


def _kind(kind: str) -> MilestoneKind:
    try:
        return MilestoneKind(kind)
    except ValueError:
        raise MilestoneUnknown from None
