"""How the letter ends: its delivery, and what the addressee answered.

Guards the order, closed before delivered before answered, and that what is recorded can be corrected later. Refuses an
answer without a word, and days to come.
"""

from __future__ import annotations

from datetime import date
from typing import Final

from flask import Response, request, url_for
from sqlalchemy.orm import Session

from petition.campaigns import Answer, Campaign, CampaignState, Handover, StepSkipped
from petition.core import clock, db
from petition.core.i18n import marked as _
from petition.organisers import Act
from petition.usecases import endings
from petition.web.dashboard import access, rendering
from petition.web.dashboard.access import needs
from petition.web.dashboard.typed import Typed
from petition.web.fields import EMPTY, Filled
from petition.web.forms import FormRefused

bp = access.blueprint("answer", largest_form=access.LARGEST_FORM)
ORDER: Final = list(CampaignState)


@bp.get("/c/<slug>/answer")
@needs(Act.TELL)
def ending(slug: str) -> Response:
    """The delivery and the answer, as far as they can be recorded now."""
    del slug
    with db.session() as session:
        return _render(session, access.campaign(session))


@bp.post("/c/<slug>/answer/delivery")
@needs(Act.TELL)
def deliver(slug: str) -> Response:
    """Record how the letter was delivered, or correct it."""
    me = access.actor()
    try:
        with db.transaction() as session:
            campaign = access.campaign(session)
            access.look_first()
            typed = Typed(request.form)
            day = typed.day("delivered", _today(campaign))
            how = typed.lines("how", campaign.languages, every=True)
            note = typed.texts("note", campaign.languages)
            typed.check()
            endings.deliver(session, campaign, day, how, note, me)
    except (FormRefused, StepSkipped) as error:
        return _render_again(error)
    return access.go(url_for(".ending", slug=slug, _anchor="delivery"))


@bp.post("/c/<slug>/answer")
@needs(Act.TELL)
def answer(slug: str) -> Response:
    """Record what the addressee answered, correct it, or show what it will look like."""
    if request.form.get("do") == "preview":
        with db.session() as session:
            return _render(session, access.campaign(session), Filled(_typed()), preview=True)
    me = access.actor()
    try:
        with db.transaction() as session:
            campaign = access.campaign(session)
            access.look_first()
            typed = Typed(request.form)
            day = typed.day("answered", _today(campaign))
            text = typed.texts("text", campaign.languages)
            if not text:
                typed.refuse(f"text-{campaign.languages[0]}", _("Write the answer in one language at least."))
            typed.check()
            endings.answer(session, campaign, day, text, me)
    except (FormRefused, StepSkipped) as error:
        return _render_again(error)
    return access.go(url_for(".ending", slug=slug, _anchor="answer"))


def _typed() -> dict[str, str]:
    return {name: text for name, text in request.form.items() if name != "token"}


def _render_again(error: Exception) -> Response:
    with db.session() as session:
        return rendering.render_again(
            error, _render(session, access.campaign(session), rendering.to_mend(error, _typed()))
        )


def _today(campaign: Campaign) -> date:
    return clock.now().astimezone(rendering.zone_of(campaign)).date()


def _render(session: Session, campaign: Campaign, form: Filled = EMPTY, *, preview: bool = False) -> Response:
    handover, given = session.get(Handover, campaign.id), session.get(Answer, campaign.id)
    stage = ORDER.index(campaign.state)
    return rendering.render(
        "answer",
        session,
        campaign,
        Filled(_kept(campaign, handover, given) | dict(form.values), form.errors),
        handover=handover,
        answer=given,
        deliverable=stage >= ORDER.index(CampaignState.CLOSED),
        answerable=stage >= ORDER.index(CampaignState.DELIVERED),
        preview=preview,
        today=_today(campaign),
    )


def _kept(campaign: Campaign, handover: Handover | None, given: Answer | None) -> dict[str, str]:
    """What was recorded, as the forms show it; an empty form says today."""
    kept = dict.fromkeys(("delivered", "answered"), _today(campaign).isoformat())
    if handover:
        kept["delivered"] = handover.day.isoformat()
        kept |= {f"how-{lang}": text for lang, text in handover.how.items()}
        kept |= {f"note-{lang}": text for lang, text in handover.note.items()}
    if given:
        kept["answered"] = given.day.isoformat()
        kept |= {f"text-{lang}": text for lang, text in given.text.items()}
    return kept
