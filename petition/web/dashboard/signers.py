"""The signers page lists signers with a public name, a hundred a page.

Organisers can hide a name or remove a signature, or ask a second organiser to approve it.

It protects all other signers: it reads nothing that is hidden, sealed, anonymous or waiting, and it cannot add a
signature.
"""

from __future__ import annotations

from flask import Response, request, url_for
from sqlalchemy.orm import Session

from petition.campaigns import Campaign
from petition.core import clock, db
from petition.organisers import Act
from petition.signatures import Concealed, SignerUnknown, selection
from petition.usecases import hiding, hints, removals
from petition.usecases.approval_rules import MOST_HIDDEN, MOST_REMOVED
from petition.usecases.hiding import Hide
from petition.web.dashboard import access, criteria, removal_rows, rendering
from petition.web.dashboard.access import needs
from petition.web.dashboard.criteria import CriteriaForm
from petition.web.forms.base import BaseForm
from petition.web.forms.fields import DIGITS, SelectField
from petition.web.forms.redraw import redraw

bp = access.blueprint("signers")


class HideForm(BaseForm):
    """Whether the name or the comment of a signer is hidden."""

    what = SelectField(choices=Concealed)


class ReasonForm(BaseForm):
    """The reason for removing a signature."""

    why = criteria.reason_field()


def _page(form: CriteriaForm) -> Response:
    with db.session() as session:
        campaign = access.campaign(session)
        return rendering.render(
            "signers", session, campaign, form,
            page=_list(session, campaign, form),
            hints=hints.find(session, campaign.id),
            given=form.given(),
            options=criteria.options(campaign),
        )  # fmt: skip


def _page_of_one(form: BaseForm | None, index: int) -> Response:
    now = clock.now()
    with db.session() as session:
        campaign = access.campaign(session)
        shown = selection.named_signer(session, campaign.id, index)
        if shown is None:
            raise SignerUnknown(index)
        return rendering.render(
            "signer", session, campaign, form, signer=shown, reasons=removal_rows.reasons(),
            removal=form if isinstance(form, ReasonForm) else ReasonForm(),
            hide_asks_first=hiding.asks_first(session, campaign, now), most_hidden=MOST_HIDDEN,
            asked=hiding.asked(session, campaign.id, index, now),
            removal_asks_first=removals.asks_first(session, campaign, 1, now), most_removed=MOST_REMOVED,
        )  # fmt: skip


@bp.get("/c/<slug>/signers")
@needs(Act.MODERATE)
@redraw(_page, form=CriteriaForm)
def signers(slug: str) -> Response:
    """Show a page of named signers in ledger order, and patterns worth checking.

    This takes four queries in any case.
    """
    del slug
    return _page(CriteriaForm.of_request().check())


@bp.post("/c/<slug>/signers")
@needs(Act.MODERATE)
@redraw(_page, form=CriteriaForm)
def search(slug: str) -> Response:
    """Show those named signers who match the criteria. It is a post because its text may be a name."""
    del slug
    return _page(CriteriaForm.of_request().check())


@bp.get("/c/<slug>/signers/<int:index>")
@needs(Act.MODERATE)
def signer(slug: str, index: int) -> Response:
    """Show one signer with a public name, and the possible actions. Raises SignerUnknown."""
    del slug
    return _page_of_one(None, index)


@bp.post("/c/<slug>/signers/<int:index>/hide")
@needs(Act.MODERATE, fresh=True)
@redraw(_page_of_one, form=HideForm)
def hide(slug: str, index: int) -> Response:
    """Hide the name or the comment of a signer, or ask a second organiser. Raises SignerUnknown."""
    what = HideForm.read(request.form).what.data
    with db.transaction() as session:
        asked = hiding.hide(session, access.campaign(session), Hide(index, what), access.actor())
    if asked is not None or what is Concealed.COMMENT:
        return access.go(url_for("organise_signers.signer", slug=slug, index=index))
    return access.go(url_for("organise_signers.signers", slug=slug))


@bp.post("/c/<slug>/signers/<int:index>/remove")
@needs(Act.MODERATE, fresh=True)
@redraw(_page_of_one, form=ReasonForm)
def remove(slug: str, index: int) -> Response:
    """Remove one signature for a reason. Raises SignerUnknown, CampaignClosed."""
    why = ReasonForm.read(request.form).why.data
    with db.transaction() as session:
        removals.remove_one(session, access.campaign(session), index, why, access.actor())
    return access.go(url_for("organise_removals.removals", slug=slug))


def _list(session: Session, campaign: Campaign, form: CriteriaForm) -> selection.SignerPage:
    """Return the signers who match the criteria. If the criteria cannot be read, return the first of all signers."""
    if form.errors:
        return selection.list_named(session, campaign.id, selection.Criteria(), after=0, before=None)
    after, before = (_index(request.values.get(name, "")) for name in ("after", "before"))
    return selection.list_named(session, campaign.id, form.criteria(), after=after or 0, before=before)


def _index(text: str) -> int | None:
    return int(text) if DIGITS.fullmatch(text) else None
