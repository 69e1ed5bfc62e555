"""Signers: those who are shown by name, a hundred a page; hiding a name or a comment, removing one signature.

Guards everybody else: nothing here reads what is hidden, sealed, anonymous or waiting, and nothing here adds a signature.
"""

from __future__ import annotations

from flask import Response, request, url_for
from sqlalchemy.orm import Session

from petition.campaigns import Campaign
from petition.core import db
from petition.core.i18n import marked as _
from petition.ledger.entries import Removal
from petition.organisers import Act
from petition.signatures import Concealed, SignerUnknown, selection
from petition.usecases import hints, removals
from petition.web.dashboard import access, removal_rows, rendering
from petition.web.dashboard.access import needs
from petition.web.dashboard.criteria import CriteriaForm, given, options
from petition.web.fields import EMPTY, Filled
from petition.web.forms import FormRefused
from petition.web.language import gettext

bp = access.blueprint("signers")


@bp.get("/c/<slug>/signers")
@needs(Act.MODERATE)
def signers(slug: str) -> Response:
    """A page of the named, in ledger order, and what is worth a look; four queries whatever there is."""
    del slug
    typed = given(request.args)
    after, before = (request.args.get(name, type=int) for name in ("after", "before"))
    with db.session() as session:
        campaign = access.campaign(session)
        try:
            criteria = CriteriaForm.read(request.args).criteria()
        except FormRefused as error:
            page = _render(session, campaign, selection.Criteria(), typed, rendering.to_mend(error, typed))
            return rendering.render_again(error, page)
        return _render(session, campaign, criteria, typed, Filled(typed), after or 0, before)


@bp.get("/c/<slug>/signers/<int:index>")
@needs(Act.MODERATE)
def signer(slug: str, index: int) -> Response:
    """One signer who is shown by name, and what can be done; raises SignerUnknown."""
    del slug
    return _render_one(index)


@bp.post("/c/<slug>/signers/<int:index>/hide")
@needs(Act.MODERATE)
def hide(slug: str, index: int) -> Response:
    """Take the name or the comment off the page; raises SignerUnknown."""
    what = request.form.get("what", "")
    if what not in {*Concealed}:
        return _render_again(index, "what")
    with db.transaction() as session:
        campaign = access.campaign(session)
        removals.conceal(session, campaign, index, Concealed(what), access.actor())
    if what == Concealed.COMMENT:
        return access.go(url_for("organise_signers.signer", slug=slug, index=index))
    return access.go(url_for("organise_signers.signers", slug=slug))


@bp.post("/c/<slug>/signers/<int:index>/remove")
@needs(Act.MODERATE, fresh=True)
def remove(slug: str, index: int) -> Response:
    """Remove one signature, for a reason; raises SignerUnknown, CampaignClosed."""
    why = request.form.get("why", "")
    if why not in {*Removal}:
        return _render_again(index, "why")
    with db.transaction() as session:
        campaign = access.campaign(session)
        removals.remove_one(session, campaign, index, Removal(why), access.actor())
    return access.go(url_for("organise_removals.removals", slug=slug))


def _render(
    session: Session, campaign: Campaign, criteria: selection.Criteria, typed: dict[str, str], form: Filled,
    after: int = 0, before: int | None = None,
) -> Response:  # fmt: skip
    return rendering.render(
        "signers",
        session,
        campaign,
        form,
        page=selection.list_named(session, campaign.id, criteria, after=after, before=before),
        hints=hints.find(session, campaign.id),
        typed=typed,
        options=options(campaign),
    )


def _render_one(index: int, form: Filled = EMPTY) -> Response:
    with db.session() as session:
        campaign = access.campaign(session)
        found = selection.named_signer(session, campaign.id, index)
        if found is None:
            raise SignerUnknown(index)
        return rendering.render("signer", session, campaign, form, signer=found, reasons=removal_rows.reasons())


def _render_again(index: int, field: str) -> Response:
    error = FormRefused({field: [gettext(_("Choose one from the list."))]})
    return rendering.render_again(error, _render_one(index, rendering.to_mend(error, {})))
