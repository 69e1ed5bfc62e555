"""Demands, one by one: added, changed, moved, taken out, each by a button."""

from __future__ import annotations

from typing import Final

from flask import Response, request, url_for

from petition import campaigns, db
from petition.campaigns import Campaign, CampaignFaulty
from petition.i18n import marked as _
from petition.organisers import Act
from petition.web.fields import EMPTY, Filled
from petition.web.forms import FormRefused
from petition.web.language import gettext
from petition.web.organise import desk, guard
from petition.web.organise.drafts import pages
from petition.web.organise.drafts.room import bp, changing, typed
from petition.web.organise.drafts.shapes import StepForm, area, by_language
from petition.web.organise.guard import needs

LONGEST_DEMAND: Final = 1_000
MOVES: Final = {"up": -1, "down": 1}


class DemandForm(StepForm):
    """One demand in each language."""

    BY_LANGUAGE = {"text": lambda: area(LONGEST_DEMAND)}  # noqa: RUF012


@bp.get("/c/<slug>/draft/demands")
@needs(Act.WRITE)
def demands(slug: str) -> Response:
    """Every demand, and room for one more."""
    del slug
    with db.session() as session:
        campaign = guard.campaign(session)
        campaigns.require_draft(campaign)
        return _page(campaign)


@bp.post("/c/<slug>/draft/demands")
@needs(Act.WRITE)
def add_demand(slug: str) -> Response:
    """Add one at the end; raises LetterFrozen."""
    try:
        with changing("demands") as (_session, campaign):
            text = DemandForm.of(campaign, request.form).texts("text", campaign.languages)
            if text:
                _add(campaign, text)
            number = len(campaign.demands)
    except FormRefused as refused:
        return _mended(refused, 0)
    return guard.go(url_for("organise_drafts.demands", slug=slug, _anchor=f"demand-{number}"))


@bp.post("/c/<slug>/draft/demands/<int:number>")
@needs(Act.WRITE)
def change_demand(slug: str, number: int) -> Response:
    """Save one as typed, then move it or take it out if that was the button; raises LetterFrozen, CampaignFaulty."""
    act, place = request.form.get("act", "save"), number
    try:
        with changing("demands") as (_session, campaign):
            if act == "remove":
                campaigns.remove_demand(campaign, number)
            else:
                text = DemandForm.of(campaign, request.form).texts("text", campaign.languages)
                campaigns.write_demand(campaign, number, text)
                place = campaigns.move_demand(campaign, number, MOVES.get(act, 0)) if act in MOVES else number
    except FormRefused as refused:
        return _mended(refused, number)
    return guard.go(url_for("organise_drafts.demands", slug=slug, _anchor=f"demand-{place}"))


def _add(campaign: Campaign, text: dict[str, str]) -> None:
    try:
        campaigns.add_demand(campaign, text)
    except CampaignFaulty:
        sentence = gettext(_("A letter may have %(n)s demands at most."), n=campaigns.MOST_DEMANDS)
        raise FormRefused({f"text_{campaign.languages[0]}": [sentence]}) from None


def _mended(refused: FormRefused, number: int) -> Response:
    with db.session() as session:
        return desk.mend(refused, _page(guard.campaign(session), number, desk.to_mend(refused, typed())))


def _page(campaign: Campaign, typed_at: int = -1, typed_form: Filled = EMPTY) -> Response:
    """`typed_at`: the demand whose form was posted and has to be mended; 0: the one to be added."""

    def renamed(form: Filled, number: int) -> Filled:
        values = {f"{name}_{number}": text for name, text in form.values.items()}
        return Filled(values, {f"{name}_{number}": each for name, each in form.errors.items()})

    rows = [
        (each.number, typed_form if each.number == typed_at else Filled(by_language("text", each.text)))
        for each in campaign.demands
    ]
    with db.session() as session:
        return pages.draw(
            "demands",
            session,
            campaign,
            "demands",
            renamed(typed_form, typed_at) if typed_at >= 0 else EMPTY,
            rows=[(number, renamed(form, number)) for number, form in rows],
            new=renamed(typed_form if typed_at == 0 else EMPTY, 0),
        )
