"""The removals page: criteria, a preview, a button with the number of signatures, and the progress of each removal.

The form carries a signed digest of the exact signatures in the preview, so only what the organiser has seen is removed.
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
from petition.usecases.approval_rules import MOST_REMOVED
from petition.usecases.removals import SelectionChanged
from petition.web.dashboard import access, criteria, removal_rows, rendering, reviewed
from petition.web.dashboard.access import needs
from petition.web.dashboard.criteria import CriteriaForm
from petition.web.forms.fields import StringField
from petition.web.forms.redraw import redraw
from petition.web.language import lazy_gettext as _

REFRESH_SECONDS: Final = "2"
"""Seconds until the browser reloads a page that shows progress."""

bp = access.blueprint("removals")


class RemovalForm(CriteriaForm):
    """The criteria, the reason, and what the preview showed, signed (`petition.web.dashboard.reviewed`)."""

    why = criteria.reason_field(invalid_value_message=_("Choose a reason."))
    seen = StringField()


def _page(form: CriteriaForm) -> Response:
    with db.session() as session:
        campaign = access.campaign(session)
        chosen = _select(session, campaign, form)
        return rendering.render(
            "removal", session, campaign, form,
            removal=form if isinstance(form, RemovalForm) else RemovalForm(),
            given=form.given(),
            chosen=chosen,
            seen=reviewed.sign_preview(chosen, campaign.id, access.actor().by) if chosen else "",
            opened=campaign.state is CampaignState.OPEN,
            asks_first=chosen is not None and work.asks_first(session, campaign, chosen.figure, clock.now()),
            most=MOST_REMOVED,
            options=criteria.options(campaign),
            reasons=removal_rows.reasons(),
        )  # fmt: skip


def _select(session: Session, campaign: Campaign, form: CriteriaForm) -> Selection | None:
    """Return what the criteria select, or None without readable criteria.

    Raises CriteriaEmpty unless the form has errors.
    """
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
    """Show finished and running removals, and those that wait for a second organiser.

    The page reloads while one is running.
    """
    del slug
    now = clock.now()
    with db.session() as session:
        campaign = access.campaign(session)
        rows = [removal_rows.row(line, campaign) for line in work.lines(session, campaign.id)]
        waiting = session.scalars(approvals.waiting(campaign.id, now))
        requests = [removal_rows.requested(each, campaign) for each in waiting if each.act is ApprovalKind.REMOVE]
        page = rendering.render("removals", session, campaign, rows=rows, requests=requests)
    if any(row.running for row in rows):
        page.headers["Refresh"] = REFRESH_SECONDS
    return page


@bp.get("/c/<slug>/removals/new")
@needs(Act.MODERATE, fresh=True)
@redraw(_page, form=CriteriaForm)
def preview(slug: str) -> Response:
    """Show the criteria and a preview of what they select."""
    del slug
    form = CriteriaForm.of_request()
    return _page(form.check() if form.given() else form)


@bp.post("/c/<slug>/removals/new/preview")
@needs(Act.MODERATE, fresh=True)
@redraw(_page, form=CriteriaForm)
def search(slug: str) -> Response:
    """Show a preview of what the criteria select. It is a post because their text may be a name."""
    del slug
    return _page(CriteriaForm.of_request().check())


@bp.post("/c/<slug>/removals/new")
@needs(Act.MODERATE, fresh=True)
@redraw(_page, CriteriaEmpty, SelectionChanged, form=RemovalForm)
def remove(slug: str) -> Response:
    """Remove the signatures of the preview, or ask a second organiser. Raises CampaignClosed."""
    form = RemovalForm.read(request.form)
    access.show_again_if_resent()
    actor = access.actor()
    with db.transaction() as session:
        campaign = access.campaign(session)
        seen = reviewed.read_preview(form.seen.data, campaign.id, actor.by)
        wanted = work.of_days(session, campaign.id, form.criteria(), form.days())
        work.remove(session, campaign, wanted, seen, form.why.data, actor)
    return access.go(url_for("organise_removals.removals", slug=slug))


@bp.post("/c/<slug>/removals/<removal>/undo")
@needs(Act.MODERATE)
def undo(slug: str, removal: str) -> Response:
    """Cancel a running removal, or undo one that is not in any epoch yet. Raises BulkRemovalUnknown, RemovalOver."""
    try:
        removal_id = bytes.fromhex(removal)
    except ValueError:
        raise BulkRemovalUnknown from None
    with db.transaction() as session:
        work.take_back(session, access.campaign(session), removal_id, access.actor())
    return access.go(url_for("organise_removals.removals", slug=slug))
