"""Removals: criteria, the preview, the button that says the figure; what runs, what can be undone, what is final.

Guards that what is posted is what was looked at: the form carries a name of the very signatures of the preview.
"""

from __future__ import annotations

from typing import Final

from flask import Response, request, url_for
from sqlalchemy.orm import Session

from petition.campaigns import Campaign, CampaignState
from petition.core import clock, db
from petition.organisers import Act, approvals
from petition.organisers.approvals import ApprovalKind
from petition.signatures.bulk_removal import BulkRemovalUnknown
from petition.signatures.selection import CriteriaEmpty, Selection
from petition.usecases import removals as work
from petition.usecases.removals import SelectionChanged
from petition.web.dashboard import access, criteria, removal_rows, rendering
from petition.web.dashboard.access import needs
from petition.web.dashboard.criteria import CriteriaForm
from petition.web.forms.fields import DIGITS, StringField
from petition.web.forms.redraw import redraw
from petition.web.language import lazy_gettext as _

LOOK_AGAIN: Final = "2"
"""Seconds until a page that shows progress is asked for again, by the browser itself."""

bp = access.blueprint("removals")


class RemovalForm(CriteriaForm):
    """Criteria, the reason, and what the preview showed: the size of the ledger and the digest of the selection."""

    why = criteria.reason_field(invalid_value_message=_("Choose a reason."))
    size = StringField()
    seen = StringField()

    def preview(self) -> tuple[int, str]:
        """The size and the digest. Raises SelectionChanged without a size, for there was no preview then."""
        if not DIGITS.fullmatch(self.size.data):
            raise SelectionChanged
        return int(self.size.data), self.seen.data


def _page(form: CriteriaForm) -> Response:
    with db.session() as session:
        campaign = access.campaign(session)
        return rendering.render(
            "removal", session, campaign, form,
            removal=form if isinstance(form, RemovalForm) else RemovalForm(),
            given=form.given(),
            chosen=_select(session, campaign, form),
            opened=campaign.state is CampaignState.OPEN,
            at_once=work.AT_ONCE,
            options=criteria.options(campaign),
            reasons=removal_rows.reasons(),
        )  # fmt: skip


def _select(session: Session, campaign: Campaign, form: CriteriaForm) -> Selection | None:
    """What the criteria select, if there are any that can be read. Raises CriteriaEmpty before a form was refused."""
    if campaign.state is CampaignState.DRAFT or form.has_wrong_criteria() or not form.given():
        return None
    try:
        return work.preview(session, campaign, work.of_days(session, campaign.id, form.criteria(), form.days()))
    except CriteriaEmpty:
        if not form.errors:
            raise
        return None


@bp.get("/c/<slug>/removals")
@needs(Act.MODERATE)
def removals(slug: str) -> Response:
    """What was removed, what runs, what waits for a second organiser; again by itself while something runs."""
    del slug
    now = clock.now()
    with db.session() as session:
        campaign = access.campaign(session)
        rows = [removal_rows.row(line, campaign) for line in work.lines(session, campaign.id)]
        waiting = session.scalars(approvals.waiting(campaign.id, now))
        asked = [removal_rows.requested(each, campaign) for each in waiting if each.act is ApprovalKind.REMOVE]
        page = rendering.render("removals", session, campaign, rows=rows, asked=asked)
    if any(row.running for row in rows):
        page.headers["Refresh"] = LOOK_AGAIN
    return page


@bp.get("/c/<slug>/removals/new")
@needs(Act.MODERATE, fresh=True)
@redraw(_page, form=CriteriaForm)
def look(slug: str) -> Response:
    """The criteria, and the preview of what they select."""
    del slug
    form = CriteriaForm(request.args)
    return _page(form.check() if form.given() else form)


@bp.post("/c/<slug>/removals/new")
@needs(Act.MODERATE, fresh=True)
@redraw(_page, CriteriaEmpty, SelectionChanged, form=RemovalForm)
def remove(slug: str) -> Response:
    """Remove what was looked at, or ask a second organiser; raises CampaignClosed."""
    form = RemovalForm.read(request.form)
    access.show_again_if_resent()
    seen = form.preview()
    with db.transaction() as session:
        campaign = access.campaign(session)
        wanted = work.of_days(session, campaign.id, form.criteria(), form.days())
        work.remove(session, campaign, wanted, seen, form.why.data, access.actor())
    return access.go(url_for("organise_removals.removals", slug=slug))


@bp.post("/c/<slug>/removals/<wave>/undo")
@needs(Act.MODERATE)
def undo(slug: str, wave: str) -> Response:
    """Cancel a removal that runs, or undo one that no epoch has taken; raises BulkRemovalUnknown, RemovalOver."""
    try:
        wave_id = bytes.fromhex(wave)
    except ValueError:
        raise BulkRemovalUnknown from None
    with db.transaction() as session:
        work.take_back(session, access.campaign(session), wave_id, access.actor())
    return access.go(url_for("organise_removals.removals", slug=slug))
