"""This page records how the letter ends: its delivery, and the addressee's answer.

A letter is closed, then delivered, then answered. What was recorded can be corrected later. The forms reject an answer
without a text, and dates in the future.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from flask import Response, request, url_for
from werkzeug.datastructures import MultiDict
from wtforms.validators import DataRequired, Length

from petition.campaigns import Answer, Campaign, CampaignState, Handover, StepSkipped
from petition.core import clock, db
from petition.organisers import Act
from petition.usecases import endings
from petition.web.dashboard import access, rendering
from petition.web.dashboard.access import needs
from petition.web.dashboard.forms import LONGEST_TEXT, PREVIEW
from petition.web.forms import versions
from petition.web.forms.base import BaseForm
from petition.web.forms.fields import DateField, LineField, StringField, TextAreaField, TranslatedField
from petition.web.forms.redraw import redraw
from petition.web.forms.validators import not_in_future, visible_lines
from petition.web.language import lazy_gettext as _

bp = access.blueprint("answer", largest_form=access.LARGEST_FORM)
LONGEST_LINE: Final = 500
ORDER: Final = list(CampaignState)


@dataclass(frozen=True, slots=True)
class Delivery:
    """How a letter was delivered. `how` and `note` are by language."""

    day: date
    how: Mapping[str, str]
    note: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class AddresseeAnswer:
    """The addressee's answer, by language."""

    day: date
    text: Mapping[str, str]


class DeliveryForm(BaseForm):
    """How the letter was delivered, in each language, with an optional note."""

    delivered = DateField(_("Delivered on"), [not_in_future])
    how = TranslatedField(
        LineField(
            validators=[DataRequired(), Length(max=LONGEST_LINE), visible_lines],
            render_kw={"maxlength": str(LONGEST_LINE)},
        ),
        _("How"),
        description=_("For example: handed over in person, by registered mail."),
    )
    note = TranslatedField(
        TextAreaField(validators=[Length(max=LONGEST_TEXT), visible_lines], render_kw={"rows": "3"}),
        _("Note (optional)"),
    )

    def delivery(self) -> Delivery:
        """Return the date, the description and the note."""
        return Delivery(self.delivered.data, self.how.data, self.note.data)


class AnswerForm(BaseForm):
    """The addressee's answer in at least one language. `do` is the button that was pressed."""

    do = StringField()
    answered = DateField(_("Answered on"), [not_in_future])
    text = TranslatedField(
        TextAreaField(validators=[Length(max=LONGEST_TEXT), visible_lines], render_kw={"rows": "10"}),
        _("Text of the answer"),
    )

    def validate(self, extra_validators: Any = None) -> bool:
        """Reject an answer without a text."""
        fine = super().validate(extra_validators)
        if self.text.data or any(each.errors for each in self.text.by_language.values()):
            return fine
        return self.refuse(f"text-{self.meta.languages[0]}", _("Enter the answer in at least one language."))

    def answer(self) -> AddresseeAnswer:
        """Return the date and the text."""
        return AddresseeAnswer(self.answered.data, self.text.data)


def _render_page(form: DeliveryForm | AnswerForm | None = None, *, preview: bool = False) -> Response:
    with db.session() as session:
        campaign = access.campaign(session)
        handover, given = session.get(Handover, campaign.id), session.get(Answer, campaign.id)
        stage = ORDER.index(campaign.state)
        return rendering.render(
            "answer", session, campaign, form, handover=handover, answer=given,
            delivery_form=form if isinstance(form, DeliveryForm) else _delivery_form(campaign, handover),
            answer_form=form if isinstance(form, AnswerForm) else _answer_form(campaign, given),
            deliverable=stage >= ORDER.index(CampaignState.CLOSED),
            answerable=stage >= ORDER.index(CampaignState.DELIVERED),
            preview=preview, today=_today(campaign),
        )  # fmt: skip


@bp.get("/c/<slug>/answer")
@needs(Act.PUBLISH)
def page(slug: str) -> Response:
    """Show the delivery and the answer, with a form for each that can be recorded now."""
    del slug
    return _render_page()


@bp.post("/c/<slug>/answer/delivery")
@needs(Act.PUBLISH)
@redraw(_render_page, StepSkipped, form=DeliveryForm)
def deliver(slug: str) -> Response:
    """Record or correct how the letter was delivered."""
    with db.transaction() as session:
        campaign, actor = access.campaign(session), access.actor()
        session.refresh(campaign, with_for_update=True)
        recorded = session.get(Handover, campaign.id)
        posted = _merged(_delivery_form(campaign, recorded), recorded)
        delivery = DeliveryForm.read(posted, **rendering.form_meta(campaign)).delivery()
        access.show_again_if_resent()
        endings.deliver(session, campaign, delivery.day, delivery.how, delivery.note, actor)
    return access.go(url_for(".page", slug=slug, _anchor="delivery"))


@bp.post("/c/<slug>/answer")
@needs(Act.PUBLISH)
@redraw(_render_page, StepSkipped, form=AnswerForm)
def answer(slug: str) -> Response:
    """Record or correct the addressee's answer, or show a preview of it."""
    with db.session() as session:
        form = AnswerForm(request.form, meta=rendering.form_meta(access.campaign(session)))
    if form.do.data == PREVIEW:
        return _render_page(form, preview=True)
    with db.transaction() as session:
        campaign = access.campaign(session)
        session.refresh(campaign, with_for_update=True)
        recorded = session.get(Answer, campaign.id)
        posted = _merged(_answer_form(campaign, recorded), recorded)
        given = AnswerForm.read(posted, **rendering.form_meta(campaign)).answer()
        access.show_again_if_resent()
        endings.answer(session, campaign, given.day, given.text, access.actor())
    return access.go(url_for(".page", slug=slug, _anchor="answer"))


def _merged(stored: BaseForm, recorded: Handover | Answer | None) -> MultiDict[str, str]:
    """Return the posted form if nobody else recorded something meanwhile. Raises ChangedMeanwhile."""
    return versions.merged(request.form, stored, is_act=True) if recorded else request.form


def _delivery_form(campaign: Campaign, recorded: Handover | None) -> DeliveryForm:
    """Return the form with the recorded delivery. Without one, the date is today."""
    day = recorded.day if recorded else _today(campaign)
    data = {"delivered": day, "how": recorded.how if recorded else {}, "note": recorded.note if recorded else {}}
    return DeliveryForm(data=data, meta=rendering.form_meta(campaign))


def _answer_form(campaign: Campaign, recorded: Answer | None) -> AnswerForm:
    """Return the form with the recorded answer. Without one, the date is today."""
    data = {"answered": recorded.day if recorded else _today(campaign), "text": recorded.text if recorded else {}}
    return AnswerForm(data=data, meta=rendering.form_meta(campaign))


def _today(campaign: Campaign) -> date:
    return clock.now().astimezone(rendering.zone_of(campaign)).date()
