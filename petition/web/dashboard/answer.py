"""How the letter ends: its delivery, and what the addressee answered.

Guards the order, closed before delivered before answered, and that what is recorded can be corrected later. Refuses an
answer without a word, and days to come.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from flask import Response, request, url_for
from wtforms.validators import DataRequired, Length

from petition.campaigns import Answer, Campaign, CampaignState, Handover, StepSkipped
from petition.core import clock, db
from petition.organisers import Act
from petition.usecases import endings
from petition.web.dashboard import access, rendering
from petition.web.dashboard.access import needs
from petition.web.dashboard.forms import LONGEST_TEXT, PREVIEW
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
    """How a letter was delivered; `how` and `note` by language."""

    day: date
    how: Mapping[str, str]
    note: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Answered:
    """What the addressee answered, by language."""

    day: date
    text: Mapping[str, str]


class DeliveryForm(BaseForm):
    """How the letter was delivered: in each language how, and a note if there is one."""

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
        """All three."""
        return Delivery(self.delivered.data, self.how.data, self.note.data)


class AnswerForm(BaseForm):
    """What the addressee answered, in one language at least; `do` is the button that was pressed."""

    do = StringField()
    answered = DateField(_("Answered on"), [not_in_future])
    text = TranslatedField(
        TextAreaField(validators=[Length(max=LONGEST_TEXT), visible_lines], render_kw={"rows": "10"}),
        _("Text of the answer"),
    )

    def validate(self, extra_validators: Any = None) -> bool:
        """Refuse an answer without a text."""
        fine = super().validate(extra_validators)
        if self.text.data or any(each.errors for each in self.text.by_language.values()):
            return fine
        return self.refuse(f"text-{self.meta.languages[0]}", _("Enter the answer in at least one language."))

    def answer(self) -> Answered:
        """The day and the text."""
        return Answered(self.answered.data, self.text.data)


def _page(form: DeliveryForm | AnswerForm | None = None, *, preview: bool = False) -> Response:
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
def ending(slug: str) -> Response:
    """The delivery and the answer, as far as they can be recorded now."""
    del slug
    return _page()


@bp.post("/c/<slug>/answer/delivery")
@needs(Act.PUBLISH)
@redraw(_page, StepSkipped, form=DeliveryForm)
def deliver(slug: str) -> Response:
    """Record how the letter was delivered, or correct it."""
    with db.transaction() as session:
        campaign, actor = access.campaign(session), access.actor()
        delivery = DeliveryForm.read(request.form, **rendering.form_meta(campaign)).delivery()
        access.show_again_if_resent()
        endings.deliver(session, campaign, delivery.day, delivery.how, delivery.note, actor)
    return access.go(url_for(".ending", slug=slug, _anchor="delivery"))


@bp.post("/c/<slug>/answer")
@needs(Act.PUBLISH)
@redraw(_page, StepSkipped, form=AnswerForm)
def answer(slug: str) -> Response:
    """Record what the addressee answered, correct it, or show what it will look like."""
    with db.session() as session:
        form = AnswerForm(request.form, meta=rendering.form_meta(access.campaign(session)))
    if form.do.data == PREVIEW:
        return _page(form, preview=True)
    given = form.check().answer()
    access.show_again_if_resent()
    with db.transaction() as session:
        endings.answer(session, access.campaign(session), given.day, given.text, access.actor())
    return access.go(url_for(".ending", slug=slug, _anchor="answer"))


def _delivery_form(campaign: Campaign, kept: Handover | None) -> DeliveryForm:
    """What was recorded; an empty form says today."""
    day = kept.day if kept else _today(campaign)
    data = {"delivered": day, "how": kept.how if kept else {}, "note": kept.note if kept else {}}
    return DeliveryForm(data=data, meta=rendering.form_meta(campaign))


def _answer_form(campaign: Campaign, kept: Answer | None) -> AnswerForm:
    """What was recorded; an empty form says today."""
    data = {"answered": kept.day if kept else _today(campaign), "text": kept.text if kept else {}}
    return AnswerForm(data=data, meta=rendering.form_meta(campaign))


def _today(campaign: Campaign) -> date:
    return clock.now().astimezone(rendering.zone_of(campaign)).date()
