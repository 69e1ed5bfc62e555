"""Removals: criteria, the preview, the button that says the figure; what runs, what can be undone, what is final.

Guards that what is posted is what was looked at: the form carries a name of the very signatures of the preview.
"""

from __future__ import annotations

from typing import Final

from flask import Response, request, url_for
from sqlalchemy.orm import Session

from petition.campaigns import Campaign, CampaignState
from petition.core import clock, db
from petition.core.i18n import marked as _
from petition.ledger.entries import Removal
from petition.organisers import Act, approvals
from petition.organisers.approvals import ApprovalKind
from petition.signatures.bulk_removal import BulkRemovalUnknown
from petition.signatures.selection import CriteriaEmpty, Selection
from petition.usecases import removals as work
from petition.usecases.removals import SelectionChanged
from petition.web.dashboard import access, criteria, removal_rows, rendering
from petition.web.dashboard.access import needs
from petition.web.dashboard.criteria import CriteriaForm, given
from petition.web.fields import EMPTY, Filled
from petition.web.forms import DIGITS, FormRefused
from petition.web.language import gettext

LOOK_AGAIN: Final = "2"
"""Seconds until a page that shows progress is asked for again, by the browser itself."""

bp = access.blueprint("removals")


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
def look(slug: str) -> Response:
    """The criteria, and the preview of what they select."""
    del slug
    typed = given(request.args)
    with db.session() as session:
        campaign = access.campaign(session)
        try:
            chosen = _select(session, campaign, CriteriaForm.read(request.args)) if typed else None
        except FormRefused as error:
            return rendering.render_again(
                error, _render(session, campaign, typed, None, rendering.to_mend(error, typed))
            )
        return _render(session, campaign, typed, chosen, Filled(typed))


@bp.post("/c/<slug>/removals/new")
@needs(Act.MODERATE, fresh=True)
def remove(slug: str) -> Response:
    """Remove what was looked at, or ask a second organiser; raises CampaignClosed."""
    typed = given(request.form)
    try:
        access.look_first()
        _remove(request.form.get("why", ""))
    except (FormRefused, CriteriaEmpty, SelectionChanged) as error:
        return _again(error, typed)
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


def _remove(why: str) -> None:
    form, size = CriteriaForm.read(request.form), request.form.get("size", "")
    if why not in {*Removal}:
        raise FormRefused({"why": [gettext(_("Choose a reason."))]})
    if not DIGITS.fullmatch(size):
        raise SelectionChanged
    seen = (int(size), request.form.get("seen", ""))
    with db.transaction() as session:
        campaign = access.campaign(session)
        wanted = work.of_days(session, campaign.id, form.criteria(), form.days())
        work.remove(session, campaign, wanted, seen, Removal(why), access.actor())


def _again(error: Exception, typed: dict[str, str]) -> Response:
    with db.session() as session:
        campaign = access.campaign(session)
        try:
            chosen = _select(session, campaign, CriteriaForm.read(request.form))
        except (FormRefused, CriteriaEmpty):
            chosen = None
        form = rendering.to_mend(error, {**typed, "why": request.form.get("why", "")})
        return rendering.render_again(error, _render(session, campaign, typed, chosen, form))


def _select(session: Session, campaign: Campaign, form: CriteriaForm) -> Selection | None:
    if campaign.state is CampaignState.DRAFT:
        return None
    return work.preview(session, campaign, work.of_days(session, campaign.id, form.criteria(), form.days()))


def _render(
    session: Session, campaign: Campaign, typed: dict[str, str], chosen: Selection | None, form: Filled = EMPTY
) -> Response:
    opened = campaign.state is CampaignState.OPEN
    return rendering.render(
        "removal",
        session,
        campaign,
        form,
        typed=typed,
        chosen=chosen,
        opened=opened,
        at_once=work.AT_ONCE,
        options=criteria.options(campaign),
        reasons=removal_rows.reasons(),
    )
