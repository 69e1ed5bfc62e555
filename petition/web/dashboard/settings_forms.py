"""The forms of the settings of an open letter: switches, the closing date, translations and domains."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wtforms import Field, ValidationError
from wtforms.validators import DataRequired, Length, Optional

from petition.campaigns import LONGEST_LETTER
from petition.web.dashboard.drafts.domains import DomainForm
from petition.web.dashboard.drafts.forms import LETTER_LANGUAGES, NOT_A_MOMENT
from petition.web.dashboard.drafts.letter import LONGEST_TITLE
from petition.web.forms.base import BaseForm
from petition.web.forms.fields import (
    BooleanField,
    DateTimeLocalField,
    LineField,
    SelectField,
    StringField,
    TextAreaField,
)
from petition.web.forms.validators import visible, visible_lines
from petition.web.language import lazy_gettext as _

Policies = dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Translation:
    """The letter in one more language."""

    lang: str
    title: str
    markdown: str


class SwitchForm(BaseForm):
    """The name of the switch to pause or resume. The domain knows which exist."""

    what = StringField()


class ClosingForm(BaseForm):
    """The time when the letter closes by itself. An empty field removes it."""

    closes_at = DateTimeLocalField(_("Closes by itself"), [Optional()], invalid_value_message=NOT_A_MOMENT)

    def validate_closes_at(self, field: Field) -> None:
        """Reject a time in the past."""
        if field.data <= self.meta.now:
            raise ValidationError(_("Choose a future date and time. To close now, ask below."))


class TranslationForm(BaseForm):
    """The letter in one more language. The page offers the languages that are left."""

    language = SelectField(_("Language"), choices=LETTER_LANGUAGES)
    title = LineField(
        _("Title"), [DataRequired(), Length(max=LONGEST_TITLE), visible], render_kw={"autocomplete": "off"}
    )
    markdown = TextAreaField(
        _("Text"), [DataRequired(), Length(max=LONGEST_LETTER), visible_lines], render_kw={"rows": 10}
    )

    def translation(self) -> Translation:
        """Return the language, the title and the text."""
        return Translation(self.language.data, self.title.data, self.markdown.data)


class DomainChangeForm(DomainForm):
    """A domain to add, to change, or to remove (with the `remove` button)."""

    remove = BooleanField()

    def changed(self, policies: Mapping[str, dict[str, Any]]) -> Policies:
        """Return the policies by domain as they would be after the change."""
        others = {name: policy for name, policy in policies.items() if name != self.domain.data}
        if self.remove.data:
            return others
        return {**policies, self.domain.data: self.policy()}
